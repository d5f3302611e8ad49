// KTHREAD, ETHREAD, KPROCESS and EPROCESS: the layout of Windows 11 22621 where drivers and debuggers look, our state
// in the tail.
#pragma once

#include <pthread.h>

#include <atomic>
#include <csetjmp>

#include "ntemu/base/clock.h"
#include "ntemu/base/current.h"
#include "ntemu/ke/wanted_lock.h"
#include "ntifs.h"

namespace ntemu::ke {

enum ThreadState : UCHAR {
  kInitialized,
  kReady,
  kRunning,
  kStandby,
  kTerminated,
  kWaiting,
  kTransition,
  kDeferredReady
};

// ETHREAD.CrossThreadFlags
enum CrossThreadFlag : ULONG { kTerminatedFlag = 1, kSystemThreadFlag = 0x10 };

struct RaiseFrame;
struct Processor;

}  // namespace ntemu::ke

typedef struct _KTHREAD KTHREAD;
typedef struct _ETHREAD ETHREAD;
typedef struct _KPROCESS KPROCESS;
typedef struct _EPROCESS EPROCESS;

// ContextSwitches, State, WaitTime and the APC counts lie in the padding of the wait blocks: never assign a whole
// block.
struct _KTHREAD {
  DISPATCHER_HEADER Header;
  PVOID SListFaultAddress;
  ULONG64 QuantumTarget;
  PVOID InitialStack;
  PVOID StackLimit;
  PVOID StackBase;
  KSPIN_LOCK ThreadLock;
  ULONG64 CycleTime;
  ULONG CurrentRunTime;
  ULONG ExpectedRunTime;
  PVOID volatile KernelStack;  // where KiSwapContext saved the registers; null while the thread is not in it
  UCHAR Spare060[0x72 - 0x60];
  BOOLEAN Alerted[2];  // by KPROCESSOR_MODE; offset unverified
  UCHAR Spare074[0x98 - 0x74];
  union {
    KAPC_STATE ApcState;
    __extension__ struct {
      UCHAR ApcStateFill[43];
      CHAR Priority;
      ULONG UserIdealProcessor;
    };
  };
  LONG_PTR WaitStatus;
  PKWAIT_BLOCK WaitBlockList;
  LIST_ENTRY WaitListEntry;
  PKQUEUE Queue;
  PVOID Teb;
  ULONG64 RelativeTimerBias;
  KTIMER Timer;
  union {
    KWAIT_BLOCK WaitBlock[4];
    __extension__ struct {
      UCHAR WaitBlockFill4[0x14];
      ULONG ContextSwitches;
    };
    __extension__ struct {
      UCHAR WaitBlockFill5[0x44];
      volatile UCHAR State;
      CHAR Spare13;
      UCHAR WaitIrql;
      CHAR WaitMode;
    };
    __extension__ struct {
      UCHAR WaitBlockFill6[0x74];
      ULONG WaitTime;  // clock ticks since boot
    };
    __extension__ struct {
      UCHAR WaitBlockFill7[0xa4];
      union {
        __extension__ struct {
          SHORT KernelApcDisable;
          SHORT SpecialApcDisable;
        };
        ULONG CombinedApcDisable;
      };
    };
  };
  UCHAR Spare200[0x208 - 0x200];
  LIST_ENTRY QueueListEntry;  // offset unverified
  UCHAR Spare218[0x220 - 0x218];
  struct _KPROCESS *Process;
  UCHAR Spare228[0x232 - 0x228];
  CHAR PreviousMode;
  CHAR BasePriority;
  union {  // offset unverified; no boost wears off in steps, and none is a foreground process's
    CHAR PriorityDecrement;
    __extension__ struct {
      UCHAR ForegroundBoost : 4;
      UCHAR UnusualBoost : 4;
    };
  };
  UCHAR Spare235[0x283 - 0x235];
  volatile UCHAR WaitReason;
  CHAR SuspendCount;
  CHAR Saturation;  // 1 or -1: BasePriority is an end of its class, whatever the process's
  UCHAR Spare286[0x28c - 0x286];
  ULONG KernelTime;
  UCHAR Spare290[0x2dc - 0x290];
  ULONG UserTime;
  UCHAR Spare2e0[0x2f8 - 0x2e0];
  LIST_ENTRY ThreadListEntry;
  LIST_ENTRY MutantListHead;
  UCHAR Spare318[0x480 - 0x318];
};

struct _ETHREAD {
  KTHREAD Tcb;
  LARGE_INTEGER CreateTime;
  LARGE_INTEGER ExitTime;
  UCHAR Spare490[0x4a0 - 0x490];
  PVOID StartAddress;
  UCHAR Spare4a8[0x4c8 - 0x4a8];
  CLIENT_ID Cid;
  UCHAR Spare4d8[0x500 - 0x4d8];
  LIST_ENTRY IrpList;     // offset unverified, as those of the next two
  ULONG_PTR TopLevelIrp;  // an IRP, or one of FSRTL_...
  struct _DEVICE_OBJECT *DeviceToVerify;
  UCHAR Spare520[0x560 - 0x520];
  union {
    ULONG CrossThreadFlags;  // CrossThreadFlag
    __extension__ struct {   // the bits unverified
      ULONG : 9;
      ULONG ThreadIoPriority : 3;
      ULONG ThreadPagePriority : 3;
    };
  };
  NTSTATUS ExitStatus;
  UCHAR Spare568[0x6a0 - 0x568];
  UCHAR LockEntries[6][0x60];

  // From here on ntemu's own.
  std::atomic<uint32_t> wait_word;   // ke/wait.h
  std::atomic<uint32_t> start_word;  // rung when `starting` ends
  // What a fast path has to look for, read as one word: `attention`.
  std::atomic<bool> starting;        // its creator still waits for a first sign of progress
  std::atomic<bool> apc_due;         // an APC is queued that it may have to take: ke/apc.h
  std::atomic<bool> wait_announced;  // by the Wait argument of a signal: ke/wait.h
  std::atomic<bool> attention_spare;
  KIRQL irql;
  KIRQL announced_irql;  // before the announcement
  bool governed;         // a system thread, which a scheduler policy may hold back
  // The processor whose DISPATCH_LEVEL it has, or had last; the one that it may take without an atomic operation.
  ntemu::ke::Processor *processor;
  ntemu::ke::Processor *biased_processor;
  std::atomic<uint32_t> dispatching;  // it has biased_processor, and took it without an atomic operation
  KAFFINITY system_affinity;          // the processors it may use; 0: all
  ntemu::ke::HeldLocks held;
  bool adopted;      // a host thread that entered the kernel by itself
  bool serves_user;  // it performs the system services of somebody outside: what it raises is 0x3B
  bool linked;       // in its process's thread list
  bool unwinds;      // a dying machine ends its wait with STATUS_SYSTEM_SHUTDOWN: frames below have to put things away
  std::atomic<bool> recalled;  // its host wants it back: ke::recall
  ULONG wait_count;            // blocks at WaitBlockList
  bool wait_alertable;
  bool no_more_apcs;
  KEVENT irps_gone;                  // set for a thread that ends, when IrpList becomes empty
  struct _ETHREAD *announced_wakes;  // whom the announcing signal released
  struct _ETHREAD *next_to_wake;
  std::atomic<ntemu::base::Nt100ns> wait_began;
  std::atomic<ntemu::base::Nt100ns> wait_deadline;  // kForever, or interrupt time, or
  std::atomic<bool> wait_deadline_absolute;         // system time
  PVOID start_context;
  ntemu::ke::RaiseFrame *raise_frame;
  jmp_buf *exit_point;  // where PsTerminateSystemThread and a dying machine go
  pthread_t host_thread;
  pid_t host_id;
  std::atomic<clockid_t> cpu_clock;  // of the host thread; 0 until it runs
  void *stack_pages;
  size_t stack_bytes;
  struct _ETHREAD *next_to_reap;
  ntemu::ke::WantedLock wanted;
};

struct _KPROCESS {
  DISPATCHER_HEADER Header;
  LIST_ENTRY ProfileListHead;
  ULONG_PTR DirectoryTableBase;
  LIST_ENTRY ThreadListHead;
  UCHAR Spare040[0x438 - 0x40];
};

struct _EPROCESS {
  KPROCESS Pcb;
  KSPIN_LOCK ProcessLock;
  HANDLE UniqueProcessId;
  LIST_ENTRY ActiveProcessLinks;
  UCHAR Spare458[0x5a8 - 0x458];
  UCHAR ImageFileName[15];
  UCHAR PriorityClass;
  LARGE_INTEGER CreateTime;
  ULONG ActiveThreads;
  NTSTATUS ExitStatus;
};

NTEMU_ASSERT_OFFSET(_KTHREAD, InitialStack, 0x28);
NTEMU_ASSERT_OFFSET(_KTHREAD, StackLimit, 0x30);
NTEMU_ASSERT_OFFSET(_KTHREAD, StackBase, 0x38);
NTEMU_ASSERT_OFFSET(_KTHREAD, KernelStack, 0x58);
NTEMU_ASSERT_OFFSET(_KTHREAD, Priority, 0xc3);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitStatus, 0xc8);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitBlockList, 0xd0);
NTEMU_ASSERT_OFFSET(_KTHREAD, Timer, 0x100);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitBlock, 0x140);
NTEMU_ASSERT_OFFSET(_KTHREAD, ContextSwitches, 0x154);
NTEMU_ASSERT_OFFSET(_KTHREAD, State, 0x184);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitIrql, 0x186);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitMode, 0x187);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitTime, 0x1b4);
NTEMU_ASSERT_OFFSET(_KTHREAD, KernelApcDisable, 0x1e4);
NTEMU_ASSERT_OFFSET(_KTHREAD, SpecialApcDisable, 0x1e6);
NTEMU_ASSERT_OFFSET(_KTHREAD, Process, 0x220);
NTEMU_ASSERT_OFFSET(_KTHREAD, PreviousMode, 0x232);
NTEMU_ASSERT_OFFSET(_KTHREAD, BasePriority, 0x233);
NTEMU_ASSERT_OFFSET(_KTHREAD, WaitReason, 0x283);
NTEMU_ASSERT_OFFSET(_KTHREAD, SuspendCount, 0x284);
NTEMU_ASSERT_OFFSET(_KTHREAD, KernelTime, 0x28c);
NTEMU_ASSERT_OFFSET(_KTHREAD, UserTime, 0x2dc);
NTEMU_ASSERT_OFFSET(_KTHREAD, MutantListHead, 0x308);
NTEMU_ASSERT_SIZE(_KTHREAD, 0x480);
NTEMU_ASSERT_OFFSET(_ETHREAD, StartAddress, 0x4a0);
NTEMU_ASSERT_OFFSET(_ETHREAD, Cid, 0x4c8);
NTEMU_ASSERT_OFFSET(_ETHREAD, IrpList, 0x500);
NTEMU_ASSERT_OFFSET(_ETHREAD, CrossThreadFlags, 0x560);
NTEMU_ASSERT_OFFSET(_ETHREAD, LockEntries, 0x6a0);
NTEMU_ASSERT_OFFSET(_ETHREAD, wait_word, 0x8e0);
static_assert(offsetof(_ETHREAD, starting) % 4 == 0 &&
              offsetof(_ETHREAD, attention_spare) == offsetof(_ETHREAD, starting) + 3);

namespace ntemu::ke {

inline ETHREAD &current() { return *base::current_thread(); }
// State is written by the thread and read by whoever looks at the machine.
inline void set_state(KTHREAD &thread, ThreadState state) { __atomic_store_n(&thread.State, state, __ATOMIC_RELEASE); }
inline UCHAR state_of(const KTHREAD &thread) { return __atomic_load_n(&thread.State, __ATOMIC_ACQUIRE); }
inline bool needs_attention(const ETHREAD &thread) {
  using Aliased __attribute__((may_alias)) = uint32_t;
  return __atomic_load_n(reinterpret_cast<const Aliased *>(&thread.starting), __ATOMIC_RELAXED) != 0;
}
// Who asks, in an Nt service: a Zw service always asks for the kernel.
inline KPROCESSOR_MODE previous_mode() { return current().Tcb.PreviousMode; }
inline ETHREAD &ethread(KTHREAD *thread) { return *reinterpret_cast<ETHREAD *>(thread); }

}  // namespace ntemu::ke
