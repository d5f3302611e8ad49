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

}  // namespace
}  // namespace ntemu::base
