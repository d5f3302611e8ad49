/* Dispatcher objects, IRQL levels and the other kernel-core types, in the x64 layout of Windows 10 and 11. */
#ifndef NTEMU_KM_NT_KE_TYPES_H
#define NTEMU_KM_NT_KE_TYPES_H

#include "basetsd.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL 5
#define SYNCH_LEVEL 12
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define DRS_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15

#define THREAD_WAIT_OBJECTS 3
#define MAXIMUM_WAIT_OBJECTS 64
#define MAXIMUM_SUSPEND_COUNT 127
#define EVENT_INCREMENT 1
#define SEMAPHORE_INCREMENT 1
#define MUTANT_INCREMENT 1
#define IO_NO_INCREMENT 0
#define LOW_PRIORITY 0
#define LOW_REALTIME_PRIORITY 16
#define HIGH_PRIORITY 31
#define MAXIMUM_PRIORITY 32

typedef struct _KTHREAD *PKTHREAD, *PRKTHREAD;
typedef struct _ETHREAD *PETHREAD;
typedef struct _KPROCESS *PKPROCESS, *PRKPROCESS;
typedef struct _EPROCESS *PEPROCESS;

typedef enum _MODE { KernelMode, UserMode, MaximumMode } MODE;
typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny, WaitNotification, WaitDequeue, WaitDpc } WAIT_TYPE;
typedef enum _KDPC_IMPORTANCE { LowImportance, MediumImportance, HighImportance, MediumHighImportance } KDPC_IMPORTANCE;

typedef enum _KWAIT_REASON {
  Executive,
  FreePage,
  PageIn,
  PoolAllocation,
  DelayExecution,
  Suspended,
  UserRequest,
  WrExecutive,
  WrFreePage,
  WrPageIn,
  WrPoolAllocation,
  WrDelayExecution,
  WrSuspended,
  WrUserRequest,
  WrSpare0,
  WrQueue,
  WrLpcReceive,
  WrLpcReply,
  WrVirtualMemory,
  WrPageOut,
  WrRendezvous,
  WrKeyedEvent,
  WrTerminated,
  WrProcessInSwap,
  WrCpuRateControl,
  WrCalloutStack,
  WrKernel,
  WrResource,
  WrPushLock,
  WrMutex,
  WrQuantumEnd,
  WrDispatchInt,
  WrPreempted,
  WrYieldExecution,
  WrFastMutex,
  WrGuardedMutex,
  WrRundown,
  WrAlertByThreadId,
  WrDeferredPreempt,
  WrPhysicalFault,
  WrIoRing,
  WrMdlCache,
  MaximumWaitReason
} KWAIT_REASON;

/* Byte 0 names the kind of object; what bytes 1 to 3 mean depends on it. */
typedef struct _DISPATCHER_HEADER {
  union {
    union {
      volatile LONG Lock;
      LONG LockNV;
    };
    struct {
      UCHAR Type;
      UCHAR Signalling;
      UCHAR Size; /* in ULONGs */
      UCHAR Reserved1;
    };
    struct {
      UCHAR TimerType;
      union {
        UCHAR TimerControlFlags;
        struct {
          UCHAR Absolute : 1;
          UCHAR Wake : 1;
          UCHAR EncodedTolerableDelay : 6;
        };
      };
      UCHAR Hand;
      union {
        UCHAR TimerMiscFlags;
        struct {
          UCHAR Index : 6;
          UCHAR Inserted : 1;
          volatile UCHAR Expired : 1;
        };
      };
    };
    struct {
      UCHAR QueueType;
      union {
        UCHAR QueueControlFlags;
        struct {
          UCHAR Abandoned : 1;
          UCHAR DisableIncrement : 1;
          UCHAR QueueReservedControlFlags : 6;
        };
      };
      UCHAR QueueSize;
      UCHAR QueueReserved;
    };
    struct {
      UCHAR ThreadType;
      UCHAR ThreadReserved;
      UCHAR ThreadControlFlags;
      UCHAR DebugActive;
    };
    struct {
      UCHAR MutantType;
      UCHAR MutantSize;
      BOOLEAN DpcActive;
      UCHAR MutantReserved;
    };
  };
  LONG SignalState;
  LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER, *PDISPATCHER_HEADER;
NTEMU_ASSERT_SIZE(DISPATCHER_HEADER, 0x18);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, Signalling, 1);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, Size, 2);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, MutantSize, 1);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, DpcActive, 2);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, TimerMiscFlags, 3);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, QueueSize, 2);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, DebugActive, 3);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, SignalState, 4);
NTEMU_ASSERT_OFFSET(DISPATCHER_HEADER, WaitListHead, 8);

typedef struct _KEVENT {
  DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;
NTEMU_ASSERT_SIZE(KEVENT, 0x18);

typedef struct _KSEMAPHORE {
  DISPATCHER_HEADER Header;
  LONG Limit;
} KSEMAPHORE, *PKSEMAPHORE, *PRKSEMAPHORE;
NTEMU_ASSERT_SIZE(KSEMAPHORE, 0x20);
NTEMU_ASSERT_OFFSET(KSEMAPHORE, Limit, 0x18);

typedef struct _KMUTANT {
  DISPATCHER_HEADER Header;
  LIST_ENTRY MutantListEntry;
  struct _KTHREAD *OwnerThread;
  union {
    UCHAR MutantFlags;
    struct {
      UCHAR Abandoned : 1;
      UCHAR Spare1 : 7;
    };
    struct {
      UCHAR Abandoned2 : 1;
      UCHAR AbEnabled : 1;
      UCHAR Spare2 : 6;
    };
  };
  UCHAR ApcDisable; /* 1: owning it disables normal kernel APCs (every KMUTEX) */
} KMUTANT, *PKMUTANT, *PRKMUTANT, KMUTEX, *PKMUTEX, *PRKMUTEX;
NTEMU_ASSERT_SIZE(KMUTANT, 0x38);
NTEMU_ASSERT_OFFSET(KMUTANT, MutantListEntry, 0x18);
NTEMU_ASSERT_OFFSET(KMUTANT, OwnerThread, 0x28);
NTEMU_ASSERT_OFFSET(KMUTANT, MutantFlags, 0x30);
NTEMU_ASSERT_OFFSET(KMUTANT, ApcDisable, 0x31);

#define FM_LOCK_BIT 0x1
#define FM_LOCK_WAITER_WOKEN 0x2
#define FM_LOCK_WAITER_INC 0x4

/* Count: 1 free, 0 held, plus 4 for each waiter (2 while a waiter is being woken). */
typedef struct _FAST_MUTEX {
  LONG Count;
  PVOID Owner;
  ULONG Contention;
  KEVENT Event;
  ULONG OldIrql;
} FAST_MUTEX, *PFAST_MUTEX, KGUARDED_MUTEX, *PKGUARDED_MUTEX;
NTEMU_ASSERT_SIZE(FAST_MUTEX, 0x38);
NTEMU_ASSERT_OFFSET(FAST_MUTEX, Owner, 8);
NTEMU_ASSERT_OFFSET(FAST_MUTEX, Contention, 0x10);
NTEMU_ASSERT_OFFSET(FAST_MUTEX, Event, 0x18);
NTEMU_ASSERT_OFFSET(FAST_MUTEX, OldIrql, 0x30);

struct _KDPC;
typedef VOID NTAPI KDEFERRED_ROUTINE(struct _KDPC *Dpc, PVOID DeferredContext, PVOID SystemArgument1,
                                     PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;

typedef struct _KDPC {
  union {
    ULONG TargetInfoAsUlong;
    struct {
      UCHAR Type;
      UCHAR Importance;
      volatile USHORT Number;
    };
  };
  SINGLE_LIST_ENTRY DpcListEntry;
  KAFFINITY ProcessorHistory;
  PKDEFERRED_ROUTINE DeferredRoutine;
  PVOID DeferredContext;
  PVOID SystemArgument1;
  PVOID SystemArgument2;
  PVOID DpcData;
} KDPC, *PKDPC, *PRKDPC;
NTEMU_ASSERT_SIZE(KDPC, 0x40);
NTEMU_ASSERT_OFFSET(KDPC, DpcListEntry, 8);
NTEMU_ASSERT_OFFSET(KDPC, ProcessorHistory, 0x10);
NTEMU_ASSERT_OFFSET(KDPC, DeferredRoutine, 0x18);
NTEMU_ASSERT_OFFSET(KDPC, DpcData, 0x38);

typedef struct _KTIMER {
  DISPATCHER_HEADER Header;
  ULARGE_INTEGER DueTime;
  LIST_ENTRY TimerListEntry;
  struct _KDPC *Dpc;
  USHORT Processor;
  USHORT TimerType;
  ULONG Period; /* milliseconds */
} KTIMER, *PKTIMER, *PRKTIMER;
NTEMU_ASSERT_SIZE(KTIMER, 0x40);
NTEMU_ASSERT_OFFSET(KTIMER, DueTime, 0x18);
NTEMU_ASSERT_OFFSET(KTIMER, TimerListEntry, 0x20);
NTEMU_ASSERT_OFFSET(KTIMER, Dpc, 0x30);
NTEMU_ASSERT_OFFSET(KTIMER, Processor, 0x38);
NTEMU_ASSERT_OFFSET(KTIMER, TimerType, 0x3A);
NTEMU_ASSERT_OFFSET(KTIMER, Period, 0x3C);

typedef struct _KQUEUE {
  DISPATCHER_HEADER Header;
  LIST_ENTRY EntryListHead;
  volatile ULONG CurrentCount;
  ULONG MaximumCount;
  LIST_ENTRY ThreadListHead;
} KQUEUE, *PKQUEUE, *PRKQUEUE;
NTEMU_ASSERT_SIZE(KQUEUE, 0x40);
NTEMU_ASSERT_OFFSET(KQUEUE, EntryListHead, 0x18);
NTEMU_ASSERT_OFFSET(KQUEUE, CurrentCount, 0x28);
NTEMU_ASSERT_OFFSET(KQUEUE, ThreadListHead, 0x30);

typedef struct _KWAIT_BLOCK {
  LIST_ENTRY WaitListEntry;
  UCHAR WaitType; /* WAIT_TYPE */
  volatile UCHAR BlockState;
  USHORT WaitKey;
  LONG SpareLong;
  union {
    struct _KTHREAD *Thread;
    struct _KQUEUE *NotificationQueue;
    struct _KDPC *Dpc;
  };
  PVOID Object;
  PVOID SparePtr;
} KWAIT_BLOCK, *PKWAIT_BLOCK, *PRKWAIT_BLOCK;
NTEMU_ASSERT_SIZE(KWAIT_BLOCK, 0x30);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, WaitType, 0x10);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, BlockState, 0x11);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, WaitKey, 0x12);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, SpareLong, 0x14);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, Thread, 0x18);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, Object, 0x20);
NTEMU_ASSERT_OFFSET(KWAIT_BLOCK, SparePtr, 0x28);

struct _KAPC;
typedef VOID NTAPI KNORMAL_ROUTINE(PVOID NormalContext, PVOID SystemArgument1, PVOID SystemArgument2);
typedef KNORMAL_ROUTINE *PKNORMAL_ROUTINE;
typedef VOID NTAPI KKERNEL_ROUTINE(struct _KAPC *Apc, PKNORMAL_ROUTINE *NormalRoutine, PVOID *NormalContext,
                                   PVOID *SystemArgument1, PVOID *SystemArgument2);
typedef KKERNEL_ROUTINE *PKKERNEL_ROUTINE;
typedef VOID NTAPI KRUNDOWN_ROUTINE(struct _KAPC *Apc);
typedef KRUNDOWN_ROUTINE *PKRUNDOWN_ROUTINE;

typedef struct _KAPC {
  UCHAR Type;
  union {
    UCHAR AllFlags;
    UCHAR SpareByte0;
    struct {
      UCHAR CallbackDataContext : 1;
      UCHAR Unused : 7;
    };
  };
  UCHAR Size;
  UCHAR SpareByte1;
  ULONG SpareLong0;
  struct _KTHREAD *Thread;
  LIST_ENTRY ApcListEntry;
  union {
    struct {
      PKKERNEL_ROUTINE KernelRoutine;
      PKRUNDOWN_ROUTINE RundownRoutine;
      PKNORMAL_ROUTINE NormalRoutine;
    };
    PVOID Reserved[3];
  };
  PVOID NormalContext;
  PVOID SystemArgument1;
  PVOID SystemArgument2;
  CCHAR ApcStateIndex;
  KPROCESSOR_MODE ApcMode;
  BOOLEAN Inserted;
} KAPC, *PKAPC, *PRKAPC;
NTEMU_ASSERT_SIZE(KAPC, 0x58);
NTEMU_ASSERT_OFFSET(KAPC, Thread, 8);
NTEMU_ASSERT_OFFSET(KAPC, ApcListEntry, 0x10);
NTEMU_ASSERT_OFFSET(KAPC, KernelRoutine, 0x20);
NTEMU_ASSERT_OFFSET(KAPC, NormalContext, 0x38);
NTEMU_ASSERT_OFFSET(KAPC, ApcStateIndex, 0x50);
NTEMU_ASSERT_OFFSET(KAPC, Inserted, 0x52);

typedef enum _KAPC_ENVIRONMENT {
  OriginalApcEnvironment,
  AttachedApcEnvironment,
  CurrentApcEnvironment,
  InsertApcEnvironment
} KAPC_ENVIRONMENT;

typedef struct _KAPC_STATE {
  LIST_ENTRY ApcListHead[2];
  struct _KPROCESS *Process;
  BOOLEAN KernelApcInProgress;
  BOOLEAN KernelApcPending;
  BOOLEAN UserApcPending;
} KAPC_STATE, *PKAPC_STATE, *PRKAPC_STATE;
NTEMU_ASSERT_SIZE(KAPC_STATE, 0x30);
NTEMU_ASSERT_OFFSET(KAPC_STATE, Process, 0x20);
NTEMU_ASSERT_OFFSET(KAPC_STATE, KernelApcInProgress, 0x28);
NTEMU_ASSERT_OFFSET(KAPC_STATE, UserApcPending, 0x2A);

typedef struct _KSPIN_LOCK_QUEUE {
  struct _KSPIN_LOCK_QUEUE *volatile Next;
  PKSPIN_LOCK volatile Lock;
} KSPIN_LOCK_QUEUE, *PKSPIN_LOCK_QUEUE;
NTEMU_ASSERT_SIZE(KSPIN_LOCK_QUEUE, 0x10);

typedef struct _KLOCK_QUEUE_HANDLE {
  KSPIN_LOCK_QUEUE LockQueue;
  KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;
NTEMU_ASSERT_SIZE(KLOCK_QUEUE_HANDLE, 0x18);
NTEMU_ASSERT_OFFSET(KLOCK_QUEUE_HANDLE, OldIrql, 0x10);

typedef struct _KDEVICE_QUEUE {
  CSHORT Type;
  CSHORT Size;
  LIST_ENTRY DeviceListHead;
  KSPIN_LOCK Lock;
  union {
    BOOLEAN Busy;
    struct {
      LONG64 Reserved : 8;
      LONG64 Hint : 56;
    };
  };
} KDEVICE_QUEUE, *PKDEVICE_QUEUE, *PRKDEVICE_QUEUE;
NTEMU_ASSERT_SIZE(KDEVICE_QUEUE, 0x28);
NTEMU_ASSERT_OFFSET(KDEVICE_QUEUE, DeviceListHead, 8);
NTEMU_ASSERT_OFFSET(KDEVICE_QUEUE, Lock, 0x18);
NTEMU_ASSERT_OFFSET(KDEVICE_QUEUE, Busy, 0x20);

typedef struct _KDEVICE_QUEUE_ENTRY {
  LIST_ENTRY DeviceListEntry;
  ULONG SortKey;
  BOOLEAN Inserted;
} KDEVICE_QUEUE_ENTRY, *PKDEVICE_QUEUE_ENTRY, *PRKDEVICE_QUEUE_ENTRY;
NTEMU_ASSERT_SIZE(KDEVICE_QUEUE_ENTRY, 0x18);
NTEMU_ASSERT_OFFSET(KDEVICE_QUEUE_ENTRY, Inserted, 0x14);

#ifdef __cplusplus
}
#endif

#endif
