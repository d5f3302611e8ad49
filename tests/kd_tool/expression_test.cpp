#include "tools/kd/expression.h"

#include <gtest/gtest.h>

#include <map>

namespace ntemu::test {
namespace {

using debug::Address;

uint64_t value(std::string_view text) {
  const std::map<std::string_view, uint64_t> symbols{{"nt!KeTickCount", 0x1000}, {"Lock", 0x2000}, {"add", 0x3000}};
  const debug::Names names{.symbol =
                               [&](std::string_view name) {
                                 const auto at = symbols.find(name);
                                 return at == symbols.end() ? std::nullopt : std::optional(at->second);
                               },
                           .pseudo = [](std::string_view name) -> std::optional<uint64_t> {
                             if (name == "rip") return 0x77;
                             if (name == "$thread") return 0xffff9709'ac20e040;
                             return std::nullopt;
                           },
                           .memory = [](Address address, size_t size) -> std::optional<uint64_t> {
                             if (address == 0) return std::nullopt;
                             const uint64_t mask =
                                 size < sizeof(uint64_t) ? (uint64_t{1} << (8 * size)) - 1 : ~uint64_t{0};
                             return (address << 32 | 0x8899aabb) & mask;
                           }};
  const auto result = debug::evaluate(text, names);
  EXPECT_TRUE(result) << text << ": " << (result ? "" : result.error().text);
  return result ? *result : 0xdeadbeef;
}

std::string failure(std::string_view text) {
  const debug::Names names{.symbol = {}, .pseudo = {}, .memory = [](Address, size_t) { return std::nullopt; }};
  const auto result = debug::evaluate(text, names);
  EXPECT_FALSE(result) << text;
  return result ? "" : result.error().text;
}

TEST(Expression, NumbersAreHexadecimalUnlessTheySayOtherwise) {
  EXPECT_EQ(value("10"), 0x10u);
  EXPECT_EQ(value("0x10"), 0x10u);
  EXPECT_EQ(value("0n10"), 10u);
  EXPECT_EQ(value("0t17"), 15u);
  EXPECT_EQ(value("0y1010"), 10u);
  EXPECT_EQ(value("fedH"), 0xfedu);
  EXPECT_EQ(value("ffff9709`ac20e040"), 0xffff9709'ac20e040);
  EXPECT_EQ(value("ffffffffffffffff"), ~uint64_t{0});
}

TEST(Expression, PrecedenceIsThatOfC) {
  EXPECT_EQ(value("1+2*3"), 7u);
  EXPECT_EQ(value("(1+2)*3"), 9u);
  EXPECT_EQ(value("1<<4+1"), 0x20u);
  EXPECT_EQ(value("f0|f&3"), 0xf3u);
  EXPECT_EQ(value("10-8-4"), 4u);
  EXPECT_EQ(value("64/0n10/2"), 5u);
  EXPECT_EQ(value("0n17 mod 5"), 2u);
  EXPECT_EQ(value("-1"), ~uint64_t{0});
  EXPECT_EQ(value("~0 & ff"), 0xffu);
  EXPECT_EQ(value("3 == 1+2"), 1u);
  EXPECT_EQ(value("3 != 3"), 0u);
  EXPECT_EQ(value("2 >= 3"), 0u);
  EXPECT_EQ(value("not 0"), 1u);
  EXPECT_EQ(value("1<<40"), 0u) << "all bits are shifted out";
}

TEST(Expression, NamesAreSymbolsAndRegisters) {
  EXPECT_EQ(value("nt!KeTickCount+8"), 0x1008u);
  EXPECT_EQ(value("Lock"), 0x2000u);
  EXPECT_EQ(value("@rip"), 0x77u);
  EXPECT_EQ(value("@$thread+4c0"), 0xffff9709'ac20e500);
  EXPECT_EQ(value("rip"), 0x77u);
  EXPECT_EQ(value("add"), 0xaddu) << "what may be a number is one";
  EXPECT_EQ(value("!add"), 0x3000u);
}

TEST(Expression, MemoryIsReadByItsSize) {
  EXPECT_EQ(value("poi(1)"), 0x1'8899aabbu);
  EXPECT_EQ(value("qwo(1)"), 0x1'8899aabbu);
  EXPECT_EQ(value("dwo(1)+1"), 0x8899aabcu);
  EXPECT_EQ(value("wo(1)"), 0xaabbu);
  EXPECT_EQ(value("by(Lock)"), 0xbbu);
  EXPECT_EQ(value("poi(poi(1)-18899aab9)"), 0x2'8899aabbu);
  EXPECT_EQ(value("low(1122334455667788)"), 0x55667788u);
  EXPECT_EQ(value("hi(1122334455667788)"), 0x11223344u);
}

TEST(Expression, WhatIsWrongIsSaid) {
  EXPECT_EQ(failure("1+"), "Syntax error in '1+': it ends too early");
  EXPECT_EQ(failure("(1"), "Syntax error in '(1': ')' is missing");
  EXPECT_EQ(failure("1)"), "Syntax error in '1)': unexpected ')'");
  EXPECT_EQ(failure("1/0"), "Syntax error in '1/0': division by zero");
  EXPECT_EQ(failure("1%0"), "Syntax error in '1%0': division by zero");
  EXPECT_EQ(failure("nt!Nothing"), "Couldn't resolve error at 'nt!Nothing'");
  EXPECT_EQ(failure("@rax"), "Bad register error at '@rax'");
  EXPECT_EQ(failure("poi(0)"), "Memory access error at 0x0");
  EXPECT_EQ(failure("12345678123456781"), "Couldn't resolve error at '12345678123456781'") << "17 digits";
  EXPECT_NE(failure(std::string(10'000, '(')), "");
  EXPECT_NE(failure(std::string(10'000, '-')), "");
  EXPECT_NE(failure(""), "");
}

}  // namespace
}  // namespace ntemu::test
