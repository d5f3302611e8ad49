#include "ntemu/base/clock.h"

#include <gtest/gtest.h>

#include <thread>

namespace ntemu::base {
namespace {

TEST(Clock, RealTimesAdvanceTogether) {
  const Nt100ns interrupt = clock().interrupt_time(), system = clock().system_time();
  EXPECT_GE(interrupt, 0);
  EXPECT_GT(system, kUnixEpoch);
  EXPECT_GE(clock().interrupt_time(), interrupt);
}

TEST(FakeClock, KicksOnlyTheWaitsThatAreDue) {
  FakeClock fake;
  std::atomic<uint32_t> soon{0}, late{0}, never{0};
  timespec limit;
  EXPECT_EQ(fake.begin_wait(soon, 10, limit), nullptr);
  fake.begin_wait(late, 20, limit);
  fake.begin_wait(never, kForever, limit);
  fake.advance(15);
  EXPECT_EQ(soon.load(), kKick);
  EXPECT_EQ(late.load(), 0u);
  fake.end_wait(late, 20);
  fake.advance(100);
  EXPECT_EQ(late.load(), 0u);
  EXPECT_EQ(never.load(), 0u);
}

TEST(FakeClock, AWaitThatIsDueAlreadyIsKickedAtOnce) {
  FakeClock fake;
  fake.advance(5);
  std::atomic<uint32_t> word{0};
  timespec limit;
  fake.begin_wait(word, 5, limit);
  EXPECT_EQ(word.load(), kKick);
}

TEST(FakeClock, NeverLosesAnAdvance) {
  for (int i = 0; i < 500; ++i) {
    FakeClock fake;
    std::atomic<uint32_t> word{0};
    std::thread waiter([&] {
      timespec limit;
      while (fake.interrupt_time() < 10) {
        const uint32_t seen = word.load();
        if (fake.interrupt_time() >= 10) break;
        fake.begin_wait(word, 10, limit);
        wait_word(word, seen);
        fake.end_wait(word, 10);
      }
    });
    fake.advance(10);
    waiter.join();
  }
}

TEST(Clock, ATimeoutIsRelativeWhenNegative) {
  FakeClock fake(1000);
  fake.advance(50);
  EXPECT_EQ(fake.deadline(-7), (Deadline{57, false}));
  EXPECT_EQ(fake.deadline(0), (Deadline{0, true}));
  EXPECT_EQ(fake.deadline(1234), (Deadline{1234, true}));
  EXPECT_EQ(fake.deadline(std::numeric_limits<Nt100ns>::min()), (Deadline{kForever, false}));
}

TEST(Clock, ADeadlineComesByItsOwnTime) {
  FakeClock fake(1000);
  fake.advance(50);
  EXPECT_TRUE(fake.has_come({50, false}));
  EXPECT_FALSE(fake.has_come({51, false}));
  EXPECT_TRUE(fake.has_come({1050, true}));
  EXPECT_FALSE(fake.has_come({1051, true}));
  EXPECT_EQ(fake.left_until({1060, true}), 10);
  EXPECT_FALSE(fake.has_come({}));
  EXPECT_FALSE(fake.has_come({kForever, true}));
}

TEST(Clock, TheHostsLimitsAreOfTheDeadlinesClock) {
  std::atomic<uint32_t> word{0};
  timespec limit;
  bool realtime = false;
  ASSERT_EQ(clock().begin_wait(word, {kUnixEpoch + 3 * kNtPerSecond + 5, true}, limit, realtime), &limit);
  EXPECT_TRUE(realtime);
  EXPECT_EQ(limit.tv_sec, 3);
  EXPECT_EQ(limit.tv_nsec, 500);
  ASSERT_EQ(clock().begin_wait(word, {1, true}, limit, realtime), &limit);
  EXPECT_EQ(limit.tv_sec, 0);
  EXPECT_EQ(limit.tv_nsec, 0);
  ASSERT_EQ(clock().begin_wait(word, {0, false}, limit, realtime), &limit);
  EXPECT_FALSE(realtime);
  EXPECT_EQ(clock().begin_wait(word, {kForever, true}, limit, realtime), nullptr);
  EXPECT_EQ(clock().begin_wait(word, {kForever - 1, false}, limit, realtime), nullptr);
}

TEST(Clock, AWaitEndsAtATimeOfEitherKind) {
  std::atomic<uint32_t> word{0};
  const Deadline relative = clock().deadline(-kNtPerMillisecond);
  while (!clock().has_come(relative)) wait_word_until(word, 0, relative);
  const Deadline absolute = clock().deadline(clock().system_time() + kNtPerMillisecond);
  EXPECT_TRUE(absolute.absolute);
  while (!clock().has_come(absolute)) wait_word_until(word, 0, absolute);
}

TEST(FakeClock, OnlyAbsoluteWaitsFollowTheSystemTime) {
  FakeClock fake(1000);
  std::atomic<uint32_t> relative{0}, absolute{0};
  timespec limit;
  bool realtime = true;
  EXPECT_EQ(fake.begin_wait(relative, {10, false}, limit, realtime), nullptr);
  EXPECT_FALSE(realtime);
  fake.begin_wait(absolute, {1500, true}, limit, realtime);
  fake.shift_system_time(499);
  EXPECT_EQ(absolute.load(), 0u);
  fake.shift_system_time(1);
  EXPECT_EQ(fake.system_time(), 1500);
  EXPECT_EQ(fake.interrupt_time(), 0);
  EXPECT_EQ(absolute.load(), kKick);
  EXPECT_EQ(relative.load(), 0u);
  fake.end_wait(absolute, {1500, true});
  fake.set_system_time(kNtPerSecond);
  EXPECT_EQ(fake.system_time(), kNtPerSecond);
  EXPECT_EQ(absolute.load(), kKick);
  fake.end_wait(relative, {10, false});
}

TEST(FakeClock, AnAbsoluteWaitIsLongerWhenTheSystemTimeIsSetBack) {
  FakeClock fake(1000);
  std::atomic<uint32_t> word{0};
  timespec limit;
  bool realtime;
  fake.begin_wait(word, {1100, true}, limit, realtime);
  fake.shift_system_time(-500);
  fake.advance(100);
  EXPECT_EQ(word.load(), 0u);
  fake.advance(500);
  EXPECT_EQ(word.load(), kKick);
  fake.end_wait(word, {1100, true});
}

}  // namespace
}  // namespace ntemu::base
