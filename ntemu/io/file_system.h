// What the I/O manager asks of a file system: the one interface behind Zw*File, the mount, and later IRPs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/base/clock.h"
#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::io {

class OpenFile;

// One file or directory of a volume, whatever it is called. Not used again while something of it is open.
struct FileId {
  uint64_t device;
  uint64_t index;
  bool operator==(const FileId &) const = default;
};

struct FileIdHash {
  size_t operator()(const FileId &id) const { return (id.device * 0x9E3779B97F4A7C15u) ^ id.index; }
};

struct FileTimes {
  base::Nt100ns creation = 0, access = 0, write = 0, change = 0;
};

// What a front end that is not NT's wants to know of a file, in one call.
struct FileStat {
  FileId id;
  bool directory;
  LONGLONG size;        // 0 for directories
  LONGLONG allocation;  // bytes
  FileTimes times;
  ULONG attributes;  // FILE_ATTRIBUTE_..., never NORMAL
  ULONG links;       // 0: it has no name any more
  ULONG mode;        // the host's permission bits (07777) and owner
  ULONG uid;
  ULONG gid;
};

struct DirectoryEntry {
  std::u16string name;  // in its own case
  FileId id;
  bool directory;
};

struct VolumeSize {
  uint64_t total, free, free_for_user;  // bytes
  ULONG block;                          // bytes that files grow by
  uint64_t files, free_files;           // 0 and 0: as many as there is room for
};

// Hears of names that end or change, whoever did it. Called under the volume's lock: calling back would deadlock.
class VolumeObserver {
 public:
  virtual ~VolumeObserver() = default;
  virtual void renamed(FileId file, FileId new_parent, std::u16string_view new_name) = 0;
  // The name by which the volume knew it is gone; what is open goes on.
  virtual void removed(FileId file) = 0;
};

struct CreateRequest {
  // From the volume's root with a leading backslash, or relative to `directory` (RootDirectory opens).
  std::u16string_view path;
  OpenFile *directory = nullptr;
  ACCESS_MASK access = 0;  // specific rights: generic ones are already mapped
  ULONG share = 0;         // FILE_SHARE_...
  ULONG disposition = 0;   // FILE_SUPERSEDE ... FILE_OVERWRITE_IF
  ULONG options = 0;       // FILE_DIRECTORY_FILE ...
  ULONG attributes = 0;    // FILE_ATTRIBUTE_... for a new or overwritten file
  LONGLONG allocation = 0;
  bool case_insensitive = true;
  // Open the directory that holds the path's last component, which need not exist: where a rename leads.
  bool target_directory = false;
  KPROCESSOR_MODE mode = KernelMode;  // UserMode callers get every check, KernelMode ones skip parameter checks
};

struct CreateResult {
  std::unique_ptr<OpenFile> file;
  ULONG_PTR information;     // FILE_OPENED, FILE_CREATED ...
  ACCESS_MASK granted = 0;   // MAXIMUM_ALLOWED replaced by what it stood for
  std::u16string last_name;  // with target_directory: the path's last component
};

// As a write's offset: at the end of the file, wherever that is by then.
inline constexpr LONGLONG kAppend = -1;

// One open of a file or directory: a FILE_OBJECT's other half. Calls may come from several threads at once.
// Handle rights are the caller's to check (io/file_access.h); the volume must outlive its open files.
class OpenFile {
 public:
  virtual ~OpenFile() = default;  // the last reference is gone (close)
  // The last handle was closed: the share counts drop, a pending deletion happens.
  virtual void cleanup() = 0;
  // Bytes moved. STATUS_END_OF_FILE at or past the end for a read of more than 0 bytes. `offset` is never negative.
  virtual Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) = 0;
  // Bytes moved. With kAppend, `offset` becomes the place where the data went.
  virtual Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) = 0;
  // The information classes that are the file's own (not FilePositionInformation etc., which io answers).
  // FileAllInformation leaves the parts that io answers zero. `information` counts the bytes written, also with
  // STATUS_BUFFER_OVERFLOW.
  virtual NTSTATUS query(FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length, ULONG &information) = 0;
  virtual NTSTATUS set(FILE_INFORMATION_CLASS info_class, const void *buffer, ULONG length) = 0;
  // Rename or move to `name`, one component, in `directory` (nullptr: where the file is). `flags`: FILE_RENAME_...
  virtual NTSTATUS rename(std::u16string_view name, OpenFile *directory, ULONG flags, KPROCESSOR_MODE mode) = 0;
  virtual NTSTATUS flush() = 0;
  virtual Result<FileStat> stat() = 0;
  // A directory's entries as they are now, in no promised order, without "." and "..": the names that an open finds.
  virtual Result<std::vector<DirectoryEntry>> list() = 0;
  // The host's permission bits and owner, for programs of the host; what is not given stays.
  virtual NTSTATUS set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid,
                                      std::optional<ULONG> gid) = 0;
  // Its user closed it, cleanup() is on its way: what this open keeps others from doing waits for that a moment.
  // Reading or writing through it takes that back.
  virtual void note_closing() = 0;
  virtual FileId id() const = 0;
  virtual bool is_directory() const = 0;
  // From the volume's root, with a leading backslash, in the names' own case.
  virtual std::u16string path() const = 0;
};

class Volume {
 public:
  virtual ~Volume() = default;
  virtual Result<CreateResult> create(const CreateRequest &request) = 0;
  virtual Result<VolumeSize> size() = 0;
  // nullptr: nobody. One at a time; must outlive its time here.
  virtual void set_observer(VolumeObserver *observer) = 0;
};

}  // namespace ntemu::io
