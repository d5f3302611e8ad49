#include "fs/mount_file.h"

#include <cstring>

namespace ntemu::fs {
namespace {

constexpr ULONG kBufferTag = 0x42746E4D;  // shows as MntB

// A driver that was not waited for to the end still has the request, and uses this memory later.
template <class Request>
Result<ULONG> transfer(ULONG length, Request request) {
  auto *own = static_cast<char *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, length + 1, kBufferTag));
  if (!own) return STATUS_INSUFFICIENT_RESOURCES;
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER where;
  const NTSTATUS status = request(own, io_status, where);
  if (status != STATUS_SYSTEM_SHUTDOWN) ExFreePoolWithTag(own, kBufferTag);
  if (status == STATUS_END_OF_FILE) return ULONG{0};
  if (!NT_SUCCESS(status)) return status;
  return static_cast<ULONG>(io_status.Information);
}

}  // namespace

Result<ULONG> MountedFile::read(void *buffer, ULONG length, LONGLONG offset) {
  if (file_) {
    auto moved = file_->read(buffer, length, offset);
    if (!moved && moved.status() == STATUS_END_OF_FILE) return ULONG{0};
    return moved;
  }
  return transfer(length, [&](char *own, IO_STATUS_BLOCK &io_status, LARGE_INTEGER &where) {
    where.QuadPart = offset;
    const NTSTATUS status = io::read_file(handle_, nullptr, &io_status, own, length, &where, UserMode);
    if (NT_SUCCESS(status)) std::memcpy(buffer, own, io_status.Information);
    return status;
  });
}

Result<ULONG> MountedFile::write(const void *buffer, ULONG length, LONGLONG offset) {
  if (file_) {
    LONGLONG where = append_ ? io::kAppend : offset;
    return file_->write(buffer, length, where);
  }
  return transfer(length, [&](char *own, IO_STATUS_BLOCK &io_status, LARGE_INTEGER &where) {
    where.QuadPart = offset;
    std::memcpy(own, buffer, length);
    return io::write_file(handle_, nullptr, &io_status, own, length, &where, UserMode);
  });
}

void MountedFile::note_closing() {
  if (file_) file_->note_closing();
}

void MountedFile::close() {
  if (HANDLE handle = handle_.exchange(nullptr)) ob::close_handle(handle);
}

}  // namespace ntemu::fs
