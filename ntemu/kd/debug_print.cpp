// DbgPrint and its family: text for the debugger, here the machine's log, whole lines at a time.
#include "ntemu/kd/debug_print.h"

#include <cstring>
#include <string>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/kd/debugger_data.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/rtl/format.h"
#include "ntemu/rtl/memory.h"
#include "ntifs.h"

using namespace ntemu;

namespace {

constexpr size_t kLargestMessage = 512;  // bytes, as on Windows

struct Output {
  base::Mutex mutex;
  std::string unfinished NTEMU_GUARDED_BY(mutex);  // a line whose end has not been printed yet
};

Output &output() {
  static Output *the_output = new Output;
  return *the_output;
}

base::Level level_of(ULONG level) {
  switch (level) {
    case DPFLTR_ERROR_LEVEL:
      return base::Level::kError;
    case DPFLTR_WARNING_LEVEL:
      return base::Level::kWarning;
    default:
      return base::Level::kInfo;
  }
}

void print(std::string_view text, ULONG level) {
  base::Guard guard(output().mutex);
  std::string &line = output().unfinished;
  for (const char c : text) {
    if (c == '\n') {
      if (line.ends_with('\r')) line.pop_back();
      base::log(level_of(level), kd::kDebugPrint, std::string_view(line));
      line.clear();
    } else {
      line.push_back(c);
    }
  }
}

}  // namespace

namespace ntemu::kd {

namespace {

void report_overflow(const char *text) { base::log(base::Level::kWarning, "checked", std::string_view(text)); }

void report_assertion(const char *text) {
  base::log(base::Level::kError, "assert", std::string_view(text));
  ke::raise_status(STATUS_ASSERTION_FAILURE);
}

}  // namespace

void boot() {
  rtl::report_overflow = report_overflow;
  rtl::assertion_failed = report_assertion;
  boot_debugger_data();
}

void flush_debug_print() {
  base::Guard guard(output().mutex);
  if (!output().unfinished.empty()) base::log(base::Level::kInfo, kDebugPrint, std::string_view(output().unfinished));
  output().unfinished.clear();
}

}  // namespace ntemu::kd

ULONG vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list arglist) {
  NT_ENTER(vDbgPrintExWithPrefix, Prefix, ComponentId, Level, Format, arglist);
  char text[kLargestMessage];
  size_t length = strnlen(Prefix, sizeof text);
  std::memcpy(text, Prefix, length);
  const size_t room = sizeof text - length;
  const size_t wanted = rtl::format(text + length, room, Format, arglist);
  length += wanted < room ? wanted : room;
  print({text, length}, Level);
  return STATUS_SUCCESS;
}

ULONG vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list arglist) {
  NT_ENTER(vDbgPrintEx, ComponentId, Level, Format, arglist);
  return vDbgPrintExWithPrefix("", ComponentId, Level, Format, arglist);
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...) {
  va_list arguments;
  va_start(arguments, Format);
  const ULONG status = vDbgPrintEx(ComponentId, Level, Format, arguments);
  va_end(arguments);
  return status;
}

ULONG DbgPrint(PCSTR Format, ...) {
  va_list arguments;
  va_start(arguments, Format);
  const ULONG status = vDbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, arguments);
  va_end(arguments);
  return status;
}

VOID RtlAssert(PVOID VoidFailedAssertion, PVOID VoidFileName, ULONG LineNumber, PSTR MutableMessage) {
  NT_ENTER(RtlAssert, VoidFailedAssertion, VoidFileName, LineNumber, MutableMessage);
  DbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_ERROR_LEVEL, "*** Assertion failed: %s%s\n***   Source File: %s, line %lu\n",
             MutableMessage ? MutableMessage : "", static_cast<PSTR>(VoidFailedAssertion),
             static_cast<PSTR>(VoidFileName), LineNumber);
  // Windows breaks into the debugger; without one that is an unhandled STATUS_ASSERTION_FAILURE.
  ke::raise_status(STATUS_ASSERTION_FAILURE);
}
