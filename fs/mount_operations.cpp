#include "fs/mount_operations.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "fs/mount_errors.h"
#include "fs/mount_view.h"

namespace ntemu::fs {
namespace {

// A driver may do anything at any time: the kernel must remember nothing.
constexpr double kNeverCached = 0;
// But a drive's name at the root may be known for a moment, in seconds: whatever is asked about the drive, or anything
// in it, is still answered here by what its link leads to then. It saves a question for each path.
constexpr double kDriveCached = 1;
// Requests without a waiting program, such as the end of an open, that the kernel lets stand at a time.
constexpr unsigned kBackground = 1024;
// Of "." and "..", which programs do not ask a listing for.
constexpr uint64_t kNumberUnknown = 0xFFFFFFFF;

MountView &view(fuse_req_t request) { return *static_cast<MountView *>(fuse_req_userdata(request)); }

MountedFile *file_of(const fuse_file_info *info) { return info ? reinterpret_cast<MountedFile *>(info->fh) : nullptr; }

using Listing = MountView::Listing;

fuse_entry_param as_entry(const MountView::Entry &entry) {
  fuse_entry_param out{};
  out.ino = entry.inode;
  out.attr = entry.stat;
  out.attr_timeout = kNeverCached;
  out.entry_timeout = entry.drive ? kDriveCached : kNeverCached;
  return out;
}

void answer_entry(fuse_req_t request, const MountView::Entry &entry) {
  MountView &to = view(request);
  const fuse_entry_param out = as_entry(entry);
  if (fuse_reply_entry(request, &out) != 0) to.inodes().forget(entry.inode, 1);
}

void begin(void *, fuse_conn_info *connection) {
  connection->max_write = std::min(connection->max_write, kMostWritten);
  connection->max_background = kBackground;
  connection->congestion_threshold = kBackground;
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  MountView::Entry entry;
  const int error = view(request).look_up(parent, name, entry);
  error ? static_cast<void>(fuse_reply_err(request, error)) : answer_entry(request, entry);
}

void forget(fuse_req_t request, fuse_ino_t inode, uint64_t lookups) {
  view(request).inodes().forget(inode, lookups);
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, size_t count, fuse_forget_data *forgets) {
  for (size_t i = 0; i < count; ++i) view(request).inodes().forget(forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info *) {
  struct stat status {};
  const int error = view(request).stat(inode, status);
  error ? fuse_reply_err(request, error) : fuse_reply_attr(request, &status, kNeverCached);
}

void setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int what, fuse_file_info *info) {
  MountView::Changes changes;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (what & FUSE_SET_ATTR_MODE) changes.mode = wanted->st_mode & 07777;
  if (what & FUSE_SET_ATTR_UID) changes.uid = wanted->st_uid;
  if (what & FUSE_SET_ATTR_GID) changes.gid = wanted->st_gid;
  if (what & FUSE_SET_ATTR_SIZE) changes.size = wanted->st_size;
  if (what & FUSE_SET_ATTR_ATIME) changes.access = what & FUSE_SET_ATTR_ATIME_NOW ? now : wanted->st_atim;
  if (what & FUSE_SET_ATTR_MTIME) changes.write = what & FUSE_SET_ATTR_MTIME_NOW ? now : wanted->st_mtim;
  struct stat status {};
  const int error = view(request).change(inode, changes, file_of(info), status);
  error ? fuse_reply_err(request, error) : fuse_reply_attr(request, &status, kNeverCached);
}

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info *info) {
  MountView &to = view(request);
  std::shared_ptr<MountedFile> file;
  if (const int error = to.open(inode, info->flags, file)) {
    fuse_reply_err(request, error);
    return;
  }
  info->fh = reinterpret_cast<uint64_t>(file.get());
  info->direct_io = 1;
  // The program is gone: nobody will release this.
  if (fuse_reply_open(request, info) != 0) {
    to.inodes().released(inode, file.get());
    file->close();
  }
}

void create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, fuse_file_info *info) {
  MountView &to = view(request);
  MountView::Entry entry;
  std::shared_ptr<MountedFile> file;
  if (const int error = to.create(parent, name, info->flags, mode, entry, file)) {
    fuse_reply_err(request, error);
    return;
  }
  info->fh = reinterpret_cast<uint64_t>(file.get());
  info->direct_io = 1;
  const fuse_entry_param out = as_entry(entry);
  if (fuse_reply_create(request, &out, info) != 0) {
    to.inodes().released(entry.inode, file.get());
    file->close();
    to.inodes().forget(entry.inode, 1);
  }
}

void read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info *info) {
  static thread_local std::vector<char> buffer;
  if (buffer.size() < size) buffer.resize(size);
  auto moved = file_of(info)->read(buffer.data(), static_cast<ULONG>(size), offset);
  moved ? fuse_reply_buf(request, buffer.data(), *moved) : fuse_reply_err(request, errno_from_status(moved.status()));
}

void write(fuse_req_t request, fuse_ino_t, const char *data, size_t size, off_t offset, fuse_file_info *info) {
  auto moved = file_of(info)->write(data, static_cast<ULONG>(size), offset);
  moved ? fuse_reply_write(request, *moved) : fuse_reply_err(request, errno_from_status(moved.status()));
}

void flush(fuse_req_t request, fuse_ino_t, fuse_file_info *info) {
  file_of(info)->note_closing();
  fuse_reply_err(request, 0);
}

void fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info *info) {
  io::OpenFile *file = file_of(info)->file();
  fuse_reply_err(request, file ? errno_from_status(file->flush()) : EINVAL);
}

void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info *info) {
  if (auto file = view(request).inodes().released(inode, file_of(info))) file->close();
  fuse_reply_err(request, 0);
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
  fuse_reply_err(request, view(request).remove(parent, name, false));
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char *name) {
  fuse_reply_err(request, view(request).remove(parent, name, true));
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
  MountView::Entry entry;
  const int error = view(request).make_directory(parent, name, mode, entry);
  error ? static_cast<void>(fuse_reply_err(request, error)) : answer_entry(request, entry);
}

void rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
            unsigned flags) {
  fuse_reply_err(request, view(request).rename(parent, name, new_parent, new_name, flags));
}

void mknod(fuse_req_t request, fuse_ino_t, const char *, mode_t, dev_t) { fuse_reply_err(request, EPERM); }
void symlink(fuse_req_t request, const char *, fuse_ino_t, const char *) { fuse_reply_err(request, EPERM); }
void link(fuse_req_t request, fuse_ino_t, fuse_ino_t, const char *) { fuse_reply_err(request, EPERM); }

void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info *info) {
  MountView &to = view(request);
  Listing *listing = nullptr;
  if (const int error = to.open_listing(inode, listing)) {
    fuse_reply_err(request, error);
    return;
  }
  info->fh = reinterpret_cast<uint64_t>(listing);
  if (fuse_reply_open(request, info) != 0) to.close_listing(listing);
}

// Offsets: 1 after ".", 2 after "..", then one more for each entry of the listing. The bytes used of the buffer.
size_t fill(fuse_req_t request, Listing &listing, fuse_ino_t inode, std::vector<char> &buffer, off_t offset) {
  base::Guard guard(listing.mutex);
  // Read again from the beginning: as it is by now. A directory that was removed meanwhile has nothing in it.
  if (offset == 0 && listing.begun && view(request).list(inode, listing.entries) != 0) listing.entries.clear();
  listing.begun = true;
  size_t used = 0;
  const auto add = [&](const char *name, uint64_t shown, bool directory, size_t next) {
    struct stat status {};
    status.st_ino = shown;
    status.st_mode = directory ? S_IFDIR : S_IFREG;
    const size_t room = buffer.size() - used;
    const size_t needed =
        fuse_add_direntry(request, buffer.data() + used, room, name, &status, static_cast<off_t>(next));
    if (needed > room) return false;
    used += needed;
    return true;
  };
  auto at = static_cast<size_t>(offset);
  bool room = true;
  for (; room && at < 2; ++at) room = add(at == 0 ? "." : "..", kNumberUnknown, true, at + 1);
  for (; room && at - 2 < listing.entries.size(); ++at) {
    const MountView::Listed &entry = listing.entries[at - 2];
    room = add(entry.name.c_str(), entry.shown, entry.directory, at + 1);
  }
  return used;
}

void readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info *info) {
  std::vector<char> buffer(size);
  const size_t used = fill(request, *reinterpret_cast<Listing *>(info->fh), inode, buffer, offset);
  // Once this is answered, the listing may be released.
  fuse_reply_buf(request, buffer.data(), used);
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info *info) {
  view(request).close_listing(reinterpret_cast<Listing *>(info->fh));
  fuse_reply_err(request, 0);
}

void statfs(fuse_req_t request, fuse_ino_t inode) {
  struct statvfs room {};
  const int error = view(request).room(inode, room);
  error ? fuse_reply_err(request, error) : fuse_reply_statfs(request, &room);
}

// A control code as a Linux ioctl number carries no data that could be trusted (files larger than the number says).
void ioctl(fuse_req_t request, fuse_ino_t, unsigned, void *, fuse_file_info *, unsigned, const void *, size_t, size_t) {
  fuse_reply_err(request, ENOTTY);
}

// access, the extended attributes, locks, fallocate, copy_file_range and lseek are ENOSYS, which the kernel remembers:
// it asks for them no more, or does them itself.
constexpr fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = begin;
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.getattr = getattr;
  operations.setattr = setattr;
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.symlink = symlink;
  operations.link = link;
  operations.rename = rename;
  operations.open = open;
  operations.create = create;
  operations.read = read;
  operations.write = write;
  operations.flush = flush;
  operations.fsync = fsync;
  operations.release = release;
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.releasedir = releasedir;
  operations.statfs = statfs;
  operations.ioctl = ioctl;
  return operations;
}

constexpr fuse_lowlevel_ops kOperations = make_operations();

}  // namespace

fuse_session *new_session(MountView &view) {
  char program[] = "ntemu";
  char *arguments[] = {program, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  fuse_session *session = fuse_session_new(&args, &kOperations, sizeof(kOperations), &view);
  fuse_opt_free_args(&args);
  return session;
}

}  // namespace ntemu::fs
