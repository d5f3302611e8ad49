#include "fs/semantic_volume.h"

#include <algorithm>
#include <climits>

#include "fs/rules.h"
#include "fs/semantic_file.h"

namespace ntemu::fs {
namespace {

constexpr size_t kRecentDirectories = 64;
// How often a create starts over because something outside changed the directory under it.
constexpr int kAttempts = 8;
// How long an operation waits for opens that are being closed. A close on its way from another process takes less than
// 4 ms, on a loaded host perhaps a hundred times that; but a program that closed one of two copies of a descriptor
// keeps the file open for good, and whom that keeps out should hear so before a user thinks that all has stopped.
constexpr std::chrono::milliseconds kClosingPatience{500};

}  // namespace

Fcb::~Fcb() NTEMU_NO_THREAD_SAFETY_ANALYSIS {
  auto it = volume.fcbs_.find(id);
  if (it != volume.fcbs_.end() && it->second.expired()) volume.fcbs_.erase(it);
}

std::u16string Fcb::path() const {
  if (is_root()) return u"\\";
  std::u16string result;
  for (const Fcb *at = this; at && !at->name.empty(); at = at->parent.get()) result.insert(0, u"\\" + at->name);
  return result;
}

SemanticVolume::SemanticVolume(std::shared_ptr<Node> root) {
  base::Guard guard(lock_);
  root_ = enter(std::move(root), nullptr, {}, false);
}

SemanticVolume::~SemanticVolume() {
  base::Guard guard(lock_);
  recent_.clear();
  root_.reset();
}

Result<io::CreateResult> SemanticVolume::create(const io::CreateRequest &request) {
  if (NTSTATUS status = check_parameters(request); !NT_SUCCESS(status)) return status;
  ParsedPath path;
  NTSTATUS status = parse_path(request.path, request.directory != nullptr, !request.target_directory, path);
  if (!NT_SUCCESS(status)) return status;
  if (path.trailing_backslash && ((request.options & FILE_NON_DIRECTORY_FILE) || request.target_directory)) {
    return STATUS_OBJECT_NAME_INVALID;
  }
  return with_room([&] { return create_patiently(request, path); });
}

Result<io::CreateResult> SemanticVolume::create_patiently(const io::CreateRequest &request, const ParsedPath &path) {
  for (Patience patience;;) {
    {
      base::Guard guard(lock_);
      auto result = create_with_retries(request, path);
      if (!worth_waiting(patience)) return result;
    }
    wait_for_closing(patience);
  }
}

Result<io::CreateResult> SemanticVolume::create_with_retries(const io::CreateRequest &request, const ParsedPath &path) {
  for (int attempt = 1;; ++attempt) {
    auto result = create_locked(request, path);
    if (result || result.status() != STATUS_RETRY) return result;
    if (attempt == kAttempts) return STATUS_SHARING_VIOLATION;
  }
}

Result<io::CreateResult> SemanticVolume::create_locked(const io::CreateRequest &request, const ParsedPath &path) {
  std::shared_ptr<Fcb> start = root_;
  if (request.directory) {
    auto *from = dynamic_cast<SemanticFile *>(request.directory);
    if (!from || &from->fcb().volume != this) return STATUS_INVALID_PARAMETER;
    start = from->fcb_pointer();
    if (start->going()) return refuse_going(*start);
  }
  if (path.components.empty()) {
    if (request.target_directory) return STATUS_OBJECT_NAME_INVALID;
    return open_existing(request, path, std::move(start));
  }
  const bool exact = !request.case_insensitive;
  auto parent = walk(std::move(start), path, exact);
  if (!parent) return parent.status();
  if (request.target_directory) {
    auto result = open_existing(request, path, *parent);
    if (result) result->last_name = path.components.back();
    return result;
  }
  const bool creating = request.disposition != FILE_OPEN && request.disposition != FILE_OVERWRITE;
  auto existing = child(*parent, path.components.back(), exact, creating);
  if (existing) return open_existing(request, path, *existing);
  if (existing.status() != STATUS_OBJECT_NAME_NOT_FOUND) return existing.status();
  return create_new(request, path, *parent);
}

Result<io::CreateResult> SemanticVolume::open_existing(const io::CreateRequest &request, const ParsedPath &path,
                                                       std::shared_ptr<Fcb> fcb) {
  const bool directory = fcb->is_directory();
  if (fcb->going()) return refuse_going(*fcb);
  if (path.trailing_backslash && !directory) return STATUS_OBJECT_NAME_INVALID;
  if (fcb->is_root()) {
    if (replaces_data(request.disposition) || request.disposition == FILE_CREATE) return STATUS_ACCESS_DENIED;
    if (request.options & FILE_DELETE_ON_CLOSE) return STATUS_CANNOT_DELETE;
  }
  ULONG_PTR information = 0;
  NTSTATUS status = apply_disposition(request.disposition, request.options,
                                      directory ? Existing::kDirectory : Existing::kFile, information);
  if (!NT_SUCCESS(status)) return status;

  // No attribute of a directory keeps a rename from leading there.
  auto attributes = request.target_directory ? Result<ULONG>(ULONG{FILE_ATTRIBUTE_DIRECTORY}) : fcb->node->attributes();
  if (!attributes) return attributes.status();
  ACCESS_MASK granted = 0;
  if (status = check_attributes(request, *attributes, directory, granted); !NT_SUCCESS(status)) return status;
  const ACCESS_MASK needed = granted | added_access(request.disposition);
  if (share_conflict(fcb->share, needed, request.share)) {
    only_closing_ = !share_conflict(without(fcb->share, fcb->closing), needed, request.share);
    return STATUS_SHARING_VIOLATION;
  }
  if ((request.options & FILE_DELETE_ON_CLOSE) && fcb->through_link) return STATUS_CANNOT_DELETE;

  if (!directory && (replaces_data(request.disposition) || (granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))) {
    if (status = fcb->node->make_writable(); !NT_SUCCESS(status)) return status;
  }
  if (replaces_data(request.disposition)) {
    if (status = fcb->node->resize(0); !NT_SUCCESS(status)) return status;
    const ULONG fresh = new_attributes(request.attributes, *attributes, request.disposition, directory);
    if (fresh != *attributes) {
      if (status = fcb->node->set_attributes(fresh); !NT_SUCCESS(status)) return status;
    }
    if (request.allocation > 0) {
      if (status = fcb->node->reserve(request.allocation); !NT_SUCCESS(status)) return status;
    }
  }
  return finish(request, std::move(fcb), information, granted);
}

Result<io::CreateResult> SemanticVolume::create_new(const io::CreateRequest &request, const ParsedPath &path,
                                                    const std::shared_ptr<Fcb> &parent) {
  ULONG_PTR information = 0;
  NTSTATUS status = apply_disposition(request.disposition, request.options, Existing::kAbsent, information);
  if (!NT_SUCCESS(status)) return status;
  const bool directory = request.options & FILE_DIRECTORY_FILE;
  if (path.trailing_backslash && !directory) return STATUS_OBJECT_NAME_INVALID;
  if ((request.options & FILE_DELETE_ON_CLOSE) && (request.attributes & FILE_ATTRIBUTE_READONLY)) {
    return STATUS_CANNOT_DELETE;
  }
  if (directory && (request.attributes & FILE_ATTRIBUTE_TEMPORARY)) return STATUS_INVALID_PARAMETER;

  const std::u16string_view name = path.components.back();
  Directory &where = *parent->node->directory();
  auto node = where.create(name, directory, new_attributes(request.attributes, 0, request.disposition, directory));
  if (node.status() == STATUS_OBJECT_NAME_COLLISION && request.disposition != FILE_CREATE) return STATUS_RETRY;
  if (!node) return node.status();
  if (request.allocation > 0 && !directory) {
    if (status = (*node)->reserve(request.allocation); !NT_SUCCESS(status)) {
      where.remove(name, **node);
      return status;
    }
  }
  ACCESS_MASK granted = request.access;
  if (granted & MAXIMUM_ALLOWED) granted = (granted & ~static_cast<ACCESS_MASK>(MAXIMUM_ALLOWED)) | FILE_ALL_ACCESS;
  return finish(request, enter(std::move(*node), parent, std::u16string(name), false), information, granted);
}

Result<io::CreateResult> SemanticVolume::finish(const io::CreateRequest &request, std::shared_ptr<Fcb> fcb,
                                                ULONG_PTR information, ACCESS_MASK granted) {
  add_share(fcb->share, granted, request.share);
  ++fcb->handles;
  io::CreateResult result;
  result.file = std::make_unique<SemanticFile>(std::move(fcb), granted, request.share, request.options);
  result.information = information;
  result.granted = granted;
  return result;
}

Result<std::shared_ptr<Fcb>> SemanticVolume::walk(std::shared_ptr<Fcb> start, const ParsedPath &path, bool exact) {
  std::shared_ptr<Fcb> at = std::move(start);
  for (size_t i = 0;; ++i) {
    if (!at->is_directory()) return STATUS_OBJECT_PATH_NOT_FOUND;
    if (at->going()) return refuse_going(*at);
    keep_recent(at);
    if (i + 1 == path.components.size()) return at;
    auto next = child(at, path.components[i], exact, false);
    if (!next) return next.status() == STATUS_OBJECT_NAME_NOT_FOUND ? STATUS_OBJECT_PATH_NOT_FOUND : next.status();
    at = std::move(*next);
  }
}

Result<std::shared_ptr<Fcb>> SemanticVolume::child(const std::shared_ptr<Fcb> &parent, std::u16string_view name,
                                                   bool exact, bool creating) {
  Directory &directory = *parent->node->directory();
  auto found = directory.lookup(name, exact, creating);
  if (!found) return found.status();
  if (auto known = find_open(found->id)) {
    // Something outside moved it, or it has several names: it goes by the one used last.
    const bool moved = known->parent != parent || known->name != found->name || known->through_link || known->unlinked;
    if (moved && !found->link && !known->is_root()) {
      known->through_link = false;
      known->unlinked = false;
      move(*known, parent, std::move(found->name));
    }
    return known;
  }
  auto node = directory.open(*found, false);
  if (!node) return node.status();
  if (auto known = find_open((*node)->id())) return known;
  return enter(std::move(*node), parent, std::move(found->name), found->link);
}

std::shared_ptr<Fcb> SemanticVolume::find_open(const NodeId &id) {
  auto it = fcbs_.find(id);
  return it == fcbs_.end() ? nullptr : it->second.lock();
}

std::shared_ptr<Fcb> SemanticVolume::enter(std::shared_ptr<Node> node, const std::shared_ptr<Fcb> &parent,
                                           std::u16string name, bool through_link) {
  auto fcb = std::make_shared<Fcb>(*this, std::move(node));
  fcb->parent = parent;
  fcb->name = std::move(name);
  fcb->through_link = through_link;
  fcbs_[fcb->id] = fcb;
  return fcb;
}

bool SemanticVolume::has_open_below(const Fcb &directory) {
  bool any = false;
  bool used = false;
  for (const auto &[id, weak] : fcbs_) {
    const auto fcb = weak.lock();
    if (!fcb || fcb->handles == 0 || fcb->unlinked) continue;
    for (const Fcb *at = fcb->parent.get(); at; at = at->parent.get()) {
      if (at != &directory) continue;
      any = true;
      used |= !fcb->only_closing();
      break;
    }
  }
  only_closing_ = any && !used;
  return any;
}

bool SemanticVolume::has_closing_child(const Fcb &directory) {
  return std::any_of(fcbs_.begin(), fcbs_.end(), [&](const auto &entry) {
    const auto fcb = entry.second.lock();
    return fcb && fcb->parent.get() == &directory && fcb->delete_pending && fcb->only_closing();
  });
}

bool SemanticVolume::room_is_coming() {
  return freeing_ != 0 || std::any_of(fcbs_.begin(), fcbs_.end(), [](const auto &entry) {
           const auto fcb = entry.second.lock();
           return fcb && fcb->going() && fcb->handles == fcb->closing_handles;
         });
}

NTSTATUS SemanticVolume::refuse_going(const Fcb &fcb) {
  only_closing_ = fcb.delete_pending && fcb.only_closing();
  return STATUS_DELETE_PENDING;
}

bool SemanticVolume::worth_waiting(Patience &patience) {
  if (!std::exchange(only_closing_, false)) [[likely]]
    return false;
  const auto now = std::chrono::steady_clock::now();
  if (patience.end == std::chrono::steady_clock::time_point{}) patience.end = now + kClosingPatience;
  if (now >= patience.end) return false;
  patience.seen = closings_.load(std::memory_order_relaxed);
  ++waiting_;
  return true;
}

void SemanticVolume::wait_for_closing(const Patience &patience) {
  using Nt = std::chrono::duration<base::Nt100ns, std::ratio<1, base::kNtPerSecond>>;
  const auto left = std::chrono::duration_cast<Nt>(patience.end - std::chrono::steady_clock::now());
  if (left.count() > 0) base::wait_word(closings_, patience.seen, left.count());
  --waiting_;
}

void SemanticVolume::closing_changed() {
  ++closings_;
  if (waiting_) base::wake_word(closings_, INT_MAX);
}

void SemanticVolume::keep_recent(const std::shared_ptr<Fcb> &directory) {
  auto it = std::find(recent_.begin(), recent_.end(), directory);
  if (it == recent_.begin() && it != recent_.end()) return;
  if (it != recent_.end()) recent_.erase(it);
  recent_.push_front(directory);
  if (recent_.size() > kRecentDirectories) recent_.pop_back();
}

void SemanticVolume::move(Fcb &fcb, const std::shared_ptr<Fcb> &parent, std::u16string name) {
  fcb.parent = parent;
  fcb.name = std::move(name);
  fcb.node->relocate(*parent->node->directory(), fcb.name);
  if (observer_) observer_->renamed(fcb.id, parent->id, fcb.name);
}

void SemanticVolume::unlink(Fcb &fcb) {
  fcb.unlinked = true;
  if (observer_) observer_->removed(fcb.id);
}

void SemanticVolume::set_observer(io::VolumeObserver *observer) {
  base::Guard guard(lock_);
  observer_ = observer;
}

}  // namespace ntemu::fs
