// What the I/O manager asks of a file system: the one interface behind Zw*File, the mount, and later IRPs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::io {

class OpenFile;

struct CreateRequest {
  // From the volume's root with a leading backslash, or relative to `directory` (RootDirectory opens).
  std::u16string_view path;
  OpenFile *directory = nullptr;
  ACCESS_MASK access = 0;  // specific rights: generic ones are already mapped
  ULONG share = 0;         // FILE_SHARE_...
  ULONG disposition = 0;   // FILE_SUPERSEDE ... FILE_OVERWRITE_IF
  ULONG options = 0;       // FILE_DIRECTORY_FILE ...
  ULONG attributes = 0;    // FILE_ATTRIBUTE_... for a new or overwritten file
  LONGLONG allocation = 0;
  bool case_insensitive = true;
  KPROCESSOR_MODE mode = KernelMode;  // UserMode callers get every check, KernelMode ones skip parameter and access checks
};

struct CreateResult {
  std::unique_ptr<OpenFile> file;
  ULONG_PTR information;  // FILE_OPENED, FILE_CREATED ...
};

// One open of a file or directory: a FILE_OBJECT's other half. Calls may come from several threads at once.
class OpenFile {
 public:
  virtual ~OpenFile() = default;  // the last reference is gone (close)
  // The last handle was closed: the share counts drop, a pending deletion happens.
  virtual void cleanup() = 0;
  // Bytes moved. STATUS_END_OF_FILE at or past the end for a read of more than 0 bytes. `offset` is never negative.
  virtual Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) = 0;
  // `offset` -1: append.
  virtual Result<ULONG> write(const void *buffer, ULONG length, LONGLONG offset) = 0;
  // The information classes that are the file's own (not FilePositionInformation etc., which io answers).
  // The result is IoStatus.Information; STATUS_BUFFER_OVERFLOW truncation is told through `status`.
  virtual Result<ULONG> query(FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length) = 0;
  virtual NTSTATUS set(FILE_INFORMATION_CLASS info_class, const void *buffer, ULONG length) = 0;
  // Rename or move. `target` is a full path on `volume` with a leading backslash, or a bare name in the same directory.
  virtual NTSTATUS rename(std::u16string_view target, OpenFile *target_directory, ULONG flags, KPROCESSOR_MODE mode) = 0;
  virtual NTSTATUS flush() = 0;
  virtual bool is_directory() const = 0;
  // From the volume's root, with a leading backslash, in the names' own case.
  virtual std::u16string path() const = 0;
};

class Volume {
 public:
  virtual ~Volume() = default;
  virtual Result<CreateResult> create(const CreateRequest &request) = 0;
};

}  // namespace ntemu::io
