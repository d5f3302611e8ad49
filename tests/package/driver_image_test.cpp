#include <gtest/gtest.h>
#include <ntemu/driver_image.h>
#include <ntemu/machine.h>

#include <mutex>
#include <stdexcept>

namespace {

TEST(DriverImage, IsWhatAMachineLoads) {
  std::string printed;
  auto machine = ntemu::Machine::boot({.debug_print = [&](std::string_view line) { printed += line; }});
  ASSERT_TRUE(machine);
  auto service = (*machine)->load(ntemu::testing::driver_image("hello"));
  ASSERT_TRUE(service) << service.error().text;
  EXPECT_EQ(*service, "hello");
  EXPECT_TRUE((*machine)->unload("hello"));
  EXPECT_NE(printed.find("hello: goodbye"), std::string::npos) << printed;
}

TEST(DriverImage, OfAnUnknownTargetNamesThoseThereAre) {
  try {
    ntemu::testing::driver_image("other");
    FAIL();
  } catch (const std::invalid_argument &error) {
    EXPECT_STREQ(error.what(),
                 "this test has no driver 'other' (it has: hello, package_sum); name it in DRIVERS of "
                 "ntemu_add_driver_test");
  }
}

}  // namespace
