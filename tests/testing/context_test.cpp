#include <ntemu/testing.h>

using namespace ntemu::testing;

namespace {

TEST(RunAt, RaisesAndComesBack) {
  Machine machine;
  EXPECT_EQ(RunAt(DISPATCH_LEVEL, [] { return KeGetCurrentIrql(); }), DISPATCH_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(RunInSystemThread, IsAnotherThreadThatHasEnded) {
  Machine machine;
  PKTHREAD there = nullptr;
  RunInSystemThread([&] { there = KeGetCurrentThread(); });
  EXPECT_NE(there, nullptr);
  EXPECT_NE(there, KeGetCurrentThread());
}

TEST(WaitUntilBlocked, ReturnsForAThreadThatHasEnded) {
  Machine machine;
  SystemThread thread([] {});
  thread.join();
  WaitUntilBlocked(thread);
  EXPECT_TRUE(thread.ended());
}

TEST(FakeClock, AdvancesADelay) {
  FakeClock clock;
  Machine machine;
  SystemThread thread([] {
    LARGE_INTEGER hour;
    hour.QuadPart = -36'000'000'000;
    KeDelayExecutionThread(KernelMode, FALSE, &hour);
  });
  WaitUntilBlocked(thread);
  clock.advance(std::chrono::minutes(59));
  EXPECT_FALSE(thread.ended());
  clock.advance(std::chrono::minutes(1));
  thread.join();
}

}  // namespace
