// Where the drivers of a test program are: ntemu_add_driver_test compiles the list into it.
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

#include "ntemu/include/ntemu/driver_image.h"

// Name, path, name, path..., nullptr.
extern "C" const char *const ntemu_test_drivers[];

namespace ntemu::testing {

std::string driver_image(std::string_view target) {
  const char *directory = std::getenv("NTEMU_TEST_DRIVERS");
  std::string known;
  for (const char *const *entry = ntemu_test_drivers; *entry; entry += 2) {
    if (entry[0] == target) return directory ? fmt::format("{}/{}.sys", directory, target) : entry[1];
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry[0]);
  }
  throw std::invalid_argument(
      fmt::format("this test has no driver '{}' (it has: {}); name it in DRIVERS of ntemu_add_driver_test", target,
                  known.empty() ? "none" : known));
}

}  // namespace ntemu::testing
