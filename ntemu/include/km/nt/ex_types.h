/* Executive synchronization objects, lookaside lists and work items. */
#ifndef NTEMU_KM_NT_EX_TYPES_H
#define NTEMU_KM_NT_EX_TYPES_H

#include "ke_types.h"
#include "pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bits 0 Locked, 1 Waiting, 2 Waking, 3 MultipleShared, 4-63 share count or address of a wait block. */
typedef ULONG_PTR EX_PUSH_LOCK, *PEX_PUSH_LOCK;
#define EX_DEFAULT_PUSH_LOCK_FLAGS 0

typedef volatile LONG EX_SPIN_LOCK, *PEX_SPIN_LOCK;

typedef struct _EX_RUNDOWN_REF {
  union {
    volatile ULONG_PTR Count;
    volatile PVOID Ptr;
  };
} EX_RUNDOWN_REF, *PEX_RUNDOWN_REF;
NTEMU_ASSERT_SIZE(EX_RUNDOWN_REF, 8);
typedef struct _EX_RUNDOWN_REF_CACHE_AWARE *PEX_RUNDOWN_REF_CACHE_AWARE;

typedef ULONG_PTR ERESOURCE_THREAD, *PERESOURCE_THREAD;

typedef struct _OWNER_ENTRY {
  ERESOURCE_THREAD OwnerThread;
  union {
    struct {
      ULONG IoPriorityBoosted : 1;
      ULONG OwnerReferenced : 1;
      ULONG IoQoSPriorityBoosted : 1;
      ULONG OwnerCount : 29;
    };
    ULONG TableSize;
  };
} OWNER_ENTRY, *POWNER_ENTRY;
NTEMU_ASSERT_SIZE(OWNER_ENTRY, 0x10);
NTEMU_ASSERT_OFFSET(OWNER_ENTRY, TableSize, 8);

#define ResourceNeverExclusive 0x10
#define ResourceReleaseByOtherThread 0x20
#define ResourceOwnedExclusive 0x80
#define RESOURCE_HASH_TABLE_SIZE 64

typedef struct _ERESOURCE {
  LIST_ENTRY SystemResourcesList;
  POWNER_ENTRY OwnerTable;
  SHORT ActiveCount;
  union {
    USHORT Flag;
    struct {
      UCHAR ReservedLowFlags;
      UCHAR WaiterPriority;
    };
  };
  PVOID SharedWaiters;
  PVOID ExclusiveWaiters;
  OWNER_ENTRY OwnerEntry;
  ULONG ActiveEntries;
  ULONG ContentionCount;
  ULONG NumberOfSharedWaiters;
  ULONG NumberOfExclusiveWaiters;
  PVOID Reserved2;
  union {
    PVOID Address;
    ULONG_PTR CreatorBackTraceIndex;
  };
  KSPIN_LOCK SpinLock;
} ERESOURCE, *PERESOURCE;
NTEMU_ASSERT_SIZE(ERESOURCE, 0x68);
NTEMU_ASSERT_OFFSET(ERESOURCE, OwnerTable, 0x10);
NTEMU_ASSERT_OFFSET(ERESOURCE, ActiveCount, 0x18);
NTEMU_ASSERT_OFFSET(ERESOURCE, Flag, 0x1A);
NTEMU_ASSERT_OFFSET(ERESOURCE, WaiterPriority, 0x1B);
NTEMU_ASSERT_OFFSET(ERESOURCE, SharedWaiters, 0x20);
NTEMU_ASSERT_OFFSET(ERESOURCE, ExclusiveWaiters, 0x28);
NTEMU_ASSERT_OFFSET(ERESOURCE, OwnerEntry, 0x30);
NTEMU_ASSERT_OFFSET(ERESOURCE, ActiveEntries, 0x40);
NTEMU_ASSERT_OFFSET(ERESOURCE, ContentionCount, 0x44);
NTEMU_ASSERT_OFFSET(ERESOURCE, NumberOfSharedWaiters, 0x48);
NTEMU_ASSERT_OFFSET(ERESOURCE, NumberOfExclusiveWaiters, 0x4C);
NTEMU_ASSERT_OFFSET(ERESOURCE, Address, 0x58);
NTEMU_ASSERT_OFFSET(ERESOURCE, SpinLock, 0x60);

typedef struct DECLSPEC_ALIGN(16) _SLIST_ENTRY {
  struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;
NTEMU_ASSERT_SIZE(SLIST_ENTRY, 0x10);

typedef union DECLSPEC_ALIGN(16) _SLIST_HEADER {
  struct {
    ULONGLONG Alignment;
    ULONGLONG Region;
  };
  struct {
    ULONGLONG Depth : 16;
    ULONGLONG Sequence : 48;
    ULONGLONG Reserved : 4;
    ULONGLONG NextEntry : 60; /* address of the first entry, shifted right by 4 */
  } HeaderX64;
} SLIST_HEADER, *PSLIST_HEADER;
NTEMU_ASSERT_SIZE(SLIST_HEADER, 0x10);

struct _LOOKASIDE_LIST_EX;
typedef PVOID NTAPI ALLOCATE_FUNCTION(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
typedef ALLOCATE_FUNCTION *PALLOCATE_FUNCTION;
typedef PVOID NTAPI ALLOCATE_FUNCTION_EX(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                         struct _LOOKASIDE_LIST_EX *Lookaside);
typedef ALLOCATE_FUNCTION_EX *PALLOCATE_FUNCTION_EX;
typedef VOID NTAPI FREE_FUNCTION(PVOID Buffer);
typedef FREE_FUNCTION *PFREE_FUNCTION;
typedef VOID NTAPI FREE_FUNCTION_EX(PVOID Buffer, struct _LOOKASIDE_LIST_EX *Lookaside);
typedef FREE_FUNCTION_EX *PFREE_FUNCTION_EX;

/* The same fields twice: only the first form is aligned to a cache line. */
#define NTEMU_GENERAL_LOOKASIDE_FIELDS \
  union {                              \
    SLIST_HEADER ListHead;             \
    SINGLE_LIST_ENTRY SingleListHead;  \
  };                                   \
  USHORT Depth;                        \
  USHORT MaximumDepth;                 \
  ULONG TotalAllocates;                \
  union {                              \
    ULONG AllocateMisses;              \
    ULONG AllocateHits;                \
  };                                   \
  ULONG TotalFrees;                    \
  union {                              \
    ULONG FreeMisses;                  \
    ULONG FreeHits;                    \
  };                                   \
  POOL_TYPE Type;                      \
  ULONG Tag;                           \
  ULONG Size;                          \
  union {                              \
    PALLOCATE_FUNCTION_EX AllocateEx;  \
    PALLOCATE_FUNCTION Allocate;       \
  };                                   \
  union {                              \
    PFREE_FUNCTION_EX FreeEx;          \
    PFREE_FUNCTION Free;               \
  };                                   \
  LIST_ENTRY ListEntry;                \
  ULONG LastTotalAllocates;            \
  union {                              \
    ULONG LastAllocateMisses;          \
    ULONG LastAllocateHits;            \
  };                                   \
  ULONG Future[2];

typedef struct DECLSPEC_CACHEALIGN _GENERAL_LOOKASIDE {
  NTEMU_GENERAL_LOOKASIDE_FIELDS
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;
typedef struct _GENERAL_LOOKASIDE_POOL {
  NTEMU_GENERAL_LOOKASIDE_FIELDS
} GENERAL_LOOKASIDE_POOL, *PGENERAL_LOOKASIDE_POOL;
NTEMU_ASSERT_SIZE(GENERAL_LOOKASIDE, 0x80);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, Depth, 0x10);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, Type, 0x24);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, Tag, 0x28);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, Allocate, 0x30);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, ListEntry, 0x40);
NTEMU_ASSERT_OFFSET(GENERAL_LOOKASIDE, Future, 0x58);

typedef struct DECLSPEC_CACHEALIGN _NPAGED_LOOKASIDE_LIST {
  GENERAL_LOOKASIDE L;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;
typedef struct DECLSPEC_CACHEALIGN _PAGED_LOOKASIDE_LIST {
  GENERAL_LOOKASIDE L;
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;
typedef struct _LOOKASIDE_LIST_EX {
  GENERAL_LOOKASIDE_POOL L;
} LOOKASIDE_LIST_EX, *PLOOKASIDE_LIST_EX;
NTEMU_ASSERT_SIZE(NPAGED_LOOKASIDE_LIST, 0x80);
NTEMU_ASSERT_SIZE(PAGED_LOOKASIDE_LIST, 0x80);
NTEMU_ASSERT_SIZE(LOOKASIDE_LIST_EX, 0x60);

typedef enum _WORK_QUEUE_TYPE {
  CriticalWorkQueue,
  DelayedWorkQueue,
  HyperCriticalWorkQueue,
  NormalWorkQueue,
  BackgroundWorkQueue,
  RealTimeWorkQueue,
  SuperCriticalWorkQueue,
  MaximumWorkQueue,
  CustomPriorityWorkQueue = 32
} WORK_QUEUE_TYPE;

typedef VOID NTAPI WORKER_THREAD_ROUTINE(PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;

typedef struct _WORK_QUEUE_ITEM {
  LIST_ENTRY List;
  PWORKER_THREAD_ROUTINE WorkerRoutine;
  volatile PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;
NTEMU_ASSERT_SIZE(WORK_QUEUE_ITEM, 0x20);
NTEMU_ASSERT_OFFSET(WORK_QUEUE_ITEM, WorkerRoutine, 0x10);
NTEMU_ASSERT_OFFSET(WORK_QUEUE_ITEM, Parameter, 0x18);

#ifdef __cplusplus
}
#endif

#endif
