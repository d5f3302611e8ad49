#include "ntemu/io/work_item.h"

#include <sched.h>

#include <vector>

#include "ntemu/ex/worker.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

// What a routine saw, and a gate that it waits at.
struct Routine {
  KEVENT entered, gate;
  std::atomic<PVOID> object{nullptr};
  std::atomic<PIO_WORKITEM> item{nullptr};
  std::atomic<KIRQL> irql{HIGH_LEVEL};
  Routine() {
    KeInitializeEvent(&entered, SynchronizationEvent, FALSE);
    KeInitializeEvent(&gate, NotificationEvent, TRUE);
  }
  static VOID run(PDEVICE_OBJECT device, PVOID context) { static_cast<Routine *>(context)->note(device, nullptr); }
  static VOID run_ex(PVOID object, PVOID context, PIO_WORKITEM item) {
    static_cast<Routine *>(context)->note(object, item);
  }
  // Nothing of this is touched after the gate.
  void note(PVOID seen, PIO_WORKITEM own) {
    object = seen;
    item = own;
    irql = KeGetCurrentIrql();
    KeSetEvent(&entered, IO_NO_INCREMENT, FALSE);
    wait(&gate);
  }
};

class IoWorkItem : public KernelTest {
 protected:
  IoWorkItem() : driver(*io::create_driver(u"Sample", {})) {
    EXPECT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
  }
  ~IoWorkItem() override {
    await_idle();
    io::delete_driver(driver);
  }
  static void await_idle() {
    while (ex::worker_is_busy()) sched_yield();
  }
  static size_t pending(PIO_WORKITEM_ROUTINE routine) {
    return io::work_items_in(reinterpret_cast<const void *>(routine), 1);
  }
  PDRIVER_OBJECT driver;
  PDEVICE_OBJECT device = nullptr;
  Routine routine;
};

TEST_F(IoWorkItem, RunsWithItsDeviceAtPassiveLevel) {
  const PIO_WORKITEM item = IoAllocateWorkItem(device);
  ASSERT_NE(item, nullptr);
  const KIRQL irql = KeRaiseIrqlToDpcLevel();
  IoQueueWorkItem(item, Routine::run, DelayedWorkQueue, &routine);
  KeLowerIrql(irql);
  wait(&routine.entered);
  EXPECT_EQ(routine.object, device);
  EXPECT_EQ(routine.irql, PASSIVE_LEVEL);
  IoFreeWorkItem(item);
}

TEST_F(IoWorkItem, AnExtendedRoutineGetsTheItem) {
  const PIO_WORKITEM item = IoAllocateWorkItem(reinterpret_cast<PDEVICE_OBJECT>(driver));
  IoQueueWorkItemEx(item, Routine::run_ex, DelayedWorkQueue, &routine);
  wait(&routine.entered);
  EXPECT_EQ(routine.object, driver);
  EXPECT_EQ(routine.item, item);
  IoFreeWorkItem(item);
}

TEST_F(IoWorkItem, CanBeMadeInTheDriversMemory) {
  std::vector<ULONG64> memory(IoSizeofWorkItem() / sizeof(ULONG64) + 1);
  const auto item = reinterpret_cast<PIO_WORKITEM>(memory.data());
  IoInitializeWorkItem(device, item);
  IoQueueWorkItem(item, Routine::run, CriticalWorkQueue, &routine);
  wait(&routine.entered);
  EXPECT_EQ(routine.object, device);
  IoUninitializeWorkItem(item);
}

TEST_F(IoWorkItem, KeepsItsDeviceUntilTheRoutineReturns) {
  const LONG64 references = ob::reference_count(device);
  const PIO_WORKITEM item = IoAllocateWorkItem(device);
  KeResetEvent(&routine.gate);
  IoQueueWorkItem(item, Routine::run, DelayedWorkQueue, &routine);
  wait(&routine.entered);
  EXPECT_EQ(ob::reference_count(device), references + 1);
  EXPECT_EQ(pending(Routine::run), 1u);
  IoFreeWorkItem(item);
  KeSetEvent(&routine.gate, IO_NO_INCREMENT, FALSE);
  await_idle();
  EXPECT_EQ(ob::reference_count(device), references);
  EXPECT_EQ(pending(Routine::run), 0u);
}

TEST_F(IoWorkItem, MayBeQueuedAgainAndFreedByItsRoutine) {
  struct Again {
    KEVENT done;
    int left = 100;
    static VOID run(PVOID, PVOID context, PIO_WORKITEM item) {
      auto &again = *static_cast<Again *>(context);
      if (--again.left > 0) {
        IoQueueWorkItemEx(item, run, DelayedWorkQueue, context);
      } else {
        IoFreeWorkItem(item);
        KeSetEvent(&again.done, IO_NO_INCREMENT, FALSE);
      }
    }
  } again;
  KeInitializeEvent(&again.done, NotificationEvent, FALSE);
  IoQueueWorkItemEx(IoAllocateWorkItem(device), Again::run, DelayedWorkQueue, &again);
  EXPECT_EQ(wait(&again.done), STATUS_SUCCESS);
  EXPECT_EQ(again.left, 0);
}

TEST_F(IoWorkItem, MisuseIsE4) {
  // Every worker is taken, so that what is queued stays so.
  Routine held[ex::kMostWorkers];
  for (Routine &each : held) {
    KeResetEvent(&each.gate);
    const PIO_WORKITEM item = IoAllocateWorkItem(device);
    IoQueueWorkItem(item, Routine::run, DelayedWorkQueue, &each);
    wait(&each.entered);
    IoFreeWorkItem(item);
  }
  const PIO_WORKITEM item = IoAllocateWorkItem(device);
  const auto address = reinterpret_cast<ULONG_PTR>(item);
  IoQueueWorkItem(item, Routine::run, DelayedWorkQueue, &routine);
  ke::Bugcheck stop = ke::catch_bugcheck([&] { IoQueueWorkItem(item, Routine::run, DelayedWorkQueue, &routine); });
  EXPECT_EQ(stop.code, 0xE4u);
  EXPECT_EQ(stop.parameters[0], 1u);
  EXPECT_EQ(stop.parameters[1], address);
  EXPECT_EQ(stop.parameters[2], ULONG_PTR{DelayedWorkQueue});
  for (const bool free : {true, false}) {
    stop = ke::catch_bugcheck([&] { free ? IoFreeWorkItem(item) : IoUninitializeWorkItem(item); });
    EXPECT_EQ(stop.code, 0xE4u);
    EXPECT_EQ(stop.parameters[0], 2u);
    EXPECT_EQ(stop.parameters[1], address);
    EXPECT_EQ(stop.parameters[2], reinterpret_cast<ULONG_PTR>(Routine::run));
  }
  for (Routine &each : held) KeSetEvent(&each.gate, IO_NO_INCREMENT, FALSE);
  wait(&routine.entered);
  IoFreeWorkItem(item);
  await_idle();
}

TEST_F(IoWorkItem, AnInvalidObjectIsE4) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  for (PVOID object : {static_cast<PVOID>(nullptr), static_cast<PVOID>(&event)}) {
    std::vector<ULONG64> memory(IoSizeofWorkItem() / sizeof(ULONG64) + 1);
    const auto item = reinterpret_cast<PIO_WORKITEM>(memory.data());
    const ke::Bugcheck stop = ke::catch_bugcheck([&] { IoInitializeWorkItem(object, item); });
    EXPECT_EQ(stop.code, 0xE4u);
    EXPECT_EQ(stop.parameters[0], 3u);
    EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(item));
    EXPECT_EQ(stop.parameters[2], reinterpret_cast<ULONG_PTR>(object));
  }
}

using IoWorkItemStress = IoWorkItem;

TEST_F(IoWorkItemStress, EveryItemRunsExactlyOnce) {
  constexpr int kThreads = 8;
  const int kRounds = rounds(200, 20000);
  const LONG64 references = ob::reference_count(device);
  std::atomic<int> total{0};
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.push_back(std::make_unique<SystemThread>([&] {
        for (int round = 0; round < kRounds; ++round) {
          IoQueueWorkItemEx(
              IoAllocateWorkItem(device),
              [](PVOID, PVOID context, PIO_WORKITEM item) {
                IoFreeWorkItem(item);
                static_cast<std::atomic<int> *>(context)->fetch_add(1);
              },
              DelayedWorkQueue, &total);
        }
      }));
    }
  }
  await_idle();
  EXPECT_EQ(total, kThreads * kRounds);
  EXPECT_EQ(ob::reference_count(device), references);
}

}  // namespace
}  // namespace ntemu::test
