// A volume with NT's rules over any storage: what is open, how it is shared, what waits for deletion.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <unordered_map>

#include "fs/backend.h"
#include "fs/names.h"
#include "ntemu/base/lock.h"
#include "ntemu/io/file_system.h"

namespace ntemu::fs {

class SemanticVolume;

// A file or directory that is open, leads to an open one, or was used lately. One for each NodeId.
// The fields that change are guarded by the volume's lock.
struct Fcb {
  Fcb(SemanticVolume &owner, std::shared_ptr<Node> file) : volume(owner), node(std::move(file)), id(node->id()) {}
  ~Fcb();  // under the volume's lock
  Fcb(const Fcb &) = delete;
  Fcb &operator=(const Fcb &) = delete;

  bool is_root() const { return parent == nullptr && !unlinked; }
  bool is_directory() const { return node->directory() != nullptr; }
  // Nothing can be opened by this name, or beneath it.
  bool going() const { return delete_pending || unlinked; }
  // Only opens that are being closed are left.
  bool only_closing() const { return handles != 0 && handles == closing_handles; }
  std::u16string path() const;

  SemanticVolume &volume;
  const std::shared_ptr<Node> node;
  const NodeId id;
  std::shared_ptr<Fcb> parent;
  std::u16string name;
  SHARE_ACCESS share{};
  ULONG handles = 0;
  // Of these, what is being closed (OpenFile::note_closing).
  SHARE_ACCESS closing{};
  ULONG closing_handles = 0;
  bool delete_pending = false;
  bool unlinked = false;      // the name now belongs to another file, or to none
  bool through_link = false;  // opened by way of a symbolic link: the name is the link's, not the file's
};

class SemanticVolume : public io::Volume {
 public:
  ~SemanticVolume() override;
  Result<io::CreateResult> create(const io::CreateRequest &request) override;
  void set_observer(io::VolumeObserver *observer) override;

 protected:
  explicit SemanticVolume(std::shared_ptr<Node> root);

 private:
  friend struct Fcb;
  friend class SemanticFile;

  // How long one operation still waits for opens that are being closed, over all of its attempts.
  struct Patience {
    std::chrono::steady_clock::time_point end{};
    uint32_t seen = 0;
  };
  // Asked after an attempt: whether only closing opens kept it from succeeding and there is time to wait for them.
  bool worth_waiting(Patience &patience) NTEMU_REQUIRES(lock_);
  // Until a closing open is gone or used again, or the time is over.
  void wait_for_closing(const Patience &patience) NTEMU_EXCLUDES(lock_);
  void closing_changed() NTEMU_REQUIRES(lock_);
  // The result of `attempt`, which is made again while there is no room for it and files that are gone, but for opens
  // that are being closed, will give theirs back.
  template <class Attempt>
  auto with_room(const Attempt &attempt) NTEMU_EXCLUDES(lock_) {
    auto result = attempt();
    for (Patience patience; is_full(result);) {
      bool wait;
      {
        base::Guard guard(lock_);
        only_closing_ = room_is_coming();
        wait = worth_waiting(patience);
      }
      if (wait) wait_for_closing(patience);
      result = attempt();  // also when room came before anybody looked for it
      if (!wait) break;
    }
    return result;
  }
  static bool is_full(NTSTATUS status) { return status == STATUS_DISK_FULL; }
  template <class T>
  static bool is_full(const Result<T> &result) {
    return !result && is_full(result.status());
  }
  bool room_is_coming() NTEMU_REQUIRES(lock_);
  // Why a file that goes away cannot be opened; notes whether that is a matter of closing opens.
  NTSTATUS refuse_going(const Fcb &fcb) NTEMU_REQUIRES(lock_);

  Result<io::CreateResult> create_patiently(const io::CreateRequest &request, const ParsedPath &path)
      NTEMU_EXCLUDES(lock_);
  Result<io::CreateResult> create_with_retries(const io::CreateRequest &request, const ParsedPath &path)
      NTEMU_REQUIRES(lock_);
  Result<io::CreateResult> create_locked(const io::CreateRequest &request, const ParsedPath &path)
      NTEMU_REQUIRES(lock_);
  Result<io::CreateResult> open_existing(const io::CreateRequest &request, const ParsedPath &path,
                                         std::shared_ptr<Fcb> fcb) NTEMU_REQUIRES(lock_);
  Result<io::CreateResult> create_new(const io::CreateRequest &request, const ParsedPath &path,
                                      const std::shared_ptr<Fcb> &parent) NTEMU_REQUIRES(lock_);
  Result<io::CreateResult> finish(const io::CreateRequest &request, std::shared_ptr<Fcb> fcb, ULONG_PTR information,
                                  ACCESS_MASK granted) NTEMU_REQUIRES(lock_);
  // The directory that holds the path's last component.
  Result<std::shared_ptr<Fcb>> walk(std::shared_ptr<Fcb> start, const ParsedPath &path, bool exact)
      NTEMU_REQUIRES(lock_);
  Result<std::shared_ptr<Fcb>> child(const std::shared_ptr<Fcb> &parent, std::u16string_view name, bool exact,
                                     bool creating) NTEMU_REQUIRES(lock_);
  std::shared_ptr<Fcb> find_open(const NodeId &id) NTEMU_REQUIRES(lock_);
  std::shared_ptr<Fcb> enter(std::shared_ptr<Node> node, const std::shared_ptr<Fcb> &parent, std::u16string name,
                             bool through_link) NTEMU_REQUIRES(lock_);
  bool has_open_below(const Fcb &directory) NTEMU_REQUIRES(lock_);
  bool has_closing_child(const Fcb &directory) NTEMU_REQUIRES(lock_);
  void keep_recent(const std::shared_ptr<Fcb> &directory) NTEMU_REQUIRES(lock_);
  // Its place in the name space is now this.
  void move(Fcb &fcb, const std::shared_ptr<Fcb> &parent, std::u16string name) NTEMU_REQUIRES(lock_);
  // Its name is gone, or another file's.
  void unlink(Fcb &fcb) NTEMU_REQUIRES(lock_);

  mutable base::Mutex lock_;
  std::unordered_map<NodeId, std::weak_ptr<Fcb>, NodeIdHash> fcbs_ NTEMU_GUARDED_BY(lock_);
  std::shared_ptr<Fcb> root_;
  // Directories stay known for a while, so that their name indexes do.
  std::deque<std::shared_ptr<Fcb>> recent_ NTEMU_GUARDED_BY(lock_);
  io::VolumeObserver *observer_ NTEMU_GUARDED_BY(lock_) = nullptr;
  // Set by an attempt that would have succeeded but for opens that are being closed.
  bool only_closing_ NTEMU_GUARDED_BY(lock_) = false;
  std::atomic<uint32_t> closings_{0};             // counts them as they end
  uint32_t freeing_ NTEMU_GUARDED_BY(lock_) = 0;  // files without a name whose storage is being given back
  std::atomic<uint32_t> waiting_{0};
};

}  // namespace ntemu::fs
