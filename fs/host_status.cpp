#include "fs/host_status.h"

#include <cerrno>

namespace ntemu::fs {

NTSTATUS status_from_errno(int error) {
  switch (error) {
    case ENOENT:
      return STATUS_OBJECT_NAME_NOT_FOUND;
    case EEXIST:
      return STATUS_OBJECT_NAME_COLLISION;
    case ENOTDIR:
    case ELOOP:  // a chain of symbolic links without end, or one where none may be
      return STATUS_OBJECT_PATH_NOT_FOUND;
    case EISDIR:
      return STATUS_FILE_IS_A_DIRECTORY;
    case ENOTEMPTY:
      return STATUS_DIRECTORY_NOT_EMPTY;
    case EACCES:
    case EPERM:
      return STATUS_ACCESS_DENIED;
    case EROFS:
      return STATUS_MEDIA_WRITE_PROTECTED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return STATUS_DISK_FULL;
    case ENAMETOOLONG:
      return STATUS_NAME_TOO_LONG;
    case EMFILE:
    case ENFILE:
      return STATUS_TOO_MANY_OPENED_FILES;
    case ENOMEM:
      return STATUS_INSUFFICIENT_RESOURCES;
    case EXDEV:
      return STATUS_NOT_SAME_DEVICE;
    case EBUSY:
    case ETXTBSY:
      return STATUS_SHARING_VIOLATION;
    case EMLINK:
      return STATUS_TOO_MANY_LINKS;
    case EINVAL:
      return STATUS_INVALID_PARAMETER;
    case EFAULT:
      return STATUS_INVALID_USER_BUFFER;
    case ENOTSUP:
    case ENOSYS:
      return STATUS_NOT_SUPPORTED;
    case ENODEV:
    case ENXIO:
      return STATUS_NO_SUCH_DEVICE;
    case ESTALE:
      return STATUS_FILE_INVALID;
    default:
      return STATUS_UNEXPECTED_IO_ERROR;
  }
}

}  // namespace ntemu::fs
