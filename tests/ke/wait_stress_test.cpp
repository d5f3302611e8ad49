// Many threads at the same objects at random: what must hold whatever happens.
#include <random>

#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

constexpr int kStressThreads = 8;

class Random {
 public:
  explicit Random(int thread) : engine_(seed_of(static_cast<unsigned>(thread)) * 7919) {}
  int below(int end) { return static_cast<int>(engine_() % static_cast<unsigned>(end)); }
  bool one_in(int n) { return below(n) == 0; }
  // Of some microseconds, rarely none.
  LARGE_INTEGER short_time() { return relative(below(2000)); }

 private:
  std::minstd_rand engine_;
};

// How many are inside something that has room for so many.
class Room {
 public:
  explicit Room(int size) : size_(size) {}
  void enter() { EXPECT_LE(inside_.fetch_add(1) + 1, size_); }
  void leave() { EXPECT_GE(inside_.fetch_sub(1) - 1, 0); }

 private:
  std::atomic<int> inside_{0};
  int size_;
};

// A crowd that begins only when all of it is there: a new thread may well end before the next is made.
class Race {
 public:
  Race(int size, std::function<void(int)> body)
      : crowd_(size, [this, body = std::move(body)](int i) {
          wait(&start_);
          body(i);
        }) {
    crowd_.await_blocked();
    start_.set();
  }
  SystemThread &operator[](int i) { return crowd_[i]; }
  void join() { crowd_.join(); }

 private:
  Event start_{NotificationEvent};
  Crowd crowd_;
};

using KeEventStress = KernelTest;
using KeSemaphoreStress = KernelTest;
using KeMutantStress = KernelTest;
using KeQueueStress = KernelTest;
using KeWaitStress = KernelTest;
using KeThreadStress = KernelTest;

TEST_F(KeEventStress, ASynchronizationEventIsALock) {
  constexpr int kEvents = 3;
  const int kRounds = rounds(500, 100000);
  std::vector<std::unique_ptr<Event>> events;
  long long counters[kEvents] = {};
  for (int i = 0; i < kEvents; ++i) events.push_back(std::make_unique<Event>(SynchronizationEvent, true));
  std::atomic<long long> taken{0};
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      const int which = random.below(kEvents);
      Event &event = *events[static_cast<size_t>(which)];
      LARGE_INTEGER timeout = random.short_time();
      const NTSTATUS status = random.one_in(4)   ? wait(&event, &timeout)
                              : random.one_in(4) ? poll(&event)
                                                 : wait(&event);
      if (status != STATUS_SUCCESS) continue;
      ++counters[which];
      taken.fetch_add(1);
      EXPECT_EQ(event.set(), 0);
    }
  });
  crowd.join();
  long long total = 0;
  for (const long long counter : counters) total += counter;
  EXPECT_EQ(total, taken.load());
  for (const auto &event : events) {
    EXPECT_EQ(event->state(), 1);
    EXPECT_FALSE(has_waiters(event->Header));
  }
}

TEST_F(KeEventStress, ANotificationEventLetsEverybodyPastItsSet) {
  Event event(NotificationEvent);
  std::atomic<bool> ends{false};
  std::atomic<int> passed{0};
  const int kRounds = rounds(100, 10000);
  SystemThread setter([&] {
    Random random(99);
    while (!ends.load()) {
      event.set();
      if (random.one_in(3)) sched_yield();
      random.one_in(2) ? static_cast<void>(KeResetEvent(&event)) : KeClearEvent(&event);
    }
    event.set();
  });
  {
    Race crowd(kStressThreads - 1, [&](int) {
      for (int i = 0; i < kRounds; ++i) {
        EXPECT_EQ(wait(&event), STATUS_SUCCESS);
        passed.fetch_add(1);
      }
    });
  }
  ends.store(true);
  setter.join();
  EXPECT_EQ(passed.load(), (kStressThreads - 1) * kRounds);
  EXPECT_FALSE(has_waiters(event.Header));
}

TEST_F(KeSemaphoreStress, ItsCountIsConservedAndNeverExceeded) {
  constexpr int kPermits = 3;
  const int kRounds = rounds(500, 100000);
  Semaphore semaphore(kPermits, kPermits);
  Room room(kPermits);
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      LARGE_INTEGER timeout = random.short_time();
      if (wait(&semaphore, random.one_in(2) ? &timeout : nullptr) != STATUS_SUCCESS) continue;
      room.enter();
      const bool second = poll(&semaphore) == STATUS_SUCCESS;
      if (second) room.enter();
      if (random.one_in(10)) sched_yield();
      if (second) room.leave();
      room.leave();
      const LONG before = semaphore.release(second ? 2 : 1);
      EXPECT_GE(before, 0);
      EXPECT_LT(before, kPermits);
    }
  });
  crowd.join();
  EXPECT_EQ(semaphore.state(), kPermits);
  EXPECT_EQ(ke::catch_raise([&] { semaphore.release(); }), STATUS_SEMAPHORE_LIMIT_EXCEEDED);
  EXPECT_FALSE(has_waiters(semaphore.Header));
}

TEST_F(KeSemaphoreStress, EverySignalEndsOneWaitOrStays) {
  const int kRounds = rounds(500, 100000);
  Semaphore semaphore;
  std::atomic<long long> signaled{0}, received{0};
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      if (id % 2) {
        const int count = 1 + random.below(3);
        KeReleaseSemaphore(&semaphore, random.below(3), count, FALSE);
        signaled.fetch_add(count);
      } else {
        LARGE_INTEGER timeout = random.short_time();
        if (wait(&semaphore, &timeout) == STATUS_SUCCESS) received.fetch_add(1);
      }
    }
  });
  crowd.join();
  EXPECT_EQ(received.load() + semaphore.state(), signaled.load());
}

TEST_F(KeMutantStress, ExcludesAndRecurses) {
  const int kRounds = rounds(400, 60000);
  Mutex mutex;
  Mutant mutant;
  Room rooms[2] = {Room(1), Room(1)};
  long long counters[2] = {};
  std::atomic<long long> taken{0};
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      const int which = random.below(2);
      KMUTANT &object = which ? static_cast<KMUTANT &>(mutant) : mutex;
      LARGE_INTEGER timeout = random.short_time();
      if (wait(&object, random.one_in(3) ? nullptr : &timeout) != STATUS_SUCCESS) continue;
      rooms[which].enter();
      const int depth = random.below(6);
      for (int d = 0; d < depth; ++d) EXPECT_EQ(poll(&object), STATUS_SUCCESS);
      EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, which ? 0 : -1);
      ++counters[which];
      taken.fetch_add(1);
      if (random.one_in(20)) sched_yield();
      for (int d = depth; d > 0; --d) EXPECT_EQ(KeReleaseMutex(&object, FALSE), -d);
      rooms[which].leave();
      EXPECT_EQ(KeReleaseMutex(&object, FALSE), 0);
      EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, 0);
    }
  });
  crowd.join();
  EXPECT_EQ(counters[0] + counters[1], taken.load());
  for (KMUTANT *object : {static_cast<KMUTANT *>(&mutex), static_cast<KMUTANT *>(&mutant)}) {
    EXPECT_EQ(KeReadStateMutex(object), 1);
    EXPECT_EQ(object->OwnerThread, nullptr);
    EXPECT_FALSE(has_waiters(object->Header));
  }
}

TEST_F(KeMutantStress, ReleasesOfARecursionAreNotLostAmongPolls) {
  const int kRounds = rounds(4000, 400000);
  Mutex mutex;
  std::atomic<bool> ends{false};
  Race pollers(kStressThreads - 1, [&](int) {
    while (!ends.load()) {
      if (poll(&mutex) == STATUS_SUCCESS) mutex.release();
    }
  });
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    wait(&mutex);
    EXPECT_EQ(wait(&mutex), STATUS_SUCCESS);
    EXPECT_EQ(mutex.release(), -1);
    EXPECT_EQ(mutex.release(), 0);
  }
  ends.store(true);
}

TEST_F(KeMutantStress, EveryAbandonmentIsToldOnce) {
  const int kRounds = rounds(500, 100000);
  Mutant mutant;
  std::atomic<int> abandoned{0}, told{0};
  long long counter = 0;
  std::atomic<long long> taken{0};
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      LARGE_INTEGER timeout = random.short_time();
      Event never;
      const NTSTATUS status = random.one_in(2)   ? wait(&mutant)
                              : random.one_in(2) ? wait(&mutant, &timeout)
                                                 : wait_any({&mutant, &never}, &timeout);
      if (status == STATUS_TIMEOUT) continue;
      EXPECT_TRUE(status == STATUS_SUCCESS || status == STATUS_ABANDONED);
      if (status == STATUS_ABANDONED) told.fetch_add(1);
      ++counter;
      taken.fetch_add(1);
      const bool abandons = random.one_in(2);
      if (abandons) abandoned.fetch_add(1);
      mutant.release(abandons);
    }
  });
  crowd.join();
  if (poll(&mutant) == STATUS_ABANDONED) told.fetch_add(1);
  mutant.release();
  EXPECT_EQ(told.load(), abandoned.load());
  EXPECT_EQ(counter, taken.load());
}

TEST_F(KeQueueStress, EveryEntryIsTakenOnce) {
  struct Item {
    LIST_ENTRY entry;
    std::atomic<int> taken{0};
  };
  const int kItems = rounds(400, 60000);
  constexpr int kProducers = kStressThreads / 2;
  Queue queue(2);
  Event busy(SynchronizationEvent, true);
  std::vector<Item> items(static_cast<size_t>(kItems * kProducers));
  std::atomic<int> left{kItems * kProducers};
  {
    Race consumers(kStressThreads - kProducers, [&](int id) {
      Random random(id);
      while (left.load() > 0) {
        LARGE_INTEGER timeout = random.short_time();
        const PLIST_ENTRY entry = queue.remove(&timeout);
        if (entry == reinterpret_cast<PLIST_ENTRY>(LONG_PTR{STATUS_TIMEOUT})) continue;
        CONTAINING_RECORD(entry, Item, entry)->taken.fetch_add(1);
        left.fetch_sub(1);
        // Blocks on something else now and then, so that others run.
        if (random.one_in(8)) {
          wait(&busy);
          if (random.one_in(4)) sched_yield();
          busy.set();
        }
      }
    });
    Race producers(kProducers, [&](int id) {
      Random random(100 + id);
      for (int i = 0; i < kItems; ++i) {
        Item &item = items[static_cast<size_t>(id * kItems + i)];
        random.one_in(3) ? KeInsertHeadQueue(&queue, &item.entry) : KeInsertQueue(&queue, &item.entry);
        if (random.one_in(16)) sched_yield();
      }
    });
  }
  for (const Item &item : items) EXPECT_EQ(item.taken.load(), 1);
  EXPECT_EQ(KeReadStateQueue(&queue), 0);
  EXPECT_EQ(queue.CurrentCount, 0u);
  EXPECT_TRUE(IsListEmpty(&queue.ThreadListHead));
  EXPECT_FALSE(has_waiters(queue.Header));
}

TEST_F(KeWaitStress, AnyAndAllOfASharedSetLoseAndDoubleNothing) {
  constexpr int kObjects = 6;
  const int kRounds = rounds(400, 60000);
  Semaphore semaphores[2] = {Semaphore(2, 2), Semaphore(2, 2)};
  Event events[2] = {Event(SynchronizationEvent, true), Event(SynchronizationEvent, true)};
  Mutex mutexes[2];
  void *const objects[kObjects] = {&semaphores[0], &events[0], &mutexes[0], &semaphores[1], &events[1], &mutexes[1]};
  Room rooms[kObjects] = {Room(2), Room(1), Room(1), Room(2), Room(1), Room(1)};
  const auto give_back = [&](size_t i) {
    rooms[i].leave();
    switch (i % 3) {
      case 0:
        return semaphores[i / 3].release();
      case 1:
        return events[i / 3].set();
      default:
        return mutexes[i / 3].release();
    }
  };
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      size_t order[kObjects] = {0, 1, 2, 3, 4, 5};
      for (size_t j = kObjects - 1; j > 0; --j)
        std::swap(order[j], order[static_cast<size_t>(random.below(static_cast<int>(j) + 1))]);
      const auto count = static_cast<size_t>(1 + random.below(kObjects));
      Objects chosen;
      for (size_t j = 0; j < count; ++j) chosen.push_back(objects[order[j]]);
      const WAIT_TYPE type = random.one_in(2) ? WaitAny : WaitAll;
      LARGE_INTEGER timeout = random.short_time();
      const NTSTATUS status = wait_many(type, chosen, random.one_in(2) ? &timeout : nullptr);
      if (status == STATUS_TIMEOUT) continue;
      const auto first = type == WaitAny ? static_cast<size_t>(status) : 0;
      const size_t last = type == WaitAny ? first : count - 1;
      ASSERT_LT(last, count);
      for (size_t j = first; j <= last; ++j) rooms[order[j]].enter();
      if (random.one_in(10)) sched_yield();
      for (size_t j = first; j <= last; ++j) give_back(order[j]);
    }
  });
  crowd.join();
  for (Semaphore &semaphore : semaphores) EXPECT_EQ(semaphore.state(), 2);
  for (Event &event : events) EXPECT_EQ(event.state(), 1);
  for (Mutex &mutex : mutexes) EXPECT_EQ(mutex.state(), 1);
  for (void *object : objects) EXPECT_FALSE(has_waiters(*static_cast<DISPATCHER_HEADER *>(object)));
}

TEST_F(KeWaitStress, ApcsAndAlertsLoseNoSignalAndNoApc) {
  constexpr int kTargets = kStressThreads / 2;
  const int kRounds = rounds(300, 30000);
  Semaphore semaphore;
  std::atomic<long long> received{0}, queued{0}, ran{0}, released{0};
  std::atomic<int> shooting{kStressThreads - kTargets};
  const auto kernel = [](PRKAPC, PKNORMAL_ROUTINE *, PVOID *, PVOID *first, PVOID *) {
    static_cast<std::atomic<long long> *>(*first)->fetch_add(1);
  };
  // A normal one waits for a moment itself.
  const auto normal = [](PVOID, PVOID, PVOID second) {
    LARGE_INTEGER soon = relative(10);
    wait(second, &soon);
  };
  Event never;
  {
    Race targets(kTargets, [&](int id) {
      Random random(id);
      Event other;
      while (shooting.load() > 0) {
        LARGE_INTEGER timeout = random.short_time();
        const BOOLEAN alertable = random.one_in(2);
        const KPROCESSOR_MODE mode = random.one_in(2) ? KernelMode : UserMode;
        const NTSTATUS status = random.one_in(2)
                                    ? KeWaitForSingleObject(&semaphore, Executive, mode, alertable, &timeout)
                                    : wait_many(WaitAny, {&semaphore, &other}, &timeout, mode, alertable);
        EXPECT_TRUE(status == STATUS_SUCCESS || status == STATUS_TIMEOUT || (status == STATUS_ALERTED && alertable));
        if (status == STATUS_SUCCESS) received.fetch_add(1);
      }
    });
    {
      Race shooters(kStressThreads - kTargets, [&](int id) {
        Random random(100 + id);
        KAPC mine[kTargets];
        for (int i = 0; i < kTargets; ++i) {
          KeInitializeApc(&mine[i], &targets[i].tcb(), OriginalApcEnvironment, kernel, nullptr,
                          id % 2 ? static_cast<PKNORMAL_ROUTINE>(normal) : nullptr, KernelMode, nullptr);
        }
        for (int i = 0; i < kRounds; ++i) {
          const int target = random.below(kTargets);
          switch (random.below(4)) {
            case 0:
              if (KeInsertQueueApc(&mine[target], &ran, &never, random.below(3))) queued.fetch_add(1);
              break;
            case 1:
              if (KeRemoveQueueApc(&mine[target])) queued.fetch_sub(1);
              break;
            case 2:
              KeAlertThread(&targets[target].tcb(), random.one_in(2) ? KernelMode : UserMode);
              break;
            default:
              semaphore.release();
              released.fetch_add(1);
              break;
          }
          if (random.one_in(8)) sched_yield();
        }
        for (KAPC &apc : mine) {
          if (KeRemoveQueueApc(&apc)) queued.fetch_sub(1);
        }
        shooting.fetch_sub(1);
        // Those that are off their queue may not have begun; the targets end first.
        targets.join();
      });
    }
  }
  EXPECT_EQ(ran.load(), queued.load());
  EXPECT_EQ(received.load() + semaphore.state(), released.load());
  EXPECT_FALSE(has_waiters(semaphore.Header));
}

TEST_F(KeThreadStress, EndsAreSeenByAllWhoWait) {
  const int kRounds = rounds(5, 300);
  Race crowd(kStressThreads, [&](int id) {
    Random random(id);
    for (int i = 0; i < kRounds; ++i) {
      int done[3] = {};
      Event go(NotificationEvent, random.one_in(2));
      SystemThread a([&] { wait(&go), done[0] = 1; }), b([&] { done[1] = 1; }), c([&] { wait(&go), done[2] = 1; });
      go.set();
      const Objects threads{&a.thread(), &b.thread(), &c.thread()};
      if (random.one_in(2)) {
        const NTSTATUS first = wait_any(threads);
        EXPECT_EQ(done[first], 1);
      }
      EXPECT_EQ(wait_all(threads), STATUS_SUCCESS);
      EXPECT_EQ(done[0] + done[1] + done[2], 3);
      EXPECT_FALSE(has_waiters(a.tcb().Header));
    }
  });
}

}  // namespace
}  // namespace ntemu::test
