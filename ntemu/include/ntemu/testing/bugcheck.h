// Bugchecks as what a test expects.
//
//   EXPECT_BUGCHECK(machine.run_to_end(), 0x20, _, 0xFFFF, _, _);
//
// The statement may raise it on the test's own thread, or make a thread of the driver or a worker raise it. That thread
// goes no further; the test does. What it held stays held, so that the Machine then neither unloads its drivers nor
// looks for leaks. Without the expectation a bugcheck ends the test program with its report.
#pragma once

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "ntifs.h"

namespace ntemu::testing {

struct Bugcheck {
  uint32_t code = 0;  // 0: there was none
  std::array<ULONG_PTR, 4> parameters{};
  std::string at;  // the driver's line, "TestDriver!FileMove+0x38 (race.c:53)"
};
void PrintTo(const Bugcheck &bugcheck, std::ostream *out);

// Runs `body`; the first bugcheck that it, or a thread of the machine meanwhile, came to.
Bugcheck RunToBugcheck(const std::function<void()> &body);

namespace detail {

// Whether a bugcheck of this machine was taken: it is no machine to trust any more.
bool bugcheck_taken();
void forget_bugcheck();

template <class Code, class P1, class P2, class P3, class P4>
::testing::Matcher<const Bugcheck &> is_bugcheck(Code code, P1 p1, P2 p2, P3 p3, P4 p4) {
  using ::testing::SafeMatcherCast;
  return ::testing::AllOf(
      ::testing::Field("code", &Bugcheck::code, SafeMatcherCast<uint32_t>(code)),
      ::testing::Field("parameters", &Bugcheck::parameters,
                       ::testing::ElementsAre(SafeMatcherCast<ULONG_PTR>(p1), SafeMatcherCast<ULONG_PTR>(p2),
                                              SafeMatcherCast<ULONG_PTR>(p3), SafeMatcherCast<ULONG_PTR>(p4))));
}

template <class Code>
::testing::Matcher<const Bugcheck &> is_bugcheck(Code code) {
  return ::testing::Field("code", &Bugcheck::code, ::testing::SafeMatcherCast<uint32_t>(code));
}

}  // namespace detail
}  // namespace ntemu::testing

// EXPECT_BUGCHECK(statement, code) or EXPECT_BUGCHECK(statement, code, p1, p2, p3, p4); each a value or a matcher.
#define EXPECT_BUGCHECK(statement, ...)                                    \
  EXPECT_THAT(::ntemu::testing::RunToBugcheck([&] { (void)(statement); }), \
              ::ntemu::testing::detail::is_bugcheck(__VA_ARGS__))
