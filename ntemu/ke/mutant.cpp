#include "ntemu/api/enter.h"
#include "ntemu/ke/apc.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/take.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

constexpr ULONG kMutants = 1u << kMutant;

void initialize(KMUTANT &mutant, UCHAR apc_disable) {
  InitializeListHead(&mutant.MutantListEntry);
  mutant.MutantFlags = 0;
  mutant.ApcDisable = apc_disable;
  set_owner(mutant, nullptr);
  initialize_header(mutant.Header, kMutant, sizeof(KMUTANT), 1);
}

[[noreturn]] __attribute__((noinline)) void not_owned(const KMUTANT &mutant) {
  const bool abandoned = __atomic_load_n(&mutant.MutantFlags, __ATOMIC_RELAXED) & 1;
  raise_status(abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED);
}

// The calling thread no longer owns it; it still counts as taken.
inline void disown(KMUTANT &mutant, KTHREAD &thread) {
  RemoveEntryList(&mutant.MutantListEntry);
  set_owner(mutant, nullptr);
  thread.KernelApcDisable = static_cast<SHORT>(thread.KernelApcDisable + mutant.ApcDisable);
}

__attribute__((noinline)) void free_slowly(KMUTANT &mutant, KPRIORITY increment, BOOLEAN wait) {
  WakeList wakes;
  {
    DispatcherLock lock;
    freeze(mutant.Header);
    set_state(mutant.Header, 1);
    release_waiters(mutant.Header, increment, wakes);
    thaw(mutant.Header);
  }
  announce_if(wait, wakes);
}

__attribute__((noinline)) LONG release_slowly(KMUTANT *checked, KPRIORITY increment, BOOLEAN wait, const void *caller) {
  HeaderWord seen = check_object(checked, kMutants, caller);
  KMUTANT &mutant = *checked;
  ETHREAD &thread = current();
  if (owner_of(mutant) != &thread.Tcb) not_owned(mutant);
  const LONG previous = state_in(seen);
  thread.held.remove(&mutant);
  if (previous < 0) {
    seen &= ~kHasWaiters;
    if (!exchange_word(mutant.Header, seen, with_state(seen, previous + 1))) {
      DispatcherLock lock;
      freeze(mutant.Header);
      set_state(mutant.Header, previous + 1);
      thaw(mutant.Header);
    }
    if (wait) {
      WakeList none;
      announce_wait(thread, none);
    }
    return previous;
  }
  disown(mutant, thread.Tcb);
  if (wait || !exchange_word(mutant.Header, seen = kOwnedMutant, kFreeMutant)) free_slowly(mutant, increment, wait);
  check_apcs(thread);
  return previous;
}

__attribute__((noinline)) LONG free_for_waiters(KMUTANT &mutant, ETHREAD &thread) {
  free_slowly(mutant, MUTANT_INCREMENT, FALSE);
  check_apcs(thread);
  return 0;
}

__attribute__((noinline)) LONG released_with_apcs(ETHREAD &thread) {
  check_apcs(thread);
  return 0;
}

// The usual case. Whatever else there is to do is called last, so that nothing has to be kept across a call.
inline LONG release_mutex(PRKMUTEX mutex, BOOLEAN wait, const void *caller) {
  ETHREAD *const thread = base::current_thread_slot;
  if (!thread || wait || !may_be_object(mutex) || load_word(mutex->Header) != kOwnedMutant ||
      owner_of(*mutex) != &thread->Tcb || !thread->held.remove_if_only(mutex)) [[unlikely]]
    return release_slowly(mutex, MUTANT_INCREMENT, wait, caller);
  disown(*mutex, thread->Tcb);
  HeaderWord seen = kOwnedMutant;
  if (!exchange_word(mutex->Header, seen, kFreeMutant)) [[unlikely]]
    return free_for_waiters(*mutex, *thread);
  if (thread->apc_due.load(std::memory_order_relaxed)) [[unlikely]]
    return released_with_apcs(*thread);
  return 0;
}

// Makes a mutant free as one whose owner has died, whoever that is.
LONG abandon(KMUTANT &mutant, KTHREAD *owner, KPRIORITY increment, WakeList &wakes) {
  freeze(mutant.Header);
  const LONG previous = signal_state(mutant.Header);
  if (owner) {
    RemoveEntryList(&mutant.MutantListEntry);
    set_owner(mutant, nullptr);
    owner->KernelApcDisable = static_cast<SHORT>(owner->KernelApcDisable + mutant.ApcDisable);
  }
  __atomic_store_n(&mutant.MutantFlags, static_cast<UCHAR>(1), __ATOMIC_RELAXED);
  set_state(mutant.Header, 1);
  release_waiters(mutant.Header, increment, wakes);
  thaw(mutant.Header);
  return previous;
}

}  // namespace

namespace ntemu::ke {

void abandon_mutants(ETHREAD &thread) {
  WakeList wakes;
  DispatcherLock lock;
  if (leaving.load() && !thread.adopted) return;  // they may have gone, with their driver or another thread's stack
  LIST_ENTRY &head = thread.Tcb.MutantListHead;
  while (!IsListEmpty(&head)) {
    auto &mutant = *CONTAINING_RECORD(head.Flink, KMUTANT, MutantListEntry);
    abandon(mutant, &thread.Tcb, MUTANT_INCREMENT, wakes);
  }
}

}  // namespace ntemu::ke

VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG Level) {
  NT_ENTER(KeInitializeMutex, Mutex, Level);
  initialize(*Mutex, 1);
}

VOID KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner) {
  NT_ENTER(KeInitializeMutant, Mutant, InitialOwner);
  initialize(*Mutant, 0);
  if (!InitialOwner) return;
  ETHREAD &thread = current();
  set_state(Mutant->Header, 0);
  own(*Mutant, thread.Tcb);
  thread.held.add(Mutant, LockKind::kMutex, __builtin_return_address(0));
}

LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait) { NT_FAST(KeReleaseMutex, release_mutex, Mutex, Wait); }

LONG KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait) {
  NT_ENTER(KeReleaseMutant, Mutant, Increment, Abandoned, Wait);
  check_object(Mutant, kMutants, __builtin_return_address(0));
  if (!Abandoned) return release_slowly(Mutant, Increment, Wait, __builtin_return_address(0));
  ETHREAD &thread = current();
  WakeList wakes;
  LONG previous;
  {
    DispatcherLock lock;
    KTHREAD *const owner = owner_of(*Mutant);
    previous = abandon(*Mutant, owner, Increment, wakes);
    for (LONG taken = previous; owner == &thread.Tcb && taken <= 0; ++taken) thread.held.remove(Mutant);
  }
  announce_if(Wait, wakes);
  check_apcs(thread);
  return previous;
}

LONG KeReadStateMutex(PRKMUTEX Mutex) {
  NT_ENTER(KeReadStateMutex, Mutex);
  return state_in(check_object(Mutex, kMutants, __builtin_return_address(0)));
}
