// The orders of a verified driver's locks, and what it does wrong with them. The driver is this program.
#include <dlfcn.h>

#include "ntemu/vf/lock_order.h"
#include "ntemu/vf/verified.h"
#include "tests/vf/deadlock_fixture.h"

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace ntemu::test {
namespace {

class LockOrder : public KernelTest {
 protected:
  LockOrder() {
    dl_find_object own;
    EXPECT_EQ(_dl_find_object(reinterpret_cast<void *>(&wait_here), &own), 0);
    base_ = own.dlfo_map_start;
    const auto bytes = static_cast<const char *>(own.dlfo_map_end) - static_cast<const char *>(own.dlfo_map_start);
    EXPECT_TRUE(vf::verify_image(base_, static_cast<size_t>(bytes), vf::kDeadlock));
  }
  ~LockOrder() override { vf::unverify_image(base_); }

  static void wait_here() {}
  // Of the very same locks. All kinds in turn contradict each other as classes, too: their locks are initialized in
  // one place for each kind.
  static std::vector<vf::Inversion> inversions_of_locks() {
    auto found = vf::inversions();
    std::erase_if(found, [](const vf::Inversion &each) { return each.by_class; });
    return found;
  }
  static ULONG_PTR address(const void *value) { return reinterpret_cast<ULONG_PTR>(value); }
  // The sub-code of the violation that `body` ends in; 0 for none.
  static ULONG_PTR violation(const std::function<void()> &body, ULONG_PTR p2 = 0, ULONG_PTR p3 = 0, ULONG_PTR p4 = 0) {
    const ke::Bugcheck stop = ke::catch_bugcheck(body);
    EXPECT_EQ(stop.code, stop.parameters[0] ? 0xC4u : 0u);
    if (stop.code) {
      EXPECT_EQ(stop.parameters[1], p2);
      EXPECT_EQ(stop.parameters[2], p3);
      EXPECT_EQ(stop.parameters[3], p4);
    }
    return stop.parameters[0];
  }
  static void take(const AnyLock &first, const AnyLock &second) {
    first.acquire();
    second.acquire();
    second.release();
    first.release();
  }

 private:
  const void *base_;
};

__attribute__((noinline)) void initialize_one(PFAST_MUTEX mutex) {
  ExInitializeFastMutex(mutex);
  asm volatile("");
}
__attribute__((noinline)) void initialize_other(PFAST_MUTEX mutex) {
  ExInitializeFastMutex(mutex);
  asm volatile("");
}
void take_two(PFAST_MUTEX first, PFAST_MUTEX second) {
  ExAcquireFastMutex(first);
  ExAcquireFastMutex(second);
  ExReleaseFastMutex(second);
  ExReleaseFastMutex(first);
}

TEST_F(LockOrder, ThatContradictsAnotherIsAViolationForAllKindsOfLocks) {
  for (size_t i = 0; i < kLockTypes.size(); ++i) {
    const AnyLock a(kLockTypes[i]), b(kLockTypes[(i + 1) % kLockTypes.size()]);
    SCOPED_TRACE(std::string(a.name()) + " and " + b.name());
    take(a, b);
    take(a, b);
    EXPECT_EQ(violation([&] { take(b, a); }, address(a.get())), 0x1001u);
    b.release();
    const auto found = inversions_of_locks();
    ASSERT_THAT(found, SizeIs(i + 1));
    ASSERT_THAT(found.back().cycle, SizeIs(2));
    for (const vf::CycleThread &step : found.back().cycle) {
      EXPECT_NE(step.has.site, nullptr);
      EXPECT_THAT(step.has_stack, ::testing::Not(IsEmpty()));
      EXPECT_THAT(step.wants_stack, ::testing::Not(IsEmpty()));
    }
  }
}

TEST_F(LockOrder, MayGoOverThreeLocks) {
  const AnyLock a(kLockTypes[0]), b(kLockTypes[1]), c(kLockTypes[3]);
  take(a, b);
  take(b, c);
  EXPECT_EQ(violation([&] { take(c, a); }, address(a.get())), 0x1001u);
  c.release();
  EXPECT_THAT(vf::inversions().front().cycle, SizeIs(3));
}

TEST_F(LockOrder, OfSpinLocksInAllForms) {
  KSPIN_LOCK a, b;
  KeInitializeSpinLock(&a);
  KeInitializeSpinLock(&b);
  KIRQL irql;
  KeAcquireSpinLock(&a, &irql);
  KLOCK_QUEUE_HANDLE handle;
  KeAcquireInStackQueuedSpinLockAtDpcLevel(&b, &handle);
  KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
  KeReleaseSpinLock(&a, irql);
  EXPECT_EQ(violation(
                [&] {
                  KeAcquireSpinLock(&b, &irql);
                  KeAcquireSpinLockAtDpcLevel(&a);
                },
                address(&a)),
            0x1001u);
  KeReleaseSpinLock(&b, irql);
}

TEST_F(LockOrder, IsNotMadeByATryOrATimedWait) {
  FAST_MUTEX a, b;
  ExInitializeFastMutex(&a);
  ExInitializeFastMutex(&b);
  take_two(&a, &b);
  ExAcquireFastMutex(&b);
  EXPECT_TRUE(ExTryToAcquireFastMutex(&a));
  ExReleaseFastMutex(&a);
  ExReleaseFastMutex(&b);
  KMUTEX c, d;
  KeInitializeMutex(&c, 0);
  KeInitializeMutex(&d, 0);
  wait(&c), wait(&d);
  KeReleaseMutex(&d, FALSE), KeReleaseMutex(&c, FALSE);
  LARGE_INTEGER second = relative(base::kNtPerSecond);
  wait(&d), wait(&c, &second);
  KeReleaseMutex(&c, FALSE), KeReleaseMutex(&d, FALSE);
  EXPECT_THAT(vf::inversions(), IsEmpty());
}

// One instance after another, as for requests that come and go: the order of their classes contradicts.
TEST_F(LockOrder, OfClassesIsToldWhenTheLocksAreOthers) {
  FAST_MUTEX all;
  initialize_one(&all);
  auto *request = static_cast<PFAST_MUTEX>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(FAST_MUTEX), 'tseT'));
  initialize_other(request);
  take_two(&all, request);
  ExFreePoolWithTag(request, 'tseT');
  auto *next = static_cast<PFAST_MUTEX>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(FAST_MUTEX), 'tseT'));
  initialize_other(next);
  take_two(next, &all);
  const auto found = vf::inversions();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_TRUE(found[0].by_class);
  EXPECT_THAT(vf::describe(found[0]).front(), HasSubstr("Possible deadlock (2 classes in 2 threads):"));
  ExFreePoolWithTag(next, 'tseT');
}

TEST_F(LockOrder, OfLocksOfOneClassIsTheirOwn) {
  FAST_MUTEX one, two;
  initialize_one(&one);
  initialize_one(&two);
  take_two(&one, &two);
  EXPECT_EQ(violation([&] { take_two(&two, &one); }, address(&one)), 0x1001u);
  ExReleaseFastMutex(&two);
}

TEST_F(LockOrder, IsForgottenWithTheMemoryOfALock) {
  FAST_MUTEX all;
  ExInitializeFastMutex(&all);
  const size_t before = vf::lock_order_counts().locks;
  auto *mutex = static_cast<PFAST_MUTEX>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(FAST_MUTEX), 'tseT'));
  ExInitializeFastMutex(mutex);
  take_two(&all, mutex);
  EXPECT_EQ(vf::lock_order_counts().locks, before + 1);
  EXPECT_EQ(vf::lock_order_counts().edges, 1u);
  ExFreePoolWithTag(mutex, 'tseT');
  EXPECT_EQ(vf::lock_order_counts().locks, before);
  EXPECT_EQ(vf::lock_order_counts().edges, 0u);
}

TEST_F(LockOrder, AcquiredTwice) {
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(violation([&] { ExAcquireFastMutex(&mutex); }, address(&mutex)), 0x1000u);
  ExReleaseFastMutex(&mutex);
  KMUTEX kmutex;
  KeInitializeMutex(&kmutex, 0);
  EXPECT_EQ(violation([&] { wait(&kmutex), wait(&kmutex); }), 0u);
  KeReleaseMutex(&kmutex, FALSE), KeReleaseMutex(&kmutex, FALSE);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  KIRQL irql;
  KeAcquireSpinLock(&lock, &irql);
  EXPECT_EQ(violation([&] { KeAcquireSpinLockAtDpcLevel(&lock); }, address(&lock)), 0x1000u);
  KeReleaseSpinLock(&lock, irql);
}

TEST_F(LockOrder, AcquiredWithoutBeingInitialized) {
  FAST_MUTEX mutex{};
  EXPECT_EQ(violation([&] { ExAcquireFastMutex(&mutex); }, address(&mutex)), 0x1002u);
}

TEST_F(LockOrder, InitializedTwice) {
  static FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  EXPECT_EQ(violation([&] { ExInitializeFastMutex(&mutex); }, address(&mutex)), 0x1005u);
  FAST_MUTEX local;
  ExInitializeFastMutex(&local);
  EXPECT_EQ(violation([&] { ExInitializeFastMutex(&mutex); }, address(&mutex)), 0x1005u);
  static KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  KeInitializeSpinLock(&lock);
  KIRQL irql;
  KeAcquireSpinLock(&lock, &irql);
  EXPECT_EQ(violation([&] { KeInitializeSpinLock(&lock); }, address(&lock)), 0x1005u);
  KeReleaseSpinLock(&lock, irql);
}

TEST_F(LockOrder, ReleasedWithoutBeingHeld) {
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  EXPECT_EQ(violation([&] { ExReleaseFastMutex(&mutex); }, address(&mutex)), 0x1007u);
  KMUTEX kmutex;
  KeInitializeMutex(&kmutex, 0);
  EXPECT_EQ(violation([&] { KeReleaseMutex(&kmutex, FALSE); }, address(&kmutex)), 0x1007u);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  EXPECT_EQ(violation([&] { KeReleaseSpinLock(&lock, PASSIVE_LEVEL); }, address(&lock)), 0x1007u);
}

TEST_F(LockOrder, ReleasedByAnotherThread) {
  const auto self = address(&ke::current());
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  KMUTEX kmutex;
  KeInitializeMutex(&kmutex, 0);
  ExAcquireFastMutexUnsafe(&mutex);
  wait(&kmutex);
  SystemThread([&] {
    const auto other = address(&ke::current());
    EXPECT_EQ(violation([&] { ExReleaseFastMutexUnsafe(&mutex); }, address(&mutex), self, other), 0x1004u);
    EXPECT_EQ(violation([&] { KeReleaseMutex(&kmutex, FALSE); }, address(&kmutex), self, other), 0x1004u);
  }).join();
  KeReleaseMutex(&kmutex, FALSE);
  ExReleaseFastMutexUnsafe(&mutex);
}

TEST_F(LockOrder, AcquiredOrReleasedAsAnotherKind) {
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  EXPECT_EQ(violation([&] { KeAcquireGuardedMutex(&mutex); }, address(&mutex)), 0x1008u);
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(violation([&] { ExReleaseFastMutexUnsafe(&mutex); }, address(&mutex)), 0x1009u);
  ExReleaseFastMutex(&mutex);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  KLOCK_QUEUE_HANDLE handle;
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  EXPECT_EQ(violation([&] { KeReleaseSpinLock(&lock, PASSIVE_LEVEL); }, address(&lock)), 0x1009u);
  KeReleaseInStackQueuedSpinLock(&handle);
}

TEST_F(LockOrder, HeldByAThreadThatEnds) {
  KMUTEX kmutex;
  KeInitializeMutex(&kmutex, 0);
  SystemThread([&] {
    wait(&kmutex);
    EXPECT_EQ(violation([] { PsTerminateSystemThread(STATUS_SUCCESS); }, address(&ke::current()), address(&kmutex)),
              0x100Au);
    KeReleaseMutex(&kmutex, FALSE);
  }).join();
}

TEST_F(LockOrder, HeldInMemoryThatIsFreed) {
  auto *mutex = static_cast<PFAST_MUTEX>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * sizeof(FAST_MUTEX), 'tseT')) + 1;
  ExInitializeFastMutex(mutex);
  ExAcquireFastMutex(mutex);
  EXPECT_EQ(violation([&] { ExFreePoolWithTag(mutex - 1, 'tseT'); }, address(mutex), address(&ke::current())), 0x100Bu);
  ExReleaseFastMutex(mutex);
  ExFreePoolWithTag(mutex - 1, 'tseT');
}

// What closes a cycle in a way that no order tells, such as a wait for a thread's end, ends the machine as well.
TEST_F(LockOrder, OfAThreadThatWaitsForItself) {
  SystemThread([] {
    EXPECT_EQ(violation([] { wait(KeGetCurrentThread()); }, address(KeGetCurrentThread())), 0x1000u);
  }).join();
}

// Each has set what the other waits for, and nobody else has: that is told, and the machine goes on.
TEST_F(LockOrder, OfThreadsThatWaitForEachOthersEventsIsPossible) {
  auto *events = lasting<KEVENT[2]>();
  for (int i = 0; i < 2; ++i) KeInitializeEvent(&(*events)[i], SynchronizationEvent, FALSE);
  std::vector<LostThread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([=] {
      KEVENT *own = &(*events)[i], *other = &(*events)[1 - i];
      KeSetEvent(other, 0, FALSE);
      wait(own);
      KeSetEvent(other, 0, FALSE);
      wait(own);
      wait(own);
    });
  }
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kWaiting);
  const auto cycles = vf::reported_cycles();
  ASSERT_THAT(cycles, SizeIs(1));
  EXPECT_FALSE(vf::is_certain(cycles[0]));
  const auto lines = vf::describe(cycles[0]);
  EXPECT_EQ(lines[0], "Possible deadlock (2 resources in 2 threads):");
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("has set A before, at")));
  KEVENT *third = lasting<KEVENT>();
  KeInitializeEvent(third, SynchronizationEvent, FALSE);
  const LostThread alone([=] {
    KeSetEvent(third, 0, FALSE);
    wait(third);
    wait(third);
  });
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kWaiting);
  EXPECT_THAT(vf::reported_cycles(), SizeIs(1));
}

TEST_F(LockOrder, OfASpinLockInADpcAndBelowDispatchLevelIsTold) {
  static KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  KDPC dpc;
  KEVENT done;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  KeInitializeDpc(
      &dpc,
      [](PKDPC, PVOID context, PVOID, PVOID) {
        KeAcquireSpinLockAtDpcLevel(&lock);
        KeReleaseSpinLockFromDpcLevel(&lock);
        KeSetEvent(static_cast<PRKEVENT>(context), 0, FALSE);
      },
      &done);
  KeInsertQueueDpc(&dpc, nullptr, nullptr);
  wait(&done);
  std::vector<std::string> lines;
  base::set_log_sink([&](const base::LogRecord &record) { lines.emplace_back(record.text); });
  KeAcquireSpinLockAtDpcLevel(&lock);
  KeReleaseSpinLockFromDpcLevel(&lock);
  base::set_log_sink(nullptr);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], HasSubstr("is taken in a DPC at"));
}

}  // namespace
}  // namespace ntemu::test
