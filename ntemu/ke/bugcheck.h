// What ends a machine: bugchecks, and exceptions that nobody handles.
#pragma once

#include <ucontext.h>

#include <functional>
#include <string>

#include "ntemu/base/result.h"
#include "ntemu/ke/stop_codes.h"

namespace ntemu::ke {

struct Bugcheck {
  ULONG code;
  ULONG_PTR parameters[4];
};

// Exit code of a process whose machine ended in a bugcheck.
inline constexpr int kBugcheckExitCode = 188;

// How a machine comes to its end.
struct Stop {
  Bugcheck check;
  PETHREAD thread;         // that ends it; null for a thread that is none of the machine's
  const ucontext_t &trap;  // its registers: where it trapped, or where it called
  bool trapped;
};

// Ends the machine, on the calling thread, from any IRQL and context: the first to come stops the others for good.
[[noreturn]] void bugcheck(ULONG code, ULONG_PTR p1 = 0, ULONG_PTR p2 = 0, ULONG_PTR p3 = 0, ULONG_PTR p4 = 0);
// The same in a signal handler, for what the registers in `trap` tell.
[[noreturn]] void bugcheck_at(const ucontext_t &trap, const Bugcheck &check);
// The same as if the function had called bugcheck whose call returns to `caller`'s RIP.
[[noreturn]] void bugcheck_from(const ucontext_t &caller, const Bugcheck &check);

// For what record_exception has recorded (ke/exception.h), and nobody handles.
[[noreturn]] void bugcheck_for_exception(const ucontext_t &trap);

// Asked first, on the thread that stops: a test that expects the bugcheck takes it, and does not return then.
extern void (*take_stop)(const Stop &);

// Raises an NT exception: caught by catch_raise on this thread, else the bugcheck that Windows makes of it.
[[noreturn]] void raise_status(NTSTATUS status);

// Runs `body`; the status it raised, or STATUS_SUCCESS. Frames of `body` are left without running destructors.
NTSTATUS catch_raise(const std::function<void()> &body);
// Runs `body`; the bugcheck it ended in, code 0 for none. For tests: the machine goes on.
// `note` is called where it happens.
Bugcheck catch_bugcheck(const std::function<void()> &body, void (*note)(const Stop &) = nullptr);

// Zw file I/O and pageable code above `limit`: DRIVER_IRQL_NOT_LESS_OR_EQUAL (address, IRQL, 8, address).
void require_irql_at_most(KIRQL limit, const void *caller);

// Appends where an address lies, e.g. " (TestDriver+0x113d)"; set by the loader.
extern std::string (*describe_address)(const void *address);
// Ends the process after a bugcheck; set by the machine, which has things to put away first.
extern void (*end_machine)(const Stop &);

}  // namespace ntemu::ke
