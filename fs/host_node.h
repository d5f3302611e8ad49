// Files and directories of a host directory as a volume's storage.
#pragma once

#include <sys/stat.h>

#include <atomic>

#include "fs/backend.h"
#include "fs/beneath.h"
#include "fs/names.h"
#include "ntemu/base/lock.h"

namespace ntemu::fs {

class HostDirectory;

// What files and directories have in common: a descriptor that pins them, times and attributes.
class HostNode : public Node {
 public:
  HostNode(Fd fd, const struct stat &status) : fd_(std::move(fd)), id_{status.st_dev, status.st_ino} {}

  NodeId id() const override { return id_; }
  Result<Metadata> metadata() override;
  Result<ULONG> attributes() override;
  NTSTATUS set_attributes(ULONG attributes) override;
  NTSTATUS set_times(const Times &times) override;
  NTSTATUS set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid, std::optional<ULONG> gid) override;
  void relocate(Directory &, std::u16string_view) override {}
  NTSTATUS flush() override;

  NTSTATUS make_writable() override { return STATUS_ACCESS_DENIED; }
  Result<ULONG> read(void *, ULONG, LONGLONG) override { return STATUS_INVALID_DEVICE_REQUEST; }
  Result<ULONG> write(const void *, ULONG, LONGLONG &) override { return STATUS_INVALID_DEVICE_REQUEST; }
  NTSTATUS resize(LONGLONG) override { return STATUS_INVALID_PARAMETER; }
  NTSTATUS reserve(LONGLONG) override { return STATUS_INVALID_PARAMETER; }

 protected:
  const Fd fd_;
  const NodeId id_;
};

class HostFile final : public HostNode {
 public:
  HostFile(Fd fd, const struct stat &status, bool writable);
  ~HostFile() override;

  NTSTATUS make_writable() override;
  Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) override;
  Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) override;
  NTSTATUS resize(LONGLONG size) override;
  NTSTATUS reserve(LONGLONG size) override;

 private:
  Result<ULONG> append(int fd, const void *buffer, ULONG length, LONGLONG &offset);
  // The descriptor to write through, opened at need; -1 and errno.
  int writer();

  base::Mutex lock_;  // opening writer_, appending
  std::atomic<int> writer_;
};

// Keeps an index of its names, valid as long as the directory's modification time stands still but for our own changes.
class HostDirectory final : public HostNode, public Directory, public std::enable_shared_from_this<HostDirectory> {
 public:
  HostDirectory(std::shared_ptr<const Beneath> root, Fd fd, const struct stat &status)
      : HostNode(std::move(fd), status), root_(std::move(root)) {}

  Directory *directory() override { return this; }
  Result<Found> lookup(std::u16string_view name, bool exact) override;
  Result<std::shared_ptr<Node>> open(const Found &found, bool write) override;
  Result<std::shared_ptr<Node>> create(std::u16string_view name, bool directory, ULONG attributes) override;
  NTSTATUS remove(std::u16string_view name, Node &node) override;
  NTSTATUS rename(std::u16string_view name, Node &node, Directory &target, std::u16string_view target_name,
                  const Found *replaced) override;
  Result<bool> empty() override;
  Result<std::vector<io::DirectoryEntry>> list() override;
  void relocate(Directory &parent, std::u16string_view name) override;

  // How often the whole directory was read for its index.
  size_t scans() const { return scans_; }

 private:
  // Of a subdirectory that was looked up before: known as long as the index is.
  using Known = std::optional<NodeId>;

  // What lies under a host name, if it is a file, a directory or a link to one.
  Result<Found> examine(std::u16string_view name, const std::string &host);
  // From the volume's root: where symbolic links are resolved.
  std::string path_of(const std::string &host) const { return parent_ ? parent_->path_of(name_) + "/" + host : host; }
  NTSTATUS refresh();
  NTSTATUS load();
  // Calls `entry(host name)` for all but "." and ".." until it returns false.
  template <class Entry>
  NTSTATUS for_each(Entry entry);
  // Our own change moved the modification time: the index, already adjusted, holds for the new one.
  void stamp();
  Result<std::shared_ptr<Node>> wrap(Fd fd, const std::string &host, bool writable);
  Result<bool> leads_to(const std::string &host, const NodeId &id);

  const std::shared_ptr<const Beneath> root_;
  std::shared_ptr<HostDirectory> parent_;  // nullptr: the root
  std::string name_;
  NameIndex<Known> index_;
  timespec stamp_{};
  bool loaded_ = false;
  size_t scans_ = 0;
};

}  // namespace ntemu::fs
