#include <vector>

#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using KeEvent = KernelTest;

TEST_F(KeEvent, HasTheDocumentedHeader) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, TRUE);
  EXPECT_EQ(event.Header.Type, 0);
  EXPECT_EQ(event.Header.Size, 6);
  EXPECT_EQ(event.Header.SignalState, 1);
  EXPECT_TRUE(IsListEmpty(&event.Header.WaitListHead));
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  EXPECT_EQ(event.Header.Type, 1);
  EXPECT_EQ(event.Header.SignalState, 0);
}

TEST_F(KeEvent, SetResetAndClearReturnThePreviousState) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  EXPECT_EQ(KeSetEvent(&event, 0, FALSE), 0);
  EXPECT_EQ(KeSetEvent(&event, 0, FALSE), 1);
  EXPECT_EQ(KeReadStateEvent(&event), 1);
  EXPECT_EQ(KeResetEvent(&event), 1);
  EXPECT_EQ(KeResetEvent(&event), 0);
  KeSetEvent(&event, 0, FALSE);
  KeClearEvent(&event);
  EXPECT_EQ(KeReadStateEvent(&event), 0);
}

TEST(KeResetEvent, ClearsTheEventAndReturnsThePreviousState) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, TRUE);
  EXPECT_EQ(KeResetEvent(&event), 1);
  EXPECT_EQ(KeReadStateEvent(&event), 0);
}

TEST_F(KeEvent, SynchronizationEventIsConsumedByOneWait) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, TRUE);
  EXPECT_EQ(poll(&event), STATUS_SUCCESS);
  EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
}

TEST_F(KeEvent, NotificationEventStaysSignaled) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, TRUE);
  EXPECT_EQ(poll(&event), STATUS_SUCCESS);
  EXPECT_EQ(poll(&event), STATUS_SUCCESS);
}

TEST_F(KeEvent, SynchronizationEventReleasesOneWaiterPerSetInOrder) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  std::vector<int> order;
  KMUTEX guard;
  KeInitializeMutex(&guard, 0);
  const auto waiter = [&](int id) {
    return [&, id] {
      EXPECT_EQ(wait(&event), STATUS_SUCCESS);
      wait(&guard);
      order.push_back(id);
      KeReleaseMutex(&guard, FALSE);
    };
  };
  SystemThread first(waiter(1)), second(waiter(2)), third(waiter(3));
  first.await_blocked(), second.await_blocked(), third.await_blocked();
  for (SystemThread *thread : {&first, &second, &third}) {
    EXPECT_EQ(KeSetEvent(&event, 0, FALSE), 0);
    thread->join();
  }
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
  EXPECT_EQ(KeReadStateEvent(&event), 0);
}

TEST_F(KeEvent, NotificationEventReleasesEveryWaiter) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread first([&] { wait(&event); }), second([&] { wait(&event); });
  first.await_blocked(), second.await_blocked();
  KeSetEvent(&event, 0, FALSE);
  first.join(), second.join();
  EXPECT_EQ(KeReadStateEvent(&event), 1);
  EXPECT_TRUE(IsListEmpty(&event.Header.WaitListHead));
}

TEST_F(KeEvent, MayLieOnTheStackOfTheThreadThatWaitsForIt) {
  // The setter must not touch the event after it has let the waiter go.
  for (int i = 0; i < rounds(200, 20000); ++i) {
    KEVENT *shared = nullptr;
    KEVENT ready;
    KeInitializeEvent(&ready, SynchronizationEvent, FALSE);
    SystemThread setter([&] {
      wait(&ready);
      KeSetEvent(__atomic_load_n(&shared, __ATOMIC_ACQUIRE), 0, FALSE);
    });
    [&] {
      KEVENT local;
      KeInitializeEvent(&local, SynchronizationEvent, FALSE);
      __atomic_store_n(&shared, &local, __ATOMIC_RELEASE);
      KeSetEvent(&ready, 0, FALSE);
      EXPECT_EQ(wait(&local), STATUS_SUCCESS);
      std::fill_n(reinterpret_cast<volatile char *>(&local), sizeof local, char{0x5a});
    }();
  }
}

}  // namespace
}  // namespace ntemu::test
