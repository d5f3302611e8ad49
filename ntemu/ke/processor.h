// The virtual processors. A thread at DISPATCH_LEVEL or above has one for itself, and so excludes the DPCs queued to it
// and every other thread that would use it; below DISPATCH_LEVEL threads run side by side.
#pragma once

#include "ntemu/ke/apc.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ke {

inline constexpr unsigned kMostProcessors = 64;
inline constexpr unsigned kDefaultProcessors = 2;

// Processor.word: the ETHREAD that has the processor, or 0, and:
enum ProcessorWord : uintptr_t {
  kBiased = 1,    // the thread has it only while its `dispatching` is set, and takes it by setting that
  kRevoking = 2,  // another thread is about to end the bias
  kWaiters = 4,   // threads wait for `released`
  kDpcsDue = 8,   // DPCs were queued since the holder took it
  kWordFlags = 15,
};

// As in Windows' KPRCB.DpcData: 0 for ordinary DPCs, 1 for threaded ones.
struct DpcData {
  PSINGLE_LIST_ENTRY ListHead;
  PSINGLE_LIST_ENTRY LastEntry;
  KSPIN_LOCK DpcLock;  // held for a few instructions, at any IRQL
  LONG DpcQueueDepth;
  ULONG DpcCount;  // queued so far
  PKDPC ActiveDpc;
};

// The head of Windows' KPRCB, then ntemu's own. Biased ownership: a thread that took the processor often enough without
// a rival may take it by a plain store to its own `dispatching` and a look at `word`; whoever else wants it sets
// kRevoking, makes every host processor pass a memory barrier (membarrier), and waits until `dispatching` is 0.
struct alignas(64) Processor {
  ULONG MxCsr;
  UCHAR LegacyNumber;
  UCHAR ReservedMustBeZero;
  UCHAR InterruptRequest;
  UCHAR IdleHalt;
  PKTHREAD CurrentThread;  // that has the processor, or had it last; null once that has ended
  PKTHREAD NextThread;
  PKTHREAD IdleThread;
  UCHAR NestingLevel;
  UCHAR ClockOwner;
  UCHAR PendingTickFlags;
  UCHAR IdleState;
  ULONG Number;

  alignas(64) std::atomic<uintptr_t> word;
  std::atomic<uint32_t> released;  // bumped when it is given back while kWaiters is set
  // The holder's: who took it how often in a row, and when that is enough for a bias.
  std::atomic<ETHREAD *> last_holder;
  uint32_t streak;
  uint32_t bias_after;

  alignas(64) DpcData Dpcs[2];
  std::atomic<bool> runs_dpcs;
  std::atomic<bool> threaded_due;   // threaded DPCs were queued, and their thread has not been told yet
  std::atomic<uint32_t> idle_word;  // bumped to make the idle thread run DPCs
  pthread_t idle_thread;
  KEVENT threaded_work;  // threaded DPCs are queued
  KEVENT threaded_idle;  // none is queued or runs
  bool has_dpc_thread;   // changed at DISPATCH_LEVEL on this processor
};
NTEMU_ASSERT_OFFSET(Processor, CurrentThread, 8);
NTEMU_ASSERT_OFFSET(Processor, IdleThread, 0x18);
NTEMU_ASSERT_OFFSET(Processor, Number, 0x24);
NTEMU_ASSERT_SIZE(DpcData, 0x28);

// Before the first thread. The machine has `count` processors, 1 to kMostProcessors.
void boot_processors(unsigned count);
// After the last system thread: what is still queued is forgotten.
void teardown_processors();

unsigned processor_count();
Processor &processor(unsigned number);
inline KAFFINITY all_processors() { return ~KAFFINITY{0} >> (kMostProcessors - processor_count()); }
// The one that the thread has, or would be given next.
Processor &current_processor(ETHREAD &thread);

// Whether a DPC is queued or runs: the machine is not at rest.
bool dpcs_are_due();
// The start routine of the threads that run threaded DPCs, and whether one of them has nothing to do.
bool is_dpc_thread(const ETHREAD &thread);
bool is_idle_dpc_thread(const ETHREAD &thread);
// Set by ps: makes a system thread for a processor's threaded DPCs; false when that is not possible.
extern bool (*create_dpc_thread)(PKSTART_ROUTINE routine, void *context);

void take_slowly(ETHREAD &thread);
void give_slowly(ETHREAD &thread);
// Takes this very processor, instead of one that the thread may choose.
void take_exactly(ETHREAD &thread, Processor &processor);
// What a thread that ends, or leaves in the middle of a call, has of processors goes back.
void drop_processor(ETHREAD &thread);
// Ends the thread's bias; at DISPATCH_LEVEL it keeps the processor.
void drop_bias(ETHREAD &thread);

inline uintptr_t biased_to(const ETHREAD &thread) { return reinterpret_cast<uintptr_t>(&thread) | kBiased; }

// Takes the processor that is the thread's own, if there is one and nobody else wants it; else take_slowly is due.
inline bool try_take_biased(ETHREAD &thread) {
  Processor *own = thread.biased_processor;
  if (!own) [[unlikely]]
    return false;
  thread.dispatching.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the revoker's membarrier does the processor's part
  return own->word.load(std::memory_order_acquire) == biased_to(thread);
}

// The thread goes to DISPATCH_LEVEL: IRQL below before, and set by the caller afterwards.
inline void take_processor(ETHREAD &thread) {
  if (!try_take_biased(thread)) [[unlikely]]
    take_slowly(thread);
}

// Gives it back in the same way, if nothing is queued to it and nobody else wants it; else give_slowly is due.
inline bool try_give_biased(ETHREAD &thread) {
  Processor &own = *thread.processor;
  if (own.word.load(std::memory_order_relaxed) != biased_to(thread)) [[unlikely]]
    return false;
  thread.dispatching.store(0, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return own.word.load(std::memory_order_relaxed) == biased_to(thread);
}

// The thread leaves DISPATCH_LEVEL: runs the DPCs that were queued meanwhile, and gives its processor back.
inline void give_processor(ETHREAD &thread) {
  if (!try_give_biased(thread)) [[unlikely]]
    give_slowly(thread);
}

// IRQL changes without the checks of the API.
inline KIRQL raise_irql(ETHREAD &thread, KIRQL irql) {
  const KIRQL old = thread.irql;
  if (old < DISPATCH_LEVEL && irql >= DISPATCH_LEVEL) take_processor(thread);
  thread.irql = irql;
  return old;
}
inline void lower_irql(ETHREAD &thread, KIRQL irql) {
  if (irql < DISPATCH_LEVEL && thread.irql >= DISPATCH_LEVEL) {
    thread.irql = DISPATCH_LEVEL;
    give_processor(thread);
  }
  thread.irql = irql;
  check_apcs(thread);
}

}  // namespace ntemu::ke

extern "C" {
extern ntemu::ke::Processor *KiProcessorBlock[ntemu::ke::kMostProcessors];
VOID KiExecuteDpc(PVOID Processor);
}
