// StartIo: one IRP of a device after the other.
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

class StartIoTest : public DeviceDriverTest {
 protected:
  StartIoTest() {
    started.clear();
    cancelled.clear();
  }
  ~StartIoTest() override {
    for (PIRP irp : irps) IoFreeIrp(irp);
  }
  void start() {
    DeviceDriverTest::start();
    driver->DriverStartIo = [](PDEVICE_OBJECT of, PIRP irp) {
      EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
      EXPECT_EQ(of->CurrentIrp, irp);
      started.push_back(irp);
    };
    device = routines.device;
  }
  // As a dispatch routine has it.
  PIRP make() {
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(irp);
    irps.push_back(irp);
    return irp;
  }
  void next(BOOLEAN cancelable = FALSE) {
    KIRQL irql;
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    IoStartNextPacket(device, cancelable);
    KeLowerIrql(irql);
  }
  static VOID cancel(PDEVICE_OBJECT, PIRP irp) {
    IoReleaseCancelSpinLock(irp->CancelIrql);
    cancelled.push_back(irp);
  }
  static inline std::vector<PIRP> started, cancelled;
  PDEVICE_OBJECT device = nullptr;
  std::vector<PIRP> irps;
};
using IoStartPacket = StartIoTest;
using IoStartNextPacket = StartIoTest;
using IoStartNextPacketByKey = StartIoTest;

TEST_F(IoStartPacket, StartsOneAndQueuesTheOthers) {
  start();
  PIRP first = make(), second = make(), third = make();
  for (PIRP irp : {first, second, third}) ::IoStartPacket(device, irp, nullptr, nullptr);
  EXPECT_EQ(started, std::vector<PIRP>{first});
  next();
  EXPECT_EQ(started, (std::vector<PIRP>{first, second}));
  next();
  next();
  EXPECT_EQ(started, (std::vector<PIRP>{first, second, third}));
  EXPECT_EQ(device->CurrentIrp, nullptr);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  ::IoStartPacket(device, first, nullptr, nullptr);
  EXPECT_EQ(started.back(), first) << "the device is idle again";
}

TEST_F(IoStartPacket, TakesACancelRoutine) {
  start();
  PIRP busy = make(), queued = make(), late = make();
  ::IoStartPacket(device, busy, nullptr, cancel);
  EXPECT_EQ(busy->CancelRoutine, &cancel);
  ::IoStartPacket(device, queued, nullptr, cancel);
  EXPECT_EQ(queued->CancelRoutine, &cancel);
  late->Cancel = TRUE;
  ::IoStartPacket(device, late, nullptr, cancel);
  EXPECT_EQ(cancelled, std::vector<PIRP>{late});
  EXPECT_EQ(late->CancelRoutine, nullptr);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_TRUE(IoCancelIrp(queued));
  EXPECT_EQ(cancelled, (std::vector<PIRP>{late, queued}));
  next(TRUE);
  EXPECT_EQ(started, (std::vector<PIRP>{busy, queued})) << "the cancel routine would have taken it from the queue";
}

using IoRequestDpc = StartIoTest;
TEST_F(IoRequestDpc, CallsTheDevicesRoutine) {
  start();
  static KEVENT called;
  KeInitializeEvent(&called, NotificationEvent, FALSE);
  IoInitializeDpcRequest(device, [](PKDPC, PDEVICE_OBJECT of, PIRP irp, PVOID context) {
    EXPECT_EQ(of, context);
    EXPECT_EQ(irp, of->CurrentIrp);
    ::IoStartNextPacket(of, FALSE);
    KeSetEvent(&called, IO_NO_INCREMENT, FALSE);
  });
  PIRP irp = make();
  ::IoStartPacket(device, irp, nullptr, nullptr);
  ::IoRequestDpc(device, irp, device);
  wait(&called);
  KeFlushQueuedDpcs();
  EXPECT_EQ(device->CurrentIrp, nullptr);
}

TEST_F(IoStartNextPacketByKey, TakesTheFirstThatIsNotBelow) {
  start();
  ::IoStartPacket(device, make(), nullptr, nullptr);
  for (ULONG key : {30u, 10u, 20u}) ::IoStartPacket(device, make(), &key, nullptr);
  KIRQL irql;
  KeRaiseIrql(DISPATCH_LEVEL, &irql);
  for (const ULONG key : {15u, 15u, 15u}) ::IoStartNextPacketByKey(device, FALSE, key);
  KeLowerIrql(irql);
  EXPECT_EQ(started, (std::vector<PIRP>{irps[0], irps[3], irps[1], irps[2]})) << "20, 30, and from the beginning";
}

}  // namespace
}  // namespace ntemu::test
