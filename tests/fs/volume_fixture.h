// Runs one test over every kind of volume.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "fs/volumes.h"

namespace ntemu::fs::test {

inline std::filesystem::path make_temporary_directory(const std::filesystem::path &base) {
  std::string pattern = (base / "ntemu-fs-XXXXXX").string();
  return ::mkdtemp(pattern.data()) ? pattern : std::string();
}

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::filesystem::path &base = std::filesystem::temp_directory_path())
      : path_(make_temporary_directory(base)) {}
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::filesystem::path &path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline constexpr ULONG kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

// An open and what came of it.
struct Opened {
  NTSTATUS status;
  ULONG_PTR information = ~ULONG_PTR{0};
  std::unique_ptr<io::OpenFile> file;
  ACCESS_MASK granted = 0;

  io::OpenFile *operator->() const { return file.get(); }
  void close() { file.reset(); }
};

struct Ask {
  ULONG disposition = FILE_OPEN;
  ACCESS_MASK access = FILE_ALL_ACCESS;
  ULONG share = kShareAll;
  ULONG options = 0;
  ULONG attributes = 0;
  KPROCESSOR_MODE mode = UserMode;
  io::OpenFile *directory = nullptr;
  LONGLONG allocation = 0;
};

class AnyVolume : public ::testing::Test {
 protected:
  Opened open(std::u16string_view path, const Ask &ask = {}) {
    io::CreateRequest request;
    request.path = path;
    request.directory = ask.directory;
    request.access = ask.access;
    request.share = ask.share;
    request.disposition = ask.disposition;
    request.options = ask.options;
    request.attributes = ask.attributes;
    request.allocation = ask.allocation;
    request.mode = ask.mode;
    auto result = volume_->create(request);
    if (!result) return {result.status(), ~ULONG_PTR{0}, nullptr, 0};
    return {STATUS_SUCCESS, result->information, std::move(result->file), result->granted};
  }
  NTSTATUS try_open(std::u16string_view path, const Ask &ask = {}) { return open(path, ask).status; }
  void make_file(std::u16string_view path, std::string_view data = {}, ULONG attributes = 0) {
    auto file = open(path, {.disposition = FILE_CREATE, .attributes = attributes});
    ASSERT_EQ(file.status, STATUS_SUCCESS);
    LONGLONG offset = 0;
    ASSERT_TRUE(file->write(data.data(), static_cast<ULONG>(data.size()), offset));
  }
  void make_directory(std::u16string_view path) {
    ASSERT_EQ(try_open(path, {.disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE}), STATUS_SUCCESS);
  }
  bool exists(std::u16string_view path) {
    return try_open(path, {.access = FILE_READ_ATTRIBUTES}) != STATUS_OBJECT_NAME_NOT_FOUND;
  }
  // Where a rename leads: the directory of `path`, opened as ZwSetInformationFile opens it.
  NTSTATUS rename_to(Opened &source, std::u16string_view path, ULONG flags = 0, KPROCESSOR_MODE mode = UserMode) {
    io::CreateRequest request;
    request.path = path;
    request.access = FILE_WRITE_DATA | SYNCHRONIZE;
    request.share = kShareAll;
    request.disposition = FILE_OPEN;
    request.target_directory = true;
    auto target = volume_->create(request);
    if (!target) return target.status();
    return source->rename(target->last_name, target->file.get(), flags, mode);
  }
  std::string contents(std::u16string_view path) {
    auto file = open(path, {.access = FILE_READ_DATA});
    if (!file.file) return "<none>";
    char buffer[256];
    auto moved = file->read(buffer, sizeof(buffer), 0);
    return moved ? std::string(buffer, *moved) : std::string();
  }
  template <class Info>
  Info query(Opened &file, FILE_INFORMATION_CLASS info_class) {
    Info info{};
    ULONG information = 0;
    EXPECT_EQ(file->query(info_class, &info, sizeof(info), information), STATUS_SUCCESS);
    EXPECT_EQ(information, sizeof(info));
    return info;
  }
  ULONG attributes(std::u16string_view path) {
    auto file = open(path, {.access = FILE_READ_ATTRIBUTES});
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    return query<FILE_BASIC_INFORMATION>(file, FileBasicInformation).FileAttributes;
  }
  NTSTATUS dispose(Opened &file, bool remove = true) {
    FILE_DISPOSITION_INFORMATION info{remove};
    return file->set(FileDispositionInformation, &info, sizeof(info));
  }
  NTSTATUS dispose_ex(Opened &file, ULONG flags) {
    FILE_DISPOSITION_INFORMATION_EX info{flags};
    return file->set(FileDispositionInformationEx, &info, sizeof(info));
  }
  bool pending(Opened &file) { return query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).DeletePending; }

  std::unique_ptr<io::Volume> volume_;
};

struct MemoryKind {
  std::unique_ptr<io::Volume> make() { return make_memory_volume(); }
};
struct HostKind {
  TemporaryDirectory directory;
  std::unique_ptr<io::Volume> make() {
    auto volume = make_host_volume(directory.path());
    return volume ? std::move(*volume) : nullptr;
  }
};
struct WalkingHostKind {
  TemporaryDirectory directory;
  std::unique_ptr<io::Volume> make() {
    auto volume = make_host_volume(directory.path(), {.walk_paths = true});
    return volume ? std::move(*volume) : nullptr;
  }
};

// For TYPED_TEST: `this->` reaches the helpers.
template <class Kind>
class EachVolume : public AnyVolume {
 protected:
  EachVolume() { volume_ = kind_.make(); }
  ~EachVolume() override { volume_.reset(); }
  Kind kind_;
};

using Kinds = ::testing::Types<MemoryKind, HostKind, WalkingHostKind>;

}  // namespace ntemu::fs::test
