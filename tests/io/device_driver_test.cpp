#include <cstring>

#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "ntemu/io/irp.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

// What the driver under test saw; a driver's routines have no context of their own.
struct Seen {
  NTSTATUS result = STATUS_SUCCESS;
  bool leave_device = false;
  DRIVER_OBJECT at_entry{};
  std::u16string registry_path, service_name, driver_name;
  PETHREAD thread = nullptr;
  KIRQL irql = 0xFF;
  PDEVICE_OBJECT device = nullptr;
  PDRIVER_OBJECT unloaded = nullptr;
} seen;

VOID unload(PDRIVER_OBJECT driver) {
  seen.unloaded = driver;
  if (!seen.leave_device) IoDeleteDevice(seen.device);
}

NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path) {
  seen.at_entry = *driver;
  seen.registry_path = base::view(*registry_path);
  seen.driver_name = base::view(driver->DriverName);
  seen.service_name = base::view(driver->DriverExtension->ServiceKeyName);
  seen.thread = PsGetCurrentThread();
  seen.irql = KeGetCurrentIrql();
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  if (const NTSTATUS status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &seen.device);
      !NT_SUCCESS(status))
    return status;
  driver->DriverUnload = unload;
  return seen.result;
}

class DriverTest : public KernelTest {
 protected:
  DriverTest() { seen = {}; }
  PDRIVER_OBJECT create(bool file_system = false) {
    io::DriverImage image{&seen, sizeof(seen), entry, this, file_system};
    const auto driver = io::create_driver(u"Sample", image);
    EXPECT_TRUE(driver);
    return driver ? *driver : nullptr;
  }
  static bool exists(std::u16string_view path, const _OBJECT_TYPE &type) {
    const auto body = ob::open_by_path(path, &type);
    if (body) ob::dereference(*body);
    return static_cast<bool>(body);
  }
};
using DriverEntry = DriverTest;
using DriverUnload = DriverTest;

TEST_F(DriverEntry, FindsTheDriverObjectFilled) {
  const PDRIVER_OBJECT driver = create();
  ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  EXPECT_EQ(seen.at_entry.Type, 4);
  EXPECT_EQ(seen.at_entry.Size, 336);
  EXPECT_EQ(seen.at_entry.Flags, 2u);
  EXPECT_EQ(seen.at_entry.DriverStart, &seen);
  EXPECT_EQ(seen.at_entry.DriverSize, sizeof(seen));
  EXPECT_EQ(seen.at_entry.DriverSection, this);
  EXPECT_EQ(seen.at_entry.DriverInit, &entry);
  EXPECT_EQ(seen.at_entry.DriverUnload, nullptr);
  EXPECT_EQ(seen.at_entry.DriverExtension->DriverObject, driver);
  EXPECT_EQ(base::view(*seen.at_entry.HardwareDatabase), u"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");
  for (const PDRIVER_DISPATCH routine : seen.at_entry.MajorFunction) EXPECT_EQ(routine, seen.at_entry.MajorFunction[0]);
  const IO_STATUS_BLOCK answer =
      io::call_and_wait(seen.device, io::make_irp(seen.device, nullptr, IRP_MJ_DEVICE_CONTROL, 0)).result;
  EXPECT_EQ(answer.Status, STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(seen.driver_name, u"\\Driver\\Sample");
  EXPECT_EQ(seen.service_name, u"Sample");
  EXPECT_EQ(seen.registry_path, u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\Sample");
  EXPECT_EQ(seen.irql, PASSIVE_LEVEL);
  EXPECT_NE(seen.thread, PsGetCurrentThread());
  EXPECT_TRUE(driver->Flags & DRVO_INITIALIZED);
  EXPECT_FALSE(seen.device->Flags & DO_DEVICE_INITIALIZING);
  EXPECT_EQ(io::unload_driver(driver), STATUS_SUCCESS);
}

TEST_F(DriverEntry, FileSystemsHaveADirectoryOfTheirOwn) {
  const PDRIVER_OBJECT driver = create(true);
  EXPECT_TRUE(exists(u"\\FileSystem\\Sample", io::driver_type));
  EXPECT_FALSE(exists(u"\\Driver\\Sample", io::driver_type));
  io::delete_driver(driver);
}

TEST_F(DriverEntry, NamesAreUnique) {
  const PDRIVER_OBJECT driver = create();
  EXPECT_EQ(io::create_driver(u"SAMPLE", {}).status(), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(io::create_driver(u"", {}).status(), STATUS_OBJECT_NAME_INVALID);
  io::delete_driver(driver);
}

TEST_F(DriverEntry, FailureLeavesNothingAndUnloadsNothing) {
  seen.result = STATUS_DEVICE_NOT_READY;
  EXPECT_EQ(io::start_driver(create()), STATUS_DEVICE_NOT_READY);
  EXPECT_EQ(seen.unloaded, nullptr);
  EXPECT_FALSE(exists(u"\\Driver\\Sample", io::driver_type));
  EXPECT_FALSE(exists(u"\\Device\\Sample", io::device_type));
}

TEST_F(DriverUnload, RunsAndRemovesTheDriver) {
  const PDRIVER_OBJECT driver = create();
  ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  EXPECT_EQ(io::unload_driver(driver), STATUS_SUCCESS);
  EXPECT_EQ(seen.unloaded, driver);
  EXPECT_FALSE(exists(u"\\Driver\\Sample", io::driver_type));
  ASSERT_EQ(io::start_driver(create()), STATUS_SUCCESS);
}

TEST_F(DriverUnload, WithoutARoutineTheDriverStays) {
  const PDRIVER_OBJECT driver = create();
  ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  driver->DriverUnload = nullptr;
  EXPECT_EQ(io::unload_driver(driver), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_TRUE(exists(u"\\Driver\\Sample", io::driver_type));
}

TEST_F(DriverUnload, DevicesLeftBehindAreReportedAndStay) {
  std::string text;
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  seen.leave_device = true;
  const PDRIVER_OBJECT driver = create();
  ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  EXPECT_EQ(io::unload_driver(driver), STATUS_SUCCESS);
  base::set_log_sink(nullptr);
  EXPECT_NE(text.find("\\Device\\Sample"), std::string::npos) << text;
  EXPECT_TRUE(exists(u"\\Device\\Sample", io::device_type));
  EXPECT_EQ(seen.device->DriverObject->MajorFunction[0], seen.at_entry.MajorFunction[0]);
  EXPECT_EQ(io::start_driver(create()), STATUS_OBJECT_NAME_COLLISION);  // as a restart on Windows
}

}  // namespace
}  // namespace ntemu::test
