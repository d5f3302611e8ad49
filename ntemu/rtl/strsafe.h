// The rules of ntstrsafe, once for narrow and wide text and for sizes in characters and in bytes.
#pragma once

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <string_view>

#include "ntemu/rtl/format.h"
#include "ntstrsafe.h"

namespace ntemu::rtl::strsafe {

// How the caller counts: a Cch form passes units, a Cb form bytes.
enum class Count { kUnits, kBytes };

inline constexpr size_t kNoLimit = NTSTRSAFE_MAX_CCH;

template <class Char>
struct Destination {
  Destination(Char *buffer, size_t size, Count count)
      : text(buffer),
        bytes(count == Count::kBytes ? size : size * sizeof(Char)),
        units(count == Count::kBytes ? size / sizeof(Char) : size),
        in_bytes(count == Count::kBytes) {}

  Char *text;
  size_t bytes;
  size_t units;
  bool in_bytes;
};

template <class Char>
size_t to_units(size_t size, Count count) {
  return count == Count::kBytes ? size / sizeof(Char) : size;
}

// Length of `text`, at most `limit`: never reads further.
template <class Char>
size_t bounded_length(const Char *text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length]) ++length;
  return length;
}

// A source writes up to `room` units at `to`, without a terminator, and returns how many it wanted to write.
template <class Char>
auto from_text(const Char *source, size_t limit = kNoLimit) {
  return [=](Char *to, size_t room) {
    const size_t wanted = bounded_length(source, std::min(limit, room + 1));
    if (const size_t count = std::min(wanted, room)) std::memmove(to, source, count * sizeof(Char));
    return wanted;
  };
}

template <class Char>
struct Formatted {
  const Char *text;
  va_list arguments;
  size_t operator()(Char *to, size_t room) { return format(to, room, text, arguments); }
};

// Runs `use` with a source that prints `format`. The list is copied, since an array type cannot be captured.
template <class Char, class Use>
NTSTATUS with_format(const Char *format, va_list arguments, Use use) {
  Formatted<Char> source;
  source.text = format;
  va_copy(source.arguments, arguments);
  const NTSTATUS status = use(source);
  va_end(source.arguments);
  return status;
}

template <class Char>
NTSTATUS length(const Char *text, size_t limit, Count count, size_t *result) {
  const size_t units = to_units<Char>(limit, count);
  size_t found = 0;
  NTSTATUS status = STATUS_INVALID_PARAMETER;
  if (text && units != 0 && units <= NTSTRSAFE_MAX_CCH) {
    found = bounded_length(text, units);
    if (found < units) status = STATUS_SUCCESS;
  }
  if (result) *result = status == STATUS_SUCCESS ? found * (count == Count::kBytes ? sizeof(Char) : 1) : 0;
  return status;
}

// Puts `source` behind the first `start` units and terminates.
template <class Char, class Source>
NTSTATUS place(const Destination<Char> &destination, size_t start, Source &&source) {
  const size_t room = destination.units - start - 1;
  const size_t wanted = source(destination.text + start, room);
  destination.text[start + std::min(wanted, room)] = 0;
  return wanted > room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

template <class Char, class Source>
NTSTATUS copy(const Destination<Char> &destination, size_t limit, Source &&source) {
  if (destination.units == 0) return STATUS_INVALID_PARAMETER;
  if (destination.units > NTSTRSAFE_MAX_CCH || limit > NTSTRSAFE_MAX_CCH) {
    destination.text[0] = 0;
    return STATUS_INVALID_PARAMETER;
  }
  return place(destination, 0, source);
}

template <class Char, class Source>
NTSTATUS append(const Destination<Char> &destination, size_t limit, Source &&source) {
  if (destination.units == 0 || destination.units > NTSTRSAFE_MAX_CCH || limit > NTSTRSAFE_MAX_CCH)
    return STATUS_INVALID_PARAMETER;
  const size_t start = bounded_length(destination.text, destination.units);
  if (start == destination.units) return STATUS_INVALID_PARAMETER;
  return place(destination, start, source);
}

template <class Char>
struct Results {
  Char **end;
  size_t *remaining;  // in the caller's unit of counting
  ULONG flags;
};
template <class Char>
Results(Char **, size_t *, ULONG) -> Results<Char>;

enum class Mode { kCopy, kAppend };

template <class Char>
void fill(const Destination<Char> &destination, size_t from, ULONG flags) {
  auto *first = reinterpret_cast<char *>(destination.text + from);
  std::memset(first, STRSAFE_GET_FILL_PATTERN(flags), destination.bytes - from * sizeof(Char));
}

// What a failing Ex form leaves behind; `end` becomes the offset of the result's end.
template <class Char>
void leave_failed(const Destination<Char> &destination, NTSTATUS status, size_t start, ULONG flags, size_t &end) {
  if (status == STATUS_BUFFER_OVERFLOW && (flags & STRSAFE_NO_TRUNCATION)) {
    end = start;
    destination.text[end] = 0;
  }
  if (flags & STRSAFE_FILL_ON_FAILURE) {
    fill(destination, 0, flags);
    end = STRSAFE_GET_FILL_PATTERN(flags) == 0 ? 0 : destination.units - 1;
    destination.text[end] = 0;
  }
  if (flags & STRSAFE_NULL_ON_FAILURE) {
    end = 0;
    destination.text[0] = 0;
  }
}

// The Ex forms. `source_given` is false for a NULL source, which counts as empty under STRSAFE_IGNORE_NULLS.
template <class Char, class Source>
NTSTATUS extended(Mode mode, const Destination<Char> &destination, size_t limit, bool source_given,
                  const Results<Char> &results, Source &&source) {
  const ULONG flags = results.flags;
  const bool ignore_nulls = flags & STRSAFE_IGNORE_NULLS;
  if (flags & ~ULONG{STRSAFE_VALID_FLAGS}) return STATUS_INVALID_PARAMETER;
  if (destination.units > NTSTRSAFE_MAX_CCH) return STATUS_INVALID_PARAMETER;
  const bool bad_source = limit > NTSTRSAFE_MAX_CCH || (!source_given && !ignore_nulls);

  NTSTATUS status = STATUS_SUCCESS;
  size_t start = 0, end = 0;
  if (!destination.text || destination.units == 0) {
    if (!ignore_nulls || (!destination.text && destination.units != 0)) return STATUS_INVALID_PARAMETER;
    if (bad_source) return STATUS_INVALID_PARAMETER;
    Char nothing;
    const bool empty = !source_given || source(&nothing, 0) == 0;
    if (!empty) status = destination.text ? STATUS_BUFFER_OVERFLOW : STATUS_INVALID_PARAMETER;
  } else {
    if (mode == Mode::kAppend) start = bounded_length(destination.text, destination.units);
    if (start == destination.units || bad_source) {
      status = STATUS_INVALID_PARAMETER;
      start = 0;
    } else if (source_given) {
      status = place(destination, start, source);
    } else {
      destination.text[start] = 0;
    }
    end = start;
    if (status != STATUS_INVALID_PARAMETER)
      end += bounded_length(destination.text + start, destination.units - start - 1);
    if (status != STATUS_SUCCESS) {
      leave_failed(destination, status, start, flags, end);
    } else if (flags & STRSAFE_FILL_BEHIND_NULL) {
      fill(destination, end + 1, flags);
    }
  }
  if (status == STATUS_SUCCESS || status == STATUS_BUFFER_OVERFLOW) {
    if (results.end) *results.end = destination.text ? destination.text + end : nullptr;
    if (results.remaining) {
      *results.remaining = destination.in_bytes ? destination.bytes - end * sizeof(Char) : destination.units - end;
    }
  }
  return status;
}

}  // namespace ntemu::rtl::strsafe
