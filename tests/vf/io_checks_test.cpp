#include "ntemu/base/pages.h"
#include "ntemu/io/driver.h"
#include "ntemu/vf/pageable_code.h"
#include "ntemu/vf/rules.h"
#include "tests/vf/verifier_fixture.h"

namespace ntemu::test {
namespace {

void (*during)(PIRP);
NTSTATUS answer = STATUS_SUCCESS;

NTSTATUS dispatch(PDEVICE_OBJECT, PIRP irp) {
  if (during) during(irp);
  irp->IoStatus.Status = STATUS_SUCCESS;
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return answer;
}
VOID unload(PDRIVER_OBJECT driver) { IoDeleteDevice(driver->DeviceObject); }
NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING) {
  driver->DriverUnload = unload;
  for (auto &routine : driver->MajorFunction) routine = dispatch;
  PDEVICE_OBJECT device;
  return IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}
VOID cancel(PDEVICE_OBJECT, PIRP) {}
NTSTATUS keep(PDEVICE_OBJECT, PIRP, PVOID context) {
  if (context) reinterpret_cast<void (*)()>(context)();
  return STATUS_MORE_PROCESSING_REQUIRED;
}
void raise_to_apc() { KfRaiseIrql(APC_LEVEL); }
void enter_region() { KeEnterCriticalRegion(); }

class IoChecks : public VerifierTest {
 protected:
  IoChecks() {
    during = nullptr;
    const io::DriverImage image{&during, sizeof(during), entry, this, false};
    const auto created = io::create_driver(u"Checked", image);
    EXPECT_TRUE(created);
    driver = *created;
    EXPECT_EQ(io::start_driver(driver), STATUS_SUCCESS);
    device = driver->DeviceObject;
    irp = IoAllocateIrp(2, FALSE);
    prepare();
    verify(vf::kIo);
  }
  ~IoChecks() override {
    stop_verifying();
    IoFreeIrp(irp);
    EXPECT_EQ(io::unload_driver(driver), STATUS_SUCCESS);
  }
  void prepare(void (*completing)() = nullptr) {
    IoReuseIrp(irp, STATUS_SUCCESS);
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, keep, reinterpret_cast<PVOID>(completing), TRUE, TRUE, TRUE);
  }
  template <class Body>
  void expect_io(const Body &body, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3 = 0, ULONG_PTR p4 = 0) {
    expect_stop(ke::catch_bugcheck(body), 0xC9, {p1, p2, p3, p4});
  }
  void send() { IoCallDriver(device, irp); }

  PDRIVER_OBJECT driver;
  PDEVICE_OBJECT device;
  PIRP irp;
};

const ULONG_PTR kDispatch = reinterpret_cast<ULONG_PTR>(dispatch), kKeep = reinterpret_cast<ULONG_PTR>(keep);

TEST_F(IoChecks, NothingWhenAllIsRight) {
  expect_silence([&] { send(); });
  expect_silence([] { IoFreeIrp(IoAllocateIrp(1, FALSE)); });
  expect_silence([&] {
    const auto own = static_cast<PIRP>(ExAllocatePool2(POOL_FLAG_NON_PAGED, IoSizeOfIrp(1), 'tseT'));
    IoInitializeIrp(own, IoSizeOfIrp(1), 1);
    IoSetNextIrpStackLocation(own);
    IoReuseIrp(own, STATUS_SUCCESS);
    ExFreePoolWithTag(own, 'tseT');
    const PIRP built = IoBuildAsynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, device, nullptr, 0, nullptr, nullptr);
    IoFreeIrp(built);
  });
}

TEST_F(IoChecks, WhatIsSent) {
  {
    const AtIrql synch(SYNCH_LEVEL);
    expect_io([&] { send(); }, 0x10, SYNCH_LEVEL);
  }
  irp->Type = 0;
  expect_io([&] { send(); }, 0x03, at(irp));
  expect_io([&] { IoFreeIrp(irp); }, 0x01, at(irp));
  irp->Type = IO_TYPE_IRP;
  KEVENT event{};
  expect_io([&] { IoCallDriver(reinterpret_cast<PDEVICE_OBJECT>(&event), irp); }, 0x04, at(&event));
  expect_io([&] { IoCallDriver(nullptr, irp); }, 0x204, kAny, at(irp), 0);
  irp->UserEvent = reinterpret_cast<PKEVENT>(0x18);
  expect_violation([&] { send(); }, 0xE2, at(irp), 0x18);
  irp->RequestorMode = UserMode;
  expect_silence([&] { send(); });
  prepare();
  irp->RequestorMode = KernelMode;
  irp->UserEvent = nullptr;
  IoSetCancelRoutine(irp, cancel);
  expect_io([&] { send(); }, 0x203, kAny, at(irp), at(device));
  IoSetCancelRoutine(irp, nullptr);
  irp->CurrentLocation = 1;
  expect_io([&] { send(); }, 0x208, kAny, at(irp), at(device));
  prepare();
}

TEST_F(IoChecks, WhatIsForwarded) {
  during = [](PIRP sent) {
    const auto location = IoGetCurrentIrpStackLocation(sent), next = IoGetNextIrpStackLocation(sent);
    const PDEVICE_OBJECT same = location->DeviceObject;
    during = nullptr;
    IoMarkIrpPending(sent);
    IoCopyCurrentIrpStackLocationToNext(sent);
    next->Control = location->Control;
    expect_stop(ke::catch_bugcheck([&] { IoCallDriver(same, sent); }), 0xC9, {0x206, kAny, at(sent), at(same)});
    location->Control &= static_cast<UCHAR>(~SL_PENDING_RETURNED);
    *next = *location;
    next->Context = location->Context = sent;
    expect_stop(ke::catch_bugcheck([&] { IoCallDriver(same, sent); }), 0xC9, {0x207, kAny, at(sent), at(same)});
    IoCopyCurrentIrpStackLocationToNext(sent);
    location->Context = nullptr;
  };
  expect_silence([&] { send(); });
}

TEST_F(IoChecks, WhatADispatchRoutineReturns) {
  answer = -1;
  expect_io([&] { send(); }, 0x225, kDispatch, at(irp), at(device));
  answer = STATUS_SUCCESS;
  prepare();
  device->Flags |= DO_BUFFERED_IO | DO_DIRECT_IO;
  expect_io([&] { send(); }, 0x245, kDispatch, 0, at(device));
  device->Flags &= ~ULONG{DO_DIRECT_IO};
  expect_silence([&] { send(); });
}

TEST_F(IoChecks, CompletionRoutineForgetsThatTheIrpWasPending) {
  static bool marks;
  const PIO_COMPLETION_ROUTINE pass = [](PDEVICE_OBJECT, PIRP done, PVOID) -> NTSTATUS {
    if (marks && done->PendingReturned) IoMarkIrpPending(done);
    return STATUS_SUCCESS;
  };
  const auto through = [&] {
    IoSetNextIrpStackLocation(irp);  // the sender's own, as of a driver that forwards it
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoSetCompletionRoutine(irp, pass, nullptr, TRUE, TRUE, TRUE);
    IoSetCompletionRoutine(irp, pass, nullptr, TRUE, TRUE, TRUE);
    during = [](PIRP sent) { IoMarkIrpPending(sent); };
    send();
  };
  marks = false;
  expect_io(through, 0x228, at(reinterpret_cast<const void *>(pass)), at(irp), 0);
}

TEST_F(IoChecks, ADeviceThatIsDeletedWhileItIsAttached) {
  stop_verifying();
  PDEVICE_OBJECT upper;
  ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &upper), STATUS_SUCCESS);
  ASSERT_EQ(IoAttachDeviceToDeviceStack(upper, device), device);
  verify(vf::kIo);
  expect_io([&] { IoDeleteDevice(upper); }, 0x201, kAny, 0, at(upper));
  IoDetachDevice(device);
  expect_silence([&] { IoDeleteDevice(upper); });
}

TEST_F(IoChecks, ADeviceThatIsDeletedTwice) {
  stop_verifying();
  PDEVICE_OBJECT lower, upper;
  for (PDEVICE_OBJECT *each : {&lower, &upper})
    ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, each), STATUS_SUCCESS);
  lower->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
  ASSERT_EQ(IoAttachDeviceToDeviceStack(upper, lower), lower);
  verify(vf::kIo);
  expect_silence([&] { IoDeleteDevice(lower); });  // which waits for the other
  expect_io([&] { IoDeleteDevice(lower); }, 0x240, kAny, 0, at(lower));
  IoDetachDevice(lower);
  expect_silence([&] { IoDeleteDevice(upper); });
}

TEST_F(IoChecks, ACompletionRoutineInPageableCode) {
  void *const page = reinterpret_cast<void *>(kKeep & ~ULONG_PTR{base::kPageSize - 1});
  vf::note_pageable_code(page, base::kPageSize);
  expect_io([&] { send(); }, 0x227, kKeep, at(irp), at(device));
  vf::forget_pageable_code(page);
  expect_silence([&] { send(); });
}

TEST_F(IoChecks, WhatIsCompleted) {
  during = [](PIRP sent) {
    sent->IoStatus.Status = STATUS_PENDING;
    IoCompleteRequest(sent, IO_NO_INCREMENT);
  };
  expect_io([&] { send(); }, 0x06, STATUS_PENDING, at(irp));
  prepare();
  during = [](PIRP sent) {
    sent->IoStatus.Status = -1;
    IoCompleteRequest(sent, IO_NO_INCREMENT);
  };
  expect_io([&] { send(); }, 0x06, 0xFFFFFFFF, at(irp));
  prepare();
  during = [](PIRP sent) { IoSetCancelRoutine(sent, cancel); };
  expect_io([&] { send(); }, 0x07, reinterpret_cast<ULONG_PTR>(cancel), at(irp));
  IoSetCancelRoutine(irp, nullptr);
  prepare();
  during = [](PIRP sent) {
    const AtIrql synch(SYNCH_LEVEL);
    const ke::Bugcheck stop = ke::catch_bugcheck([&] { IoCompleteRequest(sent, IO_NO_INCREMENT); });
    expect_stop(stop, 0xC9, {0x0E, SYNCH_LEVEL, at(sent), 0});
  };
  expect_silence([&] { send(); });
}

TEST_F(IoChecks, DispatchRoutineChangesTheIrql) {
  during = [](PIRP) { KfRaiseIrql(APC_LEVEL); };
  expect_io([&] { send(); }, 0x05, at(device), PASSIVE_LEVEL, APC_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
  prepare();
  verify(vf::kDdiCompliance);
  expect_violation([&] { send(); }, vf::kRuleIrqlReturn, kAny);
  KeLowerIrql(PASSIVE_LEVEL);
}

TEST_F(IoChecks, DispatchRoutineChangesRegions) {
  during = [](PIRP) { KeEnterCriticalRegion(); };
  expect_violation([&] { send(); }, 0xC5, kDispatch, 0xFFFF, 0);
  KeLeaveCriticalRegion();
  prepare();
  verify(vf::kDdiCompliance);
  expect_violation([&] { send(); }, vf::kRuleCriticalRegions, kAny);
  KeLeaveCriticalRegion();
  prepare();
  during = [](PIRP) { KeEnterGuardedRegion(); };
  expect_violation([&] { send(); }, vf::kRuleGuardedRegions, kAny);
  KeLeaveGuardedRegion();
}

KSPIN_LOCK kept;
TEST_F(IoChecks, DispatchRoutineKeepsASpinLock) {
  verify(vf::kDdiCompliance);
  during = [](PIRP) { KeAcquireSpinLockRaiseToDpc(&kept); };
  expect_violation([&] { send(); }, vf::kRuleSpinLock, kAny);
  KeReleaseSpinLock(&kept, PASSIVE_LEVEL);
}

TEST_F(IoChecks, CompletionRoutineChangesSomething) {
  prepare(raise_to_apc);
  expect_violation([&] { send(); }, 0xFA, kKeep, PASSIVE_LEVEL, APC_LEVEL);
  KeLowerIrql(PASSIVE_LEVEL);
  prepare(enter_region);
  expect_violation([&] { send(); }, 0xFB, kKeep, 0xFFFF, 0);
  KeLeaveCriticalRegion();
}

TEST_F(IoChecks, TimersAndDetaching) {
  ASSERT_EQ(IoInitializeTimer(
                device, [](PDEVICE_OBJECT, PVOID) {}, nullptr),
            STATUS_SUCCESS);
  expect_io(
      [&] {
        IoInitializeTimer(
            device, [](PDEVICE_OBJECT, PVOID) {}, nullptr);
      },
      0x0A, at(device));
  expect_io([&] { IoDetachDevice(device); }, 0x202, kAny, 0, at(device));
}

TEST_F(IoChecks, AnIrpThatAThreadWaitsFor) {
  stop_verifying();
  KEVENT event;
  IO_STATUS_BLOCK status;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  const PIRP queued = IoBuildDeviceIoControlRequest(0, device, nullptr, 0, nullptr, 0, FALSE, &event, &status);
  ASSERT_NE(queued, nullptr);
  verify(vf::kIo);
  expect_io([&] { IoFreeIrp(queued); }, 0x02, at(queued));
  EXPECT_EQ(IoCallDriver(device, queued), STATUS_SUCCESS);
}

}  // namespace
}  // namespace ntemu::test
