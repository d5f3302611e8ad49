// Every name of the ntstrsafe family does its own one's work: narrow or wide, characters or bytes, with or without Ex.
#include <gtest/gtest.h>

#include <cstdarg>
#include <functional>
#include <string>

#include "ntstrsafe.h"
#include "text.h"

using namespace ntemu::test;

namespace {

// (destination, its characters, end, characters left)
template <class Char>
using Call = std::function<NTSTATUS(Char *, size_t, Char **, size_t *)>;

template <class Char>
struct Case {
  const char *name;
  Call<Char> call;
  bool extended;
};

// Each call adds to "a", or replaces it, so that "abc" results where there is room.
template <class Char>
void expect_abc(const Case<Char> &tested) {
  SCOPED_TRACE(tested.name);
  const std::basic_string<Char> whole = {'a', 'b', 'c'};
  for (const size_t room : {size_t{5}, size_t{4}, size_t{3}}) {
    Char buffer[6] = {'a', 0, '#', '#', '#', '#'};
    Char *end = nullptr;
    size_t left = 0;
    const bool fits = room > 3;
    EXPECT_EQ(tested.call(buffer, room, &end, &left), fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW);
    const size_t length = fits ? 3 : room - 1;
    EXPECT_EQ(std::basic_string<Char>(buffer), whole.substr(0, length));
    EXPECT_EQ(buffer[room], Char{'#'}) << "wrote behind the buffer";
    if (!tested.extended) continue;
    EXPECT_EQ(end, buffer + length);
    EXPECT_EQ(left, room - length);
  }
}

template <auto Function, class Char, class... Extra>
NTSTATUS through(Char *destination, size_t room, Extra... extra, const Char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const NTSTATUS status = Function(destination, room, extra..., format, arguments);
  va_end(arguments);
  return status;
}

// An Ex function of bytes reports what is left in bytes.
size_t characters(size_t bytes, size_t unit) { return bytes / unit; }

#define PLAIN(name, unit, source, ...)                                                            \
  {                                                                                               \
#name, [](auto *d, size_t n, auto **,                                                         \
              size_t *) { return name(d, n * (unit), source __VA_OPT__(, ) __VA_ARGS__); }, false \
  }
#define EXTENDED(name, unit, source, ...)                                                  \
  {                                                                                        \
#name,                                                                                   \
   [](auto *d, size_t n, auto **end, size_t *left) {                                        \
     const NTSTATUS status = name(d, n * (unit), source __VA_OPT__(, ) __VA_ARGS__, end, left, 0); \
     *left = characters(*left, unit);                                                       \
     return status;                                                                         \
   },                                                                                       \
   true \
  }
#define PRINTED(name, unit, text)                                                                     \
  {                                                                                                   \
#name, [](auto *d, size_t n, auto **, size_t *) { return name(d, n * (unit), text, 'c'); }, false \
  }
#define PRINTED_EX(name, unit, text)                                 \
  {                                                                  \
#name,                                                             \
   [](auto *d, size_t n, auto **end, size_t *left) {                  \
     const NTSTATUS status = name(d, n * (unit), end, left, 0, text, 'c'); \
     *left = characters(*left, unit);                                 \
     return status;                                                   \
   },                                                                 \
   true \
  }

// `L` is the prefix of the literals of that kind.
#define VARIANTS(A, Char, L)                                                                             \
  PLAIN(RtlStringCchCopy##A, 1, L##"abc"), PLAIN(RtlStringCchCopyN##A, 1, L##"abcX", 3),                 \
      EXTENDED(RtlStringCchCopyEx##A, 1, L##"abc"), EXTENDED(RtlStringCchCopyNEx##A, 1, L##"abcX", 3),   \
      PLAIN(RtlStringCchCat##A, 1, L##"bc"), PLAIN(RtlStringCchCatN##A, 1, L##"bcX", 2),                 \
      EXTENDED(RtlStringCchCatEx##A, 1, L##"bc"), EXTENDED(RtlStringCchCatNEx##A, 1, L##"bcX", 2),       \
      PRINTED(RtlStringCchPrintf##A, 1, L##"ab%hc"), PRINTED_EX(RtlStringCchPrintfEx##A, 1, L##"ab%hc"), \
      PLAIN(RtlStringCbCopy##A, sizeof(Char), L##"abc"),                                                 \
      PLAIN(RtlStringCbCopyN##A, sizeof(Char), L##"abcX", 3 * sizeof(Char)),                             \
      EXTENDED(RtlStringCbCopyEx##A, sizeof(Char), L##"abc"),                                            \
      EXTENDED(RtlStringCbCopyNEx##A, sizeof(Char), L##"abcX", 3 * sizeof(Char)),                        \
      PLAIN(RtlStringCbCat##A, sizeof(Char), L##"bc"),                                                   \
      PLAIN(RtlStringCbCatN##A, sizeof(Char), L##"bcX", 2 * sizeof(Char)),                               \
      EXTENDED(RtlStringCbCatEx##A, sizeof(Char), L##"bc"),                                              \
      EXTENDED(RtlStringCbCatNEx##A, sizeof(Char), L##"bcX", 2 * sizeof(Char)),                          \
      PRINTED(RtlStringCbPrintf##A, sizeof(Char), L##"ab%hc"),                                           \
      PRINTED_EX(RtlStringCbPrintfEx##A, sizeof(Char), L##"ab%hc"),                                      \
      PRINTED((through<RtlStringCchVPrintf##A, Char>), 1, L##"ab%hc"),                                   \
      PRINTED_EX((through<RtlStringCchVPrintfEx##A, Char, Char **, size_t *, ULONG>), 1, L##"ab%hc"),    \
      PRINTED((through<RtlStringCbVPrintf##A, Char>), sizeof(Char), L##"ab%hc"),                         \
      PRINTED_EX((through<RtlStringCbVPrintfEx##A, Char, Char **, size_t *, ULONG>), sizeof(Char), L##"ab%hc")

TEST(StrsafeFamily, EveryNarrowNameFillsAndCuts) {
  const Case<char> kCases[] = {VARIANTS(A, char, )};
  for (const auto &tested : kCases) expect_abc(tested);
}

TEST(StrsafeFamily, EveryWideNameFillsAndCuts) {
  const Case<char16_t> kCases[] = {VARIANTS(W, char16_t, u)};
  for (const auto &tested : kCases) expect_abc(tested);
}

TEST(RtlStringCbLengthA, CountsBytesUpToTheLimit) {
  size_t length = 99;
  EXPECT_EQ(RtlStringCbLengthA("abc", 4, &length), STATUS_SUCCESS);
  EXPECT_EQ(length, 3u);
  EXPECT_EQ(RtlStringCbLengthA("abc", 3, &length), STATUS_INVALID_PARAMETER);
}

template <auto Function, class... Extra>
NTSTATUS through_counted(PUNICODE_STRING destination, Extra... extra, const char16_t *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const NTSTATUS status = Function(destination, extra..., format, arguments);
  va_end(arguments);
  return status;
}

struct CountedCase {
  const char *name;
  std::function<NTSTATUS(PUNICODE_STRING, PCUNICODE_STRING, const char16_t *, PUNICODE_STRING)> call;
  bool replaces;  // the destination's content
  bool extended;
};

#define FROM(name, replaces, from, ...)                                                                            \
  {                                                                                                                \
#name, [](PUNICODE_STRING d, [[maybe_unused]] PCUNICODE_STRING counted, [[maybe_unused]] const char16_t *text, \
              PUNICODE_STRING) { return name(d, from __VA_OPT__(, ) __VA_ARGS__); }, replaces, false               \
  }
#define FROM_EX(name, replaces, from, ...)                                                                         \
  {                                                                                                                \
#name, [](PUNICODE_STRING d, [[maybe_unused]] PCUNICODE_STRING counted, [[maybe_unused]] const char16_t *text, \
              PUNICODE_STRING left) { return name(d, from __VA_OPT__(, ) __VA_ARGS__, left, 0); }, replaces, true  \
  }

// The source is "bcX" of which two characters count, after "a" where it is appended.
TEST(StrsafeFamily, EveryCountedNameFillsCutsAndTellsWhatIsLeft) {
  const CountedCase kCases[] = {
      FROM(RtlUnicodeStringCchCopyN, true, counted, 2),
      FROM_EX(RtlUnicodeStringCchCopyNEx, true, counted, 2),
      FROM(RtlUnicodeStringCchCopyStringN, true, text, 2),
      FROM_EX(RtlUnicodeStringCchCopyStringNEx, true, text, 2),
      FROM(RtlUnicodeStringCchCatN, false, counted, 2),
      FROM_EX(RtlUnicodeStringCchCatNEx, false, counted, 2),
      FROM(RtlUnicodeStringCchCatStringN, false, text, 2),
      FROM_EX(RtlUnicodeStringCchCatStringNEx, false, text, 2),
      FROM(RtlUnicodeStringCbCopyN, true, counted, 4),
      FROM_EX(RtlUnicodeStringCbCopyNEx, true, counted, 4),
      FROM(RtlUnicodeStringCbCopyStringN, true, text, 4),
      FROM_EX(RtlUnicodeStringCbCopyStringNEx, true, text, 4),
      FROM(RtlUnicodeStringCbCatN, false, counted, 4),
      FROM_EX(RtlUnicodeStringCbCatNEx, false, counted, 4),
      FROM(RtlUnicodeStringCbCatStringN, false, text, 4),
      FROM_EX(RtlUnicodeStringCbCatStringNEx, false, text, 4),
      FROM(through_counted<RtlUnicodeStringVPrintf>, true, u"b%hc", 'c'),
  };
  const UNICODE_STRING source = counted(std::u16string_view(u"bcX"));
  for (const CountedCase &tested : kCases) {
    SCOPED_TRACE(tested.name);
    const std::u16string wanted = tested.replaces ? u"bc" : u"abc";
    Wide<8> destination(u"a");
    UNICODE_STRING left{};
    EXPECT_EQ(tested.call(&destination.string, &source, u"bcX", &left), STATUS_SUCCESS);
    EXPECT_EQ(destination.text(), wanted);
    EXPECT_TRUE(destination.guard_intact());
    if (tested.extended) {
      EXPECT_EQ(left.Buffer, destination.buffer + wanted.size());
      EXPECT_EQ(left.Length, 0);
      EXPECT_EQ(left.MaximumLength, 8 - wanted.size() * 2);
    }
    Wide<2> small(tested.replaces ? std::u16string_view() : std::u16string_view(u"a"));
    EXPECT_EQ(tested.call(&small.string, &source, u"bcX", &left), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(small.text(), wanted.substr(0, 1));
    EXPECT_TRUE(small.guard_intact());
  }
}

TEST(RtlUnicodeStringInitEx, TakesNullOnlyWhenTold) {
  UNICODE_STRING string{};
  EXPECT_EQ(RtlUnicodeStringInitEx(&string, u"abc", 0), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 6);
  EXPECT_EQ(RtlUnicodeStringInitEx(&string, nullptr, STRSAFE_IGNORE_NULLS), STATUS_SUCCESS);
  EXPECT_EQ(string.Length, 0);
}

TEST(RtlUnicodeStringVPrintfEx, TellsWhatIsLeft) {
  Wide<8> destination;
  UNICODE_STRING left{};
  EXPECT_EQ(
      (through_counted<RtlUnicodeStringVPrintfEx, PUNICODE_STRING, ULONG>(&destination.string, &left, 0, u"%d", 12)),
      STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"12");
  EXPECT_EQ(left.MaximumLength, 4);
}

TEST(RtlUnicodeStringCatStringEx, TellsWhatIsLeft) {
  Wide<8> destination(u"a");
  UNICODE_STRING left{};
  EXPECT_EQ(RtlUnicodeStringCatStringEx(&destination.string, u"bc", &left, 0), STATUS_SUCCESS);
  EXPECT_EQ(destination.text(), u"abc");
  EXPECT_EQ(left.MaximumLength, 2);
}

}  // namespace
