#include "ntemu/io/driver.h"

#include <algorithm>
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/ex/worker.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver_body.h"
#include "ntemu/io/irp.h"

using namespace ntemu;

namespace {

constexpr UCHAR kPoison = 0xCC;  // what a driver finds that keeps RegistryPath

using io::DriverBody;

UNICODE_STRING hardware_database = base::to_unicode_string(u"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM");

void delete_driver_body(void *body) {
  auto *driver = static_cast<DriverBody *>(body);
  io::free_extensions(*driver);
  if (driver->object.DriverName.Buffer) ExFreePoolWithTag(driver->object.DriverName.Buffer, ob::kNameTag);
  if (driver->extension.ServiceKeyName.Buffer) ExFreePoolWithTag(driver->extension.ServiceKeyName.Buffer, ob::kNameTag);
}

void fill(DriverBody &driver, const io::DriverImage &image);

enum class Request { kLoad, kReinitialize, kUnload };

struct LoadUnload {
  Request request;
  PDRIVER_OBJECT driver;
  NTSTATUS status;
};

}  // namespace

extern "C" {

// The names that stacks of a driver's DriverEntry and DriverUnload show.
__attribute__((noinline)) NTSTATUS IopLoadDriver(PDRIVER_OBJECT Driver) {
  const PDRIVER_EXTENSION extension = Driver->DriverExtension;
  UNICODE_STRING path = ob::pool_copy(cm::kServices + std::u16string(base::view(extension->ServiceKeyName)));
  if (!path.Buffer) return STATUS_INSUFFICIENT_RESOURCES;
  const PWSTR buffer = path.Buffer;  // the driver may change the string that it is given
  const size_t bytes = path.MaximumLength;
  const NTSTATUS status = Driver->DriverInit(Driver, &path);
  std::memset(buffer, kPoison, bytes);
  ExFreePoolWithTag(buffer, ob::kNameTag);
  return status;
}

__attribute__((noinline)) void IopLoadUnloadDriver(PVOID Parameter) {
  auto &work = *static_cast<LoadUnload *>(Parameter);
  if (work.request == Request::kLoad) {
    work.status = IopLoadDriver(work.driver);
  } else if (work.request == Request::kReinitialize) {
    io::reinitialize(work.driver);
    work.status = STATUS_SUCCESS;
  } else {
    work.driver->DriverUnload(work.driver);
    work.status = STATUS_SUCCESS;
  }
}

}  // extern "C"

namespace {

void fill(DriverBody &driver, const io::DriverImage &image) {
  DRIVER_OBJECT &object = driver.object;
  object.Type = io::kDriverType;
  object.Size = sizeof(DRIVER_OBJECT);
  object.Flags = DRVO_LEGACY_DRIVER;
  object.DriverStart = image.base;
  object.DriverSize = image.size;
  object.DriverSection = image.section;
  object.DriverExtension = &driver.extension;
  object.HardwareDatabase = &hardware_database;
  object.DriverInit = image.entry;
  std::fill(std::begin(object.MajorFunction), std::end(object.MajorFunction), IopInvalidDeviceRequest);
  driver.extension.DriverObject = &object;
}

NTSTATUS run(Request request, PDRIVER_OBJECT driver) {
  LoadUnload work{request, driver, STATUS_UNSUCCESSFUL};
  return ex::run_on_system_worker(IopLoadUnloadDriver, &work) ? work.status : STATUS_SYSTEM_SHUTDOWN;
}

// Takes the name and the creator's reference; devices that are left keep the object itself.
void remove_driver(PDRIVER_OBJECT driver) {
  ob::make_temporary(driver);
  ob::dereference(driver);
}

// Its image goes: what is left of the driver must not lead into it.
void disarm(PDRIVER_OBJECT driver) {
  std::fill(std::begin(driver->MajorFunction), std::end(driver->MajorFunction), IopInvalidDeviceRequest);
  driver->FastIoDispatch = nullptr;
  driver->DriverInit = nullptr;
  driver->DriverStartIo = nullptr;
  driver->DriverUnload = nullptr;
  driver->DriverExtension->AddDevice = nullptr;
  driver->DriverStart = nullptr;
  driver->DriverSize = 0;
  driver->DriverSection = nullptr;
}

void delete_devices(PDRIVER_OBJECT driver) {
  for (PDEVICE_OBJECT device : io::devices_of(driver)) {
    io::leave_stack(device);
    IoDetachDevice(device);
    IoDeleteDevice(device);
  }
}

void finish_initialization(PDRIVER_OBJECT driver) {
  __atomic_fetch_or(&driver->Flags, DRVO_INITIALIZED, __ATOMIC_RELAXED);
  // Who opens the device sees all that DriverEntry has done.
  for (PDEVICE_OBJECT device : io::devices_of(driver))
    __atomic_fetch_and(&device->Flags, ~ULONG{DO_DEVICE_INITIALIZING}, __ATOMIC_RELEASE);
}

void report_devices(PDRIVER_OBJECT driver, const char *when) {
  std::string names;
  for (PDEVICE_OBJECT device : io::devices_of(driver))
    names += (names.empty() ? "" : ", ") + io::describe_device(device);
  if (names.empty()) return;
  base::log(base::Level::kWarning, "io", "{} left devices behind {}: {}", base::to_utf8(base::view(driver->DriverName)),
            when, names);
}

NTSTATUS finish_unload(PDRIVER_OBJECT driver) {
  if (const NTSTATUS status = run(Request::kUnload, driver); !NT_SUCCESS(status)) return status;
  report_devices(driver, "in DriverUnload");
  disarm(driver);
  remove_driver(driver);
  return STATUS_SUCCESS;
}

}  // namespace

namespace ntemu::io {

_OBJECT_TYPE driver_type{
    .name = u"Driver",
    .valid_access = FILE_ALL_ACCESS,
    .generic_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
    .on_delete = delete_driver_body};

Result<PDRIVER_OBJECT> create_driver(std::u16string_view service, const DriverImage &image) {
  const std::u16string name = (image.file_system ? u"\\FileSystem\\" : u"\\Driver\\") + std::u16string(service);
  if (service.empty() || service.find_first_of(u"\\/") != std::u16string_view::npos) return STATUS_OBJECT_NAME_INVALID;
  auto *driver = static_cast<DriverBody *>(ob::create(driver_type, sizeof(DriverBody)));
  if (!driver) return STATUS_INSUFFICIENT_RESOURCES;
  fill(*driver, image);
  driver->object.DriverName = ob::pool_copy(name);
  driver->extension.ServiceKeyName = ob::pool_copy(service);
  NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
  if (driver->object.DriverName.Buffer && driver->extension.ServiceKeyName.Buffer) {
    status = ob::insert_name(driver, name);
  }
  if (NT_SUCCESS(status)) return &driver->object;
  ob::dereference(driver);
  return status;
}

NTSTATUS start_driver(PDRIVER_OBJECT driver) {
  const NTSTATUS status = run(Request::kLoad, driver);
  if (NT_SUCCESS(status)) {
    finish_initialization(driver);
    if (driver->Flags & DRVO_REINIT_REGISTERED) run(Request::kReinitialize, driver);
    return status;
  }
  report_devices(driver, "when DriverEntry failed; they are removed");
  delete_driver(driver);
  return status;
}

void (*driver_unloaded)(PDRIVER_OBJECT driver) = [](PDRIVER_OBJECT) {};

NTSTATUS unload_driver(PDRIVER_OBJECT driver) {
  if (!driver->DriverUnload) return STATUS_INVALID_DEVICE_REQUEST;
  if (!begin_unload(driver)) return STATUS_PENDING;
  return finish_unload(driver);
}

// Not on the thread that closed the file: it may be one that DriverUnload waits for.
void unload_idle_driver(PDRIVER_OBJECT driver) {
  ob::reference(driver);  // so that who is told knows it by its address
  ex::queue_to_system_worker(
      [](void *context) {
        finish_unload(static_cast<PDRIVER_OBJECT>(context));
        driver_unloaded(static_cast<PDRIVER_OBJECT>(context));
        ob::dereference(context);
      },
      driver);
}

void delete_driver(PDRIVER_OBJECT driver) {
  disarm(driver);
  delete_devices(driver);
  remove_driver(driver);
}

}  // namespace ntemu::io

namespace {
POBJECT_TYPE driver_type_pointer = &io::driver_type;
}

extern "C" {
POBJECT_TYPE *IoDriverObjectType = &driver_type_pointer;
}
