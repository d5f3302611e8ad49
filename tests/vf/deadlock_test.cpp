// Cycles of waiting threads: found when they close, and only then.
#include "tests/vf/deadlock_fixture.h"

using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace ntemu::test {
namespace {

class Deadlock : public KernelTest {
 protected:
  static std::vector<LostThread> start(const std::vector<std::function<void()>> &bodies) {
    std::vector<LostThread> threads;
    threads.reserve(bodies.size());
    for (const auto &body : bodies) threads.emplace_back(body);
    return threads;
  }
  static void settle(const std::vector<LostThread> &threads) {
    for (const LostThread &thread : threads) thread.settle();
  }
  // Each thread takes its lock, and then that of the next one.
  static std::vector<LostThread> make_ring(const std::vector<AnyLock> &locks) {
    auto *meeting = new Meeting(static_cast<int>(locks.size()));
    std::vector<LostThread> threads;
    for (size_t i = 0; i < locks.size(); ++i) {
      threads.emplace_back([own = locks[i], next = locks[(i + 1) % locks.size()], meeting] {
        own.acquire();
        meeting->meet();
        next.acquire();
      });
    }
    settle(threads);
    return threads;
  }
  // The only report there is: who waits for what, in whatever thread it begins.
  static vf::Cycle only_report() {
    const auto cycles = vf::reported_cycles();
    EXPECT_THAT(cycles, SizeIs(1));
    return cycles.empty() ? vf::Cycle{} : cycles.front();
  }
};

TEST_F(Deadlock, OfTwoThreadsIsReportedOnceForEachKindOfLock) {
  for (const LockType &type : kLockTypes) {
    SCOPED_TRACE(type.name);
    const size_t before = vf::reported_cycles().size();
    const std::vector<AnyLock> locks{AnyLock(type), AnyLock(type)};
    const auto threads = make_ring(locks);
    const auto cycles = vf::reported_cycles();
    ASSERT_EQ(cycles.size(), before + 1);
    ASSERT_THAT(cycles.back(), SizeIs(2));
    for (const vf::CycleThread &thread : cycles.back()) {
      EXPECT_STREQ(thread.wants.type, type.name);
      EXPECT_NE(thread.has.lock, thread.wants.lock);
      EXPECT_NE(thread.has.site, nullptr);
      EXPECT_NE(thread.wants.site, nullptr);
    }
  }
  EXPECT_THAT(vf::wait_cycles(), SizeIs(kLockTypes.size()));
}

TEST_F(Deadlock, OfThreadsWithAllKindsOfLocks) {
  std::vector<AnyLock> locks(kLockTypes.begin(), kLockTypes.end());
  const auto threads = make_ring(locks);
  const vf::Cycle cycle = only_report();
  ASSERT_THAT(cycle, SizeIs(locks.size()));
  for (size_t i = 0; i < cycle.size(); ++i) EXPECT_EQ(cycle[i].wants.lock, cycle[(i + 1) % cycle.size()].has.lock);
}

TEST_F(Deadlock, OfAThreadWithItself) {
  for (const char *name : {"FastMutex", "GuardedMutex", "PushLock"}) {
    SCOPED_TRACE(name);
    const size_t before = vf::reported_cycles().size();
    const AnyLock lock(lock_type(name));
    settle(start({[lock] { lock.acquire(), lock.acquire(); }}));
    const auto cycles = vf::reported_cycles();
    ASSERT_EQ(cycles.size(), before + 1);
    ASSERT_THAT(cycles.back(), SizeIs(1));
    EXPECT_EQ(cycles.back()[0].wants.lock, lock.get());
    EXPECT_EQ(cycles.back()[0].has.lock, lock.get());
  }
}

TEST_F(Deadlock, OfAReaderThatWantsToWrite) {
  auto *resource = lasting<ERESOURCE>();
  ExInitializeResourceLite(resource);
  settle(start({[resource] {
    ExEnterCriticalRegionAndAcquireResourceShared(resource);
    ExAcquireResourceExclusiveLite(resource, TRUE);
  }}));
  EXPECT_THAT(only_report(), SizeIs(1));
  auto *lock = lasting<EX_PUSH_LOCK>();
  ExInitializePushLock(lock);
  settle(start({[lock] {
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(lock);
    ExAcquirePushLockExclusive(lock);
  }}));
  EXPECT_THAT(vf::reported_cycles(), SizeIs(2));
}

// A writer that waits keeps new readers out, also one that reads already.
TEST_F(Deadlock, OfAReaderThatReadsAgainBehindAWriter) {
  auto *lock = lasting<EX_PUSH_LOCK>();
  ExInitializePushLock(lock);
  auto *go = new std::atomic<bool>(false);
  const auto threads = start({[=] {
                                KeEnterCriticalRegion();
                                ExAcquirePushLockShared(lock);
                                while (!*go) sched_yield();
                                ExAcquirePushLockShared(lock);
                              },
                              [=] {
                                KeEnterCriticalRegion();
                                ExAcquirePushLockExclusive(lock);
                              }});
  threads[1].settle();
  EXPECT_THAT(vf::reported_cycles(), IsEmpty());
  *go = true;
  settle(threads);
  EXPECT_THAT(only_report(), SizeIs(1));
}

TEST_F(Deadlock, OfOneOfSeveralReaders) {
  for (const bool push : {false, true}) {
    const size_t before = vf::reported_cycles().size();
    auto *resource = lasting<ERESOURCE>();
    auto *lock = lasting<EX_PUSH_LOCK>();
    ExInitializeResourceLite(resource);
    ExInitializePushLock(lock);
    const AnyLock other(lock_type("Mutex"));
    auto *meeting = new Meeting(3);
    const auto read = [=] {
      KeEnterCriticalRegion();
      if (push) {
        ExAcquirePushLockShared(lock);
      } else {
        ExAcquireResourceSharedLite(resource, TRUE);
      }
      meeting->meet();
    };
    auto *never = lasting<KEVENT>();
    KeInitializeEvent(never, NotificationEvent, FALSE);
    const auto threads = start({[=] { read(), wait(never); }, [=] { read(), other.acquire(); },
                                [=] {
                                  other.acquire();
                                  meeting->meet();
                                  KeEnterCriticalRegion();
                                  if (push) {
                                    ExAcquirePushLockExclusive(lock);
                                  } else {
                                    ExAcquireResourceExclusiveLite(resource, TRUE);
                                  }
                                }});
    settle(threads);
    const auto cycles = vf::reported_cycles();
    ASSERT_EQ(cycles.size(), before + 1);
    EXPECT_THAT(cycles.back(), SizeIs(2));
  }
}

TEST_F(Deadlock, OfAThreadThatWaitsForTheEndOfAnother) {
  const AnyLock lock(lock_type("FastMutex"));
  auto *meeting = new Meeting(2);
  auto *other = new std::atomic<PVOID>(nullptr);
  const auto threads = start({[=] {
                                lock.acquire();
                                meeting->meet();
                                while (!*other) sched_yield();
                                wait(*other);
                              },
                              [=] {
                                meeting->meet();
                                lock.acquire();
                              }});
  *other = &threads[1].thread();
  settle(threads);
  const vf::Cycle cycle = only_report();
  ASSERT_THAT(cycle, SizeIs(2));
  EXPECT_TRUE(cycle[0].has.lock == cycle[0].thread || cycle[1].has.lock == cycle[1].thread);
}

TEST_F(Deadlock, OfAThreadThatWaitsForItsOwnEnd) {
  settle(start({[] { wait(KeGetCurrentThread()); }}));
  EXPECT_THAT(only_report(), SizeIs(1));
}

TEST_F(Deadlock, IsNoneWhileAWaitHasATimeOut) {
  const AnyLock a(lock_type("Mutex")), b(lock_type("Mutex"));
  auto *meeting = new Meeting(2);
  const auto threads = start({[=] {
                                a.acquire();
                                meeting->meet();
                                LARGE_INTEGER hour = relative(3600 * base::kNtPerSecond);
                                wait(b.get(), &hour);
                              },
                              [=] {
                                b.acquire();
                                meeting->meet();
                                a.acquire();
                              }});
  settle(threads);
  EXPECT_THAT(vf::reported_cycles(), IsEmpty());
  EXPECT_THAT(vf::wait_cycles(), IsEmpty());
}

TEST_F(Deadlock, IsNoneWhileAnAlertMayEndAWait) {
  const AnyLock a(lock_type("Mutex")), b(lock_type("Mutex"));
  auto *meeting = new Meeting(2);
  const auto threads = start({[=] {
                                a.acquire();
                                meeting->meet();
                                KeWaitForSingleObject(b.get(), Executive, KernelMode, TRUE, nullptr);
                              },
                              [=] {
                                b.acquire();
                                meeting->meet();
                                a.acquire();
                              }});
  settle(threads);
  EXPECT_THAT(vf::reported_cycles(), IsEmpty());
}

NTSTATUS wait_for_two(void *first, void *second, WAIT_TYPE type) {
  PVOID objects[] = {first, second};
  return KeWaitForMultipleObjects(2, objects, type, Executive, KernelMode, FALSE, nullptr, nullptr);
}

// One thread holds `a` and waits for `second` and the mutex `b` in the way of `type`; the other one has `b` and wants
// `a`.
void wait_for_two_in_a_ring(const AnyLock &a, const AnyLock &b, void *second, WAIT_TYPE type, bool other_has_second,
                            std::vector<LostThread> &threads) {
  auto *meeting = new Meeting(2);
  threads.emplace_back([=] {
    a.acquire();
    meeting->meet();
    wait_for_two(b.get(), second, type);
  });
  threads.emplace_back([=] {
    b.acquire();
    if (other_has_second) wait(second);
    meeting->meet();
    a.acquire();
  });
  for (const LostThread &thread : threads) thread.settle();
}

TEST_F(Deadlock, OfWaitAnyNeedsAllOfItsObjects) {
  const AnyLock a(lock_type("Mutex")), b(lock_type("Mutex")), c(lock_type("Mutex"));
  auto *event = lasting<KEVENT>();
  KeInitializeEvent(event, NotificationEvent, FALSE);
  std::vector<LostThread> threads;
  wait_for_two_in_a_ring(a, b, event, WaitAny, false, threads);
  EXPECT_THAT(vf::reported_cycles(), IsEmpty());
  const AnyLock d(lock_type("Mutex")), e(lock_type("Mutex"));
  wait_for_two_in_a_ring(d, e, c.get(), WaitAny, true, threads);
  EXPECT_THAT(only_report(), SizeIs(2));
}

TEST_F(Deadlock, OfWaitAllNeedsOneOfItsObjects) {
  const AnyLock a(lock_type("Mutex")), b(lock_type("Mutex"));
  auto *event = lasting<KEVENT>();
  KeInitializeEvent(event, NotificationEvent, FALSE);
  std::vector<LostThread> threads;
  wait_for_two_in_a_ring(a, b, event, WaitAll, false, threads);
  EXPECT_THAT(only_report(), SizeIs(2));
}

TEST_F(Deadlock, IsNotReportedAgainForThoseWhoWaitForIt) {
  const std::vector<AnyLock> locks{AnyLock(lock_type("Mutex")), AnyLock(lock_type("FastMutex"))};
  const auto threads = make_ring(locks);
  const AnyLock own(lock_type("PushLock"));
  settle(start({[=] { own.acquire(), locks[0].acquire(); }}));
  settle(start({[=] { own.acquire(); }}));
  EXPECT_THAT(only_report(), SizeIs(2));
  EXPECT_THAT(vf::wait_cycles(), SizeIs(1));
}

// Nobody sleeps here: the threads spin, and go on when the test takes a lock from its owner.
TEST_F(Deadlock, OfThreadsThatSpin) {
  KSPIN_LOCK locks[2];
  for (KSPIN_LOCK &lock : locks) KeInitializeSpinLock(&lock);
  Meeting meeting(2);
  std::vector<std::unique_ptr<SystemThread>> threads;
  for (int i = 0; i < 2; ++i) {
    threads.push_back(std::make_unique<SystemThread>([&, i] {
      KIRQL irql;
      KeAcquireSpinLock(&locks[i], &irql);
      meeting.meet();
      KeAcquireSpinLockAtDpcLevel(&locks[1 - i]);
      KeReleaseSpinLockFromDpcLevel(&locks[1 - i]);
      if (i == 1) return KeReleaseSpinLock(&locks[i], irql);
      ke::current().held.remove(&locks[i]);  // it is the one that was taken away
      KeLowerIrql(irql);
    }));
  }
  await_reports(1);
  const vf::Cycle cycle = only_report();
  ASSERT_THAT(cycle, SizeIs(2));
  EXPECT_STREQ(cycle[0].wants.type, "Spinlock");
  EXPECT_STREQ(cycle[1].wants.type, "Spinlock");
  __atomic_store_n(&locks[0], 0, __ATOMIC_RELEASE);
}

TEST_F(Deadlock, OfAThreadThatSpinsForItsOwnLock) {
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  SystemThread thread([&] {
    KIRQL irql;
    KeAcquireSpinLock(&lock, &irql);
    KeAcquireSpinLockAtDpcLevel(&lock);
    KeReleaseSpinLockFromDpcLevel(&lock);
    ke::current().held.remove(&lock);
    KeLowerIrql(irql);
  });
  await_reports(1);
  EXPECT_THAT(only_report(), SizeIs(1));
  __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

}  // namespace
}  // namespace ntemu::test
