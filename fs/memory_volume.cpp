// A volume in memory: its storage beneath the rules of SemanticVolume.
#include "fs/volumes.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <unistd.h>

#include "fs/semantic_volume.h"

namespace ntemu::fs {
namespace {

constexpr LONGLONG kCluster = 4096;

// What all nodes of one volume share.
struct Disk {
  explicit Disk(LONGLONG size) : capacity(size), free(size) {}
  const LONGLONG capacity;
  std::atomic<LONGLONG> free;
  std::atomic<uint64_t> next_index{5};  // NTFS numbers its root 5
};

class MemoryNode : public Node {
 public:
  MemoryNode(std::shared_ptr<Disk> disk, ULONG attributes)
      : disk_(std::move(disk)), index_(disk_->next_index++), attributes_(attributes) {
    const base::Nt100ns now = base::clock().system_time();
    times_ = {now, now, now, now};
    mode_ = attributes & FILE_ATTRIBUTE_DIRECTORY ? 0755 : 0644;
  }

  NodeId id() const override { return {1, index_}; }
  Result<Metadata> metadata() override {
    base::Guard guard(lock_);
    Metadata result;
    result.times = times_;
    result.links = linked_ ? 1 : 0;
    result.mode = mode_;
    result.uid = uid_;
    result.gid = gid_;
    fill_sizes(result);
    return result;
  }
  Result<ULONG> attributes() override {
    base::Guard guard(lock_);
    return ULONG{attributes_};
  }
  NTSTATUS set_attributes(ULONG attributes) override {
    base::Guard guard(lock_);
    attributes_ = attributes;
    times_.change = base::clock().system_time();
    return STATUS_SUCCESS;
  }
  NTSTATUS set_times(const Times &times) override {
    base::Guard guard(lock_);
    if (times.creation) times_.creation = times.creation;
    if (times.access) times_.access = times.access;
    if (times.write) times_.write = times.write;
    if (times.change) times_.change = times.change;
    return STATUS_SUCCESS;
  }
  NTSTATUS set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid, std::optional<ULONG> gid) override {
    base::Guard guard(lock_);
    mode_ = mode.value_or(mode_) & 07777;
    uid_ = uid.value_or(uid_);
    gid_ = gid.value_or(gid_);
    times_.change = base::clock().system_time();
    return STATUS_SUCCESS;
  }
  void relocate(Directory &, std::u16string_view) override {}
  NTSTATUS make_writable() override { return STATUS_SUCCESS; }
  NTSTATUS flush() override { return STATUS_SUCCESS; }

  void unlink() {
    base::Guard guard(lock_);
    linked_ = false;
  }
  void touch() {
    base::Guard guard(lock_);
    times_.write = times_.change = base::clock().system_time();
  }

 protected:
  virtual void fill_sizes(Metadata &) NTEMU_REQUIRES(lock_) {}

  const std::shared_ptr<Disk> disk_;
  const uint64_t index_;
  base::Mutex lock_;
  Times times_ NTEMU_GUARDED_BY(lock_);
  ULONG attributes_ NTEMU_GUARDED_BY(lock_);
  bool linked_ NTEMU_GUARDED_BY(lock_) = true;
  ULONG mode_ NTEMU_GUARDED_BY(lock_);
  ULONG uid_ NTEMU_GUARDED_BY(lock_) = ::getuid();
  ULONG gid_ NTEMU_GUARDED_BY(lock_) = ::getgid();
};

class MemoryFile final : public MemoryNode {
 public:
  using MemoryNode::MemoryNode;
  ~MemoryFile() override { disk_->free += charged_; }

  Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) override {
    base::Guard guard(lock_);
    const auto size = static_cast<LONGLONG>(data_.size());
    if (offset >= size) return ULONG{0};
    const auto moved = static_cast<ULONG>(std::min<LONGLONG>(length, size - offset));
    std::memcpy(buffer, data_.data() + offset, moved);
    times_.access = base::clock().system_time();
    return moved;
  }
  Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) override {
    base::Guard guard(lock_);
    if (offset == io::kAppend) offset = static_cast<LONGLONG>(data_.size());
    if (offset > static_cast<LONGLONG>(data_.max_size()) - length) return STATUS_DISK_FULL;
    if (length == 0) return ULONG{0};
    if (offset + length > static_cast<LONGLONG>(data_.size())) {
      if (NTSTATUS status = grow(offset + length); !NT_SUCCESS(status)) return status;
    }
    std::memcpy(data_.data() + offset, buffer, length);
    changed();
    return ULONG{length};
  }
  NTSTATUS resize(LONGLONG size) override {
    base::Guard guard(lock_);
    if (size > static_cast<LONGLONG>(data_.size())) {
      if (NTSTATUS status = grow(size); !NT_SUCCESS(status)) return status;
    } else {
      data_.resize(static_cast<size_t>(size));
      reserved_ = 0;
      charge();
    }
    changed();
    return STATUS_SUCCESS;
  }
  NTSTATUS reserve(LONGLONG size) override {
    base::Guard guard(lock_);
    const LONGLONG before = reserved_;
    reserved_ = size;
    if (charge()) return STATUS_SUCCESS;
    reserved_ = before;
    return STATUS_DISK_FULL;
  }

 private:
  static LONGLONG clusters(LONGLONG size) { return (size + kCluster - 1) & ~(kCluster - 1); }
  LONGLONG room(LONGLONG size) const NTEMU_REQUIRES(lock_) { return clusters(std::max(size, reserved_)); }

  bool charge() NTEMU_REQUIRES(lock_) { return charge(room(static_cast<LONGLONG>(data_.size()))); }
  bool charge(LONGLONG wanted) NTEMU_REQUIRES(lock_) {
    const LONGLONG more = wanted - charged_;
    if (disk_->free.fetch_sub(more) < more) {
      disk_->free += more;
      return false;
    }
    charged_ = wanted;
    return true;
  }
  NTSTATUS grow(LONGLONG size) NTEMU_REQUIRES(lock_) {
    if (size > (LONGLONG{1} << 46) || !charge(room(size))) return STATUS_DISK_FULL;
    try {
      data_.resize(static_cast<size_t>(size));
    } catch (const std::exception &) {  // the host has less memory than the volume promised
      charge();
      return STATUS_DISK_FULL;
    }
    return STATUS_SUCCESS;
  }
  void changed() NTEMU_REQUIRES(lock_) { times_.write = times_.change = base::clock().system_time(); }
  void fill_sizes(Metadata &metadata) override NTEMU_REQUIRES(lock_) {
    metadata.size = static_cast<LONGLONG>(data_.size());
    metadata.allocation = room(metadata.size);
  }

  std::vector<char> data_ NTEMU_GUARDED_BY(lock_);
  LONGLONG reserved_ NTEMU_GUARDED_BY(lock_) = 0;
  LONGLONG charged_ = 0;
};

class MemoryDirectory final : public MemoryNode, public Directory {
 public:
  using MemoryNode::MemoryNode;
  Directory *directory() override { return this; }

  Result<Found> lookup(std::u16string_view name, bool exact) override {
    auto *entry = entries_.find(name, exact);
    if (!entry) return STATUS_OBJECT_NAME_NOT_FOUND;
    return Found{entry->name, entry->value->id(), entry->value->directory() != nullptr};
  }
  Result<std::shared_ptr<Node>> open(const Found &found, bool) override {
    auto *entry = entries_.find(found.name, true);
    if (!entry) return STATUS_RETRY;
    return std::shared_ptr<Node>(entry->value);
  }
  Result<std::shared_ptr<Node>> create(std::u16string_view name, bool directory, ULONG attributes) override {
    if (entries_.find(name, true)) return STATUS_OBJECT_NAME_COLLISION;
    std::shared_ptr<MemoryNode> node;
    if (directory) {
      node = std::make_shared<MemoryDirectory>(disk_, attributes);
    } else {
      node = std::make_shared<MemoryFile>(disk_, attributes);
    }
    entries_.insert(name, node);
    touch();
    return std::shared_ptr<Node>(node);
  }
  NTSTATUS remove(std::u16string_view name, Node &node) override {
    auto *entry = entries_.find(name, true);
    if (!entry || entry->value.get() != &node) return STATUS_OBJECT_NAME_NOT_FOUND;
    if (auto *directory = dynamic_cast<MemoryDirectory *>(&node); directory && !directory->entries_.empty()) {
      return STATUS_DIRECTORY_NOT_EMPTY;
    }
    entry->value->unlink();
    entries_.erase(name);
    touch();
    return STATUS_SUCCESS;
  }
  NTSTATUS rename(std::u16string_view name, Node &node, Directory &target, std::u16string_view target_name,
                  const Found *replaced) override {
    auto &to = static_cast<MemoryDirectory &>(target);
    auto *entry = entries_.find(name, true);
    if (!entry || entry->value.get() != &node) return STATUS_OBJECT_NAME_NOT_FOUND;
    auto moved = entry->value;
    if (replaced) {
      if (auto *victim = to.entries_.find(replaced->name, true)) {
        auto *directory = dynamic_cast<MemoryDirectory *>(victim->value.get());
        if (directory && !directory->entries_.empty()) return STATUS_DIRECTORY_NOT_EMPTY;
        victim->value->unlink();
      }
      to.entries_.erase(replaced->name);
    }
    entries_.erase(name);
    to.entries_.insert(target_name, std::move(moved));
    touch();
    if (&to != this) to.touch();
    return STATUS_SUCCESS;
  }
  Result<bool> empty() override { return entries_.empty(); }
  Result<std::vector<io::DirectoryEntry>> list() override {
    std::vector<io::DirectoryEntry> entries;
    entries.reserve(entries_.size());
    entries_.for_each([&](const auto &entry) {
      entries.push_back({entry.name, entry.value->id(), entry.value->directory() != nullptr});
    });
    return entries;
  }

  NTSTATUS make_writable() override { return STATUS_SUCCESS; }
  Result<ULONG> read(void *, ULONG, LONGLONG) override { return STATUS_INVALID_DEVICE_REQUEST; }
  Result<ULONG> write(const void *, ULONG, LONGLONG &) override { return STATUS_INVALID_DEVICE_REQUEST; }
  NTSTATUS resize(LONGLONG) override { return STATUS_INVALID_PARAMETER; }
  NTSTATUS reserve(LONGLONG) override { return STATUS_INVALID_PARAMETER; }

 private:
  NameIndex<std::shared_ptr<MemoryNode>> entries_;  // under the volume's lock
};

class MemoryVolume final : public SemanticVolume {
 public:
  explicit MemoryVolume(std::shared_ptr<Disk> disk)
      : SemanticVolume(std::make_shared<MemoryDirectory>(disk, FILE_ATTRIBUTE_DIRECTORY)), disk_(std::move(disk)) {}

  Result<io::VolumeSize> size() override {
    const auto free = static_cast<uint64_t>(std::max<LONGLONG>(disk_->free, 0));
    return io::VolumeSize{static_cast<uint64_t>(disk_->capacity), free, free, kCluster, 0, 0};
  }

 private:
  const std::shared_ptr<Disk> disk_;
};

}  // namespace

std::unique_ptr<io::Volume> make_memory_volume(LONGLONG capacity) {
  return std::make_unique<MemoryVolume>(std::make_shared<Disk>(capacity));
}

}  // namespace ntemu::fs
