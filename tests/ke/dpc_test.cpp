#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

// Counts its runs, and remembers the last.
struct Counted {
  KDPC dpc;
  std::atomic<int> runs{0};
  PVOID argument1 = nullptr, argument2 = nullptr;
  KIRQL irql = 99;
  ULONG processor = 99;
  PKTHREAD thread = nullptr;

  Counted() { KeInitializeDpc(&dpc, run, this); }
  static VOID run(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
    auto &self = *static_cast<Counted *>(context);
    EXPECT_EQ(dpc, &self.dpc);
    EXPECT_EQ(dpc->DpcData, nullptr);
    self.argument1 = argument1;
    self.argument2 = argument2;
    self.irql = KeGetCurrentIrql();
    self.processor = KeGetCurrentProcessorNumber();
    self.thread = KeGetCurrentThread();
    self.runs.fetch_add(1);
  }
  BOOLEAN insert(void *first = nullptr, void *second = nullptr) { return KeInsertQueueDpc(&dpc, first, second); }
};

class KeDpc : public WithCpus<2> {
 protected:
  // The processor that the thread is on, and the other one.
  ULONG here() { return KeGetCurrentProcessorNumber(); }
  ULONG other() { return 1 - here(); }
  void target(Counted &counted, ULONG number) { KeSetTargetProcessorDpc(&counted.dpc, static_cast<CCHAR>(number)); }
  int first = 0, second = 0;
};

TEST_F(KeDpc, HasTheDocumentedLayout) {
  Counted counted;
  EXPECT_EQ(counted.dpc.Type, 19);
  EXPECT_EQ(counted.dpc.Importance, MediumImportance);
  EXPECT_EQ(counted.dpc.DpcData, nullptr);
  KeInitializeThreadedDpc(&counted.dpc, Counted::run, &counted);
  EXPECT_EQ(counted.dpc.Type, 26);
  EXPECT_EQ(counted.dpc.DeferredContext, &counted);
}

TEST_F(KeDpc, RunsBeforeAnInsertBelowDispatchLevelReturns) {
  Counted counted;
  EXPECT_TRUE(counted.insert(&first, &second));
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(counted.argument1, &first);
  EXPECT_EQ(counted.argument2, &second);
  EXPECT_EQ(counted.irql, DISPATCH_LEVEL);
  EXPECT_EQ(counted.thread, KeGetCurrentThread());
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(KeDpc, WaitsAtDispatchLevelUntilTheIrqlIsLowered) {
  Counted counted;
  KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_TRUE(counted.insert(&first, &second));
  EXPECT_NE(counted.dpc.DpcData, nullptr);
  EXPECT_FALSE(counted.insert());
  EXPECT_EQ(counted.runs, 0);
  const ULONG processor = KeGetCurrentProcessorNumber();
  KeLowerIrql(old);
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(counted.argument1, &first);
  EXPECT_EQ(counted.processor, processor);
  old = KfRaiseIrql(HIGH_LEVEL);
  EXPECT_TRUE(counted.insert());
  KeLowerIrql(DISPATCH_LEVEL);
  EXPECT_EQ(counted.runs, 1);
  KeLowerIrql(old);
  EXPECT_EQ(counted.runs, 2);
}

TEST_F(KeDpc, WaitsOnAProcessorThatIsTheThreadsOwn) {
  for (int i = 0; i < 1000; ++i) KeLowerIrql(KeRaiseIrqlToDpcLevel());
  Counted counted;
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_TRUE(counted.insert());
  EXPECT_EQ(counted.runs, 0);
  KeLowerIrql(old);
  EXPECT_EQ(counted.runs, 1);
}

TEST_F(KeDpc, RemoveTakesItOffTheQueue) {
  Counted a, b, c;
  EXPECT_FALSE(KeRemoveQueueDpc(&a.dpc));
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  a.insert(), b.insert(), c.insert();
  EXPECT_TRUE(KeRemoveQueueDpc(&b.dpc));
  EXPECT_FALSE(KeRemoveQueueDpc(&b.dpc));
  EXPECT_TRUE(KeRemoveQueueDpc(&c.dpc));
  EXPECT_TRUE(b.insert());
  EXPECT_TRUE(KeRemoveQueueDpc(&a.dpc));
  EXPECT_EQ(b.dpc.DpcListEntry.Next, nullptr);
  KeLowerIrql(old);
  EXPECT_EQ(a.runs, 0);
  EXPECT_EQ(b.runs, 1);
  EXPECT_EQ(c.runs, 0);
}

TEST_F(KeDpc, HighImportanceGoesToTheFront) {
  std::vector<int> order;
  struct Noted {
    KDPC dpc;
    std::vector<int> *order;
    int number;
  };
  Noted dpcs[4];
  for (int i = 0; i < 4; ++i) {
    dpcs[i].order = &order;
    dpcs[i].number = i;
    KeInitializeDpc(
        &dpcs[i].dpc,
        [](PKDPC, PVOID context, PVOID, PVOID) {
          auto &self = *static_cast<Noted *>(context);
          self.order->push_back(self.number);
        },
        &dpcs[i]);
  }
  KeSetImportanceDpc(&dpcs[1].dpc, LowImportance);
  KeSetImportanceDpc(&dpcs[2].dpc, MediumHighImportance);
  KeSetImportanceDpc(&dpcs[3].dpc, HighImportance);
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  for (Noted &each : dpcs) KeInsertQueueDpc(&each.dpc, nullptr, nullptr);
  KeLowerIrql(old);
  EXPECT_EQ(order, (std::vector<int>{3, 0, 1, 2}));
}

TEST_F(KeDpc, MayQueueItselfAgain) {
  struct Again {
    KDPC dpc;
    int left = 5;
  } again;
  KeInitializeDpc(
      &again.dpc,
      [](PKDPC dpc, PVOID context, PVOID, PVOID) {
        if (--static_cast<Again *>(context)->left == 0) return;
        EXPECT_TRUE(KeInsertQueueDpc(dpc, nullptr, nullptr));
      },
      &again);
  EXPECT_TRUE(KeInsertQueueDpc(&again.dpc, nullptr, nullptr));
  EXPECT_EQ(again.left, 0);
}

TEST_F(KeDpc, TargetsAnotherProcessor) {
  Counted counted;
  target(counted, other());
  EXPECT_TRUE(counted.insert());
  KeFlushQueuedDpcs();
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(counted.processor, other());
  // Also from DISPATCH_LEVEL, where it need not wait for this thread.
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_TRUE(counted.insert());
  for (uint32_t round = 0; counted.runs < 2; ++round) ke::spin(round);
  KeLowerIrql(old);
  EXPECT_NE(counted.thread, KeGetCurrentThread());
}

TEST_F(KeDpc, ItsTargetIsChecked) {
  Counted counted;
  target(counted, 2);
  EXPECT_EQ(counted.dpc.Number, 0);
  PROCESSOR_NUMBER number{0, 2, 0};
  EXPECT_EQ(KeSetTargetProcessorDpcEx(&counted.dpc, &number), STATUS_INVALID_PARAMETER);
  number = {1, 0, 0};
  EXPECT_EQ(KeSetTargetProcessorDpcEx(&counted.dpc, &number), STATUS_INVALID_PARAMETER);
  number = {0, static_cast<UCHAR>(here()), 0};
  EXPECT_EQ(KeSetTargetProcessorDpcEx(&counted.dpc, &number), STATUS_SUCCESS);
  EXPECT_TRUE(counted.insert());
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(counted.processor, number.Number);
}

TEST_F(KeDpc, ForABusyProcessorIsRunByItsHolder) {
  std::atomic<bool> held{false}, release{false};
  const ULONG number = other();
  PKTHREAD holder = nullptr;
  Counted counted;
  target(counted, number);
  SystemThread thread([&] {
    KeSetSystemAffinityThread(KAFFINITY{1} << number);
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    holder = KeGetCurrentThread();
    held = true;
    for (uint32_t round = 0; !release.load(); ++round) ke::spin(round);
    KeLowerIrql(old);
  });
  for (uint32_t round = 0; !held.load(); ++round) ke::spin(round);
  EXPECT_TRUE(counted.insert());
  EXPECT_EQ(counted.runs, 0);
  EXPECT_FALSE(counted.insert());
  release = true;
  thread.join();
  EXPECT_EQ(counted.runs, 1);
  EXPECT_EQ(counted.thread, holder);
}

TEST_F(KeDpc, AChangedIrqlIsBugcheckC8) {
  KDPC dpc;
  KeInitializeDpc(
      &dpc, [](PKDPC, PVOID, PVOID, PVOID) { KfRaiseIrql(SYNCH_LEVEL); }, nullptr);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { KeInsertQueueDpc(&dpc, nullptr, nullptr); });
  EXPECT_EQ(stop.code, 0xC8u);
  EXPECT_EQ(stop.parameters[0] >> 8, ULONG_PTR{SYNCH_LEVEL << 8 | DISPATCH_LEVEL});
  EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(dpc.DeferredRoutine));
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(KeDpc, AChangedApcCountIsBugcheckC7) {
  KDPC dpc;
  KeInitializeDpc(
      &dpc, [](PKDPC, PVOID, PVOID, PVOID) { KeEnterCriticalRegion(); }, nullptr);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { KeInsertQueueDpc(&dpc, nullptr, nullptr); });
  EXPECT_EQ(stop.code, 0xC7u);
  EXPECT_EQ(stop.parameters[0], 4u);
  EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(dpc.DeferredRoutine));
  EXPECT_EQ(stop.parameters[2], 0u);
  EXPECT_EQ(stop.parameters[3], 0xFFFFu);
  KeLeaveCriticalRegion();
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(KeDpc, AWaitInItIsBugcheckB8) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  KDPC dpc;
  KeInitializeDpc(
      &dpc, [](PKDPC, PVOID context, PVOID, PVOID) { wait(context); }, &event);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeInsertQueueDpc(&dpc, nullptr, nullptr); }).code, 0xB8u);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(KeDpc, FlushIsForBelowDispatchLevel) {
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(ke::catch_bugcheck([] { KeFlushQueuedDpcs(); }).code, 0xD1u);
  KeLowerIrql(old);
}

TEST_F(KeDpc, ThreadedRunsAtPassiveLevelInAThreadOfItsProcessor) {
  for (ULONG number = 0; number < 2; ++number) {
    Counted counted;
    KeInitializeThreadedDpc(&counted.dpc, Counted::run, &counted);
    target(counted, number);
    const KIRQL old = KeRaiseIrqlToDpcLevel();
    EXPECT_TRUE(counted.insert(&first, &second));
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
    EXPECT_EQ(counted.runs, 1);
    EXPECT_EQ(counted.argument2, &second);
    EXPECT_EQ(counted.irql, PASSIVE_LEVEL);
    EXPECT_EQ(counted.processor, number);
    EXPECT_NE(counted.thread, KeGetCurrentThread());
    EXPECT_TRUE(ke::is_dpc_thread(*reinterpret_cast<ETHREAD *>(counted.thread)));
  }
}

TEST_F(KeDpc, ThreadedCanBeRemovedAndRunsInOrder) {
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  KDPC blocker;
  // A threaded DPC must not wait; it is the way to keep its thread busy.
  KeInitializeThreadedDpc(
      &blocker, [](PKDPC, PVOID context, PVOID, PVOID) { wait(context); }, &go);
  KeSetTargetProcessorDpc(&blocker, 0);
  EXPECT_TRUE(KeInsertQueueDpc(&blocker, nullptr, nullptr));
  while (__atomic_load_n(&blocker.DpcData, __ATOMIC_ACQUIRE)) ke::spin(99);
  Counted a, b;
  for (Counted *each : {&a, &b}) {
    KeInitializeThreadedDpc(&each->dpc, Counted::run, each);
    target(*each, 0);
    EXPECT_TRUE(each->insert());
  }
  EXPECT_TRUE(ke::dpcs_are_due());
  EXPECT_TRUE(KeRemoveQueueDpc(&a.dpc));
  KeSetEvent(&go, IO_NO_INCREMENT, FALSE);
  KeFlushQueuedDpcs();
  EXPECT_EQ(a.runs, 0);
  EXPECT_EQ(b.runs, 1);
  EXPECT_FALSE(ke::dpcs_are_due());
}

TEST_F(KeDpc, KeepsTheMachineFromRest) {
  EXPECT_EQ(machine().rest(), Rest::kDone);
  Counted counted;
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  counted.insert();
  EXPECT_EQ(machine().rest(), Rest::kRunning);
  KeLowerIrql(old);
  EXPECT_EQ(machine().rest(), Rest::kDone);
  KeInitializeThreadedDpc(&counted.dpc, Counted::run, &counted);
  counted.insert();
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  EXPECT_EQ(counted.runs, 2);
}

}  // namespace
}  // namespace ntemu::test
