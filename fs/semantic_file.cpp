#include "fs/semantic_file.h"

#include "fs/rules.h"

namespace ntemu::fs {

SemanticFile::SemanticFile(std::shared_ptr<Fcb> fcb, ACCESS_MASK access, ULONG share, ULONG options)
    : volume_(fcb->volume),
      fcb_(std::move(fcb)),
      node_(*fcb_->node),
      access_(access),
      share_(share),
      options_(options),
      delete_on_close_(options & FILE_DELETE_ON_CLOSE) {}

SemanticFile::~SemanticFile() {
  cleanup();
  // Closing the host's file can take long, so that happens without the lock.
  std::shared_ptr<Node> node = fcb_->node;
  bool gives_back;
  {
    base::Guard guard(volume_.lock_);
    gives_back = fcb_->unlinked;
    volume_.freeing_ += gives_back;
    fcb_.reset();
  }
  if (!gives_back) return;
  node.reset();
  base::Guard guard(volume_.lock_);
  --volume_.freeing_;
  volume_.closing_changed();
}

void SemanticFile::cleanup() {
  base::Guard guard(volume_.lock_);
  if (cleaned_) return;
  cleaned_ = true;
  Fcb &fcb = *fcb_;
  if (closing_) count_closing(false);
  remove_share(fcb.share, access_, share_);
  if (delete_on_close_ && !fcb.is_root()) fcb.delete_pending = true;
  const bool last = --fcb.handles == 0;
  if (!fcb.delete_pending || !(last || posix_delete_)) return;
  fcb.delete_pending = false;
  if (!fcb.unlinked && fcb.parent) {
    // A directory that was filled meanwhile stays, as does a name that leads elsewhere by now.
    const NTSTATUS status = fcb.parent->node->directory()->remove(fcb.name, node_);
    if (!NT_SUCCESS(status)) return;
  }
  volume_.unlink(fcb);
}

void SemanticFile::note_closing() { set_closing(true); }

void SemanticFile::set_closing(bool closing) {
  base::Guard guard(volume_.lock_);
  if (!cleaned_ && closing_ != closing) count_closing(closing);
}

void SemanticFile::count_closing(bool closing) {
  closing_ = closing;
  if (closing) {
    add_share(fcb_->closing, access_, share_);
    ++fcb_->closing_handles;
  } else {
    remove_share(fcb_->closing, access_, share_);
    --fcb_->closing_handles;
    volume_.closing_changed();
  }
}

Result<ULONG> SemanticFile::read(void *buffer, ULONG length, LONGLONG offset) {
  if (is_directory()) return STATUS_INVALID_DEVICE_REQUEST;
  still_used();
  if (length == 0) return ULONG{0};
  auto moved = node_.read(buffer, length, offset);
  if (moved && *moved == 0) return STATUS_END_OF_FILE;
  if (any_frozen_.load(std::memory_order_relaxed)) [[unlikely]]
    restore_frozen_times();
  return moved;
}

Result<ULONG> SemanticFile::write(const void *buffer, ULONG length, LONGLONG &offset) {
  if (is_directory()) return STATUS_INVALID_DEVICE_REQUEST;
  still_used();
  const auto attempt = [&] { return node_.write(buffer, length, offset); };
  // Not again for an append: what of it went out before there was no room would be there twice.
  auto moved = offset == io::kAppend ? attempt() : volume_.with_room(attempt);
  if (!moved) return moved;
  if (options_ & FILE_WRITE_THROUGH) [[unlikely]] {
    if (NTSTATUS status = node_.flush(); !NT_SUCCESS(status)) return status;
  }
  if (any_frozen_.load(std::memory_order_relaxed)) [[unlikely]]
    restore_frozen_times();
  return moved;
}

void SemanticFile::restore_frozen_times() {
  base::Guard guard(volume_.lock_);
  node_.set_times(frozen_);
}

Result<io::FileStat> SemanticFile::stat() {
  auto metadata = node_.metadata();
  if (!metadata) return metadata.status();
  auto attributes = node_.attributes();
  if (!attributes) return attributes.status();
  return io::FileStat{fcb_->id,    is_directory(),  metadata->size, metadata->allocation, metadata->times,
                      *attributes, metadata->links, metadata->mode, metadata->uid,        metadata->gid};
}

Result<std::vector<io::DirectoryEntry>> SemanticFile::list() {
  Directory *directory = node_.directory();
  if (!directory) return STATUS_INVALID_PARAMETER;
  base::Guard guard(volume_.lock_);
  return directory->list();
}

std::u16string SemanticFile::path() const {
  base::Guard guard(volume_.lock_);
  return fcb_->path();
}

}  // namespace ntemu::fs
