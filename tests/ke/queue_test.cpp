#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using base::kNtPerSecond;

using KeQueue = FakeTimeTest;

PLIST_ENTRY as_entry(NTSTATUS status) { return reinterpret_cast<PLIST_ENTRY>(LONG_PTR{status}); }
LARGE_INTEGER now{};

TEST_F(KeQueue, HasTheDocumentedHeader) {
  Queue queue(3);
  EXPECT_EQ(queue.Header.Type, 4);
  EXPECT_EQ(queue.Header.Size, sizeof(KQUEUE) / 4);
  EXPECT_EQ(queue.CurrentCount, 0u);
  EXPECT_EQ(queue.MaximumCount, 3u);
  EXPECT_EQ(KeReadStateQueue(&queue), 0);
  EXPECT_TRUE(IsListEmpty(&queue.EntryListHead));
  EXPECT_TRUE(IsListEmpty(&queue.ThreadListHead));
}

TEST_F(KeQueue, GivesEntriesInTheirOrderAndTellsHowManyThereWere) {
  Queue queue(10);
  LIST_ENTRY entries[4];
  EXPECT_EQ(queue.insert(entries[0]), 0);
  EXPECT_EQ(queue.insert(entries[1]), 1);
  EXPECT_EQ(KeInsertHeadQueue(&queue, &entries[2]), 2);
  EXPECT_EQ(queue.insert(entries[3]), 3);
  EXPECT_EQ(KeReadStateQueue(&queue), 4);
  for (const int i : {2, 0, 1, 3}) EXPECT_EQ(queue.remove(), &entries[i]);
  EXPECT_EQ(KeReadStateQueue(&queue), 0);
  EXPECT_EQ(queue.remove(&now), as_entry(STATUS_TIMEOUT));
  KeRundownQueue(&queue);
}

TEST_F(KeQueue, ATimeoutEndsTheWaitAtItsTime) {
  Queue queue;
  SystemThread thread([&] {
    LARGE_INTEGER timeout = relative(kNtPerSecond);
    EXPECT_EQ(queue.remove(&timeout), as_entry(STATUS_TIMEOUT));
    EXPECT_EQ(queue.CurrentCount, 1u);  // it runs again
  });
  thread.await_blocked();
  EXPECT_EQ(thread.tcb().WaitReason, WrQueue);
  EXPECT_EQ(thread.tcb().WaitBlockList->Object, &queue);
  EXPECT_EQ(thread.tcb().Queue, &queue);
  EXPECT_EQ(queue.CurrentCount, 0u);
  clock.advance(kNtPerSecond - 1);
  EXPECT_FALSE(thread.ended());
  clock.advance(1);
  thread.join();
  EXPECT_EQ(queue.CurrentCount, 0u);  // it has ended
  EXPECT_TRUE(IsListEmpty(&queue.ThreadListHead));
  EXPECT_FALSE(has_waiters(queue.Header));
}

TEST_F(KeQueue, ThreadThatCameLastGetsTheNextEntry) {
  Queue queue(10);
  LIST_ENTRY entries[5];
  PLIST_ENTRY got[5] = {};
  Event stay(NotificationEvent);
  Crowd crowd(5, [&](int i) { got[i] = queue.remove(); });
  crowd.await_blocked();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(queue.insert(entries[i]), 0);
    crowd[4 - i].join();
    EXPECT_EQ(got[4 - i], &entries[i]);
  }
}

TEST_F(KeQueue, NoMoreThreadsRunThanItsCount) {
  Queue queue(2);
  LIST_ENTRY entries[4];
  std::atomic<int> taken{0};
  Event blocker(NotificationEvent);
  Crowd crowd(4, [&](int) {
    queue.remove();
    taken.fetch_add(1);
    const KIRQL old = KfRaiseIrql(APC_LEVEL);
    while (KeReadStateEvent(&blocker) == 0) sched_yield();  // runs, does not block
    KeLowerIrql(old);
  });
  crowd.await_blocked();
  for (LIST_ENTRY &entry : entries) queue.insert(entry);
  while (taken.load() < 2) sched_yield();
  EXPECT_EQ(queue.CurrentCount, 2u);
  EXPECT_EQ(KeReadStateQueue(&queue), 2);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(ke::is_asleep(crowd[i].thread()));
  EXPECT_EQ(queue.remove(&now), as_entry(STATUS_TIMEOUT));  // there are entries, but it may not run
  blocker.set();
  crowd.join();
  EXPECT_EQ(taken.load(), 4);
  EXPECT_EQ(KeReadStateQueue(&queue), 0);
  EXPECT_EQ(queue.CurrentCount, 1u);  // the test's own thread, which has asked
  KeRundownQueue(&queue);
}

TEST_F(KeQueue, AThreadThatBlocksElsewhereLetsAnotherRun) {
  Queue queue(1);
  LIST_ENTRY entries[2];
  Event event, first_done, second_done;
  SystemThread second([&] {
    EXPECT_EQ(queue.remove(), &entries[1]);
    second_done.set();
    wait(&event);
  });
  second.await_blocked();
  SystemThread first([&] {
    EXPECT_EQ(queue.remove(), &entries[0]);
    while (KeReadStateEvent(&first_done) == 0) sched_yield();
    wait(&event);
  });
  first.await_blocked();
  queue.insert(entries[0]);
  queue.insert(entries[1]);
  EXPECT_EQ(KeReadStateQueue(&queue), 1);
  EXPECT_TRUE(ke::is_asleep(second.thread()));
  first_done.set();  // now the first blocks
  wait(&second_done);
  first.await_blocked(), second.await_blocked();
  EXPECT_EQ(queue.CurrentCount, 0u);
  event.set(), event.set();
  first.join(), second.join();
  EXPECT_EQ(queue.CurrentCount, 0u);
}

TEST_F(KeQueue, AThreadThatGoesToAnotherQueueLeavesTheFirst) {
  Queue one(1), two(1);
  LIST_ENTRY a, b;
  one.insert(a), two.insert(b);
  EXPECT_EQ(one.remove(), &a);
  EXPECT_EQ(one.CurrentCount, 1u);
  EXPECT_EQ(two.remove(), &b);
  EXPECT_EQ(one.CurrentCount, 0u);
  EXPECT_TRUE(IsListEmpty(&one.ThreadListHead));
  EXPECT_EQ(two.CurrentCount, 1u);
  EXPECT_EQ(KeGetCurrentThread()->Queue, &two);
  EXPECT_EQ(two.ThreadListHead.Flink, &KeGetCurrentThread()->QueueListEntry);
  KeRundownQueue(&two);
  EXPECT_EQ(KeGetCurrentThread()->Queue, nullptr);
}

TEST_F(KeQueue, AThreadThatEndsLetsAnotherRun) {
  Queue queue(1);
  LIST_ENTRY entries[2];
  Event go;
  SystemThread second([&] { EXPECT_EQ(queue.remove(), &entries[1]); });
  second.await_blocked();
  SystemThread first([&] {
    EXPECT_EQ(queue.remove(), &entries[0]);
    while (KeReadStateEvent(&go) == 0) sched_yield();
  });
  first.await_blocked();
  queue.insert(entries[0]);
  queue.insert(entries[1]);
  EXPECT_FALSE(second.ended());
  go.set();
  first.join(), second.join();
}

TEST_F(KeQueue, RundownReturnsTheEntriesAsARingWithoutAHead) {
  Queue queue;
  EXPECT_EQ(KeRundownQueue(&queue), nullptr);
  LIST_ENTRY entries[3];
  for (LIST_ENTRY &entry : entries) queue.insert(entry);
  EXPECT_EQ(KeRundownQueue(&queue), &entries[0]);
  EXPECT_EQ(entries[0].Flink, &entries[1]);
  EXPECT_EQ(entries[1].Flink, &entries[2]);
  EXPECT_EQ(entries[2].Flink, &entries[0]);
  EXPECT_EQ(entries[0].Blink, &entries[2]);
  EXPECT_EQ(KeReadStateQueue(&queue), 0);
  EXPECT_TRUE(IsListEmpty(&queue.EntryListHead));
  EXPECT_TRUE(IsListEmpty(&queue.ThreadListHead));
}

TEST_F(KeQueue, AtDispatchLevelOnlyAPollIsAllowed) {
  Queue queue;
  LIST_ENTRY entry;
  queue.insert(entry);
  const KIRQL old = KfRaiseIrql(DISPATCH_LEVEL);
  EXPECT_EQ(queue.remove(&now), &entry);
  EXPECT_EQ(queue.remove(&now), as_entry(STATUS_TIMEOUT));
  EXPECT_EQ(ke::catch_bugcheck([&] { queue.remove(); }).code, 0xB8u);
  KeLowerIrql(old);
  KeRundownQueue(&queue);
}

TEST_F(KeQueue, GarbageIsReportedNotFollowed) {
  Event event;
  LIST_ENTRY entry;
  const auto other = reinterpret_cast<PRKQUEUE>(&event);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeInsertQueue(other, &entry); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeInsertHeadQueue(other, &entry); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeRemoveQueue(other, KernelMode, &now); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeReadStateQueue(other); }).code, 0x139u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeRundownQueue(other); }).code, 0x139u);
  Queue queue;
  EXPECT_EQ(ke::catch_bugcheck([&] { wait(&queue); }).code, 0x139u);
}

}  // namespace
}  // namespace ntemu::test
