// How FILE_OBJECTs are made, whether a volume or a driver answers the open.
#pragma once

#include "ntemu/io/file.h"

namespace ntemu::io {

// For an open of `device` that has begun (begin_open); it ends with the object.
ob::Ref<FILE_OBJECT> make_file_object(PDEVICE_OBJECT device);
NTSTATUS set_file_name(FILE_OBJECT &file, std::u16string_view name);
// FO_... for an open's options.
ULONG file_flags_of(ULONG options, bool case_sensitive);

// A device that is no volume: its driver is asked with IRPs. `related`: the file object of the RootDirectory.
Result<void *> open_device(PDEVICE_OBJECT device, FILE_OBJECT *related, std::u16string_view rest,
                           ob::OpenRequest &request);
// Such a file's last handle was closed; its last reference is gone.
void clean_up_device_file(FILE_OBJECT &file);
void close_device_file(FILE_OBJECT &file);

}  // namespace ntemu::io
