// Numbers, sorting and random numbers of the drivers' C library; a Windows long has 32 bits.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include "ntemu/rtl/crt.h"
#include "ntemu/rtl/crt_text.h"

using namespace ntemu::rtl;

namespace {

template <class Char>
int digit_of(Char c) {
  const int unit = crt::value_of(upcase(c));
  return unit >= '0' && unit <= '9' ? unit - '0' : unit >= 'A' && unit <= 'Z' ? unit - 'A' + 10 : 99;
}

// strtol and kin: saturates, as C says; a bad base gives 0.
template <class Number, class Char>
Number parse(const Char *text, Char **end, int base) {
  using Limits = std::numeric_limits<Number>;
  if (end) *end = const_cast<Char *>(text);
  if (base < 0 || base == 1 || base > 36) return 0;
  while (*text == ' ' || (*text >= '\t' && *text <= '\r')) ++text;
  const bool negative = *text == '-';
  if (*text == '-' || *text == '+') ++text;
  const bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_of(text[2]) < 16;
  if (hexadecimal && (base == 0 || base == 16)) {
    base = 16;
    text += 2;
  } else if (base == 0) {
    base = text[0] == '0' ? 8 : 10;
  }
  const uint64_t most = !std::is_signed_v<Number> ? static_cast<uint64_t>(Limits::max())
                                                  : static_cast<uint64_t>(Limits::max()) + (negative ? 1 : 0);
  uint64_t total = 0;
  bool any = false, too_large = false;
  for (int digit; (digit = digit_of(*text)) < base; ++text) {
    any = true;
    too_large |= total > (most - static_cast<uint64_t>(digit)) / static_cast<uint64_t>(base);
    if (!too_large) total = total * static_cast<uint64_t>(base) + static_cast<uint64_t>(digit);
  }
  if (any && end) *end = const_cast<Char *>(text);
  if (too_large) return std::is_signed_v<Number> && negative ? Limits::min() : Limits::max();
  return static_cast<Number>(negative ? 0 - total : total);
}

// _itoa and kin. Only base 10 shows a sign, as MSVC has it.
template <class Number, class Char>
int to_text(Number value, Char *buffer, size_t size, int radix) {
  if (!buffer || size == 0) return crt::kInvalid;
  buffer[0] = 0;
  if (radix < 2 || radix > 36) return crt::kInvalid;
  const bool negative = value < 0 && radix == 10;
  auto rest = static_cast<uint64_t>(static_cast<std::make_unsigned_t<Number>>(value));
  if (negative) rest = static_cast<uint64_t>(static_cast<std::make_unsigned_t<Number>>(0 - rest));
  Char digits[66];
  size_t first = std::size(digits);
  do {
    digits[--first] = static_cast<Char>("0123456789abcdefghijklmnopqrstuvwxyz"[rest % static_cast<uint64_t>(radix)]);
    rest /= static_cast<uint64_t>(radix);
  } while (rest != 0);
  if (negative) digits[--first] = '-';
  const size_t length = std::size(digits) - first;
  if (length >= size) return crt::kRange;
  std::copy_n(digits + first, length, buffer);
  buffer[length] = 0;
  return 0;
}

// Seed of rand(), shared by all drivers as it is on NT.
std::atomic<uint32_t> random_state{1};

}  // namespace

extern "C" {

int nt_atoi(const char *text) { return parse<int>(text, static_cast<char **>(nullptr), 10); }

int nt_atol(const char *text) { return parse<int>(text, static_cast<char **>(nullptr), 10); }

long long nt__atoi64(const char *text) { return parse<long long>(text, static_cast<char **>(nullptr), 10); }

int nt_strtol(const char *text, char **end, int base) { return parse<int>(text, end, base); }

unsigned int nt_strtoul(const char *text, char **end, int base) { return parse<unsigned int>(text, end, base); }

long long nt_strtoll(const char *text, char **end, int base) { return parse<long long>(text, end, base); }

unsigned long long nt_strtoull(const char *text, char **end, int base) {
  return parse<unsigned long long>(text, end, base);
}

long long nt__strtoi64(const char *text, char **end, int base) { return parse<long long>(text, end, base); }

unsigned long long nt__strtoui64(const char *text, char **end, int base) {
  return parse<unsigned long long>(text, end, base);
}

char *nt__itoa(int value, char *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__itoa_s(int value, char *buffer, size_t size, int radix) { return to_text(value, buffer, size, radix); }

char *nt__ltoa(int value, char *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ltoa_s(int value, char *buffer, size_t size, int radix) { return to_text(value, buffer, size, radix); }

char *nt__ultoa(unsigned int value, char *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ultoa_s(unsigned int value, char *buffer, size_t size, int radix) {
  return to_text(value, buffer, size, radix);
}

char *nt__i64toa(long long value, char *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__i64toa_s(long long value, char *buffer, size_t size, int radix) { return to_text(value, buffer, size, radix); }

char *nt__ui64toa(unsigned long long value, char *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ui64toa_s(unsigned long long value, char *buffer, size_t size, int radix) {
  return to_text(value, buffer, size, radix);
}

int nt__wtoi(const char16_t *text) { return parse<int>(text, static_cast<char16_t **>(nullptr), 10); }

int nt__wtol(const char16_t *text) { return parse<int>(text, static_cast<char16_t **>(nullptr), 10); }

long long nt__wtoi64(const char16_t *text) { return parse<long long>(text, static_cast<char16_t **>(nullptr), 10); }

int nt_wcstol(const char16_t *text, char16_t **end, int base) { return parse<int>(text, end, base); }

unsigned int nt_wcstoul(const char16_t *text, char16_t **end, int base) { return parse<unsigned int>(text, end, base); }

long long nt_wcstoll(const char16_t *text, char16_t **end, int base) { return parse<long long>(text, end, base); }

unsigned long long nt_wcstoull(const char16_t *text, char16_t **end, int base) {
  return parse<unsigned long long>(text, end, base);
}

long long nt__wcstoi64(const char16_t *text, char16_t **end, int base) { return parse<long long>(text, end, base); }

unsigned long long nt__wcstoui64(const char16_t *text, char16_t **end, int base) {
  return parse<unsigned long long>(text, end, base);
}

char16_t *nt__itow(int value, char16_t *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__itow_s(int value, char16_t *buffer, size_t size, int radix) { return to_text(value, buffer, size, radix); }

char16_t *nt__ltow(int value, char16_t *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ltow_s(int value, char16_t *buffer, size_t size, int radix) { return to_text(value, buffer, size, radix); }

char16_t *nt__ultow(unsigned int value, char16_t *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ultow_s(unsigned int value, char16_t *buffer, size_t size, int radix) {
  return to_text(value, buffer, size, radix);
}

char16_t *nt__i64tow(long long value, char16_t *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__i64tow_s(long long value, char16_t *buffer, size_t size, int radix) {
  return to_text(value, buffer, size, radix);
}

char16_t *nt__ui64tow(unsigned long long value, char16_t *buffer, int radix) {
  to_text(value, buffer, crt::kTruncate, radix);
  return buffer;
}

int nt__ui64tow_s(unsigned long long value, char16_t *buffer, size_t size, int radix) {
  return to_text(value, buffer, size, radix);
}

int nt_abs(int value) { return value < 0 ? static_cast<int>(0U - static_cast<unsigned>(value)) : value; }

void nt_qsort(void *base, size_t count, size_t size, int (*order)(const void *, const void *)) {
  std::qsort(base, count, size, order);
}

void *nt_bsearch(const void *key, const void *base, size_t count, size_t size,
                 int (*order)(const void *, const void *)) {
  return std::bsearch(key, base, count, size, order);
}

int nt_rand() {
  uint32_t state = random_state.load(std::memory_order_relaxed);
  uint32_t next;
  do {
    next = state * 1103515245U + 12345U;
  } while (!random_state.compare_exchange_weak(state, next, std::memory_order_relaxed));
  return static_cast<int>(next >> 16 & 0x7fff);
}

void nt_srand(unsigned int seed) { random_state.store(seed, std::memory_order_relaxed); }

}  // extern "C"
