// Loaded images: the kernel and the drivers.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ntemu/ldr/load_error.h"
#include "ntemu/ldr/private_copy.h"

struct KLDR_DATA_TABLE_ENTRY {
  LIST_ENTRY InLoadOrderLinks;
  PVOID ExceptionTable;
  ULONG ExceptionTableSize;
  PVOID GpValue;
  PVOID NonPagedDebugInfo;
  PVOID DllBase;
  PVOID EntryPoint;
  ULONG SizeOfImage;
  UNICODE_STRING FullDllName;
  UNICODE_STRING BaseDllName;
  ULONG Flags;
  USHORT LoadCount;
  USHORT Reserved;
  PVOID SectionPointer;
  ULONG CheckSum;
  ULONG CoverageSectionSize;
  PVOID CoverageSection;
  PVOID LoadedImports;
  PVOID Spare;
  ULONG SizeOfImageNotRounded;
  ULONG TimeDateStamp;
};
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, DllBase, 0x30);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, EntryPoint, 0x38);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, SizeOfImage, 0x40);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, FullDllName, 0x48);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, BaseDllName, 0x58);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, Flags, 0x68);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, LoadCount, 0x6C);
NTEMU_ASSERT_OFFSET(KLDR_DATA_TABLE_ENTRY, CheckSum, 0x78);
NTEMU_ASSERT_SIZE(KLDR_DATA_TABLE_ENTRY, 0xA0);

extern "C" {
extern NTKERNELAPI LIST_ENTRY PsLoadedModuleList;
}

namespace ntemu::io {
struct DriverImage;
}

namespace ntemu::ldr {

struct Symbol {
  uint64_t offset;  // from the image's base
  uint64_t size;
  std::string name;
};

// The public structure is at the start; what is ours comes after it.
struct Image {
  KLDR_DATA_TABLE_ENTRY entry = {};
  void *handle = nullptr;  // of dlopen; null for the kernel
  std::string name;        // as debuggers show it: "nt", "TestDriver"
  std::string build_id;    // hexadecimal; empty when it has none
  std::u16string full_name, base_name;
  std::filesystem::path file;  // where it was loaded from
  PrivateCopy copy;
  std::unique_ptr<std::vector<Symbol>> symbols;  // read when first asked for

  std::filesystem::path symbol_file() const { return handle ? copy.path() : file; }
};

class [[nodiscard]] LoadResult {
 public:
  LoadResult(Image *image) : image_(image) {}
  LoadResult(LoadError error) : error_(std::move(error)) {}

  explicit operator bool() const { return image_ != nullptr; }
  Image *operator*() const { return image_; }
  Image *operator->() const { return image_; }
  const LoadError &error() const { return error_; }

 private:
  Image *image_ = nullptr;
  LoadError error_;
};

// Puts the kernel at the head of PsLoadedModuleList; teardown unloads whatever is still loaded.
void boot();
void teardown();

// Loads the driver in `file` through a copy below `private_directory`. `base_name` ("TestDriver", with .sys or without)
// and `full_name` (its NT path; below \SystemRoot\System32\drivers by default) are what PsLoadedModuleList shows.
// Static constructors run here, DriverEntry does not. On failure nothing is left: no mapping, no copy, no list entry.
LoadResult load_image(const std::filesystem::path &file, const std::filesystem::path &private_directory,
                      std::u16string_view base_name, std::u16string_view full_name = {});
void unload_image(Image *image);
// Told of an image that is about to be unmapped; set by the machine.
extern void (*image_leaves)(const Image &image);

// The sanitizer that `file` is built with and this runtime is not: "asan", "tsan" or "".
std::string missing_sanitizer(const std::filesystem::path &file);

// What the I/O manager has to know of it.
io::DriverImage describe(Image &image);

// The image that `address` lies in, or null. The result is valid until that image is unloaded.
Image *find_image(const void *address);

// "TestDriver!FileMoveThread+0x38", or "TestDriver+0x113d" without a symbol, or the address alone.
std::string symbolize(const void *address);

}  // namespace ntemu::ldr
