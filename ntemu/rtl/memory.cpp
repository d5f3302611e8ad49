// Memory comparison and filling, and the checked copy of checked builds.
#include "ntemu/rtl/memory.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "nt/rtl.h"
#include "ntemu/api/enter.h"

namespace ntemu::rtl {
namespace {

void print(const char *text) { std::fprintf(stderr, "%s\n", text); }

void print_and_abort(const char *text) {
  print(text);
  std::abort();
}

const char *base_name(const char *path) {
  const char *slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// True the first time a site is seen. Sites are told apart by a hash; a full table means silence, not repetition.
bool first_report(const char *file, int line) {
  static std::atomic<uint64_t> sites[512];
  uint64_t key = 14695981039346656037ULL;
  for (const char *c = file; *c; ++c) key = (key ^ static_cast<unsigned char>(*c)) * 1099511628211ULL;
  key = ((key ^ static_cast<unsigned>(line)) * 1099511628211ULL) | 1;
  for (size_t i = 0; i < std::size(sites); ++i) {
    auto &slot = sites[(key + i) % std::size(sites)];
    uint64_t empty = 0;
    if (slot.compare_exchange_strong(empty, key, std::memory_order_relaxed)) return true;
    if (empty == key) return false;
  }
  return false;
}

}  // namespace

void *(*allocate_string)(size_t) = std::malloc;
void (*free_string)(void *) = std::free;
void (*report_overflow)(const char *) = print;
void (*assertion_failed)(const char *) = print_and_abort;

}  // namespace ntemu::rtl

extern "C" {

// What a driver's own memcpy and its kin, to which compilers make calls, come down to.
void *nt_memcpy(void *destination, const void *source, size_t length) {
  return std::memmove(destination, source, length);
}
void *nt_memmove(void *destination, const void *source, size_t length) {
  return std::memmove(destination, source, length);
}
void *nt_memset(void *destination, int value, size_t length) { return std::memset(destination, value, length); }
int nt_memcmp(const void *first, const void *second, size_t length) { return std::memcmp(first, second, length); }

// Not an API of NT and not hooked: it stands where a plain memmove would.
PVOID nt_copy_checked(PVOID destination, const VOID *source, SIZE_T length, SIZE_T object_size, const char *file,
                      int line) {
  if (length > object_size && ntemu::rtl::first_report(file, line)) {
    char text[512];
    std::snprintf(text, sizeof text, "%s:%d: RtlCopyMemory writes %zu bytes into an object with %zu left",
                  ntemu::rtl::base_name(file), line, length, object_size);
    ntemu::rtl::report_overflow(text);
  }
  return std::memmove(destination, source, length);
}

NTKERNELAPI void nt_assert_failed(const char *expression, const char *file, int line) {
  char text[512];
  std::snprintf(text, sizeof text, "%s:%d: assertion failed: %s", ntemu::rtl::base_name(file), line, expression);
  ntemu::rtl::assertion_failed(text);
}

SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length) {
  NT_ENTER(RtlCompareMemory, Source1, Source2, Length);
  const auto *first = static_cast<const char *>(Source1);
  return static_cast<SIZE_T>(std::mismatch(first, first + Length, static_cast<const char *>(Source2)).first - first);
}

SIZE_T RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern) {
  NT_ENTER(RtlCompareMemoryUlong, Source, Length, Pattern);
  const auto *first = static_cast<const char *>(Source);
  SIZE_T at = 0;
  while (Length - at >= sizeof Pattern && std::memcmp(first + at, &Pattern, sizeof Pattern) == 0) at += sizeof Pattern;
  return at;
}

VOID RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern) {
  NT_ENTER(RtlFillMemoryUlong, Destination, Length, Pattern);
  auto *to = static_cast<char *>(Destination);
  for (; Length >= sizeof Pattern; Length -= sizeof Pattern, to += sizeof Pattern)
    std::memcpy(to, &Pattern, sizeof Pattern);
}

VOID RtlFillMemoryUlonglong(PVOID Destination, SIZE_T Length, ULONGLONG Pattern) {
  NT_ENTER(RtlFillMemoryUlonglong, Destination, Length, Pattern);
  auto *to = static_cast<char *>(Destination);
  for (; Length >= sizeof Pattern; Length -= sizeof Pattern, to += sizeof Pattern)
    std::memcpy(to, &Pattern, sizeof Pattern);
}

}  // extern "C"
