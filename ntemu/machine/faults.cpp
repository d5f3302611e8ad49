#include "ntemu/machine/faults.h"

#include <signal.h>
#include <ucontext.h>

#include "nt/status.h"
#include "ntemu/api/kernel_image.h"
#include "ntemu/base/log.h"
#include "ntemu/base/pages.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/exception.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ldr/unloaded.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/sanitizer_stops.h"
#include "ntemu/vf/pageable_code.h"
#include "ntemu/vf/paged_access.h"
#include "ntemu/vf/special_pool.h"

namespace ntemu::machine {
namespace {

constexpr greg_t kWrite = 2, kExecute = 16;  // of the page fault's error code

KIRQL current_irql() {
  const ETHREAD *thread = base::current_thread_slot;
  return thread ? thread->irql : PASSIVE_LEVEL;
}

// What a verified driver has that is paged out until somebody needs it: code that is called, paged pool that is
// touched.
bool is_paged_in(const siginfo_t *info, void *context) {
  if (info->si_signo != SIGSEGV || info->si_code != SEGV_ACCERR) return false;
  const bool called = static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_ERR] & kExecute;
  return (called ? vf::page_in : vf::page_in_pool)(info->si_addr, current_irql());
}

bool step_over(const siginfo_t *info, void *context) {
  greg_t &ip = static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP];
  auto instruction = static_cast<ULONG_PTR>(ip);
  if (!ex::step_over_slist_fault(instruction)) return false;
  // Paged pool at DISPATCH_LEVEL does not come back: the pop would be made again for ever.
  if (vf::explain_paged_fault(info->si_addr, false, reinterpret_cast<const void *>(ip), current_irql())) return false;
  ip = static_cast<greg_t>(instruction);
  return true;
}

// int 0x29, which the processor refuses a program: __fastfail.
void stop_for_fail_fast(const ucontext_t &trap, const siginfo_t *info) {
  if (info->si_signo != SIGSEGV || info->si_code != SI_KERNEL) return;
  const auto *instruction = reinterpret_cast<const UCHAR *>(ke::instruction_of(trap));
  if (instruction[0] != 0xCD || instruction[1] != 0x29) return;
  ke::record_exception(STATUS_STACK_BUFFER_OVERRUN, trap, 0);
  ke::bugcheck_at(trap,
                  {0x139,
                   {static_cast<ULONG>(trap.uc_mcontext.gregs[REG_RCX]), reinterpret_cast<ULONG_PTR>(&KiTrapFrame),
                    reinterpret_cast<ULONG_PTR>(&KiExceptionRecord), 0}});
}

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

// What the driver sees as an exception: 0x7E, or 0x1E on a host's thread.
[[noreturn]] void raise(NTSTATUS status, const ucontext_t &trap, ULONG_PTR address) {
  ke::record_exception(status, trap, address);
  ke::bugcheck_for_exception(trap);
}

NTSTATUS arithmetic_status(int code) {
  switch (code) {
    case FPE_INTDIV:
      return STATUS_INTEGER_DIVIDE_BY_ZERO;
    case FPE_INTOVF:
      return STATUS_INTEGER_OVERFLOW;
    default:
      return STATUS_FLOAT_INVALID_OPERATION;
  }
}

// The page below a kernel stack: its thread has none left.
bool is_stack_guard(ULONG_PTR address, const ETHREAD *thread) {
  if (!thread || !thread->stack_pages) return false;
  const auto limit = reinterpret_cast<ULONG_PTR>(thread->Tcb.StackLimit);
  return address < limit && address >= limit - base::kPageSize;
}

struct Access {
  const ucontext_t &trap;
  ULONG_PTR address, instruction;
  bool write, execute, there;  // there: the page is, but not for this
  ULONG_PTR kind(ULONG_PTR for_write, ULONG_PTR for_execute) const {
    return execute ? for_execute : write ? for_write : 0;
  }
};

[[noreturn]] void stop_for_access(const Access &access) {
  const auto stop = [&](ULONG code, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) {
    ke::record_exception(STATUS_ACCESS_VIOLATION, access.trap, access.address);
    ke::bugcheck_at(access.trap, {code, {access.address, p2, p3, p4}});
  };
  const ETHREAD *thread = base::current_thread_slot;
  const auto *const place = reinterpret_cast<const void *>(access.address);
  if (is_stack_guard(access.address, thread)) {
    ke::record_exception(STATUS_STACK_OVERFLOW, access.trap, access.address);
    const auto stack = static_cast<ULONG_PTR>(access.trap.uc_mcontext.gregs[REG_RSP]);
    ke::bugcheck_at(access.trap, {0x7F, {8, access.address, stack, access.instruction}});
  }
  const auto *const instruction = reinterpret_cast<const void *>(access.instruction);
  const KIRQL irql = current_irql();
  std::optional<ke::Bugcheck> known = vf::explain_paged_fault(place, access.write, instruction, irql);
  if (known)
    base::log(base::Level::kError, "verifier", "{} is paged pool, and its page is not there at IRQL {}",
              fmt::ptr(place), irql);
  if (!known) known = vf::explain_special_pool_fault(place, access.write, instruction);
  if (known) {
    ke::record_exception(STATUS_ACCESS_VIOLATION, access.trap, access.address);
    ke::bugcheck_at(access.trap, *known);
  }
  if (access.execute && vf::is_pageable_code(place))
    base::log(base::Level::kError, "verifier", "{} is pageable code, and its page is not there at IRQL {}",
              ldr::symbolize(place), irql);
  if (ldr::is_unloaded(place)) stop(0xCE, access.kind(1, 16), access.instruction, 0);
  if (irql >= DISPATCH_LEVEL)
    stop(api::is_kernel_code(instruction) ? 0x0A : 0xD1, irql, access.kind(1, 8), access.instruction);
  if (access.execute && access.there) stop(0xFC, 0, 0, 0);
  if (access.write && access.there && ldr::find_image(place)) stop(0xBE, 0, access.instruction, 0);
  // The kernel's part of the addresses: the arena here, the upper half on Windows.
  constexpr ULONG_PTR kUpperHalf = ULONG_PTR{1} << 63;
  if (base::in_arena(place) || access.address >= kUpperHalf) stop(0x50, access.kind(2, 16), access.instruction, 2);
  raise(STATUS_ACCESS_VIOLATION, access.trap, access.address);
}

// The process is lost already, unless a test takes the stop: so this may do what a handler otherwise must not.
void on_fault(int signal, siginfo_t *info, void *context) {
  if (is_paged_in(info, context) || (signal == SIGSEGV && step_over(info, context))) return;
  const auto &trap = *static_cast<const ucontext_t *>(context);
  stop_for_fail_fast(trap, info);
  switch (signal) {
    case SIGFPE:
      raise(arithmetic_status(info->si_code), trap, 0);
    case SIGILL:
      raise(STATUS_ILLEGAL_INSTRUCTION, trap, 0);
    case SIGTRAP:
      raise(STATUS_BREAKPOINT, trap, 0);
    default:
      break;
  }
  // An address that no pointer can have, such as one that was overwritten with text, is not told by the processor.
  if (info->si_code == SI_KERNEL) raise(STATUS_ACCESS_VIOLATION, trap, ~ULONG_PTR{0});
  const greg_t error = trap.uc_mcontext.gregs[REG_ERR];
  stop_for_access({trap, reinterpret_cast<ULONG_PTR>(info->si_addr), ke::instruction_of(trap), (error & kWrite) != 0,
                   (error & kExecute) != 0, info->si_code == SEGV_ACCERR});
}

void install(void (*handler)(int, siginfo_t *, void *), int signal, struct sigaction *before = nullptr) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigaction(signal, &action, before);
}

#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)

struct sigaction sanitizers_action;

void on_sanitizers_fault(int signal, siginfo_t *info, void *context) {
  if (is_paged_in(info, context) || step_over(info, context)) return;
  stop_for_fail_fast(*static_cast<const ucontext_t *>(context), info);
  if (sanitizers_action.sa_flags & SA_SIGINFO) return sanitizers_action.sa_sigaction(signal, info, context);
  ::signal(signal, SIG_DFL);  // the instruction faults again
}

void leave_faults_to_the_sanitizer() {
  struct sigaction before {};
  install(on_sanitizers_fault, SIGSEGV, &before);
  if (before.sa_sigaction != on_sanitizers_fault) sanitizers_action = before;
  vf::begin_trimming();
}

#else

void leave_faults_to_the_sanitizer() {}

#endif

}  // namespace

void report_faults(SanitizerReports reports) {
  before_sanitizer_ends(remove_all);
  if (has_sanitizer() && reports == SanitizerReports::kAsTheyAre) return leave_faults_to_the_sanitizer();
  if (has_sanitizer()) stop_on_sanitizer_reports(reports == SanitizerReports::kStopAndLog);
  for (const int signal : kFaults) install(on_fault, signal);
  vf::begin_trimming();
}

}  // namespace ntemu::machine
