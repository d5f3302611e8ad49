#include "ntemu/ps/exit.h"

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ps/leaked_locks.h"
#include "ntemu/ps/notify.h"

namespace ntemu::ps {

const char *name_of(ke::LockKind kind) {
  switch (kind) {
    case ke::LockKind::kMutex:
      return "mutex";
    case ke::LockKind::kFastMutex:
      return "fast mutex";
    case ke::LockKind::kGuardedMutex:
      return "guarded mutex";
    case ke::LockKind::kPushLockExclusive:
      return "push lock, exclusive,";
    case ke::LockKind::kPushLockShared:
      return "push lock, shared,";
    case ke::LockKind::kResourceExclusive:
      return "resource, exclusive,";
    case ke::LockKind::kResourceShared:
      return "resource, shared,";
    case ke::LockKind::kSpinLock:
      return "spin lock";
    case ke::LockKind::kSpinLockShared:
      return "spin lock, shared,";
  }
  return "lock";
}

namespace {

// Before the machine stops: the bugcheck's parameters tell a count, not which lock it is.
void report(const ETHREAD &thread) {
  if (thread.held.count() == 0) {
    base::log(base::Level::kError, "ps", "thread {}{} ends at IRQL {}, with {:#x} as its APC count; it holds no lock",
              reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread), ke::describe_address(thread.StartAddress),
              thread.irql, thread.Tcb.CombinedApcDisable);
  }
  report_held_locks(thread);
}

// A KMUTEX has to be released. Other mutants become abandoned when the thread ends.
const KMUTANT *owned_mutex(const KTHREAD &thread) {
  const LIST_ENTRY *head = &thread.MutantListHead;
  for (const LIST_ENTRY *entry = head->Flink; entry != head; entry = entry->Flink) {
    const auto *mutant = CONTAINING_RECORD(entry, const KMUTANT, MutantListEntry);
    if (mutant->ApcDisable) return mutant;
  }
  return nullptr;
}

void check(const ETHREAD &thread) {
  const KTHREAD &tcb = thread.Tcb;
  if (tcb.CombinedApcDisable != 0 || thread.irql != PASSIVE_LEVEL) {
    report(thread);
    ke::bugcheck(0x20, 0, tcb.CombinedApcDisable, thread.irql, 1);
  }
  if (const KMUTANT *mutex = owned_mutex(tcb)) {
    report(thread);
    ke::bugcheck(0x4000008A, reinterpret_cast<ULONG_PTR>(&thread), reinterpret_cast<ULONG_PTR>(mutex));
  }
}

}  // namespace

void (*thread_ends)(ETHREAD &) = [](ETHREAD &) {};
void (*cancel_thread_io)(ETHREAD &) = [](ETHREAD &) {};
void (*disown_thread_io)(ETHREAD &) = [](ETHREAD &) {};

void prepare_exit(ETHREAD &thread) {
  if (ke::leaving.load()) return;
  thread_ends(thread);
  check(thread);
  __atomic_fetch_or(&thread.CrossThreadFlags, ke::kTerminatedFlag, __ATOMIC_RELAXED);
  notify_thread(thread, false);
  cancel_thread_io(thread);
  check(thread);  // what it was told may have left something held
}

void set_exit_status(ETHREAD &thread, NTSTATUS status) {
  __atomic_store_n(&thread.ExitStatus, status, __ATOMIC_RELEASE);
}

}  // namespace ntemu::ps

using namespace ntemu;

NTSTATUS PsTerminateSystemThread(NTSTATUS ExitStatus) {
  NT_ENTER(PsTerminateSystemThread, ExitStatus);
  ETHREAD &thread = ke::current();
  if (!thread.exit_point) return STATUS_INVALID_PARAMETER;  // not a system thread: the host made it
  ps::prepare_exit(thread);
  ps::set_exit_status(thread, ExitStatus);
  std::longjmp(*thread.exit_point, 1);
}
