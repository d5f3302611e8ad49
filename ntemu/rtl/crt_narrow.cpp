// The drivers' narrow string functions (WDK and MSVC: the C run-time library).
#include "ntemu/rtl/crt.h"

#include <cstring>

#include "ntemu/rtl/crt_text.h"

using namespace ntemu::rtl;

extern "C" {

size_t nt_strlen(const char *text) { return crt::length(text); }

size_t nt_strnlen(const char *text, size_t limit) { return crt::length(text, limit); }

char *nt_strcpy(char *destination, const char *source) { return crt::copy(destination, source); }

char *nt_strncpy(char *destination, const char *source, size_t count) { return crt::copy(destination, source, count); }

char *nt_strcat(char *destination, const char *source) { return crt::append(destination, source); }

char *nt_strncat(char *destination, const char *source, size_t count) {
  return crt::append(destination, source, count);
}

int nt_strcmp(const char *first, const char *second) { return crt::compare(first, second, crt::kTruncate, false); }

int nt_strncmp(const char *first, const char *second, size_t count) {
  return crt::compare(first, second, count, false);
}

int nt__stricmp(const char *first, const char *second) { return crt::compare(first, second, crt::kTruncate, true); }

int nt__strnicmp(const char *first, const char *second, size_t count) {
  return crt::compare(first, second, count, true);
}

char *nt_strchr(const char *text, int character) { return crt::find(text, static_cast<char>(character)); }

char *nt_strrchr(const char *text, int character) { return crt::find_last(text, static_cast<char>(character)); }

char *nt_strstr(const char *text, const char *part) { return crt::find(text, part); }

size_t nt_strspn(const char *text, const char *set) { return crt::span(text, set, true); }

size_t nt_strcspn(const char *text, const char *set) { return crt::span(text, set, false); }

char *nt_strpbrk(const char *text, const char *set) {
  text += crt::span(text, set, false);
  return *text ? const_cast<char *>(text) : nullptr;
}

char *nt_strtok_s(char *text, const char *delimiters, char **context) {
  return crt::next_token(text, delimiters, context);
}

char *nt__strlwr(char *text) {
  return crt::change(text, [](auto c) { return downcase(c); });
}

int nt__strlwr_s(char *text, size_t size) {
  return crt::change_checked(text, size, [](auto c) { return downcase(c); });
}

char *nt__strupr(char *text) {
  return crt::change(text, [](auto c) { return upcase(c); });
}

int nt__strupr_s(char *text, size_t size) {
  return crt::change_checked(text, size, [](auto c) { return upcase(c); });
}

char *nt__strrev(char *text) {
  std::reverse(text, text + crt::length(text));
  return text;
}

char *nt__strset(char *text, int character) {
  return crt::change(text, [=](auto) { return static_cast<char>(character); });
}

int nt_strcpy_s(char *destination, size_t size, const char *source) {
  return crt::copy_checked(destination, size, source, crt::kWhole);
}

int nt_strncpy_s(char *destination, size_t size, const char *source, size_t count) {
  return crt::copy_checked(destination, size, source, count);
}

int nt_strcat_s(char *destination, size_t size, const char *source) {
  return crt::append_checked(destination, size, source, crt::kWhole);
}

int nt_strncat_s(char *destination, size_t size, const char *source, size_t count) {
  return crt::append_checked(destination, size, source, count);
}

void *nt_memchr(const void *buffer, int value, size_t count) {
  return const_cast<void *>(std::memchr(buffer, value, count));
}

int nt__memicmp(const void *first, const void *second, size_t count) {
  const auto *a = static_cast<const char *>(first), *b = static_cast<const char *>(second);
  for (; count > 0; --count, ++a, ++b) {
    if (const int difference = crt::value_of(downcase(*a)) - crt::value_of(downcase(*b))) return difference;
  }
  return 0;
}

int nt_memcpy_s(void *destination, size_t size, const void *source, size_t count) {
  if (count == 0) return 0;
  if (!destination) return crt::kInvalid;
  if (source && count <= size) {
    std::memmove(destination, source, count);
    return 0;
  }
  std::memset(destination, 0, size);
  return source ? crt::kRange : crt::kInvalid;
}

int nt_memmove_s(void *destination, size_t size, const void *source, size_t count) {
  if (count == 0) return 0;
  if (!destination || !source) return crt::kInvalid;
  if (count > size) return crt::kRange;
  std::memmove(destination, source, count);
  return 0;
}

}  // extern "C"
