#include <vector>

#include "ntemu/ex/worker.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

struct Item {
  WORK_QUEUE_ITEM item;
  KEVENT ran;
  KIRQL irql = HIGH_LEVEL;
  PETHREAD worker = nullptr;
  Item() {
    KeInitializeEvent(&ran, NotificationEvent, FALSE);
    ExInitializeWorkItem(&item, run, this);
  }
  static VOID run(PVOID parameter) {
    auto &self = *static_cast<Item *>(parameter);
    self.irql = KeGetCurrentIrql();
    self.worker = PsGetCurrentThread();
    KeSetEvent(&self.ran, IO_NO_INCREMENT, FALSE);
  }
};

// Keeps every worker but one from taking anything until it goes.
class BusyWorkers {
 public:
  BusyWorkers() {
    KeInitializeEvent(&gate_, NotificationEvent, FALSE);
    KeInitializeEvent(&last_, NotificationEvent, FALSE);
    for (unsigned i = 0; i < ex::kMostWorkers; ++i) {
      ex::queue_to_system_worker(
          [](void *self) {
            auto &all = *static_cast<BusyWorkers *>(self);
            wait(all.entered_.fetch_add(1) == 0 ? &all.last_ : &all.gate_);
            all.left_.fetch_add(1);
          },
          this);
    }
    while (entered_.load() < ex::kMostWorkers) sched_yield();
  }
  ~BusyWorkers() {
    free_one();
    KeSetEvent(&gate_, IO_NO_INCREMENT, FALSE);
    while (left_.load() < ex::kMostWorkers || ex::worker_is_busy()) sched_yield();
  }
  void free_one() { KeSetEvent(&last_, IO_NO_INCREMENT, FALSE); }

 private:
  KEVENT gate_, last_;
  std::atomic<unsigned> entered_{0}, left_{0};
};

using ExQueueWorkItemTest = KernelTest;

TEST_F(ExQueueWorkItemTest, RunsOnAWorkerAtPassiveLevel) {
  for (const WORK_QUEUE_TYPE type :
       {CriticalWorkQueue, DelayedWorkQueue, HyperCriticalWorkQueue, NormalWorkQueue, BackgroundWorkQueue,
        RealTimeWorkQueue, SuperCriticalWorkQueue, CustomPriorityWorkQueue,
        static_cast<WORK_QUEUE_TYPE>(CustomPriorityWorkQueue + 31)}) {
    Item item;
    ExQueueWorkItem(&item.item, type);
    EXPECT_EQ(wait(&item.ran), STATUS_SUCCESS);
    EXPECT_EQ(item.irql, PASSIVE_LEVEL);
    EXPECT_NE(item.worker, PsGetCurrentThread());
    EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  }
}

TEST_F(ExQueueWorkItemTest, CanBeCalledAtDispatchLevel) {
  Item item;
  const KIRQL irql = KeRaiseIrqlToDpcLevel();
  ExQueueWorkItem(&item.item, DelayedWorkQueue);
  KeLowerIrql(irql);
  EXPECT_EQ(wait(&item.ran), STATUS_SUCCESS);
  EXPECT_EQ(item.irql, PASSIVE_LEVEL);
}

TEST_F(ExQueueWorkItemTest, HigherPrioritiesAndEarlierItemsRunFirst) {
  struct Step {
    WORK_QUEUE_ITEM item;
    std::vector<int> *order;
    KEVENT *done;
    int number;
    static VOID run(PVOID parameter) {
      auto &step = *static_cast<Step *>(parameter);
      step.order->push_back(step.number);
      if (step.order->size() == 9) KeSetEvent(step.done, IO_NO_INCREMENT, FALSE);
    }
  };
  BusyWorkers busy;
  std::vector<int> order;
  KEVENT done;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  const WORK_QUEUE_TYPE types[] = {BackgroundWorkQueue, NormalWorkQueue,         DelayedWorkQueue,
                                   CriticalWorkQueue,   SuperCriticalWorkQueue,  HyperCriticalWorkQueue,
                                   RealTimeWorkQueue,   CustomPriorityWorkQueue, DelayedWorkQueue};
  Step steps[9];
  for (int i = 0; i < 9; ++i) {
    steps[i].order = &order;
    steps[i].done = &done;
    steps[i].number = i;
    ExInitializeWorkItem(&steps[i].item, Step::run, &steps[i]);
    ExQueueWorkItem(&steps[i].item, types[i]);
  }
  busy.free_one();
  wait(&done);
  EXPECT_EQ(order, (std::vector<int>{6, 5, 4, 3, 2, 8, 1, 0, 7}));
}

TEST_F(ExQueueWorkItemTest, TheRoutineMayQueueItsItemAgain) {
  struct Again {
    WORK_QUEUE_ITEM item;
    KEVENT done;
    int left = 100;
    static VOID run(PVOID parameter) {
      auto &again = *static_cast<Again *>(parameter);
      if (--again.left > 0) {
        ExQueueWorkItem(&again.item, DelayedWorkQueue);
      } else {
        KeSetEvent(&again.done, IO_NO_INCREMENT, FALSE);
      }
    }
  } again;
  KeInitializeEvent(&again.done, NotificationEvent, FALSE);
  ExInitializeWorkItem(&again.item, Again::run, &again);
  ExQueueWorkItem(&again.item, DelayedWorkQueue);
  EXPECT_EQ(wait(&again.done), STATUS_SUCCESS);
  EXPECT_EQ(again.left, 0);
}

TEST_F(ExQueueWorkItemTest, TheRoutineMayFreeItsItem) {
  struct Own {
    WORK_QUEUE_ITEM item;
    KEVENT *done;
    static VOID run(PVOID parameter) {
      KEVENT *done = static_cast<Own *>(parameter)->done;
      ExFreePool(parameter);
      KeSetEvent(done, IO_NO_INCREMENT, FALSE);
    }
  };
  KEVENT done;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  auto *own = static_cast<Own *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Own), 0x6E774F20));
  own->done = &done;
  ExInitializeWorkItem(&own->item, Own::run, own);
  ExQueueWorkItem(&own->item, DelayedWorkQueue);
  EXPECT_EQ(wait(&done), STATUS_SUCCESS);
}

TEST_F(ExQueueWorkItemTest, MisuseIsE4) {
  BusyWorkers busy;
  Item item;
  const auto address = reinterpret_cast<ULONG_PTR>(&item.item);
  ExQueueWorkItem(&item.item, DelayedWorkQueue);
  ke::Bugcheck stop = ke::catch_bugcheck([&] { ExQueueWorkItem(&item.item, CriticalWorkQueue); });
  EXPECT_EQ(stop.code, 0xE4u);
  EXPECT_EQ(stop.parameters[0], 1u);
  EXPECT_EQ(stop.parameters[1], address);
  EXPECT_EQ(stop.parameters[2], ULONG_PTR{CriticalWorkQueue});
  Item other;
  for (const int type : {7, 31, 64}) {
    stop = ke::catch_bugcheck([&] { ExQueueWorkItem(&other.item, static_cast<WORK_QUEUE_TYPE>(type)); });
    EXPECT_EQ(stop.code, 0xE4u);
    EXPECT_EQ(stop.parameters[0], 6u);
  }
  other.item.WorkerRoutine = nullptr;
  stop = ke::catch_bugcheck([&] { ExQueueWorkItem(&other.item, DelayedWorkQueue); });
  EXPECT_EQ(stop.code, 0xE4u);
  EXPECT_EQ(stop.parameters[0], 7u);
  busy.free_one();
  EXPECT_EQ(wait(&item.ran), STATUS_SUCCESS);
}

// What a routine leaves behind is found on its worker.
class WorkItemEnd : public KernelTest {
 protected:
  ke::Bugcheck stop_after(PWORKER_THREAD_ROUTINE routine, const std::function<void()> &mend) {
    SystemThread worker([&] {
      stop_ = ke::catch_bugcheck([&] { ex::run_work(routine, &parameter_, &item_); });
      mend();
    });
    worker.join();
    EXPECT_EQ(stop_.parameters[0], reinterpret_cast<ULONG_PTR>(routine));
    return stop_;
  }
  ULONG_PTR parameter() const { return reinterpret_cast<ULONG_PTR>(&parameter_); }
  ULONG_PTR item() const { return reinterpret_cast<ULONG_PTR>(&item_); }
  KMUTEX parameter_;

 private:
  WORK_QUEUE_ITEM item_;
  ke::Bugcheck stop_{};
};

TEST_F(WorkItemEnd, WithoutAnythingLeftIsFine) {
  SystemThread worker(
      [] { EXPECT_EQ(ke::catch_bugcheck([] { ex::run_work([](PVOID) {}, nullptr, nullptr); }).code, 0u); });
}

TEST_F(WorkItemEnd, OwningAMutexIs39) {
  KeInitializeMutex(&parameter_, 0);
  const ke::Bugcheck stop = stop_after([](PVOID mutex) { wait(mutex); }, [&] { KeReleaseMutex(&parameter_, FALSE); });
  EXPECT_EQ(stop.code, 0x39u);
  EXPECT_EQ(stop.parameters[1], parameter());
  EXPECT_EQ(stop.parameters[2], item());
  EXPECT_EQ(stop.parameters[3], 0u);
}

TEST_F(WorkItemEnd, ARaisedIrqlIsE1) {
  const ke::Bugcheck stop = stop_after([](PVOID) { KfRaiseIrql(APC_LEVEL); }, [] { KeLowerIrql(PASSIVE_LEVEL); });
  EXPECT_EQ(stop.code, 0xE1u);
  EXPECT_EQ(stop.parameters[1], ULONG_PTR{APC_LEVEL});
  EXPECT_EQ(stop.parameters[2], parameter());
  EXPECT_EQ(stop.parameters[3], item());
}

TEST_F(WorkItemEnd, ACriticalRegionIs1) {
  const ke::Bugcheck stop = stop_after([](PVOID) { KeEnterCriticalRegion(); }, [] { KeLeaveCriticalRegion(); });
  EXPECT_EQ(stop.code, 0x1u);
  EXPECT_EQ(stop.parameters[1], 0u);
  EXPECT_EQ(stop.parameters[2], 0xFFFFu);
  EXPECT_EQ(stop.parameters[3], 1u);
}

TEST_F(WorkItemEnd, AStrayLeaveIs1) {
  const ke::Bugcheck stop = stop_after([](PVOID) { KeLeaveCriticalRegion(); }, [] { KeEnterCriticalRegion(); });
  EXPECT_EQ(stop.code, 0x1u);
  EXPECT_EQ(stop.parameters[2], 1u);
}

TEST_F(WorkItemEnd, IsCheckedOnTheWorker) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        WORK_QUEUE_ITEM left;
        ExInitializeWorkItem(
            &left, [](PVOID) { KeEnterCriticalRegion(); }, nullptr);
        ExQueueWorkItem(&left, DelayedWorkQueue);
        KEVENT never;
        KeInitializeEvent(&never, NotificationEvent, FALSE);
        wait(&never);
      },
      ::testing::ExitedWithCode(ke::kBugcheckExitCode), "STOP: 0x00000001 ");
}

using WorkItemStress = KernelTest;

TEST_F(WorkItemStress, EveryItemRunsExactlyOnce) {
  constexpr int kThreads = 8, kItems = 16;
  const int kRounds = rounds(50, 5000);
  struct Counted {
    WORK_QUEUE_ITEM item;
    KEVENT ran;
    std::atomic<int> *total;
    static VOID run(PVOID parameter) {
      auto &self = *static_cast<Counted *>(parameter);
      self.total->fetch_add(1);
      KeSetEvent(&self.ran, IO_NO_INCREMENT, FALSE);
    }
  };
  std::atomic<int> total{0};
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.push_back(std::make_unique<SystemThread>([&, thread] {
        std::vector<Counted> items(kItems);
        for (Counted &item : items) {
          item.total = &total;
          KeInitializeEvent(&item.ran, SynchronizationEvent, FALSE);
          ExInitializeWorkItem(&item.item, Counted::run, &item);
        }
        for (int round = 0; round < kRounds; ++round) {
          for (int i = 0; i < kItems; ++i) {
            ExQueueWorkItem(&items[static_cast<size_t>(i)].item,
                            static_cast<WORK_QUEUE_TYPE>(CustomPriorityWorkQueue + (i + thread) % 32));
          }
          for (Counted &item : items) wait(&item.ran);
        }
      }));
    }
  }
  EXPECT_EQ(total, kThreads * kItems * kRounds);
  while (ex::worker_is_busy()) sched_yield();
}

}  // namespace
}  // namespace ntemu::test
