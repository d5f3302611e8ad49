// A machine that ends while its threads wait.
#include "ntemu/ob/object.h"
#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

constexpr int kThreads = 8;

// What the threads wait for. It outlives them, and their machine; as in a driver, nothing here has a destructor, for a
// thread that leaves runs none.
struct Shared {
  KEVENT never[kThreads];
  KMUTANT mutants[kThreads];
  KEVENT *on_stacks[kThreads];
  ETHREAD *threads[kThreads];
  KQUEUE queue;
  void *freed;
  std::atomic<int> started{0};
};

Shared *shared;

void start(int number, PKSTART_ROUTINE routine) {
  HANDLE handle = nullptr;
  ASSERT_EQ(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, routine,
                                 reinterpret_cast<PVOID>(LONG_PTR{number})),
            STATUS_SUCCESS);
  const auto object = ob::reference_by_handle(handle, 0, *PsThreadType, KernelMode);
  shared->threads[number] = static_cast<ETHREAD *>(*object);
  ZwClose(handle);
}

// Each waits for the mutants that the others own, events on their stacks, their ends, and events that outlive them.
VOID wait_for_the_others(PVOID context) {
  const auto self = static_cast<int>(reinterpret_cast<LONG_PTR>(context));
  KEVENT mine;
  KeInitializeEvent(&mine, SynchronizationEvent, FALSE);
  shared->on_stacks[self] = &mine;
  KeWaitForSingleObject(&shared->mutants[self], Executive, KernelMode, FALSE, nullptr);
  shared->started.fetch_add(1);
  while (shared->started.load() < kThreads + 1) sched_yield();
  PVOID objects[MAXIMUM_WAIT_OBJECTS];
  ULONG count = 0;
  for (int i = 0; i < kThreads; ++i) {
    objects[count++] = &shared->never[i];
    if (i == self) continue;
    objects[count++] = &shared->mutants[i];
    objects[count++] = shared->on_stacks[i];
    objects[count++] = shared->threads[i];
  }
  objects[count++] = shared->freed;
  KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
  KeWaitForMultipleObjects(count, objects, self % 2 ? WaitAny : WaitAll, Executive, KernelMode, FALSE, nullptr, blocks);
}

VOID wait_for_an_entry(PVOID) {
  shared->started.fetch_add(1);
  KeRemoveQueue(&shared->queue, KernelMode, nullptr);
}

class MachineShutDown : public ::testing::Test {
 protected:
  void SetUp() override {
    auto booted = Machine::boot({});
    ASSERT_TRUE(booted) << booted.error().text;
    machine = std::move(*booted);
    storage = std::make_unique<Shared>();
    shared = storage.get();
    for (int i = 0; i < kThreads; ++i) {
      KeInitializeEvent(&shared->never[i], SynchronizationEvent, FALSE);
      KeInitializeMutant(&shared->mutants[i], FALSE);
    }
    KeInitializeQueue(&shared->queue, 2);
    shared->freed = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * PAGE_SIZE, 'tseT');
    KeInitializeEvent(static_cast<PRKEVENT>(shared->freed), NotificationEvent, FALSE);
  }
  void await_blocked() {
    for (ETHREAD *thread : shared->threads) {
      while (!ke::is_asleep(*thread)) sched_yield();
    }
  }
  void drop_references() {
    for (ETHREAD *thread : shared->threads) ob::dereference(thread);
  }

  std::unique_ptr<Machine> machine;
  std::unique_ptr<Shared> storage;
};

TEST_F(MachineShutDown, TakesItsThreadsOutOfWaitsForOneAnother) {
  for (int round = 0; round < rounds(10, 300); ++round) {
    if (round > 0) SetUp();
    for (int i = 0; i < kThreads; ++i) start(i, wait_for_the_others);
    while (shared->started.load() < kThreads) sched_yield();
    shared->started.fetch_add(1);
    await_blocked();
    if (round % 2) ExFreePool(shared->freed);  // as a driver that forgets its threads
    drop_references();
    EXPECT_TRUE(machine->shut_down());
    for (KEVENT &event : shared->never) EXPECT_FALSE(has_waiters(event.Header));
    for (KMUTANT &mutant : shared->mutants) EXPECT_FALSE(has_waiters(mutant.Header));
  }
}

TEST_F(MachineShutDown, TakesItsThreadsOffTheirQueues) {
  for (int i = 0; i < kThreads; ++i) start(i, wait_for_an_entry);
  await_blocked();
  ExFreePool(shared->freed);
  drop_references();
  EXPECT_TRUE(machine->shut_down());
  EXPECT_FALSE(has_waiters(shared->queue.Header));
  EXPECT_TRUE(IsListEmpty(&shared->queue.ThreadListHead));
}

}  // namespace
}  // namespace ntemu::test
