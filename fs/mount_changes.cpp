// The operations of the mount that open, create, change, remove and rename.
#include <fcntl.h>
#include <linux/fs.h>

#include <cerrno>
#include <cstring>

#include "fs/mount_errors.h"
#include "fs/mount_names.h"
#include "fs/mount_stat.h"
#include "fs/mount_view.h"

namespace ntemu::fs {
namespace {

constexpr ACCESS_MASK kAlways = FILE_READ_ATTRIBUTES | SYNCHRONIZE;

ACCESS_MASK access_of(int flags) {
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      return kAlways | FILE_READ_DATA;
    case O_WRONLY:
      return kAlways | FILE_WRITE_DATA | FILE_APPEND_DATA;
    default:
      return kAlways | FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA;
  }
}

// What is new may have the mode already: the host's and the caller's umask are often the same.
NTSTATUS give_mode(io::OpenFile &file, ULONG mode, MountView::Entry &entry) {
  constexpr mode_t kBits = 07777;
  if ((entry.stat.st_mode & kBits) == (mode & kBits)) return STATUS_SUCCESS;
  entry.stat.st_mode = (entry.stat.st_mode & ~kBits) | (mode & kBits);
  return file.set_owner_and_mode(mode & kBits, std::nullopt, std::nullopt);
}

}  // namespace

int MountView::open(uint64_t inode, int flags, std::shared_ptr<MountedFile> &out) {
  const bool truncate = flags & O_TRUNC;
  // `cp a A` reads the file that it is about to empty. On a Linux volume it would see from their numbers that the two
  // are one; here they must differ, for `mv a A`.
  if (truncate && inodes_.open_under_other_spelling(inode)) return EBUSY;
  const int error = at(inode, [&](const Located &where) {
    const bool device = where.kind == InodeKind::kDevice;
    Ask ask;
    ask.access = access_of(flags);
    ask.disposition = truncate && !device ? FILE_OVERWRITE : FILE_OPEN;
    ask.options = device ? FILE_SYNCHRONOUS_IO_NONALERT : FILE_NON_DIRECTORY_FILE;
    if (!device && truncate) {
      // Nothing may be emptied before it is known to be the right file.
      auto right = open_inode(where, {});
      if (!right) return right.status();
    }
    auto file = open_for(where.path, ask, inode, flags & O_APPEND);
    if (!file) return file.status();
    if (!device && (!(*file)->file() || (*file)->file()->id() != where.id)) return STATUS_FILE_INVALID;
    out = std::move(*file);
    return STATUS_SUCCESS;
  });
  if (error == 0) inodes_.opened(inode, out);
  return error;
}

int MountView::create(uint64_t parent, std::string_view name, int flags, ULONG mode, Entry &entry,
                      std::shared_ptr<MountedFile> &out) {
  return below(parent, name, [&](const Located &where, const std::u16string &path) {
    Ask ask;
    ask.access = access_of(flags);
    ask.disposition = flags & O_EXCL ? FILE_CREATE : flags & O_TRUNC ? FILE_OVERWRITE_IF : FILE_OPEN_IF;
    ask.options = FILE_NON_DIRECTORY_FILE;
    ULONG_PTR information = 0;
    // The inode is known once the file is.
    auto handle = open_handle(path, ask, &information);
    if (!handle) return handle.status();
    auto body = ob::reference_by_handle(*handle, 0, &io::file_type, KernelMode);
    if (!body) return body.status();
    auto object = File::adopt(static_cast<FILE_OBJECT *>(*body));
    io::OpenFile *file = io::open_file_of(*object);
    NTSTATUS status = enter(parent, where, name, *file, entry);
    if (NT_SUCCESS(status) && information == FILE_CREATED) status = give_mode(*file, mode, entry);
    if (!NT_SUCCESS(status)) {
      ob::close_handle(*handle);
      return status;
    }
    out = std::make_shared<MountedFile>(*handle, std::move(object), entry.inode, flags & O_APPEND);
    inodes_.opened(entry.inode, out);
    return STATUS_SUCCESS;
  });
}

int MountView::make_directory(uint64_t parent, std::string_view name, ULONG mode, Entry &out) {
  return below(parent, name, [&](const Located &where, const std::u16string &path) {
    auto file = open_object(path, {kAlways | FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE});
    if (!file) return file.status();
    io::OpenFile &directory = *io::open_file_of(**file);
    const NTSTATUS status = enter(parent, where, name, directory, out);
    return NT_SUCCESS(status) ? give_mode(directory, mode, out) : status;
  });
}

int MountView::remove(uint64_t parent, std::string_view name, bool directory) {
  return below(parent, name, [&](const Located &, const std::u16string &path) {
    const ULONG kind = directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
    auto file = open_object(path, {DELETE | kAlways, FILE_OPEN, kind});
    if (!file) return file.status();
    FILE_DISPOSITION_INFORMATION_EX info{FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS};
    return io::open_file_of(**file)->set(FileDispositionInformationEx, &info, sizeof(info));
  });
}

int MountView::rename(uint64_t parent, std::string_view name, uint64_t new_parent, std::string_view new_name,
                      unsigned flags) {
  if (flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) return EINVAL;
  if (new_parent == kRootInode) return EACCES;
  const NtName target = nt_file_name(new_name);
  if (target.error) return target.error;
  return below(parent, name, [&](const Located &, const std::u16string &path) -> NTSTATUS {
    auto handle = open_handle(path, {DELETE | kAlways, FILE_OPEN, 0});
    if (!handle) return handle.status();
    struct Close {
      HANDLE handle;
      ~Close() { ob::close_handle(handle); }
    } close{*handle};
    const auto where = inodes_.locate(new_parent);
    if (!where || !where->known || where->gone) return STATUS_OBJECT_PATH_NOT_FOUND;
    if (where->kind != InodeKind::kFile) return STATUS_NOT_A_DIRECTORY;
    const std::u16string full = where->path + u'\\' + target.text;

    const size_t bytes = full.size() * sizeof(char16_t);
    std::vector<char> buffer(sizeof(FILE_RENAME_INFORMATION) + bytes);
    auto *info = reinterpret_cast<FILE_RENAME_INFORMATION *>(buffer.data());
    info->Flags = FILE_RENAME_POSIX_SEMANTICS | (flags & RENAME_NOREPLACE ? 0U : FILE_RENAME_REPLACE_IF_EXISTS);
    info->FileNameLength = static_cast<ULONG>(bytes);
    std::memcpy(info->FileName, full.data(), bytes);
    IO_STATUS_BLOCK io_status{};
    return io::set_file(*handle, &io_status, buffer.data(), static_cast<ULONG>(buffer.size()), FileRenameInformationEx,
                        UserMode);
  });
}

int MountView::change_file(const Changes &changes, io::OpenFile &file, bool keeps_open) {
  if (changes.mode || changes.uid || changes.gid) {
    const NTSTATUS status = file.set_owner_and_mode(changes.mode, changes.uid, changes.gid);
    if (!NT_SUCCESS(status)) return errno_from_status(status);
  }
  if (changes.mode && (*changes.mode & 0222) && !file.is_directory()) {
    FILE_BASIC_INFORMATION info{};
    ULONG information = 0;
    NTSTATUS status = file.query(FileBasicInformation, &info, sizeof(info), information);
    if (NT_SUCCESS(status) && (info.FileAttributes & FILE_ATTRIBUTE_READONLY)) {
      // Who may write again by the bits shall be able to.
      const ULONG kept = info.FileAttributes & ~ULONG{FILE_ATTRIBUTE_READONLY};
      info = {};
      info.FileAttributes = kept ? kept : ULONG{FILE_ATTRIBUTE_NORMAL};
      status = file.set(FileBasicInformation, &info, sizeof(info));
    }
    if (!NT_SUCCESS(status)) return errno_from_status(status);
  }
  if (changes.access || changes.write) {
    FILE_BASIC_INFORMATION info{};
    if (changes.access) info.LastAccessTime.QuadPart = nt_time(*changes.access);
    if (changes.write) info.LastWriteTime.QuadPart = nt_time(*changes.write);
    if (info.LastAccessTime.QuadPart < 0 || info.LastWriteTime.QuadPart < 0) return EINVAL;
    NTSTATUS status = file.set(FileBasicInformation, &info, sizeof(info));
    if (NT_SUCCESS(status) && keeps_open) {
      // NT keeps a time that a handle has set from this handle's later writes; Linux does not.
      FILE_BASIC_INFORMATION resume{};
      if (changes.access) resume.LastAccessTime.QuadPart = -2;
      if (changes.write) resume.LastWriteTime.QuadPart = -2;
      status = file.set(FileBasicInformation, &resume, sizeof(resume));
    }
    if (!NT_SUCCESS(status)) return errno_from_status(status);
  }
  return 0;
}

int MountView::change(uint64_t inode, const Changes &changes, MountedFile *through, struct stat &out) {
  if (inode == kRootInode) return EACCES;
  auto where = inodes_.locate(inode);
  if (!where) return ESTALE;
  if (where->kind == InodeKind::kDevice) {
    // A shell's > asks for a device of no length; there is nothing to change about it.
    if (changes.mode || changes.uid || changes.gid || (changes.size && *changes.size != 0)) return EACCES;
    return stat(inode, out);
  }
  if (changes.size) {
    FILE_END_OF_FILE_INFORMATION end{};
    end.EndOfFile.QuadPart = *changes.size;
    int error = 0;
    if (through && through->file() && through->writable()) {
      error = errno_from_status(through->file()->set(FileEndOfFileInformation, &end, sizeof(end)));
    } else {
      error = at(inode, [&](const Located &place) {
        auto file = open_inode(place, {FILE_WRITE_DATA | kAlways, FILE_OPEN, FILE_NON_DIRECTORY_FILE});
        if (!file) return file.status();
        return io::open_file_of(**file)->set(FileEndOfFileInformation, &end, sizeof(end));
      });
    }
    if (error) return error;
  }
  int error = 0;
  if (where->open && where->open->file()) {
    error = change_file(changes, *where->open->file(), true);
  } else {
    const int opened = at(inode, [&](const Located &place) {
      auto file = open_inode(place, {FILE_WRITE_ATTRIBUTES | kAlways});
      if (!file) return file.status();
      error = change_file(changes, *io::open_file_of(**file), false);
      return STATUS_SUCCESS;
    });
    if (opened) return opened;
  }
  return error ? error : stat(inode, out);
}

}  // namespace ntemu::fs
