#include "ntemu/vf/delay.h"

#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

class DelayFuzzing : public VerifierTest {
 protected:
  // How many of a new thread's calls are delayed.
  uint64_t delayed(uint64_t seed) {
    vf::set_delay_seed(seed);
    verify(vf::kDelayFuzzing);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    for (int i = 0; i < 400; ++i) KeSetEvent(&event, 0, FALSE);
    stop_verifying();
    return vf::delays();
  }
  KEVENT event;
};

TEST_F(DelayFuzzing, DelaysAboutAQuarterOfTheCalls) {
  const uint64_t count = delayed(1);
  EXPECT_GT(count, 50u);
  EXPECT_LT(count, 150u);
}

TEST_F(DelayFuzzing, FollowsFromTheSeed) {
  const uint64_t first = delayed(1);
  EXPECT_EQ(delayed(1), first);
  bool differs = false;
  for (uint64_t seed = 2; seed < 6; ++seed) differs |= delayed(seed) != first;
  EXPECT_TRUE(differs);
}

TEST_F(DelayFuzzing, NothingWithoutTheOption) {
  vf::set_delay_seed(1);
  verify(vf::kStandardOptions);
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  for (int i = 0; i < 100; ++i) KeSetEvent(&event, 0, FALSE);
  EXPECT_EQ(vf::delays(), 0u);
}

}  // namespace
}  // namespace ntemu::test
