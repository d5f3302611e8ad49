// Querying and setting a file's information classes.
#include <cstring>

#include "fs/semantic_file.h"

namespace ntemu::fs {
namespace {

constexpr base::Nt100ns kFreeze = -1;
constexpr base::Nt100ns kResume = -2;
// FORCE_IMAGE_SECTION_CHECK has nothing to find: files are not mapped.
constexpr ULONG kDispositionFlags = FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS |
                                    FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK | FILE_DISPOSITION_ON_CLOSE |
                                    FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;

ULONG reported(ULONG attributes) { return attributes ? attributes : FILE_ATTRIBUTE_NORMAL; }

// Writes a name after `fixed` bytes that are already there: as much as fits.
NTSTATUS put_name(const std::u16string &name, ULONG fixed, void *buffer, ULONG length, ULONG &information) {
  auto *info = reinterpret_cast<FILE_NAME_INFORMATION *>(static_cast<char *>(buffer) + fixed);
  const auto bytes = static_cast<ULONG>(name.size() * sizeof(char16_t));
  constexpr ULONG kHeader = offsetof(FILE_NAME_INFORMATION, FileName);
  const ULONG room = length - fixed - kHeader;
  const ULONG copied = std::min(bytes, room & ~1U);
  info->FileNameLength = bytes;
  std::memcpy(info->FileName, name.data(), copied);
  information = fixed + kHeader + copied;
  return copied < bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

// How long the buffer must at least be; 0: not a class of the file's own.
ULONG query_length(FILE_INFORMATION_CLASS info_class) {
  switch (info_class) {
    case FileBasicInformation:
      return sizeof(FILE_BASIC_INFORMATION);
    case FileStandardInformation:
      return sizeof(FILE_STANDARD_INFORMATION);
    case FileInternalInformation:
      return sizeof(FILE_INTERNAL_INFORMATION);
    case FileEaInformation:
      return sizeof(FILE_EA_INFORMATION);
    case FileNameInformation:
      return sizeof(FILE_NAME_INFORMATION);
    case FileAllInformation:
      return sizeof(FILE_ALL_INFORMATION);
    case FileNetworkOpenInformation:
      return sizeof(FILE_NETWORK_OPEN_INFORMATION);
    case FileAttributeTagInformation:
      return sizeof(FILE_ATTRIBUTE_TAG_INFORMATION);
    default:
      return 0;
  }
}

template <class Info>
bool read_info(const void *buffer, ULONG length, Info &info) {
  if (length < sizeof(Info)) return false;
  std::memcpy(&info, buffer, sizeof(Info));
  return true;
}

}  // namespace

NTSTATUS SemanticFile::basic(FILE_BASIC_INFORMATION &out) {
  auto metadata = node_.metadata();
  if (!metadata) return metadata.status();
  auto attributes = node_.attributes();
  if (!attributes) return attributes.status();
  out.CreationTime.QuadPart = metadata->times.creation;
  out.LastAccessTime.QuadPart = metadata->times.access;
  out.LastWriteTime.QuadPart = metadata->times.write;
  out.ChangeTime.QuadPart = metadata->times.change;
  out.FileAttributes = reported(*attributes);
  return STATUS_SUCCESS;
}

NTSTATUS SemanticFile::standard(FILE_STANDARD_INFORMATION &out) {
  auto metadata = node_.metadata();
  if (!metadata) return metadata.status();
  base::Guard guard(volume_.lock_);
  out.AllocationSize.QuadPart = metadata->allocation;
  out.EndOfFile.QuadPart = metadata->size;
  // A link that is to be deleted is no longer counted (MS-FSA, FileStandardInformation).
  out.NumberOfLinks = metadata->links - (fcb_->delete_pending && metadata->links ? 1 : 0);
  out.DeletePending = fcb_->going();
  out.Directory = is_directory();
  return STATUS_SUCCESS;
}

NTSTATUS SemanticFile::query(FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length, ULONG &information) {
  information = 0;
  const ULONG needed = query_length(info_class);
  if (needed == 0) return STATUS_INVALID_INFO_CLASS;
  if (length < needed) return STATUS_INFO_LENGTH_MISMATCH;
  information = needed;
  std::memset(buffer, 0, needed);
  NTSTATUS status = STATUS_SUCCESS;
  switch (info_class) {
    case FileBasicInformation:
      return basic(*static_cast<FILE_BASIC_INFORMATION *>(buffer));
    case FileStandardInformation:
      return standard(*static_cast<FILE_STANDARD_INFORMATION *>(buffer));
    case FileInternalInformation:
      static_cast<FILE_INTERNAL_INFORMATION *>(buffer)->IndexNumber.QuadPart = static_cast<LONGLONG>(node_.id().index);
      return STATUS_SUCCESS;
    case FileEaInformation:  // there are no extended attributes
      return STATUS_SUCCESS;
    case FileNameInformation:
      return put_name(path(), 0, buffer, length, information);
    case FileAllInformation: {
      auto &all = *static_cast<FILE_ALL_INFORMATION *>(buffer);
      if (status = basic(all.BasicInformation); !NT_SUCCESS(status)) return status;
      if (status = standard(all.StandardInformation); !NT_SUCCESS(status)) return status;
      all.InternalInformation.IndexNumber.QuadPart = static_cast<LONGLONG>(node_.id().index);
      return put_name(path(), offsetof(FILE_ALL_INFORMATION, NameInformation), buffer, length, information);
    }
    case FileNetworkOpenInformation: {
      auto &open = *static_cast<FILE_NETWORK_OPEN_INFORMATION *>(buffer);
      FILE_BASIC_INFORMATION times{};
      FILE_STANDARD_INFORMATION sizes{};
      if (status = basic(times); !NT_SUCCESS(status)) return status;
      if (status = standard(sizes); !NT_SUCCESS(status)) return status;
      open = {times.CreationTime,   times.LastAccessTime, times.LastWriteTime, times.ChangeTime,
              sizes.AllocationSize, sizes.EndOfFile,      times.FileAttributes};
      return STATUS_SUCCESS;
    }
    default: {
      auto attributes = node_.attributes();
      if (!attributes) return attributes.status();
      static_cast<FILE_ATTRIBUTE_TAG_INFORMATION *>(buffer)->FileAttributes = reported(*attributes);
      return STATUS_SUCCESS;
    }
  }
}

NTSTATUS SemanticFile::set(FILE_INFORMATION_CLASS info_class, const void *buffer, ULONG length) {
  still_used();
  switch (info_class) {
    case FileBasicInformation: {
      FILE_BASIC_INFORMATION info;
      return read_info(buffer, length, info) ? set_basic(info) : STATUS_INFO_LENGTH_MISMATCH;
    }
    case FileDispositionInformation: {
      FILE_DISPOSITION_INFORMATION info;
      if (!read_info(buffer, length, info)) return STATUS_INFO_LENGTH_MISMATCH;
      return set_disposition(info.DeleteFile ? FILE_DISPOSITION_DELETE : FILE_DISPOSITION_DO_NOT_DELETE);
    }
    case FileDispositionInformationEx: {
      FILE_DISPOSITION_INFORMATION_EX info;
      return read_info(buffer, length, info) ? set_disposition(info.Flags) : STATUS_INFO_LENGTH_MISMATCH;
    }
    case FileEndOfFileInformation: {
      FILE_END_OF_FILE_INFORMATION info;
      return read_info(buffer, length, info) ? set_end_of_file(info.EndOfFile.QuadPart) : STATUS_INFO_LENGTH_MISMATCH;
    }
    case FileAllocationInformation: {
      FILE_ALLOCATION_INFORMATION info;
      return read_info(buffer, length, info) ? set_allocation(info.AllocationSize.QuadPart)
                                             : STATUS_INFO_LENGTH_MISMATCH;
    }
    default:
      return STATUS_INVALID_INFO_CLASS;
  }
}

NTSTATUS SemanticFile::set_basic(const FILE_BASIC_INFORMATION &info) {
  const base::Nt100ns wanted[] = {info.CreationTime.QuadPart, info.LastAccessTime.QuadPart, info.LastWriteTime.QuadPart,
                                  info.ChangeTime.QuadPart};
  for (base::Nt100ns time : wanted) {
    if (time < kResume) return STATUS_INVALID_PARAMETER;
  }
  const ULONG asked = info.FileAttributes;
  if ((asked & FILE_ATTRIBUTE_DIRECTORY) && !is_directory()) return STATUS_INVALID_PARAMETER;
  if ((asked & FILE_ATTRIBUTE_TEMPORARY) && is_directory()) return STATUS_INVALID_PARAMETER;

  auto metadata = node_.metadata();
  if (!metadata) return metadata.status();
  base::Guard guard(volume_.lock_);
  if (asked) {
    const ULONG settable = asked & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~static_cast<ULONG>(FILE_ATTRIBUTE_NORMAL);
    const NTSTATUS status = node_.set_attributes(settable | (is_directory() ? FILE_ATTRIBUTE_DIRECTORY : 0));
    if (!NT_SUCCESS(status)) return status;
  }
  Times times;
  base::Nt100ns *const fields[] = {&times.creation, &times.access, &times.write, &times.change};
  base::Nt100ns *const frozen[] = {&frozen_.creation, &frozen_.access, &frozen_.write, &frozen_.change};
  const base::Nt100ns current[] = {metadata->times.creation, metadata->times.access, metadata->times.write,
                                   metadata->times.change};
  for (size_t i = 0; i < std::size(wanted); ++i) {
    if (wanted[i] == kFreeze) {
      *frozen[i] = current[i];
    } else if (wanted[i] == kResume) {
      *frozen[i] = 0;
    } else if (wanted[i] > 0) {
      *fields[i] = wanted[i];
      // A time set explicitly is also not moved by this handle's later operations (MS-FSA).
      *frozen[i] = wanted[i];
    }
  }
  any_frozen_ = frozen_.creation || frozen_.access || frozen_.write || frozen_.change;
  return node_.set_times(times);
}

NTSTATUS SemanticFile::set_disposition(ULONG flags) {
  if (flags & ~kDispositionFlags) return STATUS_INVALID_PARAMETER;
  for (SemanticVolume::Patience patience;;) {
    {
      base::Guard guard(volume_.lock_);
      const NTSTATUS status = set_disposition_locked(flags);
      if (!volume_.worth_waiting(patience)) return status;
    }
    volume_.wait_for_closing(patience);
  }
}

NTSTATUS SemanticFile::set_disposition_locked(ULONG flags) {
  if (fcb_->is_root() || fcb_->through_link) return STATUS_CANNOT_DELETE;
  const bool remove = flags & FILE_DISPOSITION_DELETE;
  if (remove) {
    if (fcb_->unlinked) return STATUS_FILE_DELETED;
    auto attributes = node_.attributes();
    if (!attributes) return attributes.status();
    if ((*attributes & FILE_ATTRIBUTE_READONLY) && !(flags & FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE)) {
      return STATUS_CANNOT_DELETE;
    }
    if (Directory *directory = node_.directory()) {
      auto empty = directory->empty();
      if (!empty) return empty.status();
      if (!*empty) {
        volume_.only_closing_ = volume_.has_closing_child(*fcb_);
        return STATUS_DIRECTORY_NOT_EMPTY;
      }
    }
  }
  posix_delete_ = remove && (flags & FILE_DISPOSITION_POSIX_SEMANTICS);
  if (flags & FILE_DISPOSITION_ON_CLOSE) {
    delete_on_close_ = remove;
  } else {
    fcb_->delete_pending = remove;
  }
  return STATUS_SUCCESS;
}

NTSTATUS SemanticFile::set_end_of_file(LONGLONG size) {
  if (is_directory() || size < 0) return STATUS_INVALID_PARAMETER;
  return volume_.with_room([&] { return node_.resize(size); });
}

NTSTATUS SemanticFile::set_allocation(LONGLONG size) {
  if (is_directory() || size < 0) return STATUS_INVALID_PARAMETER;
  auto metadata = node_.metadata();
  if (!metadata) return metadata.status();
  // Less room than data cuts the data off; more is reserved.
  return volume_.with_room([&] { return size < metadata->size ? node_.resize(size) : node_.reserve(size); });
}

}  // namespace ntemu::fs
