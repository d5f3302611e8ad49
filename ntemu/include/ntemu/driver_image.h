// The images that a test program may load, by the names of their CMake targets (DRIVERS of ntemu_add_driver_test).
#pragma once

#include <string>
#include <string_view>

namespace ntemu::testing {

// The path of the driver's image. Throws std::invalid_argument when the test does not name it in its DRIVERS. Where the
// environment variable NTEMU_TEST_DRIVERS names a directory, the image is the one of that name there: the same test
// with checked or instrumented drivers.
std::string driver_image(std::string_view target);

}  // namespace ntemu::testing
