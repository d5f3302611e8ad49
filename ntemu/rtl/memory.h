// What rtl needs from above (string allocation, reports), as hooks that are set at boot.
#pragma once

#include <cstddef>

namespace ntemu::rtl {

// Buffers of the strings that Rtl routines allocate; ex puts the paged pool here. nullptr means no memory.
extern void *(*allocate_string)(size_t bytes);
extern void (*free_string)(void *buffer);

// A finding of a checked build, e.g. "driver.c:71: RtlCopyMemory writes 68 bytes into an object with 4 left".
// The default prints it to standard error.
extern void (*report_overflow)(const char *text);

// A failed assert() of a driver; the default prints it and stops the program.
extern void (*assertion_failed)(const char *text);

}  // namespace ntemu::rtl
