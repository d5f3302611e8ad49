#include <random>
#include <vector>

#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class InterlockedList : public KernelTest {
 protected:
  InterlockedList() { InitializeListHead(&head); }
  ~InterlockedList() override { EXPECT_EQ(lock, 0u); }
  LIST_ENTRY head;
  KSPIN_LOCK lock = 0;
};

TEST_F(InterlockedList, InsertReturnsTheNeighbourOrNull) {
  LIST_ENTRY a, b, c, d;
  EXPECT_EQ(ExInterlockedInsertHeadList(&head, &a, &lock), nullptr);
  EXPECT_EQ(ExInterlockedInsertHeadList(&head, &b, &lock), &a);
  EXPECT_EQ(ExInterlockedInsertTailList(&head, &c, &lock), &a);
  EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &b);
  EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &a);
  EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &c);
  EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), nullptr);
  EXPECT_EQ(ExInterlockedInsertTailList(&head, &d, &lock), nullptr);
}

TEST_F(InterlockedList, SinglyLinkedIsLastInFirstOut) {
  SINGLE_LIST_ENTRY top{}, a, b;
  EXPECT_EQ(ExInterlockedPushEntryList(&top, &a, &lock), nullptr);
  EXPECT_EQ(ExInterlockedPushEntryList(&top, &b, &lock), &a);
  EXPECT_EQ(ExInterlockedPopEntryList(&top, &lock), &b);
  EXPECT_EQ(ExInterlockedPopEntryList(&top, &lock), &a);
  EXPECT_EQ(ExInterlockedPopEntryList(&top, &lock), nullptr);
}

TEST_F(InterlockedList, AddReturnsTheValueBefore) {
  ULONG number = 0xfffffff0;
  EXPECT_EQ(ExInterlockedAddUlong(&number, 0x20, &lock), 0xfffffff0u);
  EXPECT_EQ(number, 0x10u);
  LARGE_INTEGER large, step;
  large.QuadPart = 40, step.QuadPart = -2;
  EXPECT_EQ(ExInterlockedAddLargeInteger(&large, step, &lock).QuadPart, 40);
  EXPECT_EQ(large.QuadPart, 38);
}

TEST_F(InterlockedList, LocklessFormsNeedNoLock) {
  LONG64 value = 5, wanted = 6, expected = 5;
  EXPECT_EQ(ExInterlockedCompareExchange64(&value, &wanted, &expected, nullptr), 5);
  EXPECT_EQ(value, 6);
  LARGE_INTEGER statistic;
  statistic.QuadPart = 1;
  ExInterlockedAddLargeStatistic(&statistic, 41);
  EXPECT_EQ(statistic.QuadPart, 42);
}

TEST_F(InterlockedList, ADamagedListIsBugcheck139) {
  LIST_ENTRY a, other;
  ExInterlockedInsertTailList(&head, &a, &lock);
  a.Flink = &other;
  other.Blink = &other;
  ke::Bugcheck stop = ke::catch_bugcheck([&] { ExInterlockedRemoveHeadList(&head, &lock); });
  EXPECT_EQ(stop.code, 0x139u);
  EXPECT_EQ(stop.parameters[0], 3u);
  lock = 0;
  head.Blink = &other;
  EXPECT_EQ(ke::catch_bugcheck([&] { ExInterlockedInsertTailList(&head, &other, &lock); }).code, 0x139u);
  lock = 0;
  EXPECT_EQ(ke::catch_bugcheck([&] { ExInterlockedInsertHeadList(&head, &other, &lock); }).code, 0x139u);
  lock = 0;
}

TEST_F(InterlockedList, WorksAtHighLevel) {
  LIST_ENTRY a;
  KIRQL old;
  KeRaiseIrql(HIGH_LEVEL, &old);
  ExInterlockedInsertTailList(&head, &a, &lock);
  EXPECT_EQ(ExInterlockedRemoveHeadList(&head, &lock), &a);
  EXPECT_EQ(KeGetCurrentIrql(), HIGH_LEVEL);
  KeLowerIrql(old);
}

using InterlockedListStress = InterlockedList;

TEST_F(InterlockedListStress, KeepsEveryEntryAndCount) {
  struct Item {
    LIST_ENTRY link;
    SINGLE_LIST_ENTRY single;
    int value = 0;
  };
  const int count = rounds(20000, 200000);
  std::vector<Item> items(16);
  SINGLE_LIST_ENTRY top{};
  for (Item &item : items) ExInterlockedInsertTailList(&head, &item.link, &lock);
  ULONG number = 0;
  LARGE_INTEGER large{};
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    LARGE_INTEGER step;
    step.QuadPart = 3;
    for (int i = 0; i < count; ++i) {
      Item *item = nullptr;
      if (random() % 2) {
        if (PLIST_ENTRY link = ExInterlockedRemoveHeadList(&head, &lock)) item = CONTAINING_RECORD(link, Item, link);
      } else if (PSINGLE_LIST_ENTRY link = ExInterlockedPopEntryList(&top, &lock)) {
        item = CONTAINING_RECORD(link, Item, single);
      }
      ExInterlockedAddUlong(&number, 1, &lock);
      ExInterlockedAddLargeInteger(&large, step, &lock);
      if (!item) continue;
      ++item->value;  // plain: the lists order it
      switch (random() % 3) {
        case 0:
          ExInterlockedInsertHeadList(&head, &item->link, &lock);
          break;
        case 1:
          ExInterlockedInsertTailList(&head, &item->link, &lock);
          break;
        default:
          ExInterlockedPushEntryList(&top, &item->single, &lock);
      }
    }
  });
  EXPECT_EQ(number, kStressThreads * static_cast<ULONG>(count));
  EXPECT_EQ(large.QuadPart, 3LL * kStressThreads * count);
  size_t found = 0;
  while (ExInterlockedRemoveHeadList(&head, &lock)) ++found;
  while (ExInterlockedPopEntryList(&top, &lock)) ++found;
  EXPECT_EQ(found, items.size());
}

}  // namespace
}  // namespace ntemu::test
