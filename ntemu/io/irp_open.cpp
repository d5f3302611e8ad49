// Opening devices that are no volumes: the driver decides, asked with IRP_MJ_CREATE, IRP_MJ_CLEANUP and IRP_MJ_CLOSE.
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/io/device.h"
#include "ntemu/io/file_object.h"
#include "ntemu/io/irp.h"

namespace ntemu::io {
namespace {

constexpr UCHAR kOpenTargetDirectory = 0x04;  // SL_OPEN_TARGET_DIRECTORY
constexpr UCHAR kCaseSensitive = 0x80;        // SL_CASE_SENSITIVE

IO_STATUS_BLOCK send_create(FILE_OBJECT &file, const FileOpen &open, const ob::OpenRequest &request) {
  IO_STATUS_BLOCK result{};
  result.Status = STATUS_INSUFFICIENT_RESOURCES;
  PDEVICE_OBJECT top = top_of(file.DeviceObject);
  PIRP irp = make_irp(top, &file, IRP_MJ_CREATE, IRP_CREATE_OPERATION | IRP_DEFER_IO_COMPLETION);
  if (!irp) return result;
  irp->RequestorMode = request.mode;
  irp->Overlay.AllocationSize.QuadPart = open.allocation;
  IO_SECURITY_CONTEXT security{};
  security.DesiredAccess = open.granted;
  security.FullCreateOptions = open.options;
  PIO_STACK_LOCATION location = first_location(irp);
  if (open.target_directory) location->Flags |= kOpenTargetDirectory;
  if (!(request.attributes & OBJ_CASE_INSENSITIVE)) location->Flags |= kCaseSensitive;
  location->Parameters.Create.SecurityContext = &security;
  location->Parameters.Create.Options = open.disposition << 24 | (open.options & 0x00FFFFFF);
  location->Parameters.Create.FileAttributes = static_cast<USHORT>(open.attributes);
  location->Parameters.Create.ShareAccess = static_cast<USHORT>(open.share);
  return call_and_wait(top, irp).result;
}

void send_and_ignore(FILE_OBJECT &file, UCHAR major_function) {
  PDEVICE_OBJECT top = top_of(file.DeviceObject);
  PIRP irp = make_irp(top, &file, major_function, IRP_CLOSE_OPERATION);
  if (irp) {
    call_and_wait(top, irp);
  } else {
    base::log(base::Level::kError, "io", "no memory to tell {} of a closed file", describe_device(file.DeviceObject));
  }
}

// Its driver never heard of it, or refused it: nothing is sent to it any more.
void forget_device(FILE_OBJECT &file) {
  PDEVICE_OBJECT device = file.DeviceObject;
  file.DeviceObject = nullptr;
  end_open(device);
  ob::dereference(device);
}

}  // namespace

Result<void *> open_device(PDEVICE_OBJECT device, FILE_OBJECT *related, std::u16string_view rest,
                           ob::OpenRequest &request) {
  // Only who wants a file object opens the device; others ask for the type of what is there.
  if (!request.context) return STATUS_OBJECT_TYPE_MISMATCH;
  FileOpen &open = *static_cast<FileOpen *>(request.context);
  if (const NTSTATUS status = begin_open(device, related != nullptr); !NT_SUCCESS(status)) return status;
  auto file = make_file_object(device);
  if (!file) {
    end_open(device);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  file->Flags = file_flags_of(open.options, !(request.attributes & OBJ_CASE_INSENSITIVE));
  file->RelatedFileObject = related;
  open.granted = ob::map_access(file_type, request.access);
  IO_STATUS_BLOCK result{};
  result.Status = set_file_name(*file, rest);
  if (NT_SUCCESS(result.Status)) result = send_create(*file, open, request);
  file->RelatedFileObject = nullptr;  // it is the driver's to look at during the create alone
  if (result.Status == STATUS_REPARSE) result.Status = STATUS_NOT_SUPPORTED;
  if (!NT_SUCCESS(result.Status)) {
    forget_device(*file);
    return result.Status;
  }
  open.information = result.Information;
  return static_cast<void *>(file.release());
}

void clean_up_device_file(FILE_OBJECT &file) { send_and_ignore(file, IRP_MJ_CLEANUP); }

void close_device_file(FILE_OBJECT &file) {
  if (!(file.Flags & FO_CLEANUP_COMPLETE)) send_and_ignore(file, IRP_MJ_CLEANUP);  // it never had a handle
  send_and_ignore(file, IRP_MJ_CLOSE);
}

}  // namespace ntemu::io
