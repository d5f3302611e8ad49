#include "@NAME@.h"

#include <gtest/gtest.h>
#include <ntemu/driver_image.h>
#include <ntemu/machine.h>

#include <chrono>
#include <string>

namespace {

// The driver's functions, called directly: they are linked into this program.
class Counter : public ::testing::Test {
 protected:
  Counter() : machine_(std::move(*ntemu::Machine::boot({}))) { CounterInitialize(&counter_); }

  NTSTATUS add(ULONG value, ULONG length = sizeof(ULONG)) {
    return CounterControl(&counter_, IOCTL_@NAME_UPPER@_ADD, &value, length, 0, &information_);
  }
  ULONG64 total() {
    ULONG64 total = 0;
    EXPECT_EQ(CounterControl(&counter_, IOCTL_@NAME_UPPER@_TOTAL, &total, 0, sizeof total, &information_), STATUS_SUCCESS);
    EXPECT_EQ(information_, sizeof total);
    return total;
  }

  COUNTER counter_;
  ULONG_PTR information_ = 0;

 private:
  std::unique_ptr<ntemu::Machine> machine_;
};

TEST_F(Counter, AddsWhenTheThreadWorks) {
  EXPECT_EQ(add(40), STATUS_SUCCESS);
  EXPECT_EQ(add(2), STATUS_SUCCESS);
  EXPECT_EQ(total(), 0U);
  EXPECT_TRUE(CounterWork(&counter_));
  EXPECT_EQ(total(), 42U);
}

TEST_F(Counter, RefusesABufferOfTheWrongSize) {
  EXPECT_EQ(add(1, 3), STATUS_INVALID_PARAMETER);
  ULONG small = 0;
  EXPECT_EQ(CounterControl(&counter_, IOCTL_@NAME_UPPER@_TOTAL, &small, 0, sizeof small, &information_),
            STATUS_BUFFER_TOO_SMALL);
}

TEST_F(Counter, EndsTheThreadWhenStopped) {
  CounterStop(&counter_);
  EXPECT_FALSE(CounterWork(&counter_));
}

// The driver as it is delivered, loaded into a machine.
TEST(Driver, LoadsAndUnloads) {
  std::string printed;
  auto machine = ntemu::Machine::boot({.debug_print = [&](std::string_view line) { printed += line; }});
  ASSERT_TRUE(machine);
  const auto service = (*machine)->load(ntemu::testing::driver_image("@NAME@"));
  ASSERT_TRUE(service) << service.error().text;
  const auto unloaded = (*machine)->unload(*service);
  ASSERT_TRUE(unloaded) << unloaded.error().text;
  EXPECT_EQ(unloaded->threads_left, 0U);
  EXPECT_NE(printed.find("@NAME@: unloaded, the total was 0"), std::string::npos) << printed;
}

}  // namespace
