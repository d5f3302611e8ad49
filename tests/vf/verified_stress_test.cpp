// Threads that use every kind of lock as they should, while their verification begins, changes and ends.
#include <atomic>
#include <vector>

#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

constexpr int kThreads = 8;

class VerifiedStress : public VerifierTest {
 protected:
  VerifiedStress() {
    KeInitializeSpinLock(&spin);
    KeInitializeMutex(&mutex, 0);
    ExInitializeFastMutex(&fast);
    ExInitializePushLock(&push);
    ExInitializeResourceLite(&resource);
    KeInitializeEvent(&event, SynchronizationEvent, TRUE);
  }
  ~VerifiedStress() override {
    stop_verifying();
    ExDeleteResourceLite(&resource);
  }
  void round() {
    KIRQL old;
    KeAcquireSpinLock(&spin, &old);
    ++counts[0];
    KeReleaseSpinLock(&spin, old);
    wait(&mutex);
    ++counts[1];
    KeReleaseMutex(&mutex, FALSE);
    ExAcquireFastMutex(&fast);
    ++counts[2];
    ExReleaseFastMutex(&fast);
    KeEnterCriticalRegion();
    ExAcquirePushLockExclusive(&push);
    ++counts[3];
    ExReleasePushLockExclusive(&push);
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ++counts[4];
    ExReleaseResourceLite(&resource);
    KeLeaveCriticalRegion();
    wait(&event);
    ++counts[5];
    KeSetEvent(&event, 0, FALSE);
  }
  KSPIN_LOCK spin;
  KMUTEX mutex;
  FAST_MUTEX fast;
  EX_PUSH_LOCK push;
  ERESOURCE resource;
  KEVENT event;
  int counts[6] = {};
};

TEST_F(VerifiedStress, NothingThatIsRightIsReportedWhateverTheOptions) {
  const int count = rounds(200, 5000);
  std::atomic<int> running{kThreads};
  const auto for_a_while = [&] {
    for (int i = 0; i < 50 && running.load() > 0; ++i) ZwYieldExecution();
  };
  vf::reset_counters();
  verify(vf::kStandardOptions);
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.push_back(std::make_unique<SystemThread>([&] {
        for (int j = 0; j < count; ++j) round();
        --running;
      }));
    }
    const ULONG kinds[] = {vf::kStandardOptions, 0, vf::kForceIrql, vf::kStandardOptions | vf::kDelayFuzzing};
    for (int i = 0; running.load() > 0; ++i) {
      verify(kinds[i % 4]);
      for_a_while();
      vf::change_options(&__executable_start, vf::kDdiCompliance);
      for_a_while();
      if (i % 3 != 0) continue;
      stop_verifying();
      for_a_while();
    }
  }
  EXPECT_GT(vf::counters().acquire_spin_locks, 0u);
  for (const int each : counts) EXPECT_EQ(each, kThreads * count);
}

}  // namespace
}  // namespace ntemu::test
