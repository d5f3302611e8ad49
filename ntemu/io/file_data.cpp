// Reading and writing: offsets, the current position, completion.
#include <limits>

#include "ntemu/ex/special_paging.h"
#include "ntemu/io/file_access.h"
#include "ntemu/io/file_lock.h"
#include "ntemu/io/irp_transfer.h"

namespace ntemu::io {
namespace {

constexpr ULONG kSector = 512;

// Where a request goes, out of the caller's ByteOffset. Called under the file's lock.
NTSTATUS resolve_offset(const FileInUse &file, const LARGE_INTEGER *wanted, bool write, ULONG length,
                        LONGLONG &offset) {
  const LONGLONG current = file.object().CurrentByteOffset.QuadPart;
  if (!wanted) {
    if (!file.synchronous()) return STATUS_INVALID_PARAMETER;
    offset = current;
  } else if (wanted->HighPart == -1 && wanted->LowPart == FILE_USE_FILE_POINTER_POSITION) {
    if (!file.synchronous()) return STATUS_INVALID_PARAMETER;
    offset = current;
  } else if (write && wanted->HighPart == -1 && wanted->LowPart == FILE_WRITE_TO_END_OF_FILE) {
    offset = kAppend;
  } else if (wanted->QuadPart < 0) {
    return STATUS_INVALID_PARAMETER;
  } else {
    offset = wanted->QuadPart;
  }
  if (write && appends_only(file.granted())) offset = kAppend;
  if (offset > std::numeric_limits<LONGLONG>::max() - length) return STATUS_INVALID_PARAMETER;
  if ((flags(file.object()) & FO_NO_INTERMEDIATE_BUFFERING) &&
      (length % kSector || (offset != kAppend && offset % kSector))) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

// Errors leave the status block alone, except the end of the file (WDK: ZwReadFile by way of fast I/O).
void complete(FileInUse &file, CompletionEvent &event, IO_STATUS_BLOCK &io_status, NTSTATUS status, ULONG moved,
              LONGLONG end) {
  if (NT_SUCCESS(status) || status == STATUS_END_OF_FILE) {
    io_status.Status = status;
    io_status.Information = moved;
  }
  if (file.synchronous()) {
    if (NT_SUCCESS(status)) file.object().CurrentByteOffset.QuadPart = end;
  } else if (!NT_ERROR(status)) {
    KeSetEvent(&file.object().Event, IO_NO_INCREMENT, FALSE);
  }
  event.set();
}

}  // namespace

NTSTATUS read_file(HANDLE handle, HANDLE event_handle, IO_STATUS_BLOCK *io_status, void *buffer, ULONG length,
                   const LARGE_INTEGER *wanted, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!file.is_device() && !NT_SUCCESS(file.status())) return file.status();
  if (mode == UserMode && !(file.granted() & kAccessToRead)) return STATUS_ACCESS_DENIED;
  if (file.is_device())
    return transfer_on_device(file, IRP_MJ_READ, event_handle, io_status, buffer, length, wanted, mode);
  CompletionEvent event(event_handle, mode);
  if (!NT_SUCCESS(event.status())) return event.status();
  file.lock();
  LONGLONG offset;
  if (NTSTATUS status = resolve_offset(file, wanted, false, length, offset); !NT_SUCCESS(status)) return status;
  const ex::PinnedBuffer pinned(buffer);
  auto moved = file.open().read(buffer, length, offset);
  const ULONG count = moved ? *moved : 0;
  complete(file, event, *io_status, moved.status(), count, offset + count);
  return moved.status();
}

NTSTATUS write_file(HANDLE handle, HANDLE event_handle, IO_STATUS_BLOCK *io_status, const void *buffer, ULONG length,
                    const LARGE_INTEGER *wanted, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!file.is_device() && !NT_SUCCESS(file.status())) return file.status();
  if (mode == UserMode && !(file.granted() & kAccessToWrite)) return STATUS_ACCESS_DENIED;
  if (file.is_device())
    return transfer_on_device(file, IRP_MJ_WRITE, event_handle, io_status, const_cast<void *>(buffer), length, wanted,
                              mode);
  CompletionEvent event(event_handle, mode);
  if (!NT_SUCCESS(event.status())) return event.status();
  file.lock();
  LONGLONG offset;
  if (NTSTATUS status = resolve_offset(file, wanted, true, length, offset); !NT_SUCCESS(status)) return status;
  const ex::PinnedBuffer pinned(buffer);
  auto moved = file.open().write(buffer, length, offset);
  const ULONG count = moved ? *moved : 0;
  if (moved && !(flags(file.object()) & FO_FILE_MODIFIED)) {
    __atomic_fetch_or(&file.object().Flags, FO_FILE_MODIFIED, __ATOMIC_RELAXED);
  }
  complete(file, event, *io_status, moved.status(), count, offset + count);
  return moved.status();
}

}  // namespace ntemu::io
