// Who has which virtual processor: the slow ways, the idle threads, boot and end.
#include "ntemu/ke/processor.h"

#include <linux/membarrier.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <climits>

#include "ntemu/ke/dpc.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ke/interrupt.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/wait.h"

extern "C" {
__attribute__((visibility("default"))) ntemu::ke::Processor *KiProcessorBlock[ntemu::ke::kMostProcessors] = {};
}

namespace ntemu::ke {
namespace {

// A revocation takes microseconds, much more on some virtual machines: so many takes in a row by one thread are worth
// one, and more after each.
constexpr uint32_t kFirstBias = 256;
constexpr uint32_t kMostBias = 1 << 16;
constexpr uint32_t kNeverBias = UINT32_MAX;
// Rounds of ke::spin before a thread sleeps until a processor is given back.
constexpr uint32_t kPatience = 100;

Processor processors[kMostProcessors];
unsigned count = 1;
std::atomic<unsigned> next_home{0};
std::atomic<bool> idle_threads_end{false};
bool idle_threads_run = false;

int membarrier(int command) { return static_cast<int>(syscall(SYS_membarrier, command, 0, 0)); }

ETHREAD *owner_of(uintptr_t word) { return reinterpret_cast<ETHREAD *>(word & ~uintptr_t{kWordFlags}); }

bool may_use(const ETHREAD &thread, const Processor &processor) {
  return thread.system_affinity == 0 || thread.system_affinity >> processor.Number & 1;
}

void note_taken(ETHREAD &thread, Processor &processor) {
  thread.processor = &processor;
  __atomic_store_n(&processor.CurrentThread, &thread.Tcb, __ATOMIC_RELAXED);
  if (processor.last_holder.load(std::memory_order_relaxed) == &thread) {
    ++processor.streak;
  } else {
    processor.last_holder.store(&thread, std::memory_order_relaxed);
    processor.streak = 1;
  }
}

bool try_take(ETHREAD &thread, Processor &processor) {
  uintptr_t free = 0;
  if (processor.word.load(std::memory_order_relaxed) != 0) return false;
  if (!processor.word.compare_exchange_strong(free, reinterpret_cast<uintptr_t>(&thread), std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
    return false;
  }
  note_taken(thread, processor);
  return true;
}

// Takes a processor from the thread that it is biased to, once that does not use it.
bool try_revoke(ETHREAD &thread, Processor &processor) {
  uintptr_t seen = processor.word.load(std::memory_order_relaxed);
  if ((seen & (kBiased | kRevoking)) != kBiased) return false;
  if (!processor.word.compare_exchange_strong(seen, seen | kRevoking, std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
    return false;
  }
  // From here on its owner's next look at the word shows kRevoking; what it did before shows in `dispatching`. It does
  // not end before the word is another's.
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  std::atomic<uint32_t> &dispatching = owner_of(seen)->dispatching;
  for (uint32_t round = 0; dispatching.load(std::memory_order_acquire) != 0; ++round) {
    if (round < kPatience) {
      spin(round);
    } else {
      block_on(dispatching, 1);
    }
  }
  seen = processor.word.load(std::memory_order_relaxed);
  while (!processor.word.compare_exchange_weak(seen, reinterpret_cast<uintptr_t>(&thread) | (seen & kWaiters),
                                               std::memory_order_acq_rel, std::memory_order_relaxed)) {
  }
  note_taken(thread, processor);
  processor.streak = 1;
  processor.bias_after = std::min(2 * processor.bias_after, kMostBias);
  return true;
}

// Until `processor` is given back; may return early.
void await_release(Processor &processor) {
  const uint32_t seen = processor.released.load(std::memory_order_acquire);
  uintptr_t word = processor.word.load(std::memory_order_relaxed);
  if (word == 0 || (word & (kBiased | kRevoking)) == kBiased) return;
  if (!(word & kWaiters) && !processor.word.compare_exchange_strong(word, word | kWaiters, std::memory_order_relaxed))
    return;
  block_on(processor.released, seen);
}

// Somebody took, or takes, the bias away. Returns when he no longer looks at this thread.
void lose_bias(ETHREAD &thread) {
  Processor &own = *thread.biased_processor;
  thread.dispatching.store(0, std::memory_order_release);
  wake(thread.dispatching, INT_MAX);
  for (uint32_t round = 0;
       (own.word.load(std::memory_order_acquire) & ~uintptr_t{kWaiters}) == (biased_to(thread) | kRevoking); ++round) {
    spin(round);
  }
  thread.biased_processor = nullptr;
}

// One round: the thread's last processor if it is free, any other that is, or one that is biased to another thread.
bool try_any(ETHREAD &thread, bool patient) {
  Processor &home = current_processor(thread);
  if (try_take(thread, home)) return true;
  for (unsigned i = 0; i < count; ++i) {
    if (may_use(thread, processors[i]) && try_take(thread, processors[i])) return true;
  }
  if (try_revoke(thread, home)) return true;
  if (patient) return false;
  for (unsigned i = 0; i < count; ++i) {
    if (may_use(thread, processors[i]) && try_revoke(thread, processors[i])) return true;
  }
  return false;
}

// Runs the DPCs that nobody else will run soon: nobody has the processor, or its owner has but a bias.
void *run_idle(void *context) {
  auto &self = *static_cast<Processor *>(context);
  const std::string name = "processor " + std::to_string(self.Number);
  pthread_setname_np(pthread_self(), name.c_str());
  while (!idle_threads_end.load()) {
    const uint32_t seen = self.idle_word.load(std::memory_order_acquire);
    if (!has_dpcs(self)) {
      block_on(self.idle_word, seen);
      continue;
    }
    ETHREAD &thread = current();
    __atomic_store_n(&self.IdleThread, &thread.Tcb, __ATOMIC_RELAXED);
    take_exactly(thread, self);
    thread.irql = DISPATCH_LEVEL;
    lower_irql(thread, PASSIVE_LEVEL);
  }
  __atomic_store_n(&self.IdleThread, nullptr, __ATOMIC_RELAXED);
  return nullptr;
}

void start_idle_thread(Processor &processor) {
  sigset_t all, before;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF, freeze_signal()})
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_create(&processor.idle_thread, nullptr, run_idle, &processor);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

unsigned processor_count() { return count; }
Processor &processor(unsigned number) { return processors[number]; }

Processor &current_processor(ETHREAD &thread) {
  if (!thread.processor || !may_use(thread, *thread.processor)) {
    unsigned number = next_home.fetch_add(1, std::memory_order_relaxed) % count;
    while (!may_use(thread, processors[number])) number = (number + 1) % count;
    thread.processor = &processors[number];
  }
  return *thread.processor;
}

void take_slowly(ETHREAD &thread) {
  if (thread.biased_processor) lose_bias(thread);
  for (uint32_t round = 0; !try_any(thread, round < kPatience); ++round) {
    if (round < kPatience) {
      spin(round);
    } else {
      await_release(current_processor(thread));
    }
  }
}

void take_exactly(ETHREAD &thread, Processor &processor) {
  drop_bias(thread);
  for (uint32_t round = 0; !try_take(thread, processor) && !try_revoke(thread, processor); ++round) {
    if (round < kPatience) {
      spin(round);
    } else {
      await_release(processor);
    }
  }
}

void give_slowly(ETHREAD &thread) {
  Processor &own = *thread.processor;
  // It has given it back already, and then saw that somebody wants it.
  if (thread.biased_processor && thread.dispatching.load(std::memory_order_relaxed) == 0) return lose_bias(thread);
  for (;;) {
    uintptr_t word = own.word.load(std::memory_order_acquire);
    if (word & kDpcsDue)
      word = own.word.fetch_and(~uintptr_t{kDpcsDue}, std::memory_order_acquire) & ~uintptr_t{kDpcsDue};
    if (has_dpcs(own) && !leaving.load(std::memory_order_relaxed)) {
      run_dpcs(thread, own);
      continue;
    }
    if (word & kBiased) {
      thread.dispatching.store(0, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      if (own.word.load(std::memory_order_relaxed) != biased_to(thread)) lose_bias(thread);
      return;
    }
    const bool bias = own.streak >= own.bias_after && !(word & kWaiters) && may_use(thread, own);
    if (!own.word.compare_exchange_strong(word, bias ? biased_to(thread) : 0, std::memory_order_release,
                                          std::memory_order_relaxed)) {
      continue;
    }
    if (bias) thread.biased_processor = &own;
    if (word & kWaiters) {
      own.released.fetch_add(1, std::memory_order_release);
      wake(own.released, INT_MAX);
    }
    return;
  }
}

void drop_bias(ETHREAD &thread) {
  if (!thread.biased_processor) return;
  const bool holds = thread.dispatching.load(std::memory_order_relaxed) != 0;
  std::atomic<uintptr_t> &word = thread.biased_processor->word;
  uintptr_t seen = word.load(std::memory_order_relaxed);
  while ((seen & ~uintptr_t{kDpcsDue}) == biased_to(thread)) {
    const uintptr_t next = holds ? seen & ~uintptr_t{kBiased} : 0;
    if (!word.compare_exchange_weak(seen, next, std::memory_order_release, std::memory_order_relaxed)) continue;
    thread.biased_processor = nullptr;
    thread.dispatching.store(0, std::memory_order_release);
    return;
  }
  // Another thread ends it, or has done so unseen.
  if (!holds) lose_bias(thread);
}

void drop_processor(ETHREAD &thread) {
  if (thread.irql >= DISPATCH_LEVEL) {
    thread.processor->runs_dpcs.store(false);
    give_processor(thread);
    thread.irql = PASSIVE_LEVEL;
  }
  drop_bias(thread);
  for (unsigned i = 0; i < count; ++i) {
    PKTHREAD last = &thread.Tcb;
    __atomic_compare_exchange_n(&processors[i].CurrentThread, &last, nullptr, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    ETHREAD *holder = &thread;
    processors[i].last_holder.compare_exchange_strong(holder, nullptr, std::memory_order_relaxed);
  }
}

void boot_processors(unsigned wanted) {
  if (idle_threads_run) teardown_processors();  // of a machine that could not be booted
  count = std::clamp(wanted, 1u, kMostProcessors);
  const bool can_bias = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  idle_threads_end = false;
  idle_threads_run = true;
  next_home = 0;
  for (unsigned i = 0; i < kMostProcessors; ++i) {
    Processor &each = processors[i];
    KiProcessorBlock[i] = i < count ? &each : nullptr;
    each.LegacyNumber = static_cast<UCHAR>(i);
    each.Number = i;
    each.CurrentThread = nullptr;
    each.word = 0;
    each.last_holder = nullptr;
    each.bias_after = can_bias ? kFirstBias : kNeverBias;
    forget_dpcs(each);
    KeInitializeEvent(&each.threaded_work, SynchronizationEvent, FALSE);
    KeInitializeEvent(&each.threaded_idle, NotificationEvent, TRUE);
    each.has_dpc_thread = false;
    if (i < count) start_idle_thread(each);
  }
}

void teardown_processors() {
  idle_threads_end = true;
  idle_threads_run = false;
  forget_interrupts();
  for (unsigned i = 0; i < count; ++i) {
    processors[i].idle_word.fetch_add(1);
    wake(processors[i].idle_word, INT_MAX);
    pthread_join(processors[i].idle_thread, nullptr);
    forget_dpcs(processors[i]);
  }
}

}  // namespace ntemu::ke
