// Files as objects: mounted volumes and the FILE_OBJECT, which joins a handle to a file system's open file.
#pragma once

#include <memory>
#include <string_view>

#include "ntemu/io/file_system.h"
#include "ntemu/ob/object.h"

namespace ntemu::io {

extern _OBJECT_TYPE file_type;  // *IoFileObjectType

// What an open says beyond its name and access: ob::OpenRequest's context where the path may end at a file.
struct FileOpen {
  ULONG share = 0;
  ULONG disposition = FILE_OPEN;
  ULONG options = 0;
  ULONG attributes = 0;
  LONGLONG allocation = 0;
  bool target_directory = false;  // CreateRequest's; the FILE_OBJECT's FileName is then the last component
  // Answers.
  ULONG_PTR information = 0;
  ACCESS_MASK granted = 0;
};

// From now on names beneath `device` are files of `volume`.
void mount_volume(PDEVICE_OBJECT device, std::unique_ptr<Volume> volume);
// No further opens. The volume itself goes with the last of its file objects.
void dismount_volume(PDEVICE_OBJECT device);
bool is_mounted(PDEVICE_OBJECT device);
// nullptr when nothing is mounted. Lives as long as the mount.
Volume *volume_of(PDEVICE_OBJECT device);

// The device type's parse for mounted devices: a FILE_OBJECT with one reference. `rest` as in ob::Parse.
Result<void *> open_file_on_volume(PDEVICE_OBJECT device, std::u16string_view rest, ob::OpenRequest &request);

// A file object's half in the file system; nullptr where a driver has the say, to whom FsContext2 belongs then.
inline OpenFile *open_file_of(const FILE_OBJECT &file) {
  return file.Vpb ? static_cast<OpenFile *>(file.FsContext2) : nullptr;
}

// --- the services behind Zw*File; `mode` is the caller's ---
struct FileCreate {
  ACCESS_MASK access = 0;  // may contain generic rights
  FileOpen open;
};
NTSTATUS create_file(HANDLE *handle, const OBJECT_ATTRIBUTES *attributes, IO_STATUS_BLOCK *io_status, FileCreate create,
                     KPROCESSOR_MODE mode);
NTSTATUS read_file(HANDLE handle, HANDLE event, IO_STATUS_BLOCK *io_status, void *buffer, ULONG length,
                   const LARGE_INTEGER *offset, KPROCESSOR_MODE mode);
NTSTATUS write_file(HANDLE handle, HANDLE event, IO_STATUS_BLOCK *io_status, const void *buffer, ULONG length,
                    const LARGE_INTEGER *offset, KPROCESSOR_MODE mode);
struct ControlBuffers;
// `major_function`: IRP_MJ_DEVICE_CONTROL or IRP_MJ_FILE_SYSTEM_CONTROL.
NTSTATUS control_file(HANDLE handle, HANDLE event, IO_STATUS_BLOCK *io_status, UCHAR major_function, ULONG code,
                      const ControlBuffers &buffers, KPROCESSOR_MODE mode);
NTSTATUS flush_file(HANDLE handle, IO_STATUS_BLOCK *io_status, KPROCESSOR_MODE mode);
NTSTATUS query_file(HANDLE handle, IO_STATUS_BLOCK *io_status, void *buffer, ULONG length,
                    FILE_INFORMATION_CLASS info_class, KPROCESSOR_MODE mode);
NTSTATUS set_file(HANDLE handle, IO_STATUS_BLOCK *io_status, const void *buffer, ULONG length,
                  FILE_INFORMATION_CLASS info_class, KPROCESSOR_MODE mode);

}  // namespace ntemu::io
