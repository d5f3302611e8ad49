// How the kit fails a test: at the line that matters, a driver's or that of the test itself.
#pragma once

#include <gtest/gtest.h>

#include "ntemu/machine/source_line.h"

namespace ntemu::testing {

// Where no line is better than the test's own.
inline machine::SourceLine line_of_test() {
  machine::SourceLine line;
  if (const ::testing::TestInfo *test = ::testing::UnitTest::GetInstance()->current_test_info()) {
    line.file = test->file();
    line.line = test->line();
  }
  return line;
}

}  // namespace ntemu::testing

// FAIL_AT(line) << text: a failure of the test that does not end it.
#define FAIL_AT(source_line) ADD_FAILURE_AT((source_line).file, (source_line).line)
#define FAIL_TEST() FAIL_AT(::ntemu::testing::line_of_test())
