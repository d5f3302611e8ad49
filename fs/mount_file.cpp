#include "fs/mount_file.h"

namespace ntemu::fs {

Result<ULONG> MountedFile::read(void *buffer, ULONG length, LONGLONG offset) {
  if (file_) {
    auto moved = file_->read(buffer, length, offset);
    if (!moved && moved.status() == STATUS_END_OF_FILE) return ULONG{0};
    return moved;
  }
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER where;
  where.QuadPart = offset;
  const NTSTATUS status = io::read_file(handle_, nullptr, &io_status, buffer, length, &where, UserMode);
  if (status == STATUS_END_OF_FILE) return ULONG{0};
  if (!NT_SUCCESS(status)) return status;
  return static_cast<ULONG>(io_status.Information);
}

Result<ULONG> MountedFile::write(const void *buffer, ULONG length, LONGLONG offset) {
  if (file_) {
    LONGLONG where = append_ ? io::kAppend : offset;
    return file_->write(buffer, length, where);
  }
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER where;
  where.QuadPart = offset;
  const NTSTATUS status = io::write_file(handle_, nullptr, &io_status, buffer, length, &where, UserMode);
  if (!NT_SUCCESS(status)) return status;
  return static_cast<ULONG>(io_status.Information);
}

void MountedFile::note_closing() {
  if (file_) file_->note_closing();
}

void MountedFile::close() {
  if (HANDLE handle = handle_.exchange(nullptr)) ob::close_handle(handle);
}

}  // namespace ntemu::fs
