#include "ntemu/ke/bugcheck.h"

#include <unistd.h>

#include <csetjmp>
#include <cstdio>
#include <string>

#include "ntemu/api/enter.h"
#include "ntemu/api/stubs.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/dispatcher.h"

extern "C" {
__attribute__((visibility("default"))) ULONG_PTR KiBugCheckData[5] = {};
}

namespace ntemu::ke {

struct RaiseFrame {
  jmp_buf target;
  RaiseFrame *outer;
  bool takes_bugchecks;
  NTSTATUS status;
  Bugcheck stop;
};

namespace {

std::string describe_nothing(const void *) { return {}; }
void end_process(const Bugcheck &) { _exit(kBugcheckExitCode); }

void report_missing(const char *name, const void *caller) {
  base::log(base::Level::kError, "api", "{} is not implemented; called from {}{}", name, fmt::ptr(caller),
            describe_address(caller));
  bugcheck(0xDEAD'0001, reinterpret_cast<ULONG_PTR>(name), reinterpret_cast<ULONG_PTR>(caller));
}

// Innermost frame first. Frames are only ever left from inside `body`, on their own thread.
template <class Body>
RaiseFrame run_in_frame(bool takes_bugchecks, const Body &body) {
  RaiseFrame frame{};
  frame.outer = current().raise_frame;
  frame.takes_bugchecks = takes_bugchecks;
  current().raise_frame = &frame;
  if (setjmp(frame.target) == 0) body();
  current().raise_frame = frame.outer;
  return frame;
}

}  // namespace

std::string (*describe_address)(const void *) = describe_nothing;
void (*end_machine)(const Bugcheck &) = end_process;

const char *bugcheck_name(ULONG code) {
  switch (code) {
    case 0x01:
      return "APC_INDEX_MISMATCH";
    case 0x09:
      return "IRQL_NOT_GREATER_OR_EQUAL";
    case 0x0A:
      return "IRQL_NOT_LESS_OR_EQUAL";
    case 0x0C:
      return "MAXIMUM_WAIT_OBJECTS_EXCEEDED";
    case 0x10:
      return "SPIN_LOCK_NOT_OWNED";
    case 0x19:
      return "BAD_POOL_HEADER";
    case 0x1E:
      return "KMODE_EXCEPTION_NOT_HANDLED";
    case 0x20:
      return "KERNEL_APC_PENDING_DURING_EXIT";
    case 0x35:
      return "NO_MORE_IRP_STACK_LOCATIONS";
    case 0x39:
      return "SYSTEM_EXIT_OWNED_MUTEX";
    case 0x40:
      return "TARGET_MDL_TOO_SMALL";
    case 0x44:
      return "MULTIPLE_IRP_COMPLETE_REQUESTS";
    case 0x48:
      return "CANCEL_STATE_IN_COMPLETED_IRP";
    case 0x4E:
      return "PFN_LIST_CORRUPT";
    case 0x50:
      return "PAGE_FAULT_IN_NONPAGED_AREA";
    case 0x7E:
      return "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED";
    case 0xB8:
      return "ATTEMPTED_SWITCH_FROM_DPC";
    case 0xC2:
      return "BAD_POOL_CALLER";
    case 0xC7:
      return "TIMER_OR_DPC_INVALID";
    case 0xC8:
      return "IRQL_UNEXPECTED_VALUE";
    case 0xD1:
      return "DRIVER_IRQL_NOT_LESS_OR_EQUAL";
    case 0xE1:
      return "WORKER_THREAD_RETURNED_AT_BAD_IRQL";
    case 0xE2:
      return "MANUALLY_INITIATED_CRASH";
    case 0xE4:
      return "WORKER_INVALID";
    case 0xF7:
      return "DRIVER_OVERRAN_STACK_BUFFER";
    case 0x139:
      return "KERNEL_SECURITY_CHECK_FAILURE";
    case 0x162:
      return "KERNEL_AUTO_BOOST_INVALID_LOCK_RELEASE";
    case 0x4000008A:
      return "THREAD_TERMINATE_HELD_MUTEX";
    case 0xDEAD0001:
      return "MISSING_KERNEL_API";
    default:
      return "UNKNOWN_BUGCHECK";
  }
}

void bugcheck(ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) {
  const Bugcheck stop{code, {p1, p2, p3, p4}};
  for (RaiseFrame *frame = current().raise_frame; frame; frame = frame->outer) {
    if (!frame->takes_bugchecks) continue;
    frame->stop = stop;
    std::longjmp(frame->target, 1);
  }
  KiBugCheckData[0] = code;
  for (int i = 0; i < 4; ++i) KiBugCheckData[i + 1] = stop.parameters[i];
  base::log(base::Level::kError, "bugcheck", "*** STOP: 0x{:08X} ({:#018x}, {:#018x}, {:#018x}, {:#018x}) {}", code, p1,
            p2, p3, p4, bugcheck_name(code));
  end_machine(stop);
  _exit(kBugcheckExitCode);
}

void raise_status(NTSTATUS status) {
  ETHREAD &thread = current();
  for (RaiseFrame *frame = thread.raise_frame; frame; frame = frame->outer) {
    if (frame->takes_bugchecks) continue;
    frame->status = status;
    std::longjmp(frame->target, 1);
  }
  const auto code = static_cast<ULONG_PTR>(static_cast<LONG_PTR>(status));
  const auto address = reinterpret_cast<ULONG_PTR>(__builtin_return_address(0));
  bugcheck(thread.adopted ? 0x1E : 0x7E, code, address, 0, 0);
}

NTSTATUS catch_raise(const std::function<void()> &body) { return run_in_frame(false, body).status; }
Bugcheck catch_bugcheck(const std::function<void()> &body) { return run_in_frame(true, body).stop; }

void require_irql_at_most(KIRQL limit, const void *caller) {
  const KIRQL irql = current().irql;
  if (irql <= limit) [[likely]]
    return;
  const auto address = reinterpret_cast<ULONG_PTR>(caller);
  bugcheck(0xD1, address, irql, 8, address);
}

void bad_object(const void *object, const void *caller) {
  base::log(base::Level::kError, "ke", "{} is not a dispatcher object of the kind that the caller {}{} may use",
            fmt::ptr(object), fmt::ptr(caller), describe_address(caller));
  // FAST_FAIL_INVALID_ARG
  bugcheck(0x139, 5, reinterpret_cast<ULONG_PTR>(object), reinterpret_cast<ULONG_PTR>(caller), 0);
}

// Wires the hooks of the layers below.
void boot_bugcheck() { api::missing_api = report_missing; }

}  // namespace ntemu::ke

using namespace ntemu;

VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                  ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4) {
  ke::bugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3, BugCheckParameter4);
}

VOID KeBugCheck(ULONG BugCheckCode) { ke::bugcheck(BugCheckCode); }

// Called by a driver's __stack_chk_fail: its stack cookie was overwritten.
extern "C" __attribute__((visibility("default"), noreturn)) void nt_stack_check_failed(const void *caller) {
  // The call that reports it is a function's last instruction, so that what follows it may be another function.
  base::log(base::Level::kError, "ke", "stack buffer overrun in the function before {}{}", fmt::ptr(caller),
            ke::describe_address(static_cast<const char *>(caller) - 1));
  ke::bugcheck(0xF7, reinterpret_cast<ULONG_PTR>(caller));
}
