// The drivers' wide string functions (WDK and MSVC: the C run-time library).
#include "ntemu/rtl/crt.h"

#include <cstring>

#include "ntemu/rtl/crt_text.h"

using namespace ntemu::rtl;

extern "C" {

size_t nt_wcslen(const char16_t *text) { return crt::length(text); }

size_t nt_wcsnlen(const char16_t *text, size_t limit) { return crt::length(text, limit); }

char16_t *nt_wcscpy(char16_t *destination, const char16_t *source) { return crt::copy(destination, source); }

char16_t *nt_wcsncpy(char16_t *destination, const char16_t *source, size_t count) {
  return crt::copy(destination, source, count);
}

char16_t *nt_wcscat(char16_t *destination, const char16_t *source) { return crt::append(destination, source); }

char16_t *nt_wcsncat(char16_t *destination, const char16_t *source, size_t count) {
  return crt::append(destination, source, count);
}

int nt_wcscmp(const char16_t *first, const char16_t *second) {
  return crt::compare(first, second, crt::kTruncate, false);
}

int nt_wcsncmp(const char16_t *first, const char16_t *second, size_t count) {
  return crt::compare(first, second, count, false);
}

int nt__wcsicmp(const char16_t *first, const char16_t *second) {
  return crt::compare(first, second, crt::kTruncate, true);
}

int nt__wcsnicmp(const char16_t *first, const char16_t *second, size_t count) {
  return crt::compare(first, second, count, true);
}

char16_t *nt_wcschr(const char16_t *text, char16_t character) { return crt::find(text, character); }

char16_t *nt_wcsrchr(const char16_t *text, char16_t character) { return crt::find_last(text, character); }

char16_t *nt_wcsstr(const char16_t *text, const char16_t *part) { return crt::find(text, part); }

size_t nt_wcsspn(const char16_t *text, const char16_t *set) { return crt::span(text, set, true); }

size_t nt_wcscspn(const char16_t *text, const char16_t *set) { return crt::span(text, set, false); }

char16_t *nt_wcspbrk(const char16_t *text, const char16_t *set) {
  text += crt::span(text, set, false);
  return *text ? const_cast<char16_t *>(text) : nullptr;
}

char16_t *nt_wcstok_s(char16_t *text, const char16_t *delimiters, char16_t **context) {
  return crt::next_token(text, delimiters, context);
}

char16_t *nt__wcslwr(char16_t *text) {
  return crt::change(text, [](auto c) { return downcase(c); });
}

int nt__wcslwr_s(char16_t *text, size_t size) {
  return crt::change_checked(text, size, [](auto c) { return downcase(c); });
}

char16_t *nt__wcsupr(char16_t *text) {
  return crt::change(text, [](auto c) { return upcase(c); });
}

int nt__wcsupr_s(char16_t *text, size_t size) {
  return crt::change_checked(text, size, [](auto c) { return upcase(c); });
}

char16_t *nt__wcsrev(char16_t *text) {
  std::reverse(text, text + crt::length(text));
  return text;
}

char16_t *nt__wcsset(char16_t *text, char16_t character) {
  return crt::change(text, [=](auto) { return character; });
}

int nt_wcscpy_s(char16_t *destination, size_t size, const char16_t *source) {
  return crt::copy_checked(destination, size, source, crt::kWhole);
}

int nt_wcsncpy_s(char16_t *destination, size_t size, const char16_t *source, size_t count) {
  return crt::copy_checked(destination, size, source, count);
}

int nt_wcscat_s(char16_t *destination, size_t size, const char16_t *source) {
  return crt::append_checked(destination, size, source, crt::kWhole);
}

int nt_wcsncat_s(char16_t *destination, size_t size, const char16_t *source, size_t count) {
  return crt::append_checked(destination, size, source, count);
}

char16_t *nt_wmemcpy(char16_t *destination, const char16_t *source, size_t count) {
  std::copy_n(source, count, destination);
  return destination;
}

char16_t *nt_wmemmove(char16_t *destination, const char16_t *source, size_t count) {
  std::memmove(destination, source, count * sizeof(char16_t));
  return destination;
}

char16_t *nt_wmemset(char16_t *destination, char16_t character, size_t count) {
  std::fill_n(destination, count, character);
  return destination;
}

char16_t *nt_wmemchr(const char16_t *text, char16_t character, size_t count) {
  const auto *end = text + count;
  const auto *found = std::find(text, end, character);
  return found == end ? nullptr : const_cast<char16_t *>(found);
}

int nt_wmemcmp(const char16_t *first, const char16_t *second, size_t count) {
  return std::u16string_view(first, count).compare(std::u16string_view(second, count));
}

}  // extern "C"
