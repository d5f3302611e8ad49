#include <atomic>
#include <random>
#include <vector>

#include "ntemu/ke/policy.h"
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
  struct Item {
    KDEVICE_QUEUE_ENTRY entry{};
    std::atomic<bool> queued{false};
  };
  const int count = rounds(2000, 200000);
  std::vector<Item> items(kStressThreads * 4);
  long served = 0;
  std::atomic<long> withdrawn{0};
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    for (int i = 0; i < count; ++i) {
      Item &item = items[seed * 4 + random() % 4];
      for (uint32_t round = 0; item.queued; ++round) ke::spin(round);  // whoever serves the device comes to it
      item.queued = true;
      const ULONG key = static_cast<ULONG>(random() % 16);
      if (random() % 2 ? KeInsertByKeyDeviceQueue(&queue, &item.entry, key)
                       : KeInsertDeviceQueue(&queue, &item.entry)) {
        if (random() % 8 == 0 && KeRemoveEntryDeviceQueue(&queue, &item.entry)) {
          ++withdrawn;
          item.queued = false;
        }
        continue;
      }
      PKDEVICE_QUEUE_ENTRY entry = &item.entry;
      do {
        ++served;
        CONTAINING_RECORD(entry, Item, entry)->queued = false;
        if (random() % 8 == 0) ke::spin(64);  // let others find the device busy
        entry = random() % 2 ? KeRemoveByKeyDeviceQueue(&queue, key) : KeRemoveDeviceQueue(&queue);
      } while (entry);
    }
  });
  EXPECT_EQ(served + withdrawn, static_cast<long>(kStressThreads) * count);
  EXPECT_FALSE(queue.Busy);
}

}  // namespace
}  // namespace ntemu::test
