// Devices that are attached to others.
#include "ntemu/base/log.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

class StackTest : public DeviceDriverTest {
 protected:
  // Both devices are the same driver's; the upper one passes everything on.
  void start() {
    for (const int major : {IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_READ}) {
      on(major, [this](PDEVICE_OBJECT device, PIRP irp) {
        seen.push_back(device);
        if (device == filter) {
          IoSkipCurrentIrpStackLocation(irp);
          return IoCallDriver(below, irp);
        }
        return complete(irp, STATUS_SUCCESS, 0);
      });
    }
    routines.device_flags = DO_BUFFERED_IO;
    DeviceDriverTest::start();
    filter = make();
  }
  PDEVICE_OBJECT make() {
    PDEVICE_OBJECT device = nullptr;
    EXPECT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    return device;
  }
  PDEVICE_OBJECT filter = nullptr, below = nullptr;
  std::vector<PDEVICE_OBJECT> seen;
};
using IoAttachDeviceToDeviceStack = StackTest;
using IoAttachDevice = StackTest;
using IoDetachDevice = StackTest;
using IoGetDeviceObjectPointer = StackTest;

TEST_F(IoAttachDeviceToDeviceStack, TakesOverWhatTheStackNeeds) {
  start();
  routines.device->AlignmentRequirement = FILE_LONG_ALIGNMENT;
  routines.device->SectorSize = 512;
  EXPECT_EQ(::IoAttachDeviceToDeviceStack(filter, routines.device), routines.device);
  EXPECT_EQ(routines.device->AttachedDevice, filter);
  EXPECT_EQ(filter->StackSize, 2);
  EXPECT_EQ(filter->AlignmentRequirement, FILE_LONG_ALIGNMENT + 0u);
  EXPECT_EQ(filter->SectorSize, 512);
  EXPECT_EQ(IoGetAttachedDevice(routines.device), filter);
  PDEVICE_OBJECT top = make();
  PDEVICE_OBJECT at = nullptr;
  EXPECT_EQ(IoAttachDeviceToDeviceStackSafe(top, routines.device, &at), STATUS_SUCCESS);
  EXPECT_EQ(at, filter) << "the top of the stack";
  EXPECT_EQ(top->StackSize, 3);
  EXPECT_EQ(IoGetAttachedDeviceReference(routines.device), top);
  ObDereferenceObject(top);
  EXPECT_EQ(IoGetLowerDeviceObject(top), filter);
  ObDereferenceObject(filter);
  EXPECT_EQ(IoGetLowerDeviceObject(routines.device), nullptr);
  ::IoDetachDevice(filter);
  ::IoDetachDevice(routines.device);
  EXPECT_EQ(IoGetAttachedDevice(routines.device), routines.device);
  EXPECT_EQ(IoGetLowerDeviceObject(filter), nullptr);
}

TEST_F(IoAttachDeviceToDeviceStack, TakesNoneThatIsInitializedOrDeleted) {
  start();
  routines.device->Flags |= DO_DEVICE_INITIALIZING;
  EXPECT_EQ(::IoAttachDeviceToDeviceStack(filter, routines.device), nullptr);
  PDEVICE_OBJECT at = filter;
  EXPECT_EQ(IoAttachDeviceToDeviceStackSafe(filter, routines.device, &at), STATUS_NO_SUCH_DEVICE);
  EXPECT_EQ(at, filter);
  routines.device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
  HANDLE handle;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  IoDeleteDevice(routines.device);
  EXPECT_EQ(::IoAttachDeviceToDeviceStack(filter, routines.device), nullptr);
  ZwClose(handle);
}

TEST_F(IoAttachDeviceToDeviceStack, RequestsGoToTheTop) {
  start();
  below = ::IoAttachDeviceToDeviceStack(filter, routines.device);
  filter->Flags |= DO_BUFFERED_IO;
  HANDLE handle;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  EXPECT_EQ(filter->ReferenceCount, 0);
  IO_STATUS_BLOCK io_status;
  char byte;
  EXPECT_EQ(ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, &byte, 1, nullptr, nullptr), STATUS_SUCCESS);
  ZwClose(handle);
  ASSERT_EQ(seen.size(), 8u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i % 2 ? routines.device : filter) << i;
  ::IoDetachDevice(routines.device);
}

TEST_F(IoAttachDevice, FindsTheTargetByName) {
  start();
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  below = nullptr;
  EXPECT_EQ(::IoAttachDevice(filter, &name, &below), STATUS_SUCCESS);
  EXPECT_EQ(below, routines.device);
  EXPECT_EQ(routines.device->ReferenceCount, 0) << "it is open no longer";
  ::IoDetachDevice(routines.device);
  name = base::to_unicode_string(u"\\Device\\Other");
  EXPECT_EQ(::IoAttachDevice(filter, &name, &below), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(IoDetachDevice, LetsAPendingDeletionGoOn) {
  start();
  below = ::IoAttachDeviceToDeviceStack(filter, routines.device);
  ObReferenceObject(below);
  IoDeleteDevice(below);
  EXPECT_EQ(filter->NextDevice, below) << "what is attached keeps it with its driver";
  ::IoDetachDevice(below);
  EXPECT_EQ(filter->NextDevice, nullptr);
  EXPECT_EQ(ob::reference_count(below), 1);
  ObDereferenceObject(below);
}

TEST_F(IoDetachDevice, LetsAnUnloadGoOn) {
  start();
  // The device of another driver.
  io::DriverImage image;
  static PDEVICE_OBJECT theirs;
  theirs = nullptr;
  image.entry = [](PDRIVER_OBJECT object, PUNICODE_STRING) {
    return IoCreateDevice(object, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &theirs);
  };
  const PDRIVER_OBJECT other = *io::create_driver(u"Other", image);
  ASSERT_EQ(io::start_driver(other), STATUS_SUCCESS);
  IoDeleteDevice(filter);
  ASSERT_EQ(::IoAttachDeviceToDeviceStack(theirs, routines.device), routines.device);
  EXPECT_EQ(io::unload_driver(driver), STATUS_PENDING);
  EXPECT_EQ(routines.unloads, 0);
  static KEVENT unloaded;
  KeInitializeEvent(&unloaded, NotificationEvent, FALSE);
  const auto before = io::driver_unloaded;
  io::driver_unloaded = [](PDRIVER_OBJECT) { KeSetEvent(&unloaded, IO_NO_INCREMENT, FALSE); };
  ::IoDetachDevice(routines.device);
  wait(&unloaded);
  EXPECT_EQ(routines.unloads, 1);
  io::driver_unloaded = before;
}

TEST_F(IoDetachDevice, IsMadeUpForWhenAnAttachedDeviceIsDeleted) {
  start();
  below = ::IoAttachDeviceToDeviceStack(filter, routines.device);
  std::string text;
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  IoDeleteDevice(filter);
  base::set_log_sink(nullptr);
  EXPECT_NE(text.find("IoDetachDevice comes first"), std::string::npos) << text;
  EXPECT_EQ(below->AttachedDevice, nullptr);
}

TEST_F(IoDetachDevice, IsNotNeededAtTheMachinesEnd) {
  start();
  below = ::IoAttachDeviceToDeviceStack(filter, routines.device);
  ObReferenceObject(below);
  io::delete_driver(driver);
  EXPECT_EQ(ob::reference_count(below), 1);
  ObDereferenceObject(below);
}

TEST_F(IoGetDeviceObjectPointer, GivesTheFileAndTheTopOfTheStack) {
  start();
  below = ::IoAttachDeviceToDeviceStack(filter, routines.device);
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  PFILE_OBJECT file = nullptr;
  PDEVICE_OBJECT device = nullptr;
  ASSERT_EQ(::IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device), STATUS_SUCCESS);
  EXPECT_EQ(device, filter);
  EXPECT_EQ(file->DeviceObject, routines.device);
  EXPECT_EQ(IoGetRelatedDeviceObject(file), filter);
  EXPECT_EQ(seen.size(), 4u) << "opened and cleaned up";
  ObDereferenceObject(file);
  EXPECT_EQ(seen.size(), 6u) << "and closed";
  ::IoDetachDevice(routines.device);
  name = base::to_unicode_string(u"\\Device\\Other");
  EXPECT_EQ(::IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device), STATUS_OBJECT_NAME_NOT_FOUND);
}

}  // namespace
}  // namespace ntemu::test
