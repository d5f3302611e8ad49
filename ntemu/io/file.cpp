// FILE_OBJECTs: made by an open, emptied when the last handle closes, freed with the last reference.
#include "ntemu/io/file.h"

#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/io/device.h"
#include "ntemu/io/file_access.h"
#include "ntemu/io/file_object.h"

using namespace ntemu;
using namespace ntemu::io;

namespace {

// A volume's parameter block is public; what it holds for us lies behind it.
struct MountedVolume : VPB {
  std::unique_ptr<Volume> volume;
};

constexpr USHORT kVpbMounted = 1;  // VPB_MOUNTED

MountedVolume *mounted(const DEVICE_OBJECT &device) {
  auto *vpb = static_cast<MountedVolume *>(device.Vpb);
  return vpb && (vpb->Flags & kVpbMounted) ? vpb : nullptr;
}

// The mount itself holds one reference, each file object another.
void release_volume(MountedVolume *volume) {
  if (__atomic_sub_fetch(&volume->ReferenceCount, 1, __ATOMIC_ACQ_REL) == 0) delete volume;
}

void delete_file(void *body) {
  auto &file = *static_cast<FILE_OBJECT *>(body);
  if (file.Vpb) {
    delete open_file_of(file);
    release_volume(static_cast<MountedVolume *>(file.Vpb));
  } else if (file.DeviceObject) {
    close_device_file(file);
  }
  if (file.FileName.Buffer) ExFreePoolWithTag(file.FileName.Buffer, ob::kNameTag);
  if (!file.DeviceObject) return;
  end_open(file.DeviceObject);
  ob::dereference(file.DeviceObject);
}

void clean_up_file(void *body) {
  auto &file = *static_cast<FILE_OBJECT *>(body);
  if (OpenFile *open = open_file_of(file)) {
    open->cleanup();
  } else if (!file.Vpb && file.DeviceObject) {
    clean_up_device_file(file);
  }
  file.Flags |= FO_CLEANUP_COMPLETE;
}

std::u16string name_of_file(void *body) {
  const auto &file = *static_cast<FILE_OBJECT *>(body);
  const OpenFile *open = open_file_of(file);
  return ob::name_of(file.DeviceObject) + (open ? open->path() : std::u16string(base::view(file.FileName)));
}

Result<void *> parse_file(void *body, std::u16string_view rest, ob::OpenRequest &request);

}  // namespace

_OBJECT_TYPE ntemu::io::file_type = {
    .name = u"File",
    .valid_access = FILE_ALL_ACCESS,
    .generic_mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
    .dispatcher_offset = offsetof(FILE_OBJECT, Event),
    .on_delete = delete_file,
    .on_last_handle_closed = clean_up_file,
    .query_name = name_of_file,
    .parse = parse_file,
};

static POBJECT_TYPE file_type_pointer = &ntemu::io::file_type;
POBJECT_TYPE *IoFileObjectType = &file_type_pointer;

ob::Ref<FILE_OBJECT> ntemu::io::make_file_object(PDEVICE_OBJECT device) {
  auto file = ob::Ref<FILE_OBJECT>::adopt(static_cast<FILE_OBJECT *>(ob::create(file_type, sizeof(FILE_OBJECT))));
  if (!file) return file;
  file->Type = IO_TYPE_FILE;
  file->Size = sizeof(FILE_OBJECT);
  ob::reference(device);
  file->DeviceObject = device;
  KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
  // Nobody has to wait for an idle file.
  KeInitializeEvent(&file->Event, NotificationEvent, TRUE);
  InitializeListHead(&file->IrpList);
  return file;
}

ULONG ntemu::io::file_flags_of(ULONG options, bool case_sensitive) {
  constexpr struct {
    ULONG option, flag;
  } kPairs[] = {
      {FILE_SYNCHRONOUS_IO_ALERT, FO_SYNCHRONOUS_IO | FO_ALERTABLE_IO},
      {FILE_SYNCHRONOUS_IO_NONALERT, FO_SYNCHRONOUS_IO},
      {FILE_NO_INTERMEDIATE_BUFFERING, FO_NO_INTERMEDIATE_BUFFERING},
      {FILE_WRITE_THROUGH, FO_WRITE_THROUGH},
      {FILE_SEQUENTIAL_ONLY, FO_SEQUENTIAL_ONLY},
      {FILE_RANDOM_ACCESS, FO_RANDOM_ACCESS},
      {FILE_DELETE_ON_CLOSE, FO_DELETE_ON_CLOSE},
  };
  ULONG flags = case_sensitive ? FO_OPENED_CASE_SENSITIVE : 0U;
  for (const auto &pair : kPairs) {
    if (options & pair.option) flags |= pair.flag;
  }
  return flags;
}

NTSTATUS ntemu::io::set_file_name(FILE_OBJECT &file, std::u16string_view name) {
  if (name.empty()) return STATUS_SUCCESS;
  file.FileName = ob::pool_copy(name);
  return file.FileName.Buffer ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

namespace {

Result<void *> open_on(MountedVolume *volume, PDEVICE_OBJECT device, OpenFile *directory, std::u16string_view path,
                       ob::OpenRequest &request) {
  FileOpen fallback;
  FileOpen &open = request.context ? *static_cast<FileOpen *>(request.context) : fallback;
  if (const NTSTATUS status = begin_open(device, directory != nullptr); !NT_SUCCESS(status)) return status;
  auto file = make_file_object(device);
  if (!file) {
    end_open(device);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  __atomic_add_fetch(&volume->ReferenceCount, 1, __ATOMIC_RELAXED);
  file->Vpb = volume;

  CreateRequest create;
  create.path = path;
  create.directory = directory;
  create.access = request.access;
  create.share = open.share;
  create.disposition = open.disposition;
  create.options = open.options;
  create.attributes = open.attributes;
  create.allocation = open.allocation;
  create.case_insensitive = request.attributes & OBJ_CASE_INSENSITIVE;
  create.target_directory = open.target_directory;
  create.mode = request.mode;
  auto result = volume->volume->create(create);
  if (!result) return result.status();
  file->FsContext2 = result->file.release();
  if (NTSTATUS status = set_file_name(*file, open.target_directory ? result->last_name : path); !NT_SUCCESS(status)) {
    return status;
  }
  const ACCESS_MASK granted = result->granted;
  file->Flags = file_flags_of(open.options, !create.case_insensitive);
  file->ReadAccess = (granted & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
  file->WriteAccess = (granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
  file->DeleteAccess = (granted & DELETE) != 0;
  if (file->ReadAccess || file->WriteAccess || file->DeleteAccess) {
    file->SharedRead = (open.share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (open.share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (open.share & FILE_SHARE_DELETE) != 0;
  }
  open.information = result->information;
  open.granted = granted;
  return static_cast<void *>(file.release());
}

// Names relative to an open directory (OBJECT_ATTRIBUTES.RootDirectory).
Result<void *> parse_file(void *body, std::u16string_view rest, ob::OpenRequest &request) {
  auto &directory = *static_cast<FILE_OBJECT *>(body);
  if (!directory.Vpb) return open_device(directory.DeviceObject, &directory, rest, request);
  MountedVolume *volume = mounted(*directory.DeviceObject);
  if (!volume || !open_file_of(directory)) return STATUS_OBJECT_TYPE_MISMATCH;
  return open_on(volume, directory.DeviceObject, open_file_of(directory), rest, request);
}

}  // namespace

void ntemu::io::mount_volume(PDEVICE_OBJECT device, std::unique_ptr<Volume> volume) {
  auto *block = new MountedVolume{};
  block->Type = IO_TYPE_VPB;
  block->Size = sizeof(VPB);
  block->Flags = kVpbMounted;
  block->DeviceObject = device;
  block->RealDevice = device;
  block->ReferenceCount = 1;
  block->volume = std::move(volume);
  device->Vpb = block;
  device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
}

void ntemu::io::dismount_volume(PDEVICE_OBJECT device) {
  MountedVolume *volume = mounted(*device);
  if (!volume) return;
  device->Vpb = nullptr;
  release_volume(volume);
}

bool ntemu::io::is_mounted(PDEVICE_OBJECT device) { return mounted(*device) != nullptr; }

Volume *ntemu::io::volume_of(PDEVICE_OBJECT device) {
  MountedVolume *volume = mounted(*device);
  return volume ? volume->volume.get() : nullptr;
}

Result<void *> ntemu::io::open_file_on_volume(PDEVICE_OBJECT device, std::u16string_view rest,
                                              ob::OpenRequest &request) {
  MountedVolume *volume = mounted(*device);
  if (!volume) return STATUS_DEVICE_NOT_READY;
  return open_on(volume, device, nullptr, rest, request);
}
