// What each file operation of a Linux program means in NT's terms: a user-mode caller's opens, and calls on them.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/mount_inodes.h"

namespace ntemu::fs {

// The results are errnos, 0 for success.
class MountView {
 public:
  struct Entry {
    uint64_t inode = 0;
    struct stat stat {};
    bool drive = false;  // a drive's root
  };
  struct Listed {
    std::string name;
    uint64_t shown;
    bool directory;
  };
  // One open of a directory, with what was in it when it was opened or read from its beginning.
  struct Listing {
    base::Mutex mutex;
    std::vector<Listed> entries NTEMU_GUARDED_BY(mutex);
    bool begun NTEMU_GUARDED_BY(mutex) = false;
  };
  struct Changes {
    std::optional<ULONG> mode, uid, gid;
    std::optional<LONGLONG> size;
    std::optional<timespec> access, write;
  };

  int look_up(uint64_t parent, std::string_view name, Entry &out);
  int stat(uint64_t inode, struct stat &out);
  // `through`: the open that a program asks with, if it does.
  int change(uint64_t inode, const Changes &changes, MountedFile *through, struct stat &out);
  int open(uint64_t inode, int flags, std::shared_ptr<MountedFile> &out);
  int create(uint64_t parent, std::string_view name, int flags, ULONG mode, Entry &entry,
             std::shared_ptr<MountedFile> &out);
  int make_directory(uint64_t parent, std::string_view name, ULONG mode, Entry &out);
  int remove(uint64_t parent, std::string_view name, bool directory);
  // `flags`: RENAME_...
  int rename(uint64_t parent, std::string_view name, uint64_t new_parent, std::string_view new_name, unsigned flags);
  int list(uint64_t inode, std::vector<Listed> &out);
  int open_listing(uint64_t inode, Listing *&out);
  void close_listing(Listing *listing);
  int room(uint64_t inode, struct statvfs &out);

  InodeTable &inodes() { return inodes_; }

 private:
  struct Ask {
    ACCESS_MASK access = FILE_READ_ATTRIBUTES;
    ULONG disposition = FILE_OPEN;
    ULONG options = 0;
  };
  using File = ob::Ref<FILE_OBJECT>;
  static Result<File> open_object(const std::u16string &path, const Ask &ask);
  static Result<HANDLE> open_handle(const std::u16string &path, const Ask &ask, ULONG_PTR *information = nullptr);
  static Result<std::shared_ptr<MountedFile>> open_for(const std::u16string &path, const Ask &ask, uint64_t inode,
                                                       bool append, ULONG_PTR *information = nullptr);

  // Calls `attempt` with where the inode is, once more for each time that it turns out to have moved meanwhile.
  int at(uint64_t inode, const std::function<NTSTATUS(const Located &)> &attempt);
  // The same with the path of `name` in the directory.
  int below(uint64_t parent, std::string_view name,
            const std::function<NTSTATUS(const Located &, const std::u16string &path)> &attempt);
  int look_up_at_root(std::string_view name, Entry &out);
  int look_up_drive(const RootEntry &entry, std::u16string_view spelling, Entry &out);
  // Enters what `file` is open on into the table, and tells of it.
  NTSTATUS enter(uint64_t parent, const Located &directory, std::string_view name, io::OpenFile &file, Entry &out);
  // Of the very file that the inode stands for.
  static Result<File> open_inode(const Located &where, const Ask &ask);
  static int change_file(const Changes &changes, io::OpenFile &file, bool keeps_open);

  InodeTable inodes_;
  base::Mutex listings_mutex_;
  std::unordered_map<Listing *, std::unique_ptr<Listing>> listings_ NTEMU_GUARDED_BY(listings_mutex_);
};

}  // namespace ntemu::fs
