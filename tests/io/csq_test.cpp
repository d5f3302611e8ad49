#include <atomic>
#include <random>
#include <vector>

#include "ntemu/ke/spin_word.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

// An IRP as a driver below one other sees it.
struct TestIrp {
  TestIrp() {
    irp.Type = IO_TYPE_IRP;
    irp.Size = sizeof(*this);
    irp.StackCount = irp.CurrentLocation = 1;
    irp.Tail.Overlay.CurrentStackLocation = &location;
    location.DeviceObject = device;
  }
  IRP irp{};
  IO_STACK_LOCATION location{};
  static inline const auto device = reinterpret_cast<PDEVICE_OBJECT>(ULONG_PTR{0x1230});
  std::atomic<int> owners{0};
  std::atomic<int> canceled{0};
};

TestIrp &test_irp(PIRP irp) { return *CONTAINING_RECORD(irp, TestIrp, irp); }

// A driver's queue.
struct Queue {
  IO_CSQ csq;
  KSPIN_LOCK lock = 0;
  LIST_ENTRY irps;
  NTSTATUS answer = STATUS_SUCCESS;
  PVOID insert_context = nullptr;
};

Queue &queue_of(PIO_CSQ csq) { return *CONTAINING_RECORD(csq, Queue, csq); }

VOID NTAPI insert_irp(PIO_CSQ csq, PIRP irp) { InsertTailList(&queue_of(csq).irps, &irp->Tail.Overlay.ListEntry); }
NTSTATUS NTAPI insert_irp_ex(PIO_CSQ csq, PIRP irp, PVOID context) {
  Queue &queue = queue_of(csq);
  queue.insert_context = context;
  if (NT_SUCCESS(queue.answer)) insert_irp(csq, irp);
  return queue.answer;
}
VOID NTAPI remove_irp(PIO_CSQ, PIRP irp) { RemoveEntryList(&irp->Tail.Overlay.ListEntry); }
// PeekContext: the only IRP that is wanted, or NULL.
PIRP NTAPI peek_next_irp(PIO_CSQ csq, PIRP irp, PVOID context) {
  const PLIST_ENTRY head = &queue_of(csq).irps;
  for (PLIST_ENTRY link = irp ? irp->Tail.Overlay.ListEntry.Flink : head->Flink; link != head; link = link->Flink) {
    const PIRP found = CONTAINING_RECORD(link, IRP, Tail.Overlay.ListEntry);
    if (!context || found == context) return found;
  }
  return nullptr;
}
VOID NTAPI acquire_lock(PIO_CSQ csq, PKIRQL irql) {
  *irql = KeRaiseIrqlToDpcLevel();
  ke::acquire_spin_word(queue_of(csq).lock);
}
VOID NTAPI release_lock(PIO_CSQ csq, KIRQL irql) {
  ke::release_spin_word(queue_of(csq).lock);
  KeLowerIrql(irql);
}
VOID NTAPI complete_canceled(PIO_CSQ csq, PIRP irp) {
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_NE(__atomic_load_n(&queue_of(csq).lock, __ATOMIC_RELAXED), ke::spin_owner());
  ++test_irp(irp).canceled;
}

class IoCsq : public KernelTest {
 protected:
  IoCsq() {
    InitializeListHead(&queue.irps);
    EXPECT_EQ(IoCsqInitialize(&queue.csq, insert_irp, remove_irp, peek_next_irp, acquire_lock, release_lock,
                              complete_canceled),
              STATUS_SUCCESS);
  }
  void use_ex() {
    EXPECT_EQ(IoCsqInitializeEx(&queue.csq, insert_irp_ex, remove_irp, peek_next_irp, acquire_lock, release_lock,
                                complete_canceled),
              STATUS_SUCCESS);
  }
  Queue queue;
  TestIrp a, b;
  IO_CSQ_IRP_CONTEXT context{};
};

TEST_F(IoCsq, InitializeFillsTheTable) {
  EXPECT_EQ(queue.csq.Type, IO_TYPE_CSQ);
  EXPECT_EQ(queue.csq.CsqInsertIrp, insert_irp);
  EXPECT_EQ(queue.csq.CsqCompleteCanceledIrp, complete_canceled);
  EXPECT_EQ(queue.csq.ReservePointer, nullptr);
  use_ex();
  EXPECT_EQ(queue.csq.Type, IO_TYPE_CSQ_EX);
}

TEST_F(IoCsq, InsertMarksPendingAndCancelable) {
  IoCsqInsertIrp(&queue.csq, &a.irp, nullptr);
  EXPECT_TRUE(a.location.Control & SL_PENDING_RETURNED);
  EXPECT_NE(a.irp.CancelRoutine, nullptr);
  EXPECT_EQ(a.irp.Tail.Overlay.DriverContext[3], &queue.csq);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &a.irp);
  EXPECT_EQ(a.irp.CancelRoutine, nullptr);
  EXPECT_EQ(a.irp.Tail.Overlay.DriverContext[3], nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), nullptr);
}

TEST_F(IoCsq, RemoveNextFollowsThePeekContext) {
  IoCsqInsertIrp(&queue.csq, &a.irp, nullptr);
  IoCsqInsertIrp(&queue.csq, &b.irp, nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, &b.irp), &b.irp);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, &b.irp), nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &a.irp);
}

TEST_F(IoCsq, RemoveNextPassesOverWhatIsBeingCanceled) {
  IoCsqInsertIrp(&queue.csq, &a.irp, nullptr);
  IoCsqInsertIrp(&queue.csq, &b.irp, nullptr);
  const PDRIVER_CANCEL routine = IoSetCancelRoutine(&a.irp, nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &b.irp);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), nullptr);
  IoAcquireCancelSpinLock(&a.irp.CancelIrql);
  routine(TestIrp::device, &a.irp);
  EXPECT_EQ(a.canceled, 1);
  EXPECT_TRUE(IsListEmpty(&queue.irps));
}

TEST_F(IoCsq, RemoveTakesTheOneOfTheContext) {
  IoCsqInsertIrp(&queue.csq, &a.irp, &context);
  IoCsqInsertIrp(&queue.csq, &b.irp, nullptr);
  EXPECT_EQ(context.Type, IO_TYPE_CSQ_IRP_CONTEXT);
  EXPECT_EQ(context.Irp, &a.irp);
  EXPECT_EQ(context.Csq, &queue.csq);
  EXPECT_EQ(IoCsqRemoveIrp(&queue.csq, &context), &a.irp);
  EXPECT_EQ(context.Irp, nullptr);
  EXPECT_EQ(IoCsqRemoveIrp(&queue.csq, &context), nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &b.irp);
}

TEST_F(IoCsq, ATakenIrpLeavesItsContext) {
  IoCsqInsertIrp(&queue.csq, &a.irp, &context);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &a.irp);
  EXPECT_EQ(context.Irp, nullptr);
  EXPECT_EQ(IoCsqRemoveIrp(&queue.csq, &context), nullptr);
}

TEST_F(IoCsq, CancelTakesTheIrpOffTheQueue) {
  IoCsqInsertIrp(&queue.csq, &a.irp, &context);
  EXPECT_TRUE(IoCancelIrp(&a.irp));
  EXPECT_EQ(a.canceled, 1);
  EXPECT_TRUE(IsListEmpty(&queue.irps));
  EXPECT_EQ(context.Irp, nullptr);
  EXPECT_EQ(IoCsqRemoveIrp(&queue.csq, &context), nullptr);
  EXPECT_FALSE(IoCancelIrp(&a.irp));
  EXPECT_EQ(a.canceled, 1);
}

TEST_F(IoCsq, RemoveOfAnIrpThatIsBeingCanceledGivesUpTheContext) {
  IoCsqInsertIrp(&queue.csq, &a.irp, &context);
  const PDRIVER_CANCEL routine = IoSetCancelRoutine(&a.irp, nullptr);
  EXPECT_EQ(IoCsqRemoveIrp(&queue.csq, &context), nullptr);
  EXPECT_EQ(context.Irp, nullptr);
  context = {};
  IoAcquireCancelSpinLock(&a.irp.CancelIrql);
  routine(TestIrp::device, &a.irp);
  EXPECT_EQ(a.canceled, 1);
  EXPECT_TRUE(IsListEmpty(&queue.irps));
}

TEST_F(IoCsq, ACanceledIrpIsNotInserted) {
  EXPECT_FALSE(IoCancelIrp(&a.irp));
  EXPECT_EQ(IoCsqInsertIrpEx(&queue.csq, &a.irp, &context, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(a.canceled, 1);
  EXPECT_TRUE(a.location.Control & SL_PENDING_RETURNED);
  EXPECT_TRUE(IsListEmpty(&queue.irps));
  EXPECT_EQ(context.Irp, nullptr);
  EXPECT_EQ(a.irp.CancelRoutine, nullptr);
}

TEST_F(IoCsq, InsertExPassesItsContextAndTheAnswer) {
  use_ex();
  int mark;
  EXPECT_EQ(IoCsqInsertIrpEx(&queue.csq, &a.irp, nullptr, &mark), STATUS_SUCCESS);
  EXPECT_EQ(queue.insert_context, &mark);
  queue.answer = STATUS_DEVICE_BUSY;
  EXPECT_EQ(IoCsqInsertIrpEx(&queue.csq, &b.irp, &context, nullptr), STATUS_DEVICE_BUSY);
  EXPECT_FALSE(b.location.Control & SL_PENDING_RETURNED);
  EXPECT_EQ(b.irp.CancelRoutine, nullptr);
  EXPECT_EQ(context.Irp, nullptr);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), &a.irp);
  EXPECT_EQ(IoCsqRemoveNextIrp(&queue.csq, nullptr), nullptr);
}

class IoCancel : public KernelTest {
 protected:
  TestIrp a;
};

TEST_F(IoCancel, WithoutARoutineOnlyMarks) {
  EXPECT_FALSE(IoCancelIrp(&a.irp));
  EXPECT_TRUE(a.irp.Cancel);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(IoCancel, CallsTheRoutineWithTheLockHeld) {
  IoSetCancelRoutine(&a.irp, [](PDEVICE_OBJECT device, PIRP irp) {
    EXPECT_EQ(device, TestIrp::device);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    EXPECT_EQ(ke::current().held.count(), 1u);
    EXPECT_TRUE(irp->Cancel);
    EXPECT_EQ(irp->CancelRoutine, nullptr);
    EXPECT_EQ(irp->CancelIrql, APC_LEVEL);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    EXPECT_EQ(ke::current().held.count(), 0u);
  });
  KIRQL old;
  KeRaiseIrql(APC_LEVEL, &old);
  EXPECT_TRUE(IoCancelIrp(&a.irp));
  EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
  KeLowerIrql(old);
}

TEST_F(IoCancel, ACompletedIrpIsBugcheck48) {
  const auto routine = [](PDEVICE_OBJECT, PIRP) {};
  IoSetCancelRoutine(&a.irp, routine);
  a.irp.CurrentLocation = 3;
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { IoCancelIrp(&a.irp); });
  EXPECT_EQ(stop.code, 0x48u);
  EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(&a.irp));
  IoReleaseCancelSpinLock(PASSIVE_LEVEL);
}

TEST_F(IoCancel, TheLockExcludes) {
  const int count = rounds(500, 100000);
  long counter = 0;
  run_together(4, [&](unsigned) {
    for (int round = 0; round < count; ++round) {
      KIRQL irql;
      IoAcquireCancelSpinLock(&irql);
      ++counter;
      IoReleaseCancelSpinLock(irql);
    }
  });
  EXPECT_EQ(counter, 4L * count);
}

using IoCsqStress = IoCsq;

// Six threads own IRPs, queue them, take some IRP or their own back, and cancel; the invariant: each IRP that was
// queued comes back exactly once, by removal or by cancellation.
TEST_F(IoCsqStress, EachIrpComesBackOnce) {
  constexpr unsigned kOwners = 6;
  const int count = rounds(2000, 100000);
  std::vector<TestIrp> irps(kOwners);
  std::atomic<int> errors{0};
  std::atomic<unsigned> running{kOwners};
  std::atomic<long> removed{0}, canceled{0};
  const auto take = [&](PIRP irp) {
    ++removed;
    if (test_irp(irp).owners.exchange(0) != 1) ++errors;
  };
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    if (seed >= kOwners) {
      while (running) IoCancelIrp(&irps[random() % kOwners].irp);
      return;
    }
    TestIrp &mine = irps[seed];
    for (int i = 0; i < count; ++i) {
      auto own_context = std::make_unique<IO_CSQ_IRP_CONTEXT>();
      const bool by_context = random() % 2;
      __atomic_store_n(&mine.irp.Cancel, BOOLEAN{FALSE}, __ATOMIC_SEQ_CST);
      mine.owners = 1;
      IoCsqInsertIrp(&queue.csq, &mine.irp, by_context ? own_context.get() : nullptr);
      if (by_context) {
        if (const PIRP irp = IoCsqRemoveIrp(&queue.csq, own_context.get())) take(irp);
        own_context.reset();  // whoever cancels must not look at it any more
      } else if (const PIRP irp = IoCsqRemoveNextIrp(&queue.csq, random() % 2 ? &mine.irp : nullptr)) {
        take(irp);
      }
      for (uint32_t round = 0; mine.owners; ++round) {  // taken by another, or being canceled
        if (mine.canceled.exchange(0)) {
          ++canceled;
          mine.owners = 0;
        } else if (const PIRP irp = IoCsqRemoveNextIrp(&queue.csq, &mine.irp)) {
          take(irp);
        } else {
          ke::spin(round);
        }
      }
    }
    --running;
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(removed + canceled, static_cast<long>(kOwners) * count);
  EXPECT_TRUE(IsListEmpty(&queue.irps));
}

}  // namespace
}  // namespace ntemu::test
