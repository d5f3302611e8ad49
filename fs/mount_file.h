// A file or device that a Linux program has open through the mount: a handle, as any NT program has one.
#pragma once

#include <atomic>
#include <memory>

#include "ntemu/io/file.h"

namespace ntemu::fs {

class MountedFile {
 public:
  MountedFile(HANDLE handle, ob::Ref<FILE_OBJECT> object, uint64_t inode, bool append)
      : handle_(handle),
        object_(std::move(object)),
        file_(io::open_file_of(*object_)),
        inode_(inode),
        append_(append) {}
  ~MountedFile() { close(); }
  MountedFile(const MountedFile &) = delete;
  MountedFile &operator=(const MountedFile &) = delete;

  // nullptr for a device.
  io::OpenFile *file() const { return file_; }
  bool writable() const { return object_->WriteAccess; }
  uint64_t inode() const { return inode_; }

  // 0 bytes at the end of the file.
  Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset);
  Result<ULONG> write(const void *buffer, ULONG length, LONGLONG offset);
  // One of the program's descriptors was closed; the last one's release comes later.
  void note_closing();
  // Closes the handle; requests that run now finish.
  void close();

 private:
  std::atomic<HANDLE> handle_;
  const ob::Ref<FILE_OBJECT> object_;
  io::OpenFile *const file_;
  const uint64_t inode_;
  const bool append_;
};

}  // namespace ntemu::fs
