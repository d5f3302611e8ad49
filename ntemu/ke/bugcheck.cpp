#include "ntemu/ke/bugcheck.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <string>

#include "ntemu/api/enter.h"
#include "ntemu/api/stubs.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck_callback.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ke/exception.h"

extern "C" {
__attribute__((visibility("default"))) ULONG_PTR KiBugCheckData[5] = {};
}

namespace ntemu::ke {

struct RaiseFrame {
  jmp_buf target;
  RaiseFrame *outer;
  bool takes_bugchecks;
  void (*note)(const Stop &);
  NTSTATUS status;
  Bugcheck stop;
};

namespace {

std::string describe_nothing(const void *) { return {}; }

void report_missing(const char *name, const void *caller) {
  base::log(base::Level::kError, "api", "{} is not implemented; called from {}{}", name, fmt::ptr(caller),
            describe_address(caller));
  bugcheck(0xDEAD'0001, reinterpret_cast<ULONG_PTR>(name), reinterpret_cast<ULONG_PTR>(caller));
}

// Innermost frame first. Frames are only ever left from inside `body`, on their own thread.
template <class Body>
RaiseFrame run_in_frame(bool takes_bugchecks, const Body &body, void (*note)(const Stop &) = nullptr) {
  RaiseFrame frame{};
  frame.note = note;
  frame.outer = current().raise_frame;
  frame.takes_bugchecks = takes_bugchecks;
  current().raise_frame = &frame;
  if (setjmp(frame.target) == 0) body();
  current().raise_frame = frame.outer;
  return frame;
}

}  // namespace

std::string (*describe_address)(const void *) = describe_nothing;
void (*take_stop)(const Stop &) = [](const Stop &) {};
void (*end_machine)(const Stop &) = [](const Stop &) {};

namespace {

std::atomic<pid_t> stopping{0};  // the host thread that ends the machine

[[noreturn]] void stop(const Stop &stop) {
  if (stop.thread) {
    for (RaiseFrame *frame = stop.thread->raise_frame; frame; frame = frame->outer) {
      if (!frame->takes_bugchecks) continue;
      frame->stop = stop.check;
      if (frame->note) frame->note(stop);
      std::longjmp(frame->target, 1);
    }
  }
  take_stop(stop);
  pid_t nobody = 0;
  const pid_t self = gettid();
  if (!stopping.compare_exchange_strong(nobody, self)) {
    if (nobody == self) {
      leave_callback();
      go_on_ending();
      _exit(kBugcheckExitCode);
    }
    for (;;) pause();
  }
  KiBugCheckData[0] = stop.check.code;
  std::copy_n(stop.check.parameters, 4, KiBugCheckData + 1);
  end_machine(stop);
  _exit(kBugcheckExitCode);
}

}  // namespace

void bugcheck(ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) {
  ucontext_t here;
  getcontext(&here);
  stop({{code, {p1, p2, p3, p4}}, &current(), here, false});
}

void bugcheck_at(const ucontext_t &trap, const Bugcheck &check) {
  stop({check, base::current_thread_slot, trap, true});
}

void bugcheck_from(const ucontext_t &caller, const Bugcheck &check) {
  stop({check, base::current_thread_slot, caller, false});
}

void raise_status(NTSTATUS status) {
  ETHREAD &thread = current();
  for (RaiseFrame *frame = thread.raise_frame; frame; frame = frame->outer) {
    if (frame->takes_bugchecks) continue;
    frame->status = status;
    std::longjmp(frame->target, 1);
  }
  ucontext_t here;
  getcontext(&here);
  record_exception(status, here, 0);
  bugcheck_for_exception(here);
}

void bugcheck_for_exception(const ucontext_t &trap) {
  const auto code = static_cast<ULONG_PTR>(static_cast<LONG_PTR>(KiExceptionRecord.ExceptionCode));
  const auto address = reinterpret_cast<ULONG_PTR>(KiExceptionRecord.ExceptionAddress);
  ETHREAD *thread = base::current_thread_slot;
  Bugcheck check;
  if (thread && thread->serves_user) {
    check = {0x3B, {code & 0xFFFFFFFF, address, reinterpret_cast<ULONG_PTR>(&KiContextRecord)}};
  } else if (thread && !thread->adopted) {
    check = {0x7E,
             {code, address, reinterpret_cast<ULONG_PTR>(&KiExceptionRecord),
              reinterpret_cast<ULONG_PTR>(&KiContextRecord)}};
  } else {
    check = {0x1E,
             {code, address, KiExceptionRecord.ExceptionInformation[0], KiExceptionRecord.ExceptionInformation[1]}};
  }
  bugcheck_at(trap, check);
}

NTSTATUS catch_raise(const std::function<void()> &body) { return run_in_frame(false, body).status; }
Bugcheck catch_bugcheck(const std::function<void()> &body, void (*note)(const Stop &)) {
  return run_in_frame(true, body, note).stop;
}

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
void boot_bugcheck() {
  api::missing_api = report_missing;
  // A dump has the pages that were ever written to, and fills in what stopped the machine in this one.
  const_cast<volatile ULONG_PTR &>(KiBugCheckData[0]) = 0;
}

}  // namespace ntemu::ke

using namespace ntemu;

VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
                  ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4) {
  ke::bugcheck(BugCheckCode, BugCheckParameter1, BugCheckParameter2, BugCheckParameter3, BugCheckParameter4);
}

VOID KeBugCheck(ULONG BugCheckCode) { ke::bugcheck(BugCheckCode); }

// Called by a driver's __stack_chk_fail: its stack cookie was overwritten.
extern "C" __attribute__((visibility("default"), noreturn)) void nt_stack_check_failed(const void *caller,
                                                                                       const ULONG_PTR *frame) {
  // The call that reports it is a function's last instruction, so that what follows it may be another function.
  base::log(base::Level::kError, "ke", "stack buffer overrun in the function before {}{}", fmt::ptr(caller),
            ke::describe_address(static_cast<const char *>(caller) - 1));
  ULONG_PTR expected;
  asm("mov %%fs:0x28, %0" : "=r"(expected));
  // Both compilers keep it right below the frame pointer.
  ke::bugcheck(0xF7, frame[-1], expected, ~expected);
}
