// Requests that a driver builds for another.
#include <cstring>

#include "ntemu/io/irp.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kCode = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x900, METHOD_BUFFERED, FILE_ANY_ACCESS);

class BuildTest : public DeviceDriverTest {
 protected:
  BuildTest() { KeInitializeEvent(&event, NotificationEvent, FALSE); }
  PIRP build(PVOID input, ULONG input_length, PVOID output, ULONG output_length, BOOLEAN internal = FALSE,
             ULONG code = kCode) {
    return IoBuildDeviceIoControlRequest(code, routines.device, input, input_length, output, output_length, internal,
                                         &event, &io_status);
  }
  static bool is_mine(PIRP irp) { return irp->ThreadListEntry.Blink == &PsGetCurrentThread()->IrpList; }
  static bool has_none() { return IsListEmpty(&PsGetCurrentThread()->IrpList); }
  KEVENT event;
  IO_STATUS_BLOCK io_status{};
};
using IoBuildDeviceIoControlRequest = BuildTest;
using IoBuildSynchronousFsdRequest = BuildTest;
using IoBuildAsynchronousFsdRequest = BuildTest;

TEST_F(IoBuildDeviceIoControlRequest, FillsTheRequest) {
  start();
  char input[] = "input", output[3];
  PIRP irp = build(input, 5, output, 3);
  ASSERT_NE(irp, nullptr);
  const PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
  EXPECT_EQ(next->MajorFunction, IRP_MJ_DEVICE_CONTROL);
  EXPECT_EQ(next->Parameters.DeviceIoControl.IoControlCode, kCode);
  EXPECT_EQ(next->Parameters.DeviceIoControl.InputBufferLength, 5u);
  EXPECT_EQ(next->Parameters.DeviceIoControl.OutputBufferLength, 3u);
  EXPECT_EQ(std::memcmp(irp->AssociatedIrp.SystemBuffer, "input", 5), 0);
  EXPECT_EQ(irp->UserBuffer, output);
  EXPECT_EQ(irp->UserEvent, &event);
  EXPECT_EQ(irp->UserIosb, &io_status);
  EXPECT_EQ(irp->Tail.Overlay.Thread, PsGetCurrentThread());
  EXPECT_EQ(irp->RequestorMode, KernelMode);
  EXPECT_TRUE(is_mine(irp));
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_TRUE(has_none());
}

TEST_F(IoBuildDeviceIoControlRequest, AnErrorThatTheDriverReturnsIsAllThatIsTold) {
  start();
  io_status.Status = STATUS_PENDING;
  EXPECT_EQ(IoCallDriver(routines.device, build(nullptr, 0, nullptr, 0, TRUE)), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(KeReadStateEvent(&event), 0);
  EXPECT_EQ(io_status.Status, STATUS_PENDING);
}

TEST_F(IoBuildDeviceIoControlRequest, CompletionCopiesBackAndSetsTheEvent) {
  PIRP held = nullptr;
  on(IRP_MJ_INTERNAL_DEVICE_CONTROL, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    held = irp;
    return STATUS_PENDING;
  });
  start();
  for (const NTSTATUS status : {STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR}) {
    char output[4] = "...";
    KeClearEvent(&event);
    ASSERT_EQ(IoCallDriver(routines.device, build(nullptr, 0, output, 4, TRUE)), STATUS_PENDING);
    EXPECT_EQ(poll(&event), STATUS_TIMEOUT);
    std::memcpy(held->AssociatedIrp.SystemBuffer, "abc", 4);
    complete(held, status, 2);
    EXPECT_EQ(poll(&event), STATUS_SUCCESS);
    EXPECT_EQ(io_status.Status, status);
    EXPECT_STREQ(output, status == STATUS_SUCCESS ? "ab." : "...");
    EXPECT_TRUE(has_none());
  }
}

TEST_F(IoBuildDeviceIoControlRequest, IsNullForADirectBufferThatIsNotThere) {
  start();
  EXPECT_EQ(build(nullptr, 0, reinterpret_cast<void *>(0x1000), 8, FALSE, kCode | METHOD_OUT_DIRECT), nullptr);
  EXPECT_TRUE(has_none());
}

TEST_F(IoBuildSynchronousFsdRequest, ReadsAndWritesAsTheDeviceAsks) {
  for (const ULONG flags : {ULONG{0}, ULONG{DO_BUFFERED_IO}, ULONG{DO_DIRECT_IO}}) {
    std::string written;
    const auto buffer_of = [&](PIRP irp) -> void * {
      if (flags & DO_BUFFERED_IO) return irp->AssociatedIrp.SystemBuffer;
      if (flags & DO_DIRECT_IO) return MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
      return irp->UserBuffer;
    };
    const auto dispatch = [&](PDEVICE_OBJECT, PIRP irp) {
      const PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
      EXPECT_EQ(location->Parameters.Read.ByteOffset.QuadPart, 99);
      EXPECT_EQ(location->Parameters.Read.Length, 5u);
      if (location->MajorFunction == IRP_MJ_READ) {
        std::memcpy(buffer_of(irp), "12345", 5);
      } else {
        written.assign(static_cast<char *>(buffer_of(irp)), 5);
      }
      return complete(irp, STATUS_SUCCESS, 5);
    };
    on(IRP_MJ_READ, dispatch);
    on(IRP_MJ_WRITE, dispatch);
    if (!driver) start();
    routines.device->Flags &= ~static_cast<ULONG>(DO_BUFFERED_IO | DO_DIRECT_IO);
    routines.device->Flags |= flags;
    LARGE_INTEGER offset{};
    offset.QuadPart = 99;
    char buffer[8] = "hello";
    for (const ULONG major : {ULONG{IRP_MJ_WRITE}, ULONG{IRP_MJ_READ}}) {
      KeClearEvent(&event);
      PIRP irp = ::IoBuildSynchronousFsdRequest(major, routines.device, buffer, 5, &offset, &event, &io_status);
      ASSERT_NE(irp, nullptr);
      EXPECT_TRUE(is_mine(irp));
      EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
      EXPECT_EQ(KeReadStateEvent(&event), 1);
      EXPECT_EQ(io_status.Information, 5u);
    }
    EXPECT_EQ(written, "hello");
    EXPECT_STREQ(buffer, "12345");
  }
}

TEST_F(IoBuildSynchronousFsdRequest, FlushNeedsNoBuffer) {
  on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS); });
  start();
  PIRP irp =
      ::IoBuildSynchronousFsdRequest(IRP_MJ_FLUSH_BUFFERS, routines.device, nullptr, 0, nullptr, &event, &io_status);
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
  EXPECT_EQ(poll(&event), STATUS_SUCCESS);
}

TEST_F(IoBuildAsynchronousFsdRequest, IsFreedByItsCompletionRoutine) {
  routines.device_flags = DO_DIRECT_IO;
  on(IRP_MJ_WRITE, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, 3); });
  start();
  char buffer[] = "abc";
  LARGE_INTEGER offset{};
  PIRP irp = ::IoBuildAsynchronousFsdRequest(IRP_MJ_WRITE, routines.device, buffer, 3, &offset, nullptr);
  ASSERT_NE(irp, nullptr);
  EXPECT_TRUE(has_none()) << "no thread waits for it";
  const PIO_COMPLETION_ROUTINE routine = [](PDEVICE_OBJECT, PIRP done, PVOID context) -> NTSTATUS {
    *static_cast<ULONG_PTR *>(context) = done->IoStatus.Information;
    MmUnlockPages(done->MdlAddress);
    IoFreeMdl(done->MdlAddress);
    IoFreeIrp(done);
    return STATUS_MORE_PROCESSING_REQUIRED;
  };
  ULONG_PTR moved = 0;
  IoSetCompletionRoutine(irp, routine, &moved, TRUE, TRUE, TRUE);
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
  EXPECT_EQ(moved, 3u);
}

}  // namespace
}  // namespace ntemu::test
