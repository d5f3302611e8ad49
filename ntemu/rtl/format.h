// NT's printf: the one engine behind DbgPrint, ntstrsafe and the drivers' C library.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace ntemu::rtl {

// Writes at most `room` units of the text and no terminator; returns the length of the whole text.
// Wide and narrow text convert through UTF-8. A precision of %s counts units of its source.
size_t format(char *out, size_t room, const char *format, va_list arguments);
size_t format(char16_t *out, size_t room, const char16_t *format, va_list arguments);

}  // namespace ntemu::rtl
