#include "ntemu/io/device.h"

#include "ntemu/base/utf.h"
#include "ntemu/io/driver.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

class DeviceTest : public KernelTest {
 protected:
  DeviceTest() : driver(*io::create_driver(u"Sample", {})) {}
  ~DeviceTest() override { io::delete_driver(driver); }

  NTSTATUS create(std::u16string_view name, PDEVICE_OBJECT *device, ULONG extension = 0, BOOLEAN exclusive = FALSE) {
    UNICODE_STRING string = base::to_unicode_string(name);
    return ::IoCreateDevice(driver, extension, name.empty() ? nullptr : &string, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, exclusive, device);
  }
  NTSTATUS open(std::u16string_view name) {
    UNICODE_STRING string = base::to_unicode_string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE handle;
    IO_STATUS_BLOCK io_status;
    const NTSTATUS status = ZwOpenFile(&handle, GENERIC_READ, &attributes, &io_status, FILE_SHARE_READ, 0);
    if (NT_SUCCESS(status)) ZwClose(handle);
    return status;
  }
  static NTSTATUS make_link(std::u16string_view name, std::u16string_view target) {
    UNICODE_STRING link = base::to_unicode_string(name), device = base::to_unicode_string(target);
    return ::IoCreateSymbolicLink(&link, &device);
  }
  static NTSTATUS drop_link(std::u16string_view name) {
    UNICODE_STRING link = base::to_unicode_string(name);
    return ::IoDeleteSymbolicLink(&link);
  }

  PDRIVER_OBJECT driver;
};
using IoCreateDevice = DeviceTest;
using IoDeleteDevice = DeviceTest;
using IoCreateSymbolicLink = DeviceTest;
using IoDeleteSymbolicLink = DeviceTest;

TEST_F(IoCreateDevice, FillsTheObject) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"\\Device\\Sample", &device, 100, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(device->Type, 3);
  EXPECT_EQ(device->Size, 0x150 + 100);
  EXPECT_EQ(device->DriverObject, driver);
  EXPECT_EQ(driver->DeviceObject, device);
  EXPECT_EQ(device->Flags, ULONG{DO_DEVICE_INITIALIZING | DO_DEVICE_HAS_NAME | DO_EXCLUSIVE});
  EXPECT_EQ(device->DeviceType, ULONG{FILE_DEVICE_UNKNOWN});
  EXPECT_EQ(device->Characteristics, ULONG{FILE_DEVICE_SECURE_OPEN});
  EXPECT_EQ(device->StackSize, 1);
  EXPECT_EQ(device->AttachedDevice, nullptr);
  EXPECT_EQ(device->DeviceObjectExtension->Type, 13);
  EXPECT_EQ(device->DeviceObjectExtension->DeviceObject, device);
  EXPECT_EQ(ObGetObjectType(device), *IoDeviceObjectType);
}

TEST_F(IoCreateDevice, ExtensionFollowsTheObjectZeroed) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"", &device, 1000), STATUS_SUCCESS);
  auto *extension = static_cast<UCHAR *>(device->DeviceExtension);
  EXPECT_EQ(extension, reinterpret_cast<UCHAR *>(device) + 0x150);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(extension) % 16, 0u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(extension[i], 0);
  PDEVICE_OBJECT bare;
  ASSERT_EQ(create(u"", &bare), STATUS_SUCCESS);
  EXPECT_EQ(bare->DeviceExtension, nullptr);
  EXPECT_EQ(bare->NextDevice, device);
  EXPECT_EQ(driver->DeviceObject, bare);
}

TEST_F(IoCreateDevice, TellsWhatIsWrong) {
  PDEVICE_OBJECT device, second = reinterpret_cast<PDEVICE_OBJECT>(ULONG_PTR{1});
  ASSERT_EQ(create(u"\\Device\\Sample", &device), STATUS_SUCCESS);
  EXPECT_EQ(create(u"\\device\\SAMPLE", &second), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(driver->DeviceObject, device);
  EXPECT_EQ(device->NextDevice, nullptr);
  EXPECT_EQ(create(u"Sample", &second), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(create(u"\\Missing\\Sample", &second), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(create(u"", &second, 0x10000), STATUS_INSUFFICIENT_RESOURCES);
}

TEST_F(IoDeleteDevice, TakesTheDeviceOutAtOnce) {
  PDEVICE_OBJECT first, second;
  ASSERT_EQ(create(u"\\Device\\First", &first), STATUS_SUCCESS);
  ASSERT_EQ(create(u"\\Device\\Second", &second), STATUS_SUCCESS);
  ::IoDeleteDevice(first);
  EXPECT_EQ(driver->DeviceObject, second);
  EXPECT_EQ(second->NextDevice, nullptr);
  EXPECT_EQ(open(u"\\Device\\First"), STATUS_OBJECT_NAME_NOT_FOUND);
  ASSERT_EQ(create(u"\\Device\\First", &first), STATUS_SUCCESS);
}

TEST_F(IoDeleteDevice, WaitsForTheLastReference) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"\\Device\\Sample", &device, 64), STATUS_SUCCESS);
  ObReferenceObject(device);
  const LONG64 driver_references = ob::reference_count(driver);
  ::IoDeleteDevice(device);
  EXPECT_TRUE(io::is_delete_pending(device));
  EXPECT_EQ(device->DriverObject, driver);
  EXPECT_EQ(ob::reference_count(driver), driver_references);
  ::IoDeleteDevice(device);  // once more changes nothing
  EXPECT_EQ(ob::reference_count(device), 1);
  ObDereferenceObject(device);
  EXPECT_EQ(ob::reference_count(driver), driver_references - 1);
}

TEST_F(IoCreateDevice, CannotBeOpenedBeforeItIsInitialized) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"\\Device\\Sample", &device), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\Device\\Sample"), STATUS_NO_SUCH_DEVICE);
  device->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
  EXPECT_EQ(open(u"\\Device\\Sample"), STATUS_INVALID_DEVICE_REQUEST) << "a driver without a create routine";
  EXPECT_EQ(device->ReferenceCount, 0);
}

TEST_F(IoCreateSymbolicLink, LeadsToTheDevice) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"\\Device\\Sample", &device), STATUS_SUCCESS);
  ASSERT_EQ(make_link(u"\\DosDevices\\Sample", u"\\Device\\Sample"), STATUS_SUCCESS);
  const auto found = ob::open_by_path(u"\\??\\Sample", &io::device_type);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, device);
  ob::dereference(*found);
}

TEST_F(IoCreateSymbolicLink, TellsWhatIsWrong) {
  ASSERT_EQ(make_link(u"\\??\\Sample", u"\\Device\\Nowhere"), STATUS_SUCCESS);  // the target need not exist
  EXPECT_EQ(make_link(u"\\DosDevices\\SAMPLE", u"\\Device\\Other"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(make_link(u"Sample", u"\\Device\\Other"), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(make_link(u"\\Missing\\Sample", u"\\Device\\Other"), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST_F(IoCreateSymbolicLink, UnprotectedIsALinkToo) {
  UNICODE_STRING link = base::to_unicode_string(u"\\DosDevices\\Open"),
                 target = base::to_unicode_string(u"\\Device\\X");
  EXPECT_EQ(::IoCreateUnprotectedSymbolicLink(&link, &target), STATUS_SUCCESS);
  EXPECT_EQ(::IoCreateUnprotectedSymbolicLink(&link, &target), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(drop_link(u"\\??\\Open"), STATUS_SUCCESS);
}

TEST_F(IoDeleteSymbolicLink, RemovesTheLinkAlone) {
  PDEVICE_OBJECT device;
  ASSERT_EQ(create(u"\\Device\\Sample", &device), STATUS_SUCCESS);
  ASSERT_EQ(make_link(u"\\DosDevices\\Sample", u"\\Device\\Sample"), STATUS_SUCCESS);
  EXPECT_EQ(drop_link(u"\\DosDevices\\Sample"), STATUS_SUCCESS);
  EXPECT_EQ(drop_link(u"\\DosDevices\\Sample"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(drop_link(u"\\Device\\Sample"), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(driver->DeviceObject, device);
}

}  // namespace
}  // namespace ntemu::test
