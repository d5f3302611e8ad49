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
  // Open the directory that holds the path's last component, which need not exist: where a rename leads.
  bool target_directory = false;
  KPROCESSOR_MODE mode = KernelMode;  // UserMode callers get every check, KernelMode ones skip parameter checks
};

struct CreateResult {
  std::unique_ptr<OpenFile> file;
  ULONG_PTR information;     // FILE_OPENED, FILE_CREATED ...
  ACCESS_MASK granted = 0;   // MAXIMUM_ALLOWED replaced by what it stood for
  std::u16string last_name;  // with target_directory: the path's last component
};

// As a write's offset: at the end of the file, wherever that is by then.
inline constexpr LONGLONG kAppend = -1;

// One open of a file or directory: a FILE_OBJECT's other half. Calls may come from several threads at once.
// Handle rights are the caller's to check (io/file_access.h); the volume must outlive its open files.
class OpenFile {
 public:
  virtual ~OpenFile() = default;  // the last reference is gone (close)
  // The last handle was closed: the share counts drop, a pending deletion happens.
  virtual void cleanup() = 0;
  // Bytes moved. STATUS_END_OF_FILE at or past the end for a read of more than 0 bytes. `offset` is never negative.
  virtual Result<ULONG> read(void *buffer, ULONG length, LONGLONG offset) = 0;
  // Bytes moved. With kAppend, `offset` becomes the place where the data went.
  virtual Result<ULONG> write(const void *buffer, ULONG length, LONGLONG &offset) = 0;
  // The information classes that are the file's own (not FilePositionInformation etc., which io answers).
  // FileAllInformation leaves the parts that io answers zero. `information` counts the bytes written, also with
  // STATUS_BUFFER_OVERFLOW.
  virtual NTSTATUS query(FILE_INFORMATION_CLASS info_class, void *buffer, ULONG length, ULONG &information) = 0;
  virtual NTSTATUS set(FILE_INFORMATION_CLASS info_class, const void *buffer, ULONG length) = 0;
  // Rename or move to `name`, one component, in `directory` (nullptr: where the file is). `flags`: FILE_RENAME_...
  virtual NTSTATUS rename(std::u16string_view name, OpenFile *directory, ULONG flags, KPROCESSOR_MODE mode) = 0;
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
