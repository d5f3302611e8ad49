// A FILE_OBJECT for the length of one request: referenced by its handle, and alone if it is a synchronous one.
#pragma once

#include "ntemu/io/file.h"

namespace ntemu::io {

// FO_FILE_MODIFIED comes in while others read the rest.
inline ULONG flags(const FILE_OBJECT &file) { return __atomic_load_n(&file.Flags, __ATOMIC_RELAXED); }

class FileInUse {
 public:
  FileInUse(HANDLE handle, KPROCESSOR_MODE mode);
  ~FileInUse();
  FileInUse(const FileInUse &) = delete;
  FileInUse &operator=(const FileInUse &) = delete;

  // Of finding the file object; only after success is there one. STATUS_INVALID_DEVICE_REQUEST where a driver's IRPs
  // have to do (is_device).
  NTSTATUS status() const { return status_; }
  // A file of a device that is no volume.
  bool is_device() const { return file_ && !file_->Vpb; }
  FILE_OBJECT &object() const { return *file_; }
  OpenFile &open() const { return *open_file_of(*file_); }
  ACCESS_MASK granted() const { return granted_; }
  bool synchronous() const { return flags(*file_) & FO_SYNCHRONOUS_IO; }

  // Requests on a synchronous file object run one after the other, in no promised order.
  void lock();

 private:
  FILE_OBJECT *file_ = nullptr;
  ACCESS_MASK granted_ = 0;
  NTSTATUS status_ = STATUS_SUCCESS;
  bool locked_ = false;
};

// The event that a caller wants set when its request is done.
class CompletionEvent {
 public:
  // Clears it.
  CompletionEvent(HANDLE handle, KPROCESSOR_MODE mode);
  NTSTATUS status() const { return status_; }
  void set();
  // The event, if any, with the reference to it.
  PKEVENT release();

 private:
  ob::Ref<char> object_;
  KEVENT *event_ = nullptr;
  NTSTATUS status_ = STATUS_SUCCESS;
};

}  // namespace ntemu::io
