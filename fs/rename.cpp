// Renaming and moving: MS-FSA's FileRenameInformation, its checks in its order.
#include "fs/rules.h"
#include "fs/semantic_file.h"

namespace ntemu::fs {
namespace {

// What FileRenameInformationEx may ask for here; the others concern placeholders and storage reserves.
constexpr ULONG kKnownFlags =
    FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE;

bool same_but_for_case(std::u16string_view a, std::u16string_view b) { return rtl::equal(a, b, true); }

// A POSIX rename takes the name from a file that is open, if all who opened it share deletion.
bool keeps_name(ULONG handles, const SHARE_ACCESS &share, bool posix) {
  return posix ? share.SharedDelete < share.OpenCount : handles != 0;
}

}  // namespace

NTSTATUS SemanticFile::check_replaceable(const Fcb &target, bool posix) {
  if (!keeps_name(target.handles, target.share, posix)) return STATUS_SUCCESS;
  volume_.only_closing_ =
      !keeps_name(target.handles - target.closing_handles, without(target.share, target.closing), posix);
  return STATUS_ACCESS_DENIED;
}

NTSTATUS SemanticFile::rename(std::u16string_view name, OpenFile *directory, ULONG flags, KPROCESSOR_MODE mode) {
  if (flags & ~kKnownFlags) return STATUS_NOT_SUPPORTED;
  if (mode == UserMode && !(access_ & DELETE)) return STATUS_ACCESS_DENIED;
  still_used();
  for (SemanticVolume::Patience patience;;) {
    {
      base::Guard guard(volume_.lock_);
      const NTSTATUS status = rename_locked(name, directory, flags);
      if (!volume_.worth_waiting(patience)) return status;
    }
    volume_.wait_for_closing(patience);
  }
}

NTSTATUS SemanticFile::rename_locked(std::u16string_view name, OpenFile *directory, ULONG flags) {
  if (fcb_->is_root()) return STATUS_INVALID_PARAMETER;
  std::shared_ptr<Fcb> where = fcb_->parent;
  if (directory) {
    auto *target = dynamic_cast<SemanticFile *>(directory);
    if (!target || &target->volume_ != &volume_) return STATUS_NOT_SAME_DEVICE;
    if (!target->is_directory()) return STATUS_INVALID_PARAMETER;
    where = target->fcb_;
  }
  if (fcb_->delete_pending || fcb_->unlinked || !where) return STATUS_ACCESS_DENIED;
  if (fcb_->through_link) return STATUS_NOT_SUPPORTED;
  if (is_directory()) {
    for (const Fcb *at = where.get(); at; at = at->parent.get()) {
      if (at == fcb_.get()) return STATUS_INVALID_PARAMETER;  // into itself
    }
    if (volume_.has_open_below(*fcb_)) return STATUS_ACCESS_DENIED;
  }
  if (NTSTATUS status = check_name(name); !NT_SUCCESS(status)) return status;
  if (where->going()) return volume_.refuse_going(*where);
  if (where == fcb_->parent && name == fcb_->name) return STATUS_SUCCESS;

  Directory &source_directory = *fcb_->parent->node->directory();
  Directory &target_directory = *where->node->directory();
  const Found *replaced = nullptr;
  std::shared_ptr<Fcb> open_target;
  auto existing = target_directory.lookup(name, false);
  const bool own_name = existing && existing->id == fcb_->id && !existing->link && where == fcb_->parent &&
                        same_but_for_case(existing->name, fcb_->name);
  if (!existing && existing.status() != STATUS_OBJECT_NAME_NOT_FOUND) return existing.status();
  if (existing && !own_name) {
    if (!(flags & FILE_RENAME_REPLACE_IF_EXISTS)) return STATUS_OBJECT_NAME_COLLISION;
    // Another hard link to this very file counts as an open file, which it is.
    const bool posix = flags & FILE_RENAME_POSIX_SEMANTICS;
    if (existing->id == fcb_->id) return STATUS_ACCESS_DENIED;
    // rename(2) replaces a directory by another when it is empty.
    if (existing->directory && !(posix && is_directory() && !existing->link)) return STATUS_ACCESS_DENIED;
    auto target = volume_.child(where, existing->name, true);
    if (!target) return target.status();
    open_target = *target;
    auto attributes = open_target->node->attributes();
    if (!attributes) return attributes.status();
    if ((*attributes & FILE_ATTRIBUTE_READONLY) && !(flags & FILE_RENAME_IGNORE_READONLY_ATTRIBUTE)) {
      return STATUS_ACCESS_DENIED;
    }
    if (open_target->is_root()) return STATUS_ACCESS_DENIED;
    if (open_target->delete_pending) return volume_.refuse_going(*open_target);
    if (NTSTATUS status = check_replaceable(*open_target, posix); !NT_SUCCESS(status)) return status;
    replaced = &*existing;
  }
  const NTSTATUS status = source_directory.rename(fcb_->name, node_, target_directory, name, replaced);
  if (!NT_SUCCESS(status)) return status;
  if (open_target) volume_.unlink(*open_target);
  volume_.move(*fcb_, where, std::u16string(name));
  return STATUS_SUCCESS;
}

}  // namespace ntemu::fs
