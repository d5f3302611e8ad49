// The inodes that the kernel knows: where each is in the volumes' name space, whatever moves meanwhile.
//
// An inode keeps no file open, or nothing could ever be deleted: it only says where its file is. Volumes tell of
// every rename and every name that ends, whoever caused it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/mount_file.h"
#include "fs/mount_root.h"
#include "ntemu/base/lock.h"
#include "ntemu/io/file_system.h"

namespace ntemu::fs {

inline constexpr uint64_t kRootInode = 1;  // FUSE_ROOT_ID

struct Drive {
  std::u16string link;  // its name at the root
  ob::Ref<DEVICE_OBJECT> device;
  const io::Volume *volume;  // only to know whom an observer hears of
  uint64_t ordinal;          // never used again
};

enum class InodeKind { kRoot, kDevice, kFile };  // kFile: a file or directory of a drive

// An inode as it is now.
struct Located {
  InodeKind kind = InodeKind::kRoot;
  std::u16string path;  // \??\C:\Temp\a
  size_t prefix = 0;    // how much of it is the drive's: \??\C:
  bool known = true;    // false: it moved to where nobody has looked yet
  bool gone = false;    // it has no name any more
  bool alias = false;
  io::FileId id{};
  uint64_t shown = kRootInode;  // st_ino
  std::shared_ptr<const Drive> drive;
  std::shared_ptr<MountedFile> open;  // one of its opens, if there are any
};

// A file that was found under a name in a directory.
struct Sighting {
  uint64_t parent;
  std::u16string_view spelling;   // as it was asked for
  std::u16string_view real_name;  // as its directory has it
  bool through_link = false;      // what was found lies elsewhere
  io::FileId id{};
  bool directory = false;
};

struct Entered {
  uint64_t inode = 0;
  uint64_t shown = 0;  // st_ino
};

class InodeTable {
 public:
  InodeTable();
  ~InodeTable();
  InodeTable(const InodeTable &) = delete;
  InodeTable &operator=(const InodeTable &) = delete;

  // nullopt: no such inode.
  std::optional<Located> locate(uint64_t inode);

  // Each counts one lookup, which forget takes back.
  Entered enter(const Sighting &sighting);
  Entered enter_drive(const RootEntry &entry, std::u16string_view spelling, const io::Volume &volume, io::FileId root);
  Entered enter_device(const RootEntry &entry);
  void forget(uint64_t inode, uint64_t lookups);

  void opened(uint64_t inode, std::shared_ptr<MountedFile> file);
  std::shared_ptr<MountedFile> released(uint64_t inode, const MountedFile *file);
  // Whether the file is open by another spelling of its name.
  bool open_under_other_spelling(uint64_t inode);
  // Everything that is open, which is then no longer known here.
  std::vector<std::shared_ptr<MountedFile>> take_open_files();

  // The inode number that programs see of a directory's entry.
  static uint64_t shown_number(const Drive &drive, io::FileId id);
  static uint64_t shown_number(std::u16string_view device_link);

  // From the volumes, under their locks.
  void renamed(const io::Volume &volume, io::FileId file, io::FileId new_parent, std::u16string_view new_name);
  void removed(const io::Volume &volume, io::FileId file);

 private:
  struct Place;
  struct Inode;
  struct PlaceKey {
    uint64_t drive;
    io::FileId id;
    bool operator==(const PlaceKey &) const = default;
  };
  struct PlaceKeyHash {
    size_t operator()(const PlaceKey &key) const { return io::FileIdHash()(key.id) + key.drive; }
  };
  using AliasKey = std::pair<uint64_t, std::u16string>;  // its parent, its spelling

  std::shared_ptr<Place> find_place(const PlaceKey &key) NTEMU_REQUIRES(mutex_);
  std::shared_ptr<Place> place_of(const std::shared_ptr<const Drive> &drive, const std::shared_ptr<Place> &parent,
                                  const Sighting &sighting) NTEMU_REQUIRES(mutex_);
  Entered canonical_inode(const std::shared_ptr<Place> &place) NTEMU_REQUIRES(mutex_);
  Entered alias_inode(const std::shared_ptr<Place> &place, AliasKey key) NTEMU_REQUIRES(mutex_);
  Inode &new_inode(std::shared_ptr<Place> place) NTEMU_REQUIRES(mutex_);
  std::shared_ptr<const Drive> drive_of(const RootEntry &entry, const io::Volume &volume) NTEMU_REQUIRES(mutex_);
  std::vector<uint64_t> drives_on(const io::Volume &volume) NTEMU_REQUIRES(mutex_);

  base::Mutex mutex_;
  uint64_t next_inode_ NTEMU_GUARDED_BY(mutex_) = kRootInode + 1;
  uint64_t next_drive_ NTEMU_GUARDED_BY(mutex_) = 1;
  std::unordered_map<uint64_t, std::unique_ptr<Inode>> inodes_ NTEMU_GUARDED_BY(mutex_);
  std::unordered_map<PlaceKey, std::weak_ptr<Place>, PlaceKeyHash> places_ NTEMU_GUARDED_BY(mutex_);
  std::map<AliasKey, uint64_t> aliases_ NTEMU_GUARDED_BY(mutex_);
  std::map<std::u16string, uint64_t> devices_ NTEMU_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const Drive>> drives_ NTEMU_GUARDED_BY(mutex_);
};

// From construction to destruction.
void tell_of_changes(InodeTable &table);
void stop_telling(InodeTable &table);
// The observer that tells every table of `volume`'s changes; for Volume::set_observer.
io::VolumeObserver *observer_of(const io::Volume &volume);

}  // namespace ntemu::fs
