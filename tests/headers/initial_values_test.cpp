// What the initializers, and the first steps after them, leave in the objects, byte for byte: driver sources and
// debuggers read it.
#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/io/driver.h"
#include "ntemu/ke/thread.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

// An object in memory that held something else before.
template <typename T>
struct Dirty {
  Dirty() { std::memset(static_cast<void *>(&object), 0xcc, sizeof(object)); }
  T *operator&() { return &object; }
  T *operator->() { return &object; }
  T object;
};

constexpr UCHAR kUntouched = 0xcc;

bool empty(LIST_ENTRY &head) { return head.Flink == &head && head.Blink == &head; }

using InitialValues = KernelTest;

TEST_F(InitialValues, Events) {
  Dirty<KEVENT> notification, synchronization;
  KeInitializeEvent(&notification, NotificationEvent, FALSE);
  KeInitializeEvent(&synchronization, SynchronizationEvent, TRUE);
  EXPECT_EQ(notification->Header.Lock, 0x00060000);  // type 0, size 6 in byte 2
  EXPECT_EQ(notification->Header.SignalState, 0);
  EXPECT_TRUE(empty(notification->Header.WaitListHead));
  EXPECT_EQ(synchronization->Header.Lock, 0x00060001);
  EXPECT_EQ(synchronization->Header.SignalState, 1);
}

TEST_F(InitialValues, Semaphore) {
  Dirty<KSEMAPHORE> semaphore;
  KeInitializeSemaphore(&semaphore, 2, 7);
  EXPECT_EQ(semaphore->Header.Lock, 0x00080005);
  EXPECT_EQ(semaphore->Header.SignalState, 2);
  EXPECT_EQ(semaphore->Limit, 7);
  EXPECT_TRUE(empty(semaphore->Header.WaitListHead));
}

TEST_F(InitialValues, Mutex) {
  Dirty<KMUTEX> mutex;
  KeInitializeMutex(&mutex, 0);
  EXPECT_EQ(mutex->Header.Type, 2);
  EXPECT_EQ(mutex->Header.MutantSize, 0x0e);  // in byte 1: byte 2 is DpcActive
  EXPECT_EQ(mutex->Header.DpcActive, FALSE);
  EXPECT_EQ(mutex->Header.SignalState, 1);
  EXPECT_TRUE(empty(mutex->Header.WaitListHead));
  EXPECT_EQ(mutex->OwnerThread, nullptr);
  EXPECT_EQ(mutex->MutantFlags, 0);
  EXPECT_EQ(mutex->ApcDisable, 1);
}

TEST_F(InitialValues, MutexThatIsOwned) {
  KTHREAD *const self = KeGetCurrentThread();
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  ASSERT_EQ(wait(&mutex), STATUS_SUCCESS);
  ASSERT_EQ(wait(&mutex), STATUS_SUCCESS);
  EXPECT_EQ(mutex.Header.SignalState, -1);
  EXPECT_EQ(mutex.OwnerThread, self);
  EXPECT_EQ(self->MutantListHead.Flink, &mutex.MutantListEntry);
  EXPECT_EQ(self->KernelApcDisable, -1) << "only the first acquisition counts";
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), -1);
  EXPECT_EQ(KeReleaseMutex(&mutex, FALSE), 0);
  EXPECT_EQ(mutex.Header.SignalState, 1);
  EXPECT_EQ(mutex.OwnerThread, nullptr);
  EXPECT_TRUE(empty(self->MutantListHead));
  EXPECT_EQ(self->KernelApcDisable, 0);
}

TEST_F(InitialValues, Mutant) {
  Dirty<KMUTANT> mutant;
  KeInitializeMutant(&mutant, FALSE);
  EXPECT_EQ(mutant->Header.Type, 2);
  EXPECT_EQ(mutant->Header.MutantSize, 0x0e);
  EXPECT_EQ(mutant->Header.SignalState, 1);
  EXPECT_EQ(mutant->OwnerThread, nullptr);
  EXPECT_EQ(mutant->MutantFlags, 0);
  EXPECT_EQ(mutant->ApcDisable, 0);
}

TEST_F(InitialValues, Queue) {
  Dirty<KQUEUE> queue;
  KeInitializeQueue(&queue, 3);
  EXPECT_EQ(queue->Header.Type, 4);
  EXPECT_EQ(queue->Header.QueueControlFlags, 0);
  EXPECT_EQ(queue->Header.QueueSize, 0x10);
  EXPECT_EQ(queue->Header.SignalState, 0);
  EXPECT_EQ(queue->CurrentCount, 0u);
  EXPECT_EQ(queue->MaximumCount, 3u);
  EXPECT_TRUE(empty(queue->EntryListHead));
  EXPECT_TRUE(empty(queue->ThreadListHead));
}

TEST_F(InitialValues, Apc) {
  Dirty<KAPC> apc;
  int context;
  KeInitializeApc(
      &apc, KeGetCurrentThread(), OriginalApcEnvironment, [](PKAPC, PKNORMAL_ROUTINE *, PVOID *, PVOID *, PVOID *) {},
      nullptr, [](PVOID, PVOID, PVOID) {}, KernelMode, &context);
  EXPECT_EQ(apc->Type, 18);
  EXPECT_EQ(apc->Size, 0x58);
  EXPECT_EQ(apc->Thread, KeGetCurrentThread());
  EXPECT_EQ(apc->NormalContext, &context);
  EXPECT_EQ(apc->ApcStateIndex, 0);
  EXPECT_EQ(apc->ApcMode, KernelMode);
  EXPECT_EQ(apc->Inserted, FALSE);
}

TEST_F(InitialValues, FastMutex) {
  Dirty<FAST_MUTEX> mutex;
  ExInitializeFastMutex(&mutex);
  EXPECT_EQ(mutex->Count, 1);
  EXPECT_EQ(mutex->Owner, nullptr);
  EXPECT_EQ(mutex->Contention, 0u);
  EXPECT_EQ(mutex->Event.Header.Lock, 0x00060001);
  EXPECT_EQ(mutex->Event.Header.SignalState, 0);
  EXPECT_TRUE(empty(mutex->Event.Header.WaitListHead));
  EXPECT_EQ(mutex->OldIrql, ULONG{kUntouched} * 0x01010101);
}

TEST_F(InitialValues, FastMutexThatIsOwnedAndWaitedFor) {
  FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  ExAcquireFastMutex(&mutex);
  EXPECT_EQ(mutex.Count, 0);
  EXPECT_EQ(mutex.Owner, KeGetCurrentThread());
  EXPECT_EQ(mutex.OldIrql, ULONG{PASSIVE_LEVEL});
  const auto take_and_give = [&] {
    ExAcquireFastMutex(&mutex);
    ExReleaseFastMutex(&mutex);
  };
  SystemThread first(take_and_give), second(take_and_give);
  first.await_blocked();
  second.await_blocked();
  EXPECT_EQ(__atomic_load_n(&mutex.Count, __ATOMIC_RELAXED), 8) << "4 for each waiter";
  EXPECT_EQ(__atomic_load_n(&mutex.Contention, __ATOMIC_RELAXED), 2u);
  ExReleaseFastMutex(&mutex);
  first.join();
  second.join();
  EXPECT_EQ(mutex.Count, 1);
  EXPECT_EQ(mutex.Owner, nullptr);
}

TEST_F(InitialValues, PushLock) {
  EX_PUSH_LOCK lock = kUntouched;
  ExInitializePushLock(&lock);
  EXPECT_EQ(lock, 0u);
  KeEnterCriticalRegion();
  ExAcquirePushLockExclusive(&lock);
  EXPECT_EQ(lock, 1u);
  ExReleasePushLockExclusive(&lock);
  ExAcquirePushLockShared(&lock);
  EXPECT_EQ(lock, 0x11u);
  SystemThread reader([&] {
    KeEnterCriticalRegion();
    ExAcquirePushLockShared(&lock);
    EXPECT_EQ(lock, 0x21u);
    ExReleasePushLockShared(&lock);
    KeLeaveCriticalRegion();
  });
  reader.join();
  ASSERT_TRUE(ExTryConvertPushLockSharedToExclusive(&lock));
  EXPECT_EQ(lock, 1u);
  ExReleasePushLockExclusive(&lock);
  EXPECT_EQ(lock, 0u);
  KeLeaveCriticalRegion();
}

TEST_F(InitialValues, Thread) {
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&go); });
  thread.await_blocked();
  EXPECT_EQ(thread.tcb().Header.Type, 6);
  EXPECT_EQ(thread.tcb().CombinedApcDisable, 0u);
  const PKWAIT_BLOCK block = thread.tcb().WaitBlockList;
  EXPECT_EQ(block, thread.tcb().WaitBlock);
  EXPECT_EQ(block->Object, &go);
  EXPECT_EQ(block->Thread, &thread.tcb());
  EXPECT_EQ(block->WaitType, WaitAny);
  EXPECT_EQ(block->WaitKey, STATUS_WAIT_0);
  EXPECT_EQ(go.Header.WaitListHead.Flink, &block->WaitListEntry);
  KeSetEvent(&go, IO_NO_INCREMENT, FALSE);
  thread.join();
}

TEST_F(InitialValues, DriverAndDevice) {
  const PDRIVER_OBJECT driver = *io::create_driver(u"Sample", {});
  EXPECT_EQ(driver->Type, IO_TYPE_DRIVER);
  EXPECT_EQ(driver->Size, 0x150);
  PDEVICE_OBJECT device = nullptr;
  ASSERT_EQ(IoCreateDevice(driver, 0x20, nullptr, FILE_DEVICE_UNKNOWN, 0, TRUE, &device), STATUS_SUCCESS);
  EXPECT_EQ(device->Type, IO_TYPE_DEVICE);
  EXPECT_EQ(device->Size, 0x170);
  EXPECT_EQ(device->Flags, ULONG{DO_DEVICE_INITIALIZING | DO_EXCLUSIVE});
  EXPECT_EQ(device->DeviceExtension, device + 1);
  EXPECT_EQ(device->DeviceObjectExtension->Type, IO_TYPE_DEVICE_OBJECT_EXTENSION);
  EXPECT_EQ(device->DeviceObjectExtension->DeviceObject, device);
  EXPECT_EQ(device->DeviceQueue.Type, 20);
  EXPECT_EQ(device->DeviceQueue.Size, 0x28);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(device) % 0x10, 0u);
  IoDeleteDevice(device);
  io::delete_driver(driver);
}

}  // namespace
}  // namespace ntemu::test
