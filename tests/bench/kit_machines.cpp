// 1000 test cases, each with a machine of its own: what bench_kit.py times.
#include <ntemu/testing.h>

namespace {

class Fresh : public ::testing::TestWithParam<int> {};

TEST_P(Fresh, Machine) {
  ntemu::testing::Machine machine;
  machine.write_file("C:\\a.txt", "text");
  EXPECT_EQ(machine.read_file("C:\\a.txt"), "text");
}

INSTANTIATE_TEST_SUITE_P(Thousand, Fresh, ::testing::Range(0, 1000));

}  // namespace
