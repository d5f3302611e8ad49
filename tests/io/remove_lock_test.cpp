#include <cstring>

#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

struct CheckedRemoveLock {
  IO_REMOVE_LOCK_COMMON_BLOCK Common;
  IO_REMOVE_LOCK_DBG_BLOCK Dbg;
};

class IoRemoveLock : public KernelTest {
 protected:
  IoRemoveLock() { IoInitializeRemoveLock(&lock, 'tseT', 1, 10); }
  NTSTATUS acquire() { return IoAcquireRemoveLock(&lock, this); }
  void release() { IoReleaseRemoveLock(&lock, this); }
  IO_REMOVE_LOCK lock;
};

TEST_F(IoRemoveLock, CountsOperationsFromOne) {
  EXPECT_FALSE(lock.Common.Removed);
  EXPECT_EQ(lock.Common.IoCount, 1);
  EXPECT_EQ(lock.Common.RemoveEvent.Header.Type, SynchronizationEvent);
  EXPECT_EQ(lock.Common.RemoveEvent.Header.SignalState, 0);
  EXPECT_EQ(acquire(), STATUS_SUCCESS);
  EXPECT_EQ(acquire(), STATUS_SUCCESS);
  EXPECT_EQ(lock.Common.IoCount, 3);
  release(), release();
  EXPECT_EQ(lock.Common.IoCount, 1);
}

TEST_F(IoRemoveLock, RemovalWithoutOtherOperationsDoesNotWait) {
  ASSERT_EQ(acquire(), STATUS_SUCCESS);
  IoReleaseRemoveLockAndWait(&lock, this);
  EXPECT_TRUE(lock.Common.Removed);
  EXPECT_EQ(lock.Common.IoCount, 0);
  EXPECT_EQ(acquire(), STATUS_DELETE_PENDING);
  EXPECT_EQ(lock.Common.IoCount, 0);
}

TEST_F(IoRemoveLock, RemovalWaitsForEveryOperation) {
  ASSERT_EQ(acquire(), STATUS_SUCCESS);
  ASSERT_EQ(acquire(), STATUS_SUCCESS);
  SystemThread remover([&] {
    EXPECT_EQ(acquire(), STATUS_SUCCESS);
    IoReleaseRemoveLockAndWait(&lock, this);
  });
  remover.await_blocked();
  EXPECT_EQ(remover.tcb().WaitReason, Executive);
  EXPECT_EQ(acquire(), STATUS_DELETE_PENDING);
  EXPECT_EQ(lock.Common.IoCount, 2);
  release();
  EXPECT_FALSE(remover.ended());
  EXPECT_EQ(acquire(), STATUS_DELETE_PENDING);
  release();
  remover.join();
  EXPECT_EQ(lock.Common.IoCount, 0);
}

TEST_F(IoRemoveLock, TheSizeTellsTheCheckedLayout) {
  CheckedRemoveLock checked;
  std::memset(&checked, 0xcc, sizeof checked);
  auto *as_lock = reinterpret_cast<PIO_REMOVE_LOCK>(&checked);
  IoInitializeRemoveLockEx(as_lock, 'tseT', 2, 10, sizeof checked);
  EXPECT_EQ(checked.Common.IoCount, 1);
  EXPECT_EQ(checked.Dbg.HighWatermark, 10u);
  EXPECT_EQ(checked.Dbg.MaxLockedTicks, 2 * 60 * 64);
  EXPECT_EQ(checked.Dbg.AllocateTag, LONG{'tseT'});
  EXPECT_EQ(checked.Dbg.Blocks, nullptr);
  std::memset(&checked, 0xcc, sizeof checked);
  IoInitializeRemoveLockEx(as_lock, 'tseT', 2, 10, sizeof(IO_REMOVE_LOCK_COMMON_BLOCK));
  EXPECT_EQ(checked.Dbg.HighWatermark, 0xccccccccu);
  EXPECT_EQ(IoAcquireRemoveLockEx(as_lock, this, __FILE__, __LINE__, sizeof(IO_REMOVE_LOCK_COMMON_BLOCK)),
            STATUS_SUCCESS);
  IoReleaseRemoveLockEx(as_lock, this, sizeof(IO_REMOVE_LOCK_COMMON_BLOCK));
  EXPECT_EQ(checked.Common.IoCount, 1);
}

using IoRemoveLockStress = IoRemoveLock;

// Thread 0 removes the device while the others use it.
TEST_F(IoRemoveLockStress, NobodyUsesADeviceAfterItsRemoval) {
  const int kRounds = rounds(20, 2000);
  for (int i = 0; i < kRounds; ++i) {
    IoInitializeRemoveLock(&lock, 0, 0, 0);
    int device = 1;
    stress([&](std::mt19937 &random, int thread) {
      if (thread == 0) {
        EXPECT_EQ(acquire(), STATUS_SUCCESS);
        for (auto spins = random() % 64 + static_cast<unsigned>(i) % 64; spins > 0; --spins) sched_yield();
        IoReleaseRemoveLockAndWait(&lock, this);
        device = 0;
        return;
      }
      while (acquire() == STATUS_SUCCESS) {
        EXPECT_EQ(device, 1);
        if (random() % 4 == 0) sched_yield();
        release();
      }
    });
    EXPECT_EQ(lock.Common.IoCount, 0);
    EXPECT_EQ(lock.Common.RemoveEvent.Header.SignalState, 0);
  }
}

}  // namespace
}  // namespace ntemu::test
