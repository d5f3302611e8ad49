#include <gtest/gtest.h>
#include <ntemu/driver_image.h>

#include <stdexcept>

TEST(DriverImage, OfAProgramWithoutDriversIsAnError) {
  EXPECT_THROW(ntemu::testing::driver_image("hello"), std::invalid_argument);
}
