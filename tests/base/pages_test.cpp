#include "ntemu/base/pages.h"

#include <gtest/gtest.h>

#include <cstring>

namespace ntemu::base {
namespace {

TEST(Pages, AreZeroedInTheArenaAndReused) {
  auto *first = static_cast<char *>(map_pages(3 * kPageSize));
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(in_arena(first));
  std::memset(first, 0x5a, 3 * kPageSize);
  unmap_pages(first, 3 * kPageSize);
  auto *again = static_cast<char *>(map_pages(3 * kPageSize));
  EXPECT_EQ(again, first);
  for (size_t i = 0; i < 3 * kPageSize; ++i) ASSERT_EQ(again[i], 0);
  unmap_pages(again, 3 * kPageSize);
}

TEST(Pages, RoundUpAndRefuseTheImpossible) {
  void *page = map_pages(1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(page) % kPageSize, 0u);
  unmap_pages(page, 1);
  EXPECT_EQ(map_pages(0), nullptr);
  EXPECT_EQ(map_pages(kArenaSize + 1), nullptr);
  int local;
  EXPECT_FALSE(in_arena(&local));
}

// Small pieces of a large run would otherwise keep it from being used again, and the arena would only ever grow.
TEST(Pages, NeighboursThatWereGivenBackBecomeOne) {
  auto *large = static_cast<char *>(map_pages(8 * kPageSize));
  void *fence = map_pages(kPageSize);
  unmap_pages(large, 8 * kPageSize);
  char *pieces[4];
  for (char *&piece : pieces) piece = static_cast<char *>(map_pages(2 * kPageSize));
  EXPECT_EQ(pieces[0], large);
  EXPECT_EQ(pieces[3], large + 6 * kPageSize);
  for (const int i : {2, 0, 3, 1}) unmap_pages(pieces[i], 2 * kPageSize);
  EXPECT_EQ(map_pages(8 * kPageSize), large);
  unmap_pages(large, 8 * kPageSize);
  unmap_pages(fence, kPageSize);
  EXPECT_EQ(map_pages(9 * kPageSize), large) << "also with what was never used";
  unmap_pages(large, 9 * kPageSize);
}

TEST(Pages, TheUpperHalfIsCommittedByItsUsers) {
  auto *page = reinterpret_cast<char *>(kCommittedApart + (size_t{1} << 30));
  EXPECT_TRUE(in_arena(page));
  ASSERT_TRUE(commit_pages(page, kPageSize));
  EXPECT_EQ(page[0], 0);
  page[0] = 1;
  decommit_pages(page, kPageSize);
  EXPECT_DEATH(*static_cast<volatile char *>(page) = 1, "");
  ASSERT_TRUE(commit_pages(page, kPageSize));
  EXPECT_EQ(page[0], 0);
  decommit_pages(page, kPageSize);
  EXPECT_EQ(map_pages(kArenaSize / 2 + kPageSize), nullptr) << "is not for map_pages";
}

TEST(Pages, AStaleAccessFaults) {
  auto *page = static_cast<volatile char *>(map_pages(kPageSize));
  unmap_pages(const_cast<char *>(page), kPageSize);
  EXPECT_DEATH(*page = 1, "");
}

}  // namespace
}  // namespace ntemu::base
