// Matchers and actions for what drivers say and do.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <tuple>

#include "ntifs.h"

namespace ntemu::testing {

// "STATUS_ACCESS_DENIED (0xC0000022)".
std::string status_name(NTSTATUS status);
std::string to_utf8(std::u16string_view text);

namespace detail {

std::u16string_view view(const UNICODE_STRING &string);
inline const UNICODE_STRING *pointer_to(const UNICODE_STRING &string) { return &string; }
inline const UNICODE_STRING *pointer_to(const UNICODE_STRING *string) { return string; }
bool equal(std::u16string_view a, std::u16string_view b, bool ignore_case);
// The name of the object behind a handle; empty when there is none.
std::u16string name_of_handle(HANDLE handle);
// A path as objects are named: C:\Temp stands for \Device\HarddiskVolume1\Temp.
std::u16string object_path(std::u16string_view path);
bool holds_lock(const void *lock);
KIRQL current_irql();
void signal(PKEVENT event);
void wait_for(PKEVENT event);

}  // namespace detail

// A success, informational or warning status is what NT_SUCCESS accepts: 0 to 0x7FFFFFFF.
MATCHER(NtSucceeds, negation ? "is an error or warning status" : "is a success status") {
  *result_listener << status_name(arg);
  return NT_SUCCESS(arg);
}
MATCHER_P(NtFailsWith, status, (negation ? "is not " : "is ") + status_name(status)) {
  *result_listener << status_name(arg);
  return arg == status;
}

// A UNICODE_STRING, or a pointer to one.
MATCHER_P(UnicodeStringEq, text, (negation ? "is not '" : "is '") + to_utf8(text) + "'") {
  const UNICODE_STRING *string = detail::pointer_to(arg);
  if (!string) {
    *result_listener << "a null pointer";
    return false;
  }
  *result_listener << "'" << to_utf8(detail::view(*string)) << "'";
  return detail::view(*string) == std::u16string_view(text);
}

// An OBJECT_ATTRIBUTES that names this object; without regard to case where it says OBJ_CASE_INSENSITIVE.
MATCHER_P(ObjectNameIs, name, (negation ? "does not name '" : "names '") + to_utf8(name) + "'") {
  if (!arg || !arg->ObjectName) {
    *result_listener << "which has no name";
    return false;
  }
  const std::u16string_view actual = detail::view(*arg->ObjectName);
  *result_listener << "which names '" << to_utf8(actual) << "'";
  return detail::equal(actual, std::u16string_view(name), (arg->Attributes & OBJ_CASE_INSENSITIVE) != 0);
}

// An open handle to the object of this name: u"C:\\Temp\\a.txt", u"\\Device\\Foo". In any case.
MATCHER_P(HandleTo, path, (negation ? "is no handle to '" : "is a handle to '") + to_utf8(path) + "'") {
  const std::u16string name = detail::name_of_handle(arg);
  *result_listener << "which is a handle to '" << to_utf8(name) << "'";
  return detail::equal(name, detail::object_path(path), true);
}

// The state of the thread that makes a call; for .With(): EXPECT_CALL(kernel.KeSetEvent, Call).With(AtIrql(2)).
MATCHER_P(AtIrql, irql, (negation ? "not at IRQL " : "at IRQL ") + std::to_string(int{irql})) {
  (void)arg;
  *result_listener << "made at IRQL " << int{detail::current_irql()};
  return detail::current_irql() == irql;
}
MATCHER_P(HoldsLock, lock, negation ? "does not hold the lock" : "holds the lock") {
  (void)arg;
  return detail::holds_lock(lock);
}

// Sets the event, in DoAll(SignalsEvent(&event), Return(STATUS_SUCCESS)).
ACTION_P(SignalsEvent, event) { detail::signal(event); }
// Keeps the calling thread until somebody sets the event: DoAll(WaitsForEvent(&event), CallsReal()).
ACTION_P(WaitsForEvent, event) { detail::wait_for(event); }

}  // namespace ntemu::testing
