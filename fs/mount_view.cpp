#include "fs/mount_view.h"

#include <fcntl.h>

#include <cerrno>

#include "fs/host_names.h"
#include "fs/mount_errors.h"
#include "fs/mount_names.h"
#include "fs/mount_stat.h"
#include "ntemu/base/utf.h"
#include "ntemu/rtl/case.h"

namespace ntemu::fs {
namespace {

constexpr ULONG kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
// Moves during one operation that are believed to be somebody's renames rather than a mistake.
constexpr int kMoves = 8;
constexpr size_t kLongestPath = 0x7FFE;  // characters of a UNICODE_STRING

io::OpenFile &opened(const ob::Ref<FILE_OBJECT> &file) { return *io::open_file_of(*file); }

// What the object manager needs to hear of an open.
struct Named {
  explicit Named(const std::u16string &path) : text(base::to_unicode_string(path)) {
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  }
  UNICODE_STRING text;
  OBJECT_ATTRIBUTES attributes;
};

io::FileOpen file_open(ULONG disposition, ULONG options) {
  io::FileOpen open;
  open.share = kShareAll;
  open.disposition = disposition;
  open.options = options;
  return open;
}

}  // namespace

Result<MountView::File> MountView::open_object(const std::u16string &path, const Ask &ask) {
  if (path.size() > kLongestPath) return STATUS_NAME_TOO_LONG;
  Named name(path);
  io::FileOpen open = file_open(ask.disposition, ask.options);
  ob::OpenRequest request;
  request.access = ask.access;
  request.mode = UserMode;
  request.context = &open;
  auto body = ob::open_by_name(name.attributes, &io::file_type, request);
  if (!body) return body.status();
  auto file = File::adopt(static_cast<FILE_OBJECT *>(*body));
  if (!io::open_file_of(*file)) return STATUS_OBJECT_TYPE_MISMATCH;
  return file;
}

Result<HANDLE> MountView::open_handle(const std::u16string &path, const Ask &ask, ULONG_PTR *information) {
  if (path.size() > kLongestPath) return STATUS_NAME_TOO_LONG;
  Named name(path);
  HANDLE handle = nullptr;
  IO_STATUS_BLOCK io_status{};
  const NTSTATUS status = io::create_file(&handle, &name.attributes, &io_status,
                                          {ask.access, file_open(ask.disposition, ask.options)}, UserMode);
  if (!NT_SUCCESS(status)) return status;
  if (information) *information = io_status.Information;
  return handle;
}

Result<std::shared_ptr<MountedFile>> MountView::open_for(const std::u16string &path, const Ask &ask, uint64_t inode,
                                                         bool append, ULONG_PTR *information) {
  auto handle = open_handle(path, ask, information);
  if (!handle) return handle.status();
  auto body = ob::reference_by_handle(*handle, 0, &io::file_type, KernelMode);
  if (!body) return body.status();
  return std::make_shared<MountedFile>(*handle, File::adopt(static_cast<FILE_OBJECT *>(*body)), inode, append);
}

int MountView::at(uint64_t inode, const std::function<NTSTATUS(const Located &)> &attempt) {
  auto where = inodes_.locate(inode);
  for (int moves = 0;; ++moves) {
    if (!where) return ESTALE;
    if (where->gone) return ENOENT;
    if (!where->known) return ESTALE;
    const NTSTATUS status = attempt(*where);
    const bool missing = status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ||
                         status == STATUS_FILE_INVALID;
    if (!missing || moves == kMoves) return errno_from_status(status);
    auto now = inodes_.locate(inode);
    if (now && now->path == where->path && now->gone == where->gone && now->known == where->known) {
      return errno_from_status(status);
    }
    where = std::move(now);
  }
}

int MountView::below(uint64_t parent, std::string_view name,
                     const std::function<NTSTATUS(const Located &, const std::u16string &path)> &attempt) {
  if (parent == kRootInode) return EACCES;
  const NtName nt = nt_file_name(name);
  if (nt.error) return nt.error;
  return at(parent, [&](const Located &where) {
    if (where.kind != InodeKind::kFile) return STATUS_NOT_A_DIRECTORY;
    return attempt(where, where.path + u'\\' + nt.text);
  });
}

NTSTATUS MountView::enter(uint64_t parent, const Located &directory, std::string_view name, io::OpenFile &file,
                          Entry &out) {
  auto status = file.stat();
  if (!status) return status.status();
  const std::u16string real_path = file.path();
  const std::u16string_view real(real_path);
  const NtName asked = nt_file_name(name);
  const size_t slash = real.rfind(u'\\');
  const std::u16string_view own_directory = std::u16string_view(directory.path).substr(directory.prefix);
  Sighting sighting;
  sighting.parent = parent;
  sighting.spelling = asked.text;
  sighting.through_link =
      real.substr(0, slash) != own_directory || !rtl::equal<char16_t>(real.substr(slash + 1), asked.text, true);
  sighting.real_name = sighting.through_link ? std::u16string_view(asked.text) : real.substr(slash + 1);
  sighting.id = status->id;
  sighting.directory = status->directory;
  const Entered entered = inodes_.enter(sighting);
  if (entered.inode == 0) return STATUS_FILE_INVALID;
  out.inode = entered.inode;
  out.stat = linux_stat(*status, entered.shown);
  return STATUS_SUCCESS;
}

int MountView::look_up_drive(const RootEntry &entry, std::u16string_view spelling, Entry &out) {
  // The open root keeps the volume there.
  auto root = open_object(root_path(entry.name) + u"\\", {});
  if (!root) return errno_from_status(root.status());
  io::Volume *volume = io::volume_of((*root)->DeviceObject);
  auto status = opened(*root).stat();
  if (!volume || !status) return ENXIO;
  volume->set_observer(observer_of(*volume));
  const Entered entered = inodes_.enter_drive(entry, spelling, *volume, status->id);
  out.drive = true;
  out.inode = entered.inode;
  out.stat = linux_stat(*status, entered.shown);
  return 0;
}

int MountView::look_up_at_root(std::string_view name, Entry &out) {
  const NtName nt = nt_link_name(name);
  if (nt.error) return nt.error;
  auto entry = find_root_entry(nt.text);
  if (!entry) return ENOENT;
  if (entry->drive) return look_up_drive(*entry, nt.text, out);
  const Entered entered = inodes_.enter_device(*entry);
  out.inode = entered.inode;
  out.stat = device_stat(entered.shown);
  return 0;
}

int MountView::look_up(uint64_t parent, std::string_view name, Entry &out) {
  if (parent == kRootInode) return look_up_at_root(name, out);
  return below(parent, name, [&](const Located &where, const std::u16string &path) {
    auto file = open_object(path, {});
    if (!file) return file.status();
    return enter(parent, where, name, opened(*file), out);
  });
}

Result<MountView::File> MountView::open_inode(const Located &where, const Ask &ask) {
  const bool root = where.path.size() == where.prefix;
  auto file = open_object(root ? where.path + u'\\' : where.path, ask);
  if (file && opened(*file).id() != where.id) return STATUS_FILE_INVALID;
  return file;
}

int MountView::stat(uint64_t inode, struct stat &out) {
  if (inode == kRootInode) {
    out = root_stat();
    return 0;
  }
  if (auto where = inodes_.locate(inode); where && where->open && where->open->file()) {
    auto status = where->open->file()->stat();
    if (!status) return errno_from_status(status.status());
    out = linux_stat(*status, where->shown);
    return 0;
  }
  return at(inode, [&](const Located &where) {
    if (where.kind == InodeKind::kDevice) {
      out = device_stat(where.shown);
      return STATUS_SUCCESS;
    }
    auto file = open_inode(where, {});
    if (!file) return file.status();
    auto status = opened(*file).stat();
    if (status) out = linux_stat(*status, where.shown);
    return status.status();
  });
}

int MountView::list(uint64_t inode, std::vector<Listed> &out) {
  out.clear();
  if (inode == kRootInode) {
    for (const RootEntry &entry : root_entries()) {
      out.push_back({linux_link_name(entry.name), InodeTable::shown_number(entry.name), entry.drive});
    }
    return 0;
  }
  return at(inode, [&](const Located &where) {
    if (where.kind != InodeKind::kFile) return STATUS_NOT_A_DIRECTORY;
    auto directory = open_inode(where, {FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE});
    if (!directory) return directory.status();
    auto entries = opened(*directory).list();
    if (!entries) return entries.status();
    out.reserve(entries->size());
    for (const io::DirectoryEntry &entry : *entries) {
      out.push_back({to_host_name(entry.name), InodeTable::shown_number(*where.drive, entry.id), entry.directory});
    }
    return STATUS_SUCCESS;
  });
}

int MountView::open_listing(uint64_t inode, Listing *&out) {
  auto listing = std::make_unique<Listing>();
  out = listing.get();
  {
    base::Guard guard(out->mutex);
    if (const int error = list(inode, out->entries)) return error;
  }
  base::Guard guard(listings_mutex_);
  listings_[out] = std::move(listing);
  return 0;
}

void MountView::close_listing(Listing *listing) {
  base::Guard guard(listings_mutex_);
  listings_.erase(listing);
}

int MountView::room(uint64_t inode, struct statvfs &out) {
  out = {};
  out.f_bsize = out.f_frsize = 4096;
  out.f_namemax = 255;
  const auto where = inodes_.locate(inode);
  if (!where || !where->drive) return 0;
  // The open root keeps the volume there.
  auto root = open_object(root_path(where->drive->link) + u"\\", {});
  if (!root) return errno_from_status(root.status());
  io::Volume *volume = io::volume_of((*root)->DeviceObject);
  if (!volume) return ENXIO;
  auto size = volume->size();
  if (!size) return errno_from_status(size.status());
  out.f_bsize = out.f_frsize = size->block ? size->block : 4096;
  out.f_blocks = size->total / out.f_frsize;
  out.f_bfree = size->free / out.f_frsize;
  out.f_bavail = size->free_for_user / out.f_frsize;
  out.f_files = size->files;
  out.f_ffree = out.f_favail = size->free_files;
  return 0;
}

}  // namespace ntemu::fs
