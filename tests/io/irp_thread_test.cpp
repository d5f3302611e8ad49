// The requests of a thread that ends.
#include <thread>

#include "ntemu/base/log.h"
#include "ntemu/io/irp.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kControlCode = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS);

class ThreadIo : public DeviceDriverTest {
 protected:
  // Requests pend; `routine` is their cancel routine.
  void start(PDRIVER_CANCEL routine) {
    on(IRP_MJ_DEVICE_CONTROL, [this, routine](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
      IoMarkIrpPending(irp);
      held.push_back(irp);
      IoSetCancelRoutine(irp, routine);
      return STATUS_PENDING;
    });
    DeviceDriverTest::start();
    ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  }
  NTSTATUS send(IO_STATUS_BLOCK &io_status) {
    return ZwDeviceIoControlFile(handle, nullptr, nullptr, nullptr, &io_status, kControlCode, nullptr, 0, nullptr, 0);
  }
  static VOID cancel(PDEVICE_OBJECT, PIRP irp) {
    IoReleaseCancelSpinLock(irp->CancelIrql);
    complete(irp, STATUS_CANCELLED);
  }
  HANDLE handle = nullptr;
  std::vector<PIRP> held;
};

TEST_F(ThreadIo, IsCancelledWhenTheThreadEnds) {
  start(cancel);
  IO_STATUS_BLOCK io_status[3];
  SystemThread sender([&] {
    for (IO_STATUS_BLOCK &each : io_status) EXPECT_EQ(send(each), STATUS_PENDING);
  });
  sender.join();
  for (const IO_STATUS_BLOCK &each : io_status) EXPECT_EQ(each.Status, STATUS_CANCELLED);
  ZwClose(handle);
}

TEST_F(ThreadIo, KeepsTheThreadUntilTheDriverHasCompletedIt) {
  static PIRP cancelled;
  static KEVENT event;
  cancelled = nullptr;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  start([](PDEVICE_OBJECT, PIRP irp) {
    IoReleaseCancelSpinLock(irp->CancelIrql);
    cancelled = irp;
    KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
  });
  IO_STATUS_BLOCK io_status{};
  SystemThread sender([&] { send(io_status); });
  wait(&event);
  sender.await_blocked();
  EXPECT_FALSE(sender.ended());
  complete(cancelled, STATUS_SUCCESS, 5);
  sender.join();
  EXPECT_EQ(io_status.Information, 5u);
  ZwClose(handle);
}

TEST_F(ThreadIo, OfAHostThreadIsDroppedWhenItEnds) {
  start(nullptr);
  IO_STATUS_BLOCK io_status{};
  io_status.Status = STATUS_PENDING;
  std::thread([&] { EXPECT_EQ(send(io_status), STATUS_PENDING); }).join();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0]->Tail.Overlay.Thread, nullptr);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  complete(held[0], STATUS_SUCCESS, 5);
  EXPECT_EQ(io_status.Status, STATUS_PENDING) << "nobody is there to be told";
  ZwClose(handle);
  EXPECT_EQ(routines.device->ReferenceCount, 0) << "the request's reference to the file is gone, too";
}

TEST_F(ThreadIo, ThatADriverFreesItselfIsTakenOffTheList) {
  DeviceDriverTest::start();
  std::string text;
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  PIRP irp =
      IoBuildDeviceIoControlRequest(kControlCode, routines.device, nullptr, 0, nullptr, 0, FALSE, nullptr, nullptr);
  IoFreeIrp(irp);
  base::set_log_sink(nullptr);
  EXPECT_TRUE(IsListEmpty(&PsGetCurrentThread()->IrpList));
  EXPECT_NE(text.find("belongs to a thread"), std::string::npos) << text;
}

// The completion comes from a DPC's IRQL, and its reference to the file is the last one.
TEST_F(ThreadIo, CompletedAtDispatchLevelClosesTheFileOnAWorker) {
  KEVENT closed;
  KeInitializeEvent(&closed, NotificationEvent, FALSE);
  KIRQL irql = 0xFF;
  on(IRP_MJ_CLOSE, [&](PDEVICE_OBJECT, PIRP irp) {
    irql = KeGetCurrentIrql();
    const NTSTATUS status = complete(irp, STATUS_SUCCESS);
    KeSetEvent(&closed, IO_NO_INCREMENT, FALSE);
    return status;
  });
  start(nullptr);
  IO_STATUS_BLOCK io_status{};
  EXPECT_EQ(send(io_status), STATUS_PENDING);
  ZwClose(handle);
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  complete(held[0], STATUS_SUCCESS, 1);
  KeLowerIrql(before);
  wait(&closed);
  EXPECT_EQ(irql, PASSIVE_LEVEL);
  EXPECT_EQ(io_status.Information, 1u);
}

}  // namespace
}  // namespace ntemu::test
