#include <cstring>
#include <string>
#include <vector>

#include "ntemu/base/log.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ex/pool_block.h"
#include "ntemu/ex/pool_poison.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

constexpr ULONG kTag = 0x67547654;  // 'TvTg'

ULONG_PTR number(const void *address) { return reinterpret_cast<ULONG_PTR>(address); }

class PoolMisuse : public KernelTest {
 protected:
  PoolMisuse() {
    base::set_log_sink([this](const base::LogRecord &record) { log_ += std::string(record.text) + "\n"; });
  }
  void expect_stop(const ke::Bugcheck &stop, ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3, ULONG_PTR p4) {
    EXPECT_EQ(stop.code, code);
    EXPECT_EQ(stop.parameters[0], p1);
    EXPECT_EQ(stop.parameters[1], p2);
    EXPECT_EQ(stop.parameters[2], p3);
    EXPECT_EQ(stop.parameters[3], p4);
  }
  // How often the log names the line of a call in the test itself.
  size_t sites(const char *test) const {
    size_t count = 0;
    for (size_t at = log_.find(test); at != log_.npos; at = log_.find(test, at + 1)) ++count;
    return count;
  }
  // A block whose neighbour behind it in the page is taken too.
  struct Pair {
    char *first, *second;
  };
  Pair neighbours(SIZE_T bytes) {
    const SIZE_T size = (bytes + sizeof(ex::PoolHeader) + ex::kUnit - 1) / ex::kUnit * ex::kUnit;
    for (;;) {
      auto *block = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, bytes, kTag));
      if (!taken_.empty() && block == taken_.back() + size) return {taken_.back(), block};
      taken_.push_back(block);
    }
  }
  std::string log_;

 private:
  std::vector<char *> taken_;
};

TEST_F(PoolMisuse, ASecondFreeTellsBothLines) {
  void *block = ExAllocatePoolWithTag(NonPagedPool, 64, kTag);
  ExFreePoolWithTag(block, kTag);
  ULONG contents;
  std::memcpy(&contents, static_cast<char *>(block) - sizeof(ex::PoolHeader), sizeof contents);
  expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kTag); }), 0xC2, 7, 0, contents, number(block));
  EXPECT_NE(log_.find("allocated: "), std::string::npos) << log_;
  EXPECT_NE(log_.find("freed: "), std::string::npos) << log_;
  EXPECT_GE(sites("pool_misuse_test.cpp:"), 3u) << log_;
}

TEST_F(PoolMisuse, ASecondFreeOfALargeBlockTellsBothLines) {
  void *block = ExAllocatePoolWithTag(NonPagedPool, 8192, kTag);
  ExFreePool(block);
  expect_stop(ke::catch_bugcheck([&] { ExFreePool(block); }), 0x19, 0x22, number(block), 0, 0);
  EXPECT_GE(sites("pool_misuse_test.cpp:"), 3u) << log_;
}

TEST_F(PoolMisuse, AnotherTag) {
  for (const SIZE_T size : {SIZE_T{64}, SIZE_T{8192}}) {
    void *block = ExAllocatePoolWithTag(NonPagedPool, size, kTag);
    const ULONG other = kTag + 1;
    expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(block, other); }), 0xC2, 0xA, number(block), kTag, other);
    ExFreePoolWithTag(block, kTag | 0x80000000);  // the protection bit does not count
  }
}

TEST_F(PoolMisuse, WhatIsNotInThePool) {
  int local = 0;
  const auto free = [](void *address) { return ke::catch_bugcheck([&] { ExFreePool(address); }); };
  expect_stop(free(&local), 0xC2, 0x42, number(&local), 0, 0);
  expect_stop(free(nullptr), 0xC2, 0x42, 0, 0, 0);
  auto *nowhere = reinterpret_cast<char *>(base::kArenaBase) + 0x20;
  expect_stop(free(nowhere), 0xC2, 0x43, number(nowhere), 0, 0);
  auto *unused = reinterpret_cast<char *>(ex::kSmallPool + ex::kSmallPoolSize) - 16;
  expect_stop(free(unused), 0xC2, 0x43, number(unused), 0, 0);
  auto *page = reinterpret_cast<char *>(base::kCommittedApart) - base::kPageSize;
  expect_stop(free(page), 0x19, 0x22, number(page), 0, 0);
}

TEST_F(PoolMisuse, TheMiddleOfABlock) {
  for (const SIZE_T size : {SIZE_T{64}, SIZE_T{8192}}) {
    auto *block = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, size, kTag));
    std::memset(block, 0, size);
    for (const int offset : {1, 8, 16, 32}) {
      expect_stop(ke::catch_bugcheck([&] { ExFreePool(block + offset); }), 0xC2, 0x43, number(block + offset), 0, 0);
    }
    ExFreePool(block);
  }
}

TEST_F(PoolMisuse, AddressSanitizerTellsTheWriteItself) {
  if (!ex::poisons()) GTEST_SKIP() << "not in this build";
  auto *block = static_cast<volatile char *>(ExAllocatePoolWithTag(NonPagedPool, 100, kTag));
  EXPECT_DEATH(block[100] = 0, "use-after-poison");
  ExFreePool(const_cast<char *>(block));
  EXPECT_DEATH(block[0] = 0, "use-after-poison");
}

TEST_F(PoolMisuse, AWriteBehindTheLastByte) {
  if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer tells the write itself";
  for (const SIZE_T size : {SIZE_T{1}, SIZE_T{15}, SIZE_T{17}, SIZE_T{100}, SIZE_T{1000}, SIZE_T{4063}, SIZE_T{5000}}) {
    auto *block = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, size, kTag));
    std::memset(block, 0, size);
    const char before = block[size];
    block[size] = 0;  // as the end of a string that is one too long
    const ke::Bugcheck stop = ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kTag); });
    EXPECT_EQ(stop.code, 0x19u) << size;
    EXPECT_EQ(stop.parameters[0], 0x21u);
    EXPECT_EQ(stop.parameters[1], number(block));
    EXPECT_EQ(stop.parameters[2], size);
    EXPECT_EQ(stop.parameters[3] & 0xff, 0u);
    block[size] = before;
    ExFreePoolWithTag(block, kTag);
  }
  EXPECT_NE(log_.find("written beyond its end"), std::string::npos);
}

TEST_F(PoolMisuse, AWriteIntoTheNextHeader) {
  if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer tells the write itself";
  const Pair pair = neighbours(64);
  auto *next = pair.second - sizeof(ex::PoolHeader);
  const char before = pair.first[64];
  pair.first[64] = static_cast<char>(before + 1);
  expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(pair.first, kTag); }), 0x13A, 0x12, number(PoolTrackTable),
              number(next), 0);
  log_.clear();
  // The neighbour tells as much, and who most likely has done it.
  expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(pair.second, kTag); }), 0x13A, 0x12, number(PoolTrackTable),
              number(next), 0);
  EXPECT_NE(log_.find("before it is the block at"), std::string::npos) << log_;
  pair.first[64] = before;
  ExFreePoolWithTag(pair.first, kTag);
  ExFreePoolWithTag(pair.second, kTag);
}

TEST_F(PoolMisuse, AWriteIntoAFreeBlock) {
  if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer tells the write itself";
  constexpr SIZE_T kSize = 3000;  // one a page
  auto *first = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, kSize, kTag));
  auto *second = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, kSize, kTag));
  ExFreePoolWithTag(first, kTag);
  ExFreePoolWithTag(second, kTag);
  constexpr ULONG_PTR kJunk = 0x4141414141414141;
  std::memcpy(first, &kJunk, sizeof kJunk);
  expect_stop(ke::catch_bugcheck([&] { ExAllocatePoolWithTag(NonPagedPool, kSize, kTag); }), 0x19, 3, number(first),
              kJunk, 0);
  EXPECT_NE(log_.find("written after it was freed"), std::string::npos) << log_;
}

// What is written by nobody is never told: many sizes, in any order.
TEST_F(PoolMisuse, NothingIsToldOfBlocksThatAreFilledToTheEnd) {
  std::vector<std::pair<char *, SIZE_T>> blocks;
  for (int round = 0; round < 3; ++round) {
    for (SIZE_T size = 0; size < 5000; size = size * 9 / 8 + 1) {
      auto *block = static_cast<char *>(ExAllocatePoolUninitialized(NonPagedPool, size, kTag));
      std::memset(block, static_cast<int>(size), size);
      blocks.emplace_back(block, size);
    }
    for (size_t i = 0; i < blocks.size(); i += 2) ExFreePoolWithTag(blocks[i].first, kTag);
    for (size_t i = 1; i < blocks.size(); i += 2) ExFreePoolWithTag(blocks[i].first, kTag);
    blocks.clear();
  }
}

}  // namespace
}  // namespace ntemu::test
