#include <array>
#include <atomic>
#include <random>
#include <vector>

#include "ntemu/ex/ex.h"
#include "ntemu/ex/slist.h"
#include "ntemu/machine/faults.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

constexpr ULONG kListTag = 0x74736C53;

struct Item {
  SLIST_ENTRY link;
  std::atomic<int> owners{0};
  int value = 0;
};

class SequencedList : public KernelTest {
 protected:
  SequencedList() { InitializeSListHead(&head); }
  SLIST_HEADER head{{~ULONGLONG{0}, ~ULONGLONG{0}}};
};

TEST_F(SequencedList, IsEmptyAfterInitialization) {
  EXPECT_EQ(head.Alignment, 0u);
  EXPECT_EQ(head.Region, 0u);
  EXPECT_EQ(ExQueryDepthSList(&head), 0);
  EXPECT_EQ(FirstEntrySList(&head), nullptr);
  EXPECT_EQ(ExInterlockedPopEntrySList(&head, nullptr), nullptr);
  EXPECT_EQ(ExInterlockedFlushSList(&head), nullptr);
}

TEST_F(SequencedList, IsLastInFirstOut) {
  SLIST_ENTRY first, second;
  EXPECT_EQ(InterlockedPushEntrySList(&head, &first), nullptr);
  EXPECT_EQ(InterlockedPushEntrySList(&head, &second), &first);
  EXPECT_EQ(FirstEntrySList(&head), &second);
  EXPECT_EQ(second.Next, &first);
  EXPECT_EQ(QueryDepthSList(&head), 2);
  EXPECT_EQ(InterlockedPopEntrySList(&head), &second);
  EXPECT_EQ(InterlockedPopEntrySList(&head), &first);
  EXPECT_EQ(InterlockedPopEntrySList(&head), nullptr);
  EXPECT_EQ(QueryDepthSList(&head), 0);
}

TEST_F(SequencedList, FlushReturnsTheChain) {
  SLIST_ENTRY first, second;
  ExInterlockedPushEntrySList(&head, &first, nullptr);
  ExInterlockedPushEntrySList(&head, &second, nullptr);
  EXPECT_EQ(InterlockedFlushSList(&head), &second);
  EXPECT_EQ(second.Next, &first);
  EXPECT_EQ(first.Next, nullptr);
  EXPECT_EQ(QueryDepthSList(&head), 0);
  EXPECT_EQ(FirstEntrySList(&head), nullptr);
}

TEST_F(SequencedList, ShowsDepthSequenceAndFirstEntryInItsHeader) {
  SLIST_ENTRY entry;
  InterlockedPushEntrySList(&head, &entry);
  EXPECT_EQ(head.HeaderX64.Depth, 1u);
  EXPECT_EQ(head.HeaderX64.NextEntry, reinterpret_cast<ULONG_PTR>(&entry) >> 4);
  EXPECT_EQ(head.HeaderX64.Reserved, 0u);
  const ULONGLONG sequence = head.HeaderX64.Sequence;
  InterlockedPopEntrySList(&head);
  InterlockedPushEntrySList(&head, &entry);
  EXPECT_GT(head.HeaderX64.Sequence, sequence);
}

TEST_F(SequencedList, DepthWrapsWithoutTouchingTheSequence) {
  std::vector<SLIST_ENTRY> entries(0x10000);
  for (SLIST_ENTRY &entry : entries) InterlockedPushEntrySList(&head, &entry);
  EXPECT_EQ(QueryDepthSList(&head), 0);
  EXPECT_EQ(head.HeaderX64.Sequence, 0x10000u);
  EXPECT_EQ(InterlockedPopEntrySList(&head), &entries.back());
  EXPECT_EQ(QueryDepthSList(&head), 0xffff);
}

TEST_F(SequencedList, RefusesMisalignedMemory) {
  alignas(16) char bytes[64] = {};
  EXPECT_EQ(ke::catch_raise([&] { InitializeSListHead(reinterpret_cast<PSLIST_HEADER>(bytes + 8)); }),
            STATUS_DATATYPE_MISALIGNMENT);
  EXPECT_EQ(ke::catch_raise([&] { InterlockedPushEntrySList(&head, reinterpret_cast<PSLIST_ENTRY>(bytes + 8)); }),
            STATUS_DATATYPE_MISALIGNMENT);
  EXPECT_EQ(QueryDepthSList(&head), 0);
}

TEST_F(SequencedList, OnlyTheReadOfPopIsSteppedOver) {
  ULONG_PTR elsewhere = 0x1234;
  EXPECT_FALSE(ex::step_over_slist_fault(elsewhere));
  EXPECT_EQ(elsewhere, 0x1234u);
}

TEST_F(SequencedList, AnEntryWhosePageIsGoneIsNotReadable) {
  machine::report_faults();
  auto *entry = static_cast<PSLIST_ENTRY>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, kListTag));
  ASSERT_NE(entry, nullptr);
  entry->Next = entry + 1;
  EXPECT_EQ(ex::read_next(entry).readable, 1u);
  EXPECT_EQ(ex::read_next(entry).next, entry + 1);
  ExFreePoolWithTag(entry, kListTag);
  EXPECT_EQ(ex::read_next(entry).readable, 0u);
  EXPECT_EQ(ex::read_next(entry).readable, 0u);
}

using SequencedListStress = SequencedList;

TEST_F(SequencedListStress, EveryEntryHasOneOwner) {
  std::array<Item, 16> items;
  for (Item &item : items) InterlockedPushEntrySList(&head, &item.link);
  std::atomic<int> errors{0};
  std::atomic<long> total{0};
  const int count = rounds(10000, 1000000);
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    std::vector<Item *> mine;
    const auto own = [&](PSLIST_ENTRY entry) {
      Item *item = CONTAINING_RECORD(entry, Item, link);
      if (item->owners.fetch_add(1) != 0) ++errors;
      ++item->value;  // plain: the list orders it
      mine.push_back(item);
      ++total;
    };
    for (int i = 0; i < count; ++i) {
      const auto choice = random() % 16;
      if (choice == 0) {
        for (PSLIST_ENTRY entry = InterlockedFlushSList(&head); entry;) {
          const PSLIST_ENTRY next = entry->Next;
          own(entry);
          entry = next;
        }
      } else if (choice < 8) {
        if (const PSLIST_ENTRY entry = InterlockedPopEntrySList(&head)) own(entry);
      } else if (!mine.empty()) {
        Item *item = mine.back();
        mine.pop_back();
        item->owners.fetch_sub(1);
        InterlockedPushEntrySList(&head, &item->link);
      }
    }
    for (Item *item : mine) {
      item->owners.fetch_sub(1);
      InterlockedPushEntrySList(&head, &item->link);
    }
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(QueryDepthSList(&head), items.size());
  size_t found = 0;
  for (PSLIST_ENTRY entry = InterlockedFlushSList(&head); entry; entry = entry->Next) ++found;
  EXPECT_EQ(found, items.size());
  long values = 0;
  for (const Item &item : items) values += item.value;
  EXPECT_EQ(values, total.load());
}

// Blocks of more than a page lose their pages when they are freed: a pop that still looks at one must not fault.
TEST_F(SequencedListStress, EntriesMayBeUnmappedWhileAnotherPops) {
  machine::report_faults();
  constexpr SIZE_T kBytes = 2 * PAGE_SIZE;
  const int count = rounds(500, 50000);
  run_together(kStressThreads, [&](unsigned) {
    for (int i = 0; i < count; ++i) {
      if (PVOID block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, kBytes, kListTag))
        InterlockedPushEntrySList(&head, static_cast<PSLIST_ENTRY>(block));
      if (const PSLIST_ENTRY entry = InterlockedPopEntrySList(&head)) ExFreePoolWithTag(entry, kListTag);
    }
  });
  EXPECT_EQ(QueryDepthSList(&head), 0);
}

}  // namespace
}  // namespace ntemu::test
