// Opening files by name: the service behind ZwCreateFile and ZwOpenFile.
#include "ntemu/io/file.h"
#include "ntemu/io/file_access.h"

namespace ntemu::io {

NTSTATUS create_file(HANDLE *handle, const OBJECT_ATTRIBUTES *attributes, IO_STATUS_BLOCK *io_status, FileCreate create,
                     KPROCESSOR_MODE mode) {
  if (!attributes || attributes->Length != sizeof(OBJECT_ATTRIBUTES)) return STATUS_INVALID_PARAMETER;
  if (attributes->ObjectName && attributes->ObjectName->Length % sizeof(WCHAR)) return STATUS_OBJECT_NAME_INVALID;
  ob::OpenRequest request;
  request.access = ob::map_generic(file_type, create.access);
  request.attributes = attributes->Attributes;
  request.mode = mode;
  request.context = &create.open;
  auto body = ob::open_by_name(*attributes, &file_type, request);
  if (!body) return body.status();
  const auto file = ob::Ref<FILE_OBJECT>::adopt(static_cast<FILE_OBJECT *>(*body));
  auto created = ob::create_handle(file.get(), create.open.granted, attributes->Attributes);
  if (!created) return created.status();
  file->Flags |= FO_HANDLE_CREATED;
  *handle = *created;
  io_status->Status = STATUS_SUCCESS;
  io_status->Information = create.open.information;
  return STATUS_SUCCESS;
}

}  // namespace ntemu::io
