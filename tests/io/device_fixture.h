// A driver inside the test process whose dispatch routines the test supplies.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <vector>

#include "ntemu/base/utf.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {

using Dispatch = std::function<NTSTATUS(PDEVICE_OBJECT, PIRP)>;

// A driver's routines have no context of their own.
struct Routines {
  std::array<Dispatch, IRP_MJ_MAXIMUM_FUNCTION + 1> dispatch;
  std::atomic<int> unloads{0};
  BOOLEAN exclusive = FALSE;
  ULONG device_flags = 0;
  PDEVICE_OBJECT device = nullptr;
};
inline Routines routines;

inline NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR information = 0) {
  irp->IoStatus.Status = status;
  irp->IoStatus.Information = information;
  IofCompleteRequest(irp, IO_NO_INCREMENT);
  return status;
}

class DeviceDriverTest : public KernelTest {
 protected:
  DeviceDriverTest() {
    for (Dispatch &each : routines.dispatch) each = nullptr;
    routines.unloads = 0;
    routines.exclusive = FALSE;
    routines.device_flags = 0;
    routines.device = nullptr;
    on(IRP_MJ_CREATE, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, FILE_OPENED); });
    for (const int major : {IRP_MJ_CLEANUP, IRP_MJ_CLOSE})
      on(major, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS); });
  }
  ~DeviceDriverTest() override { machine().shut_down(); }  // while `routines` is still this test's

  static void on(int major, Dispatch dispatch) { routines.dispatch[static_cast<size_t>(major)] = std::move(dispatch); }

  // \Driver\Sample with \Device\Sample; only what has a routine by now is set.
  void start() {
    io::DriverImage image;
    image.entry = entry;
    driver = *io::create_driver(u"Sample", image);
    ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  }

  static NTSTATUS open(std::u16string_view path, HANDLE *handle, HANDLE root = nullptr, ULONG options = 0,
                       ACCESS_MASK access = GENERIC_READ | SYNCHRONIZE) {
    UNICODE_STRING string = base::to_unicode_string(path);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &string, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, root, nullptr);
    IO_STATUS_BLOCK io_status;
    return ZwOpenFile(handle, access, &attributes, &io_status, FILE_SHARE_READ | FILE_SHARE_WRITE, options);
  }
  static bool exists(std::u16string_view path, const _OBJECT_TYPE &type) {
    const auto body = ob::open_by_path(path, &type);
    if (body) ob::dereference(*body);
    return static_cast<bool>(body);
  }

  PDRIVER_OBJECT driver = nullptr;

 private:
  static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp) {
    return routines.dispatch[IoGetCurrentIrpStackLocation(irp)->MajorFunction](device, irp);
  }
  static VOID unload(PDRIVER_OBJECT) {
    ++routines.unloads;
    IoDeleteDevice(routines.device);
  }
  static NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING) {
    UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
    const NTSTATUS status =
        IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, routines.exclusive, &routines.device);
    if (!NT_SUCCESS(status)) return status;
    routines.device->Flags |= routines.device_flags;
    for (size_t major = 0; major < routines.dispatch.size(); ++major) {
      if (routines.dispatch[major]) driver->MajorFunction[major] = dispatch;
    }
    driver->DriverUnload = unload;
    return STATUS_SUCCESS;
  }
};

}  // namespace ntemu::test
