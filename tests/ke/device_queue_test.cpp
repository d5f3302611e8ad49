#include <random>
#include <vector>

#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class KeDeviceQueue : public KernelTest {
 protected:
  KeDeviceQueue() { KeInitializeDeviceQueue(&queue); }
  ~KeDeviceQueue() override { EXPECT_EQ(queue.Lock, 0u); }
  void make_busy() { EXPECT_FALSE(KeInsertDeviceQueue(&queue, &first)); }
  KDEVICE_QUEUE queue;
  KDEVICE_QUEUE_ENTRY first{}, a{}, b{}, c{};
};

TEST_F(KeDeviceQueue, InitializesItsHeader) {
  EXPECT_EQ(queue.Type, 20);
  EXPECT_EQ(queue.Size, sizeof(KDEVICE_QUEUE));
  EXPECT_TRUE(IsListEmpty(&queue.DeviceListHead));
  EXPECT_FALSE(queue.Busy);
}

TEST_F(KeDeviceQueue, TheFirstInsertMakesTheDeviceBusy) {
  EXPECT_FALSE(KeInsertDeviceQueue(&queue, &first));
  EXPECT_TRUE(queue.Busy);
  EXPECT_FALSE(first.Inserted);
  EXPECT_TRUE(IsListEmpty(&queue.DeviceListHead));
  EXPECT_TRUE(KeInsertDeviceQueue(&queue, &a));
  EXPECT_TRUE(a.Inserted);
}

TEST_F(KeDeviceQueue, RemoveTakesTheFirstUntilNotBusy) {
  make_busy();
  KeInsertDeviceQueue(&queue, &a);
  KeInsertDeviceQueue(&queue, &b);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &a);
  EXPECT_FALSE(a.Inserted);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &b);
  EXPECT_TRUE(queue.Busy);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), nullptr);
  EXPECT_FALSE(queue.Busy);
}

TEST_F(KeDeviceQueue, InsertByKeySortsAndKeepsEqualsInOrder) {
  EXPECT_FALSE(KeInsertByKeyDeviceQueue(&queue, &first, 7));
  EXPECT_TRUE(KeInsertByKeyDeviceQueue(&queue, &a, 5));
  EXPECT_TRUE(KeInsertByKeyDeviceQueue(&queue, &b, 3));
  EXPECT_TRUE(KeInsertByKeyDeviceQueue(&queue, &c, 5));
  EXPECT_EQ(a.SortKey, 5u);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &b);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &a);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &c);
}

TEST_F(KeDeviceQueue, RemoveByKeyTakesTheNextKeyOrTheFirst) {
  make_busy();
  KeInsertByKeyDeviceQueue(&queue, &a, 1);
  KeInsertByKeyDeviceQueue(&queue, &b, 5);
  KeInsertByKeyDeviceQueue(&queue, &c, 9);
  EXPECT_EQ(KeRemoveByKeyDeviceQueue(&queue, 5), &b);
  EXPECT_EQ(KeRemoveByKeyDeviceQueue(&queue, 10), &a);
  EXPECT_EQ(KeRemoveByKeyDeviceQueue(&queue, 2), &c);
  EXPECT_EQ(KeRemoveByKeyDeviceQueue(&queue, 0), nullptr);
  EXPECT_FALSE(queue.Busy);
}

TEST_F(KeDeviceQueue, RemoveIfBusyLeavesAnIdleDeviceAlone) {
  EXPECT_EQ(KeRemoveByKeyDeviceQueueIfBusy(&queue, 0), nullptr);
  EXPECT_FALSE(queue.Busy);
  make_busy();
  KeInsertByKeyDeviceQueue(&queue, &a, 1);
  EXPECT_EQ(KeRemoveByKeyDeviceQueueIfBusy(&queue, 0), &a);
  EXPECT_TRUE(queue.Busy);
  EXPECT_EQ(KeRemoveByKeyDeviceQueueIfBusy(&queue, 0), nullptr);
  EXPECT_FALSE(queue.Busy);
}

TEST_F(KeDeviceQueue, RemoveEntrySaysWhetherItWasQueued) {
  make_busy();
  KeInsertDeviceQueue(&queue, &a);
  KeInsertDeviceQueue(&queue, &b);
  EXPECT_TRUE(KeRemoveEntryDeviceQueue(&queue, &a));
  EXPECT_FALSE(KeRemoveEntryDeviceQueue(&queue, &a));
  EXPECT_FALSE(KeRemoveEntryDeviceQueue(&queue, &first));
  EXPECT_TRUE(queue.Busy);
  EXPECT_EQ(KeRemoveDeviceQueue(&queue), &b);
}

using KeDeviceQueueStress = KeDeviceQueue;

// Whoever finds the device idle serves it until the queue is empty: the plain counter is never touched by two.
TEST_F(KeDeviceQueueStress, OneServesTheDeviceAtATime) {
  const int count = rounds(4000, 200000);
  std::vector<std::vector<KDEVICE_QUEUE_ENTRY>> entries(kStressThreads);
  long served = 0;
  std::atomic<long> withdrawn{0};
  for (auto &own : entries) own.resize(static_cast<size_t>(count));
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    for (KDEVICE_QUEUE_ENTRY &entry : entries[seed]) {
      const ULONG key = static_cast<ULONG>(random() % 16);
      if (random() % 2 ? KeInsertByKeyDeviceQueue(&queue, &entry, key) : KeInsertDeviceQueue(&queue, &entry)) {
        if (random() % 8 == 0 && KeRemoveEntryDeviceQueue(&queue, &entry)) ++withdrawn;
        continue;
      }
      do {
        ++served;
      } while (random() % 2 ? KeRemoveByKeyDeviceQueue(&queue, key) : KeRemoveDeviceQueue(&queue));
    }
  });
  EXPECT_EQ(served + withdrawn, static_cast<long>(kStressThreads) * count);
  EXPECT_FALSE(queue.Busy);
}

}  // namespace
}  // namespace ntemu::test
