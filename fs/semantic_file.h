// One open of a file or directory on a SemanticVolume.
#pragma once

#include <atomic>

#include "fs/semantic_volume.h"

namespace ntemu::fs {

class SemanticFile final : public io::OpenFile {
 public:
  SemanticFile(std::shared_ptr<Fcb> fcb, ACCESS_MASK access, ULONG share, ULONG options);
  ~SemanticFile() override;

  void cleanup() override;
  Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) override;
  Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) override;
  NTSTATUS query(FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length, ULONG &information) override;
  NTSTATUS set(FILE_INFORMATION_CLASS info_class, const void *buffer, ULONG length) override;
  NTSTATUS rename(std::u16string_view name, OpenFile *directory, ULONG flags, KPROCESSOR_MODE mode) override;
  NTSTATUS flush() override { return node_.flush(); }
  Result<io::FileStat> stat() override;
  Result<std::vector<io::DirectoryEntry>> list() override;
  NTSTATUS set_owner_and_mode(std::optional<ULONG> mode, std::optional<ULONG> uid, std::optional<ULONG> gid) override {
    return node_.set_owner_and_mode(mode, uid, gid);
  }
  void note_closing() override;
  io::FileId id() const override { return fcb_->id; }
  bool is_directory() const override { return node_.directory() != nullptr; }
  std::u16string path() const override;

  const Fcb &fcb() const { return *fcb_; }
  const std::shared_ptr<Fcb> &fcb_pointer() const { return fcb_; }

 private:
  NTSTATUS set_basic(const FILE_BASIC_INFORMATION &basic);
  NTSTATUS set_disposition(ULONG flags);
  NTSTATUS set_disposition_locked(ULONG flags) NTEMU_REQUIRES(volume_.lock_);
  NTSTATUS rename_locked(std::u16string_view name, OpenFile *directory, ULONG flags) NTEMU_REQUIRES(volume_.lock_);
  // Whether a rename may take the name from a file that perhaps is open.
  NTSTATUS check_replaceable(const Fcb &target, bool posix) NTEMU_REQUIRES(volume_.lock_);
  NTSTATUS set_end_of_file(LONGLONG size);
  NTSTATUS set_allocation(LONGLONG size);
  NTSTATUS basic(FILE_BASIC_INFORMATION &out);
  NTSTATUS standard(FILE_STANDARD_INFORMATION &out);
  // Takes note_closing() back.
  void still_used() {
    if (closing_.load(std::memory_order_relaxed)) [[unlikely]]
      set_closing(false);
  }
  void set_closing(bool closing);
  void count_closing(bool closing) NTEMU_REQUIRES(volume_.lock_);
  // Puts back the times that this handle froze (FileBasicInformation -1) after an operation moved them.
  void restore_frozen_times();

  SemanticVolume &volume_;
  std::shared_ptr<Fcb> fcb_;
  Node &node_;
  const ACCESS_MASK access_;
  const ULONG share_;
  const ULONG options_;
  bool cleaned_ = false;                 // under the volume's lock
  bool delete_on_close_;                 // under the volume's lock
  bool posix_delete_ = false;            // likewise: the name goes with this handle, whoever else has the file open
  std::atomic<bool> closing_{false};     // changed under the volume's lock
  std::atomic<bool> any_frozen_{false};  // any field of frozen_ is set
  Times frozen_;                         // under the volume's lock
};

}  // namespace ntemu::fs
