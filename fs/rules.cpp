#include "fs/rules.h"

namespace ntemu::fs {
namespace {

constexpr ACCESS_MASK kReaders = FILE_READ_DATA | FILE_EXECUTE;
constexpr ACCESS_MASK kWriters = FILE_WRITE_DATA | FILE_APPEND_DATA;
// Bits of an access mask that no one may ask for (MS-FSA 2.1.5.1).
constexpr ACCESS_MASK kReservedAccess = 0x0CE0FE00;
constexpr ULONG kSynchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;

struct Wanted {
  bool read, write, remove;
  explicit Wanted(ACCESS_MASK access)
      : read((access & kReaders) != 0), write((access & kWriters) != 0), remove((access & DELETE) != 0) {}
  bool any() const { return read || write || remove; }
};

void count(SHARE_ACCESS &state, ACCESS_MASK access, ULONG share, bool add) {
  const Wanted wanted(access);
  if (!wanted.any()) return;
  const ULONG one = add ? 1 : ~0U;
  state.OpenCount += one;
  if (wanted.read) state.Readers += one;
  if (wanted.write) state.Writers += one;
  if (wanted.remove) state.Deleters += one;
  if (share & FILE_SHARE_READ) state.SharedRead += one;
  if (share & FILE_SHARE_WRITE) state.SharedWrite += one;
  if (share & FILE_SHARE_DELETE) state.SharedDelete += one;
}

}  // namespace

NTSTATUS check_parameters(const io::CreateRequest &request) {
  const ULONG options = request.options;
  if (request.disposition > FILE_MAXIMUM_DISPOSITION) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_DIRECTORY_FILE) && (options & FILE_NON_DIRECTORY_FILE)) return STATUS_INVALID_PARAMETER;
  if (options & FILE_OPEN_BY_FILE_ID) return STATUS_NOT_SUPPORTED;
  if (request.mode == KernelMode) return STATUS_SUCCESS;

  if (request.access == 0 || (request.access & kReservedAccess)) return STATUS_ACCESS_DENIED;
  if (options & ~static_cast<ULONG>(FILE_VALID_OPTION_FLAGS)) return STATUS_INVALID_PARAMETER;
  if (request.share & ~static_cast<ULONG>(FILE_SHARE_VALID_FLAGS)) return STATUS_INVALID_PARAMETER;
  if (request.attributes & ~static_cast<ULONG>(FILE_ATTRIBUTE_VALID_FLAGS)) return STATUS_INVALID_PARAMETER;
  if (request.allocation < 0) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_DIRECTORY_FILE) && replaces_data(request.disposition)) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_DELETE_ON_CLOSE) && !(request.access & DELETE)) return STATUS_INVALID_PARAMETER;
  if ((options & kSynchronous) == kSynchronous) return STATUS_INVALID_PARAMETER;
  if ((options & kSynchronous) && !(request.access & (SYNCHRONIZE | MAXIMUM_ALLOWED))) return STATUS_INVALID_PARAMETER;
  if ((options & FILE_NO_INTERMEDIATE_BUFFERING) && (request.access & FILE_APPEND_DATA)) {
    return STATUS_INVALID_PARAMETER;
  }
  return STATUS_SUCCESS;
}

bool share_conflict(const SHARE_ACCESS &state, ACCESS_MASK access, ULONG share) {
  const Wanted wanted(access);
  if (!wanted.any()) return false;
  return (wanted.read && state.SharedRead < state.OpenCount) || (wanted.write && state.SharedWrite < state.OpenCount) ||
         (wanted.remove && state.SharedDelete < state.OpenCount) || (state.Readers && !(share & FILE_SHARE_READ)) ||
         (state.Writers && !(share & FILE_SHARE_WRITE)) || (state.Deleters && !(share & FILE_SHARE_DELETE));
}

void add_share(SHARE_ACCESS &state, ACCESS_MASK access, ULONG share) { count(state, access, share, true); }
void remove_share(SHARE_ACCESS &state, ACCESS_MASK access, ULONG share) { count(state, access, share, false); }

SHARE_ACCESS without(const SHARE_ACCESS &state, const SHARE_ACCESS &part) {
  return {.OpenCount = state.OpenCount - part.OpenCount,
          .Readers = state.Readers - part.Readers,
          .Writers = state.Writers - part.Writers,
          .Deleters = state.Deleters - part.Deleters,
          .SharedRead = state.SharedRead - part.SharedRead,
          .SharedWrite = state.SharedWrite - part.SharedWrite,
          .SharedDelete = state.SharedDelete - part.SharedDelete};
}

ACCESS_MASK added_access(ULONG disposition) {
  switch (disposition) {
    case FILE_SUPERSEDE:
      return DELETE;
    case FILE_OVERWRITE:
    case FILE_OVERWRITE_IF:
      return FILE_WRITE_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES;
    default:
      return 0;
  }
}

NTSTATUS apply_disposition(ULONG disposition, ULONG options, Existing existing, ULONG_PTR &information) {
  if (existing == Existing::kAbsent) {
    if (disposition == FILE_OPEN || disposition == FILE_OVERWRITE) return STATUS_OBJECT_NAME_NOT_FOUND;
    information = FILE_CREATED;
    return STATUS_SUCCESS;
  }
  if (disposition == FILE_CREATE) return STATUS_OBJECT_NAME_COLLISION;
  if (existing == Existing::kFile) {
    if (options & FILE_DIRECTORY_FILE) return STATUS_NOT_A_DIRECTORY;
  } else {
    if (options & FILE_NON_DIRECTORY_FILE) return STATUS_FILE_IS_A_DIRECTORY;
    if (replaces_data(disposition)) return STATUS_OBJECT_NAME_COLLISION;
  }
  information = !replaces_data(disposition)     ? FILE_OPENED
                : disposition == FILE_SUPERSEDE ? FILE_SUPERSEDED
                                                : FILE_OVERWRITTEN;
  return STATUS_SUCCESS;
}

NTSTATUS check_attributes(const io::CreateRequest &request, ULONG existing, bool directory, ACCESS_MASK &granted) {
  const bool readonly = existing & FILE_ATTRIBUTE_READONLY;
  granted = request.access;
  if (granted & MAXIMUM_ALLOWED) {
    granted = (granted & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED)) | FILE_ALL_ACCESS;
    if (readonly && !directory) granted &= ~kWriters;
  }
  if (readonly) {
    if (!directory && ((granted & kWriters) || replaces_data(request.disposition))) return STATUS_ACCESS_DENIED;
    if (request.options & FILE_DELETE_ON_CLOSE) return STATUS_CANNOT_DELETE;
  }
  if (replaces_data(request.disposition)) {
    const ULONG kept = existing & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
    if (kept & ~request.attributes) return STATUS_ACCESS_DENIED;
  }
  return STATUS_SUCCESS;
}

ULONG new_attributes(ULONG requested, ULONG previous, ULONG disposition, bool directory) {
  ULONG attributes = requested & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~static_cast<ULONG>(FILE_ATTRIBUTE_NORMAL);
  if (disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF) attributes |= previous;
  return attributes | (directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE);
}

}  // namespace ntemu::fs
