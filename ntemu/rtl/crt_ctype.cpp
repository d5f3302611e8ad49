// Character classes of the drivers' C library.
#include "ntemu/rtl/crt.h"

#include "ntemu/rtl/case.h"

using namespace ntemu::rtl;

namespace {

bool is_digit(int c) { return c >= '0' && c <= '9'; }

// Beyond ASCII a letter is what has case; only the wide functions get there.
bool is_lower(int c) { return c < 0x80 ? c >= 'a' && c <= 'z' : upcase(static_cast<char16_t>(c)) != c; }
bool is_upper(int c) { return c < 0x80 ? c >= 'A' && c <= 'Z' : downcase(static_cast<char16_t>(c)) != c; }
bool is_alpha(int c) { return is_lower(c) || is_upper(c); }

// The narrow functions know ASCII only.
int ascii(int c) { return c >= 0 && c < 0x80 ? c : -1; }

}  // namespace

extern "C" {

int nt_isalpha(int character) {
  const int c = ascii(character);
  return is_alpha(c);
}

int nt_isdigit(int character) {
  const int c = ascii(character);
  return is_digit(c);
}

int nt_islower(int character) {
  const int c = ascii(character);
  return is_lower(c);
}

int nt_isupper(int character) {
  const int c = ascii(character);
  return is_upper(c);
}

int nt_isspace(int character) {
  const int c = ascii(character);
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int nt_isalnum(int character) {
  const int c = ascii(character);
  return is_alpha(c) || is_digit(c);
}

int nt_ispunct(int character) {
  const int c = ascii(character);
  return c > ' ' && c < 0x7f && !is_alpha(c) && !is_digit(c);
}

int nt_iscntrl(int character) {
  const int c = ascii(character);
  return (c >= 0 && c < ' ') || c == 0x7f;
}

int nt_isgraph(int character) {
  const int c = ascii(character);
  return (c > ' ' && c < 0x7f) || is_alpha(c);
}

int nt_isprint(int character) {
  const int c = ascii(character);
  return (c >= ' ' && c < 0x7f) || is_alpha(c);
}

int nt_isxdigit(int character) {
  const int c = ascii(character);
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

int nt_isblank(int character) {
  const int c = ascii(character);
  return c == ' ' || c == '\t';
}

int nt_iswalpha(unsigned short character) {
  const int c = character;
  return is_alpha(c);
}

int nt_iswdigit(unsigned short character) {
  const int c = character;
  return is_digit(c);
}

int nt_iswlower(unsigned short character) {
  const int c = character;
  return is_lower(c);
}

int nt_iswupper(unsigned short character) {
  const int c = character;
  return is_upper(c);
}

int nt_iswspace(unsigned short character) {
  const int c = character;
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int nt_iswalnum(unsigned short character) {
  const int c = character;
  return is_alpha(c) || is_digit(c);
}

int nt_iswpunct(unsigned short character) {
  const int c = character;
  return c > ' ' && c < 0x7f && !is_alpha(c) && !is_digit(c);
}

int nt_iswcntrl(unsigned short character) {
  const int c = character;
  return (c >= 0 && c < ' ') || c == 0x7f;
}

int nt_iswgraph(unsigned short character) {
  const int c = character;
  return (c > ' ' && c < 0x7f) || is_alpha(c);
}

int nt_iswprint(unsigned short character) {
  const int c = character;
  return (c >= ' ' && c < 0x7f) || is_alpha(c);
}

int nt_iswxdigit(unsigned short character) {
  const int c = character;
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

int nt_iswblank(unsigned short character) {
  const int c = character;
  return c == ' ' || c == '\t';
}

int nt_toupper(int character) { return ascii(character) < 0 ? character : upcase(static_cast<char>(character)); }

unsigned short nt_towupper(unsigned short character) { return upcase(static_cast<char16_t>(character)); }

int nt_tolower(int character) { return ascii(character) < 0 ? character : downcase(static_cast<char>(character)); }

unsigned short nt_towlower(unsigned short character) { return downcase(static_cast<char16_t>(character)); }

}  // extern "C"
