#include "ntemu/ke/held_locks.h"

#include <gtest/gtest.h>

namespace ntemu::ke {
namespace {

int locks[HeldLocks::kMost + 2];

void add(HeldLocks &held, int which, LockKind kind = LockKind::kMutex) { held.add(&locks[which], kind, &held); }

TEST(HeldLocks, KeepsThemInOrderWithSiteAndKind) {
  HeldLocks held{};
  add(held, 0, LockKind::kSpinLock), add(held, 1, LockKind::kMutex);
  ASSERT_EQ(held.count(), 2u);
  EXPECT_EQ(held[0].lock, &locks[0]);
  EXPECT_EQ(held[0].kind(), LockKind::kSpinLock);
  EXPECT_EQ(held[0].site(), &held);
  EXPECT_EQ(held[1].lock, &locks[1]);
  EXPECT_EQ(held[1].kind(), LockKind::kMutex);
}

TEST(HeldLocks, RemovesInAnyOrder) {
  HeldLocks held{};
  for (int i = 0; i < 4; ++i) add(held, i);
  held.remove(&locks[1]);
  held.remove(&locks[3]);
  held.remove(&locks[7]);
  ASSERT_EQ(held.count(), 2u);
  EXPECT_EQ(held[0].lock, &locks[0]);
  EXPECT_EQ(held[1].lock, &locks[2]);
  held.remove(&locks[0]), held.remove(&locks[2]);
  EXPECT_EQ(held.count(), 0u);
  held.remove(&locks[0]);
  EXPECT_EQ(held.count(), 0u);
}

TEST(HeldLocks, RemovesTheNewestOfAKind) {
  HeldLocks held{};
  add(held, 0, LockKind::kPushLockShared);
  EXPECT_FALSE(held.remove(&locks[0], LockKind::kPushLockExclusive));
  add(held, 0, LockKind::kPushLockExclusive);
  EXPECT_TRUE(held.remove(&locks[0], LockKind::kPushLockShared));
  ASSERT_EQ(held.count(), 1u);
  EXPECT_EQ(held[0].kind(), LockKind::kPushLockExclusive);
  EXPECT_FALSE(held.remove(&locks[1], LockKind::kPushLockExclusive));
  EXPECT_TRUE(held.remove(&locks[0], LockKind::kPushLockExclusive));
  EXPECT_FALSE(held.remove(&locks[0], LockKind::kPushLockExclusive));
}

TEST(HeldLocks, ChangesTheKindOfAllItsEntries) {
  HeldLocks held{};
  add(held, 0, LockKind::kResourceExclusive), add(held, 1), add(held, 0, LockKind::kResourceExclusive);
  held.change_kind(&locks[0], LockKind::kResourceShared);
  EXPECT_EQ(held[0].kind(), LockKind::kResourceShared);
  EXPECT_EQ(held[1].kind(), LockKind::kMutex);
  EXPECT_EQ(held[2].kind(), LockKind::kResourceShared);
  EXPECT_EQ(held[2].site(), &held);
  EXPECT_EQ(held.find(&locks[0]), &held[2]);
  EXPECT_EQ(held.find(&locks[2]), nullptr);
}

TEST(HeldLocks, CountsThoseItHasNoRoomFor) {
  constexpr int kAll = HeldLocks::kMost + 2;
  HeldLocks held{};
  for (int i = 0; i < kAll; ++i) add(held, i);
  EXPECT_EQ(held.count(), static_cast<uint32_t>(kAll));
  EXPECT_EQ(held.known(), HeldLocks::kMost);
  EXPECT_TRUE(held.remove(&locks[2], LockKind::kMutex));
  EXPECT_TRUE(held.remove(&locks[kAll - 1], LockKind::kMutex));  // which is not known
  EXPECT_EQ(held.count(), HeldLocks::kMost);
  EXPECT_TRUE(held.remove(&locks[kAll - 2], LockKind::kMutex));
  EXPECT_EQ(held.count(), HeldLocks::kMost - 1);
  EXPECT_FALSE(held.remove(&locks[2], LockKind::kMutex));  // now all are known
  for (int i = 0; i < kAll - 2; ++i) EXPECT_EQ(held.remove(&locks[i], LockKind::kMutex), i != 2);
  EXPECT_EQ(held.count(), 0u);
}

}  // namespace
}  // namespace ntemu::ke
