#include "ntemu/machine/faults.h"

#include <signal.h>
#include <ucontext.h>

#include "nt/status.h"
#include "ntemu/base/log.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/leave.h"

namespace ntemu::machine {
namespace {

bool step_over(void *context) {
  greg_t &ip = static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP];
  auto instruction = static_cast<ULONG_PTR>(ip);
  if (!ex::step_over_slist_fault(instruction)) return false;
  ip = static_cast<greg_t>(instruction);
  return true;
}

}  // namespace
}  // namespace ntemu::machine

#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)

extern "C" void __sanitizer_set_death_callback(void (*callback)());

namespace ntemu::machine {
namespace {

struct sigaction sanitizers_action;

void on_fault(int signal, siginfo_t *info, void *context) {
  if (step_over(context)) return;
  if (sanitizers_action.sa_flags & SA_SIGINFO) return sanitizers_action.sa_sigaction(signal, info, context);
  ::signal(signal, SIG_DFL);  // the instruction faults again
}

}  // namespace

void report_faults() {
  __sanitizer_set_death_callback(remove_all);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  struct sigaction before {};
  sigaction(SIGSEGV, &action, &before);
  if (before.sa_sigaction != on_fault) sanitizers_action = before;
}

}  // namespace ntemu::machine

#else

namespace ntemu::machine {
namespace {

NTSTATUS status_of(int signal) {
  switch (signal) {
    case SIGFPE:
      return STATUS_INTEGER_DIVIDE_BY_ZERO;
    case SIGILL:
      return STATUS_ILLEGAL_INSTRUCTION;
    case SIGTRAP:
      return STATUS_BREAKPOINT;
    default:
      return STATUS_ACCESS_VIOLATION;
  }
}

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

// The process is lost already, so this may do what a handler otherwise must not: allocate and format.
void on_fault(int signal, siginfo_t *info, void *context) {
  if (signal == SIGSEGV && step_over(context)) return;
  for (const int again : kFaults) ::signal(again, SIG_DFL);
  const auto ip = static_cast<ULONG_PTR>(static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP]);
  const NTSTATUS status = status_of(signal);
  base::log(base::Level::kError, "fault", "exception 0x{:08X} at {} touching {}", static_cast<ULONG>(status),
            ldr::symbolize(reinterpret_cast<void *>(ip)), fmt::ptr(info->si_addr));
  const auto code = static_cast<ULONG_PTR>(static_cast<LONG_PTR>(status));
  const ETHREAD *thread = base::current_thread_slot;
  ke::bugcheck(thread && !thread->adopted ? 0x7E : 0x1E, code, ip, reinterpret_cast<ULONG_PTR>(info->si_addr), 0);
}

}  // namespace

void report_faults() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  for (const int signal : kFaults) sigaction(signal, &action, nullptr);
}

}  // namespace ntemu::machine

#endif
