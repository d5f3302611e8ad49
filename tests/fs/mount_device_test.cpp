// Devices that are no volumes, opened by Linux programs.
#include <mutex>
#include <thread>

#include "ntemu/base/clock.h"
#include "ntemu/io/driver.h"
#include "ntemu/ob/object.h"
#include "tests/fs/mount_fixture.h"

namespace ntemu::fs::test {
namespace {

// A driver that gives back what it was given last, and keeps reads of 13 bytes for itself.
constexpr ULONG kKept = 13;
std::mutex lock;
std::string last_written;
std::string written() {
  std::lock_guard guard(lock);
  return last_written;
}
std::atomic<uint32_t> opens, closes, kept_reads;
std::atomic<PIRP> kept;

void count(std::atomic<uint32_t> &counter) {
  ++counter;
  base::wake_word(counter);
}
void await(std::atomic<uint32_t> &counter, uint32_t value) {
  for (uint32_t seen; (seen = counter.load()) < value;) base::wait_word(counter, seen);
}

NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  IofCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

NTSTATUS dispatch(PDEVICE_OBJECT, PIRP irp) {
  const PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
  auto *buffer = static_cast<char *>(irp->AssociatedIrp.SystemBuffer);
  std::lock_guard guard(lock);
  switch (location->MajorFunction) {
    case IRP_MJ_CREATE:
      count(opens);
      return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_CLOSE:
      count(closes);
      return complete(irp, STATUS_SUCCESS, 0);
    case IRP_MJ_WRITE:
      last_written.assign(buffer, location->Parameters.Write.Length);
      return complete(irp, STATUS_SUCCESS, last_written.size());
    case IRP_MJ_READ: {
      if (location->Parameters.Read.Length == kKept) {
        IoMarkIrpPending(irp);
        kept = irp;
        count(kept_reads);
        return STATUS_PENDING;
      }
      if (location->Parameters.Read.ByteOffset.QuadPart != 0) return complete(irp, STATUS_END_OF_FILE, 0);
      const size_t length = std::min<size_t>(last_written.size(), location->Parameters.Read.Length);
      std::memcpy(buffer, last_written.data(), length);
      return complete(irp, STATUS_SUCCESS, length);
    }
    default:
      return complete(irp, STATUS_SUCCESS, 0);
  }
}

PDEVICE_OBJECT device;

NTSTATUS enter_driver(PDRIVER_OBJECT driver, PUNICODE_STRING) {
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Echo");
  const NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
  if (!NT_SUCCESS(status)) return status;
  device->Flags |= DO_BUFFERED_IO;
  for (const int major : {IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_READ, IRP_MJ_WRITE}) {
    driver->MajorFunction[major] = dispatch;
  }
  return ob::create_symbolic_link(u"\\??\\Echo", u"\\Device\\Echo");
}

class MountDevice : public Mounted {
 protected:
  void SetUp() override {
    Mounted::SetUp();
    if (!view_) return;
    opens = closes = kept_reads = 0;
    kept = nullptr;
    last_written.clear();
    io::DriverImage image;
    image.entry = enter_driver;
    driver_ = *io::create_driver(u"Echo", image);
    ASSERT_EQ(io::start_driver(driver_), STATUS_SUCCESS);
  }
  std::filesystem::path echo() const { return mount_point() / "Echo"; }
  PDRIVER_OBJECT driver_ = nullptr;
};

TEST_F(MountDevice, CarriesReadsAndWrites) {
  ASSERT_EQ(write_file(echo(), "hello", 0), 0);
  EXPECT_EQ(written(), "hello");
  EXPECT_EQ(write_file(echo(), "again", O_TRUNC), 0);
  EXPECT_EQ(read_file(mount_point() / "ECHO"), "again");
  await(closes, 3);
  EXPECT_EQ(opens, 3u);
  EXPECT_EQ(error_of(::unlink(echo().c_str())), EACCES);
  EXPECT_EQ(error_of(::truncate(echo().c_str(), 5)), EACCES);
  EXPECT_EQ(error_of_opening(echo() / "a", O_RDONLY), ENOTDIR);
}

TEST_F(MountDevice, AWaitingReadHoldsNothingUp) {
  Open file(echo(), O_RDWR);
  char buffer[kKept];
  ssize_t length = 0;
  std::thread reader([&] { length = ::read(file.fd(), buffer, sizeof(buffer)); });
  await(kept_reads, 1);
  ASSERT_EQ(write_file(drive() / "a", "x"), 0);
  EXPECT_EQ(read_file(drive() / "a"), "x");
  std::memcpy(kept.load()->AssociatedIrp.SystemBuffer, "done", 4);
  complete(kept, STATUS_SUCCESS, 4);
  reader.join();
  EXPECT_EQ(length, 4);
  EXPECT_EQ(std::string(buffer, 4), "done");
}

// Whatever a driver does, the mount can go; its late answer hurts nobody.
TEST_F(MountDevice, UnmountsWhileADriverKeepsARead) {
  Open file(echo(), O_RDONLY);
  char buffer[kKept];
  ssize_t length = 0;
  std::thread reader([&] { length = ::read(file.fd(), buffer, sizeof(buffer)); });
  await(kept_reads, 1);
  view_.reset();
  reader.join();
  EXPECT_EQ(length, -1);
  complete(kept, STATUS_SUCCESS, 4);
  file.close();
}

}  // namespace
}  // namespace ntemu::fs::test
