// Reading from and writing to devices that are no volumes.
#include <cstring>

#include "ntemu/io/file.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

class TransferTest : public DeviceDriverTest {
 protected:
  static PVOID buffer_of(PIRP irp) {
    if (routines.device_flags & DO_BUFFERED_IO) return irp->AssociatedIrp.SystemBuffer;
    if (routines.device_flags & DO_DIRECT_IO)
      return irp->MdlAddress ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority) : nullptr;
    return irp->UserBuffer;
  }
  void start(ULONG flags) {
    routines.device_flags = flags;
    on(IRP_MJ_READ, [this](PDEVICE_OBJECT, PIRP irp) {
      const auto &read = IoGetCurrentIrpStackLocation(irp)->Parameters.Read;
      offset = read.ByteOffset.QuadPart;
      const ULONG count = std::min<ULONG>(read.Length, 5);
      if (count) std::memcpy(buffer_of(irp), "hello", count);
      return complete(irp, STATUS_SUCCESS, count);
    });
    on(IRP_MJ_WRITE, [this](PDEVICE_OBJECT, PIRP irp) {
      const auto &write = IoGetCurrentIrpStackLocation(irp)->Parameters.Write;
      offset = write.ByteOffset.QuadPart;
      if (write.Length) written.assign(static_cast<char *>(buffer_of(irp)), write.Length);
      return complete(irp, STATUS_SUCCESS, write.Length);
    });
    DeviceDriverTest::start();
    ASSERT_EQ(open(u"\\Device\\Sample", &handle, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  }
  void transfer_both_ways() {
    char buffer[17] = "................";
    IO_STATUS_BLOCK io_status{};
    LARGE_INTEGER at{};
    at.QuadPart = 77;
    EXPECT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, sizeof(buffer), &at, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(io_status.Information, 5u);
    EXPECT_EQ(offset, 77);
    EXPECT_EQ(std::string(buffer, 6), "hello.");
    EXPECT_EQ(ZwWriteFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, 4, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(io_status.Information, 4u);
    EXPECT_EQ(offset, 0);
    EXPECT_EQ(written, "hell");
    EXPECT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, nullptr, 0, nullptr, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(io_status.Information, 0u);
    EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
  }
  HANDLE handle = nullptr;
  LONGLONG offset = -1;
  std::string written;
};
using ReadWriteDevice = TransferTest;

TEST_F(ReadWriteDevice, Buffered) {
  start(DO_BUFFERED_IO);
  transfer_both_ways();
}
TEST_F(ReadWriteDevice, Direct) {
  start(DO_DIRECT_IO);
  transfer_both_ways();
}
TEST_F(ReadWriteDevice, Neither) {
  start(0);
  transfer_both_ways();
}

TEST_F(ReadWriteDevice, UserModeNeedsRights) {
  start(DO_BUFFERED_IO);
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
  HANDLE reader;
  IO_STATUS_BLOCK io_status;
  ASSERT_EQ(ZwOpenFile(&reader, FILE_READ_DATA | SYNCHRONIZE, &attributes, &io_status, 0, FILE_SYNCHRONOUS_IO_NONALERT),
            STATUS_SUCCESS);
  char byte = 0;
  EXPECT_EQ(io::read_file(reader, nullptr, &io_status, &byte, 1, nullptr, UserMode), STATUS_SUCCESS);
  EXPECT_EQ(io::write_file(reader, nullptr, &io_status, &byte, 1, nullptr, UserMode), STATUS_ACCESS_DENIED);
  EXPECT_EQ(io::write_file(reader, nullptr, &io_status, &byte, 1, nullptr, KernelMode), STATUS_SUCCESS);
  ZwClose(reader);
  ZwClose(handle);
}

TEST_F(ReadWriteDevice, WithoutARoutineIsRefused) {
  DeviceDriverTest::start();
  ASSERT_EQ(open(u"\\Device\\Sample", &handle, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  IO_STATUS_BLOCK io_status{};
  io_status.Status = STATUS_PENDING;
  char byte = 0;
  EXPECT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, &byte, 1, nullptr, nullptr),
            STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(io_status.Status, STATUS_PENDING) << "left alone";
  FILE_STANDARD_INFORMATION standard;
  EXPECT_EQ(ZwQueryInformationFile(handle, &io_status, &standard, sizeof(standard), FileStandardInformation),
            STATUS_INVALID_DEVICE_REQUEST);
  ZwClose(handle);
}

TEST_F(ReadWriteDevice, ASynchronousFileWaitsForAPendingRead) {
  routines.device_flags = DO_BUFFERED_IO;
  std::atomic<PIRP> held{nullptr};
  KEVENT arrived;
  KeInitializeEvent(&arrived, NotificationEvent, FALSE);
  on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    held = irp;
    KeSetEvent(&arrived, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
  });
  DeviceDriverTest::start();
  ASSERT_EQ(open(u"\\Device\\Sample", &handle, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  IO_STATUS_BLOCK io_status{};
  char buffer[4] = {};
  SystemThread reader([&] {
    status = ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, sizeof(buffer), nullptr, nullptr);
  });
  wait(&arrived);
  std::memcpy(held.load()->AssociatedIrp.SystemBuffer, "abc", 3);
  complete(held, STATUS_SUCCESS, 3);
  reader.join();
  EXPECT_EQ(status, STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 3u);
  EXPECT_STREQ(buffer, "abc");
  ZwClose(handle);
}

TEST_F(ReadWriteDevice, AnAsynchronousFileReturnsPending) {
  routines.device_flags = DO_BUFFERED_IO;
  PIRP held = nullptr;
  on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    held = irp;
    return STATUS_PENDING;
  });
  DeviceDriverTest::start();
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  IO_STATUS_BLOCK io_status{};
  char buffer[4] = {};
  LARGE_INTEGER at{};
  EXPECT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, sizeof(buffer), nullptr, nullptr),
            STATUS_INVALID_PARAMETER)
      << "there is no position";
  ASSERT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, sizeof(buffer), &at, nullptr),
            STATUS_PENDING);
  LARGE_INTEGER now{};
  EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, &now), STATUS_TIMEOUT);
  std::memcpy(held->AssociatedIrp.SystemBuffer, "abc", 3);
  complete(held, STATUS_SUCCESS, 3);
  EXPECT_EQ(ZwWaitForSingleObject(handle, FALSE, &now), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 3u);
  EXPECT_STREQ(buffer, "abc");
  // The request keeps the file: the driver is told of the close afterwards.
  ASSERT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, buffer, sizeof(buffer), &at, nullptr),
            STATUS_PENDING);
  ZwClose(handle);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  complete(held, STATUS_CANCELLED);
  EXPECT_EQ(io_status.Status, STATUS_CANCELLED);
  EXPECT_EQ(routines.device->ReferenceCount, 0);
}

}  // namespace
}  // namespace ntemu::test
