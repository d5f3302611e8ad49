// Querying and setting file information: what belongs to the handle is answered here, the rest by the file system.
#include <algorithm>
#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/io/file_access.h"
#include "ntemu/io/file_lock.h"

namespace ntemu::io {
namespace {

ULONG mode_of(const FILE_OBJECT &file) {
  const ULONG flags = io::flags(file);
  ULONG mode = 0;
  if (flags & FO_WRITE_THROUGH) mode |= FILE_WRITE_THROUGH;
  if (flags & FO_SEQUENTIAL_ONLY) mode |= FILE_SEQUENTIAL_ONLY;
  if (flags & FO_NO_INTERMEDIATE_BUFFERING) mode |= FILE_NO_INTERMEDIATE_BUFFERING;
  if (flags & FO_SYNCHRONOUS_IO) {
    mode |= flags & FO_ALERTABLE_IO ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
  }
  if (flags & FO_DELETE_ON_CLOSE) mode |= FILE_DELETE_ON_CLOSE;
  return mode;
}

template <class Info>
NTSTATUS answer(void *buffer, ULONG length, ULONG &information, const Info &info) {
  if (length < sizeof(Info)) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(buffer, &info, sizeof(Info));
  information = sizeof(Info);
  return STATUS_SUCCESS;
}

NTSTATUS query(const FileInUse &file, FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length,
               ULONG &information) {
  const FILE_OBJECT &object = file.object();
  switch (info_class) {
    case FileAccessInformation:
      return answer(buffer, length, information, FILE_ACCESS_INFORMATION{file.granted()});
    case FilePositionInformation:
      return answer(buffer, length, information, FILE_POSITION_INFORMATION{object.CurrentByteOffset});
    case FileModeInformation:
      return answer(buffer, length, information, FILE_MODE_INFORMATION{mode_of(object)});
    case FileAlignmentInformation:
      return answer(buffer, length, information, FILE_ALIGNMENT_INFORMATION{object.DeviceObject->AlignmentRequirement});
    default:
      break;
  }
  const NTSTATUS status = file.open().query(info_class, buffer, length, information);
  if (info_class == FileAllInformation && !NT_ERROR(status)) {
    auto &all = *static_cast<FILE_ALL_INFORMATION *>(buffer);
    all.AccessInformation.AccessFlags = file.granted();
    all.PositionInformation.CurrentByteOffset = object.CurrentByteOffset;
    all.ModeInformation.Mode = mode_of(object);
    all.AlignmentInformation.AlignmentRequirement = object.DeviceObject->AlignmentRequirement;
  }
  return status;
}

NTSTATUS set_position(FileInUse &file, const void *buffer, ULONG length) {
  FILE_POSITION_INFORMATION info;
  if (length < sizeof(info)) return STATUS_INFO_LENGTH_MISMATCH;
  std::memcpy(&info, buffer, sizeof(info));
  if (info.CurrentByteOffset.QuadPart < 0) return STATUS_INVALID_PARAMETER;
  file.object().CurrentByteOffset = info.CurrentByteOffset;
  return STATUS_SUCCESS;
}

// MS-FSA, FileRenameInformation. The directory that a path leads to is opened like any other, which is what makes a
// missing one, an exclusively opened one and one on another volume fail as they should.
NTSTATUS set_name(FileInUse &file, const void *buffer, ULONG length, bool extended, KPROCESSOR_MODE mode) {
  constexpr ULONG kNameOffset = offsetof(FILE_RENAME_INFORMATION, FileName);
  if (length < sizeof(FILE_RENAME_INFORMATION)) return STATUS_INFO_LENGTH_MISMATCH;
  if (mode == UserMode && !(file.granted() & DELETE)) return STATUS_ACCESS_DENIED;
  FILE_RENAME_INFORMATION info;
  std::memcpy(&info, buffer, sizeof(info));
  if (info.FileNameLength == 0 || info.FileNameLength % sizeof(WCHAR) || info.FileNameLength > length - kNameOffset) {
    return STATUS_INVALID_PARAMETER;
  }
  const std::u16string name(reinterpret_cast<const char16_t *>(static_cast<const char *>(buffer) + kNameOffset),
                            info.FileNameLength / sizeof(WCHAR));
  const ULONG flags = extended ? info.Flags : info.ReplaceIfExists ? FILE_RENAME_REPLACE_IF_EXISTS : 0U;
  const bool full = name.starts_with(u'\\');
  if (!full && !info.RootDirectory) {
    return file.open().rename(name, nullptr, flags, mode);
  }
  if (full && info.RootDirectory) return STATUS_INVALID_PARAMETER;
  if (name.size() > 0x7FFF) return STATUS_OBJECT_NAME_INVALID;

  UNICODE_STRING text = base::to_unicode_string(name);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, info.RootDirectory, nullptr);
  FileOpen open;
  open.share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  open.target_directory = true;
  ob::OpenRequest request;
  request.access = SYNCHRONIZE | (file.open().is_directory() ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE);
  request.attributes = attributes.Attributes;
  request.context = &open;
  auto body = ob::open_by_name(attributes, &file_type, request);
  if (!body) return body.status();
  const auto target = ob::Ref<FILE_OBJECT>::adopt(static_cast<FILE_OBJECT *>(*body));
  if (target->DeviceObject != file.object().DeviceObject) return STATUS_NOT_SAME_DEVICE;
  return file.open().rename(base::view(target->FileName), open_file_of(*target), flags, mode);
}

}  // namespace

NTSTATUS query_file(HANDLE handle, IO_STATUS_BLOCK *io_status, void *buffer, ULONG length,
                    FILE_INFORMATION_CLASS info_class, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!NT_SUCCESS(file.status())) return file.status();
  const ACCESS_MASK needed = access_to_query(info_class);
  if (mode == UserMode && (file.granted() & needed) != needed) return STATUS_ACCESS_DENIED;
  file.lock();
  ULONG information = 0;
  const NTSTATUS status = query(file, info_class, buffer, length, information);
  if (NT_ERROR(status)) return status;
  io_status->Status = status;
  io_status->Information = information;
  return status;
}

NTSTATUS set_file(HANDLE handle, IO_STATUS_BLOCK *io_status, const void *buffer, ULONG length,
                  FILE_INFORMATION_CLASS info_class, KPROCESSOR_MODE mode) {
  FileInUse file(handle, mode);
  if (!NT_SUCCESS(file.status())) return file.status();
  const bool rename = info_class == FileRenameInformation || info_class == FileRenameInformationEx;
  const ACCESS_MASK needed = access_to_set(info_class);
  // A rename's length is checked first (MS-FSA).
  if (mode == UserMode && !rename && (file.granted() & needed) != needed) return STATUS_ACCESS_DENIED;
  file.lock();
  const NTSTATUS status = rename ? set_name(file, buffer, length, info_class == FileRenameInformationEx, mode)
                          : info_class == FilePositionInformation ? set_position(file, buffer, length)
                                                                  : file.open().set(info_class, buffer, length);
  if (NT_ERROR(status)) return status;
  if (info_class == FileDispositionInformation) {
    file.object().DeletePending = static_cast<const FILE_DISPOSITION_INFORMATION *>(buffer)->DeleteFile;
  } else if (info_class == FileDispositionInformationEx) {
    FILE_DISPOSITION_INFORMATION_EX info;
    std::memcpy(&info, buffer, sizeof(info));
    if (!(info.Flags & FILE_DISPOSITION_ON_CLOSE)) file.object().DeletePending = info.Flags & FILE_DISPOSITION_DELETE;
  }
  io_status->Status = status;
  io_status->Information = 0;
  return status;
}

}  // namespace ntemu::io
