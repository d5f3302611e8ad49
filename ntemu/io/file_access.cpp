#include "ntemu/io/file_access.h"

namespace ntemu::io {

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
    case FileDispositionInformationEx:
      return DELETE;
    case FileEndOfFileInformation:
    case FileAllocationInformation:
      return FILE_WRITE_DATA;
    default:
      return 0;
  }
}

}  // namespace ntemu::io
