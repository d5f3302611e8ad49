#include "tools/ntcc/pageable.h"

#include <gtest/gtest.h>

namespace ntemu::ntcc {
namespace {

std::string pageable(std::string_view source) {
  std::string all;
  for (const PlacedFunction &placed : find_pageable(source)) all += placed.function + "@" + placed.section + " ";
  return all;
}

TEST(FindPageable, EveryFunctionOfAPragma) {
  EXPECT_EQ(pageable("#pragma alloc_text(PAGE, Move)\n"), "Move@PAGE ");
  EXPECT_EQ(pageable("  # no pragma\n #pragma  alloc_text ( PAGELK , First,Second )\nint x;"),
            "First@PAGELK Second@PAGELK ");
  EXPECT_EQ(pageable("#pragma alloc_text(\"PAGEfs\", Move)"), "Move@PAGEfs ");
}

TEST(FindPageable, NothingOfOtherPragmasAndSections) {
  EXPECT_EQ(pageable("#pragma alloc_text(INIT, DriverEntry)\n#pragma code_seg(\"PAGE\")\n#pragma alloc_text\n"), "");
  EXPECT_EQ(pageable("// alloc_text(PAGE, Move)\n#pragma alloc_text(PAGE, Move"), "");
}

}  // namespace
}  // namespace ntemu::ntcc
