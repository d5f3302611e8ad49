// A static constructor: the WDK has none, here it has run before DriverEntry.
#include <ntddk.h>

namespace {
struct Answer {
  Answer();
  LONG value;
};
Answer::Answer() : value(42) {}
Answer answer;
}  // namespace

extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING) { return answer.value; }
