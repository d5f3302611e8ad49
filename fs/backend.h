// What a volume's storage has to offer; every rule of NT is applied above it, in SemanticVolume.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ntemu/io/file_system.h"

namespace ntemu::fs {

using NodeId = io::FileId;
using NodeIdHash = io::FileIdHash;
using Times = io::FileTimes;

struct Metadata {
  LONGLONG size = 0;
  LONGLONG allocation = 0;
  Times times;
  ULONG links = 1;
  ULONG mode = 0;  // permission bits
  ULONG uid = 0;
  ULONG gid = 0;
};

class Directory;

// A file or directory, pinned: it stays the same one whatever happens to its name. Data calls need no lock.
class Node {
 public:
  virtual ~Node() = default;
  virtual NodeId id() const = 0;
  virtual Directory *directory() { return nullptr; }
  virtual Result<Metadata> metadata() = 0;
  // As the volume stores them: FILE_ATTRIBUTE_DIRECTORY for directories, ARCHIVE for new files, never NORMAL.
  virtual Result<ULONG> attributes() = 0;
  virtual NTSTATUS set_attributes(ULONG attributes) = 0;
  // Zero fields stay as they are; `change` may be what the storage makes of it.
  virtual NTSTATUS set_times(const Times &times) = 0;
  virtual NTSTATUS set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid,
                                      std::optional<ULONG> gid) = 0;
  // The node's place in the name space is now this (also when something outside moved it).
  virtual void relocate(Directory &parent, std::u16string_view name) = 0;

  // Whether data can be written at all, asked when somebody opens for writing.
  virtual NTSTATUS make_writable() = 0;
  // 0 at or past the end.
  virtual Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) = 0;
  virtual Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) = 0;
  virtual NTSTATUS resize(LONGLONG size) = 0;
  // Reserves room without changing the size.
  virtual NTSTATUS reserve(LONGLONG size) = 0;
  virtual NTSTATUS flush() = 0;
};

struct Found {
  std::u16string name;  // in its own case
  NodeId id;
  bool directory;
  bool link = false;  // reached through a symbolic link: `id` is its target's
};

// Called under the volume's lock.
class Directory {
 public:
  virtual ~Directory() = default;
  // STATUS_OBJECT_NAME_NOT_FOUND when there is none.
  virtual Result<Found> lookup(std::u16string_view name, bool exact) = 0;
  // STATUS_RETRY when `found` is no longer there.
  virtual Result<std::shared_ptr<Node>> open(const Found &found, bool write) = 0;
  // STATUS_OBJECT_NAME_COLLISION when the very name exists by now.
  virtual Result<std::shared_ptr<Node>> create(std::u16string_view name, bool directory, ULONG attributes) = 0;
  // Only while the name still leads to `node`.
  virtual NTSTATUS remove(std::u16string_view name, Node &node) = 0;
  // Moves `node` to `target`; `replaced` is what is there now and goes away. One step: it happened or it did not.
  virtual NTSTATUS rename(std::u16string_view name, Node &node, Directory &target, std::u16string_view target_name,
                          const Found *replaced) = 0;
  virtual Result<bool> empty() = 0;
  // What lookup finds, each under its own name.
  virtual Result<std::vector<io::DirectoryEntry>> list() = 0;
};

}  // namespace ntemu::fs
