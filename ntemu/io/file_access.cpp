#include "ntemu/io/file_access.h"

namespace ntemu::io {

ACCESS_MASK map_generic_file_access(ACCESS_MASK access) {
  constexpr ACCESS_MASK kGeneric = GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL;
  ACCESS_MASK mapped = access & ~kGeneric;
  if (access & GENERIC_READ) mapped |= FILE_GENERIC_READ;
  if (access & GENERIC_WRITE) mapped |= FILE_GENERIC_WRITE;
  if (access & GENERIC_EXECUTE) mapped |= FILE_GENERIC_EXECUTE;
  if (access & GENERIC_ALL) mapped |= FILE_ALL_ACCESS;
  return mapped;
}

ACCESS_MASK access_to_query(FILE_INFORMATION_CLASS info_class) {
  switch (info_class) {
    case FileBasicInformation:
    case FileAllInformation:
    case FileNetworkOpenInformation:
    case FileAttributeTagInformation:
      return FILE_READ_ATTRIBUTES;
    case FileEaInformation:
      return FILE_READ_EA;
    default:
      return 0;
  }
}

ACCESS_MASK access_to_set(FILE_INFORMATION_CLASS info_class) {
  switch (info_class) {
    case FileBasicInformation:
      return FILE_WRITE_ATTRIBUTES;
    case FileRenameInformation:
    case FileRenameInformationEx:
    case FileDispositionInformation:
      return DELETE;
    case FileEndOfFileInformation:
    case FileAllocationInformation:
      return FILE_WRITE_DATA;
    default:
      return 0;
  }
}

}  // namespace ntemu::io
