#include <string>
#include <vector>

#include "ntemu/base/log.h"
#include "ntemu/ob/object.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

class PsThreadExit : public KernelTest {
 protected:
  // What stops a thread that runs `body` and then ends.
  static ke::Bugcheck stop_of(const std::function<void()> &body, const std::function<void()> &repair) {
    ke::Bugcheck stop{};
    SystemThread thread([&] {
      body();
      stop = ke::catch_bugcheck([] { PsTerminateSystemThread(STATUS_SUCCESS); });
      repair();
    });
    thread.join();
    return stop;
  }
};

TEST_F(PsThreadExit, AboveThePassiveLevelIsBugcheck20) {
  const auto stop = stop_of([] { KfRaiseIrql(APC_LEVEL); }, [] { KeLowerIrql(PASSIVE_LEVEL); });
  EXPECT_EQ(stop.code, 0x20u);
  EXPECT_EQ(stop.parameters[0], 0u);
  EXPECT_EQ(stop.parameters[1], 0u);
  EXPECT_EQ(stop.parameters[2], APC_LEVEL);
  EXPECT_EQ(stop.parameters[3], 1u);
}

TEST_F(PsThreadExit, AnUnmatchedLeaveIsBugcheck20) {
  const auto stop = stop_of([] { KeLeaveCriticalRegion(); }, [] { KeEnterCriticalRegion(); });
  EXPECT_EQ(stop.code, 0x20u);
  EXPECT_EQ(stop.parameters[1], 1u);
}

TEST_F(PsThreadExit, TheApcCountIsLookedAtBeforeTheMutexes) {
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  const auto stop = stop_of([&] { wait(&mutex); }, [&] { KeReleaseMutex(&mutex, FALSE); });
  EXPECT_EQ(stop.code, 0x20u);
}

TEST_F(PsThreadExit, TheLogNamesWhatIsHeld) {
  std::vector<std::string> lines;
  base::set_log_sink([&](const base::LogRecord &record) {
    if (record.component == "ps") lines.emplace_back(record.text);
  });
  int lock;
  stop_of(
      [&] {
        KeEnterCriticalRegion();
        ke::current().held.add(&lock, ke::LockKind::kPushLockExclusive, reinterpret_cast<void *>(0x1234));
      },
      [&] {
        ke::current().held.remove(&lock);
        KeLeaveCriticalRegion();
      });
  base::set_log_sink(nullptr);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(fmt::format("holds push lock, exclusive, {}", fmt::ptr(&lock))), std::string::npos)
      << lines[0];
  EXPECT_NE(lines[0].find("acquired at 0x1234"), std::string::npos) << lines[0];
}

TEST_F(PsThreadExit, OfAThreadThatHoldsNothingTheLogSaysSo) {
  std::vector<std::string> lines;
  base::set_log_sink([&](const base::LogRecord &record) { lines.emplace_back(record.text); });
  stop_of([] { KeEnterGuardedRegion(); }, [] { KeLeaveGuardedRegion(); });
  base::set_log_sink(nullptr);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("it holds no lock"), std::string::npos) << lines[0];
}

TEST_F(PsThreadExit, AReturnFromTheRoutineIsStatusSuccess) {
  SystemThread thread([] {});
  thread.join();
  EXPECT_EQ(PsGetThreadExitStatus(&thread.thread()), STATUS_SUCCESS);
}

}  // namespace
}  // namespace ntemu::test
