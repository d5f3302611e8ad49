// Checks of what verified drivers call: who has them, and what a check needs.
#pragma once

#include <string_view>

#include "ntemu/api/enter.h"
#include "ntemu/base/address.h"
#include "ntemu/ke/thread.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {

// Looks at a call of a verified driver before it is made, and does not return from one that is a violation.
using CallCheck = void (*)(const api::Call &call, ULONG options);
// A call meets its checks first, in the order in which they were added; rules are for what no check has told.
enum class Stage { kCheck, kRule };
// `options`: the check is made where one of them is in force; kAlways is in force in every verified image. Only while
// no verified driver runs.
void add_call_check(api::Id id, ULONG options, CallCheck check, Stage stage = Stage::kCheck);

// Called for every call of a verified driver before its checks, in the order in which they were added. True: the call
// ends here, as an api::CallHook's does. Only while no verified driver runs.
void add_call_hook(api::CallHook hook);

// Who adds checks; each is called once, by start_call_checks.
void add_irql_checks();
void add_pageable_code_checks();
void add_region_checks();
void add_security_checks();
void add_object_checks();
void add_io_checks();
void add_rules();
void add_delays();
void start_call_checks();

inline KIRQL current_irql() { return ke::current().irql; }
inline bool apcs_are_disabled(const ETHREAD &thread) {
  return thread.irql >= APC_LEVEL || thread.Tcb.CombinedApcDisable != 0;
}
using base::address_of;
template <class T>
T *pointer(const api::Call &call, int argument) {
  return reinterpret_cast<T *>(call.arguments[argument]);
}

// The same as violation(), after a line in the log that says who called what, and `why` that is wrong.
[[noreturn]] void report(const api::Call &call, const char *why, ULONG_PTR kind, ULONG_PTR p2 = 0, ULONG_PTR p3 = 0,
                         ULONG_PTR p4 = 0);
// The same for another bugcheck than 0xC4.
[[noreturn]] void report_bugcheck(const api::Call &call, const char *why, ULONG code, ULONG_PTR p1, ULONG_PTR p2 = 0,
                                  ULONG_PTR p3 = 0, ULONG_PTR p4 = 0);
// For what a driver's routine did.
[[noreturn]] void report_routine(const void *routine, const char *why, ULONG code, ULONG_PTR p1, ULONG_PTR p2 = 0,
                                 ULONG_PTR p3 = 0, ULONG_PTR p4 = 0);

// What verified drivers have called since the machine booted. Source: Microsoft's "Monitoring Global Counters".
struct Counters {
  uint64_t raise_irqls, acquire_spin_locks, synchronize_executions, allocations_attempted, allocations_without_tag;
};
Counters counters();
void reset_counters();

}  // namespace ntemu::vf
