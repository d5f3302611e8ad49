#include "ntemu/machine/services_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ntemu/base/result.h"
#include "ntemu/base/utf.h"
#include "ntemu/rtl/case.h"
#include "ntifs.h"

namespace ntemu::machine {
namespace {

constexpr std::u16string_view kWindows = u"\\??\\C:\\Windows\\";
constexpr LONGLONG kLargestFile = LONGLONG{1} << 28;  // as the loader's limit
constexpr ULONG kChunk = 1 << 20;

bool has_drive_letter(std::u16string_view path) {
  const char16_t letter = path.empty() ? u'\0' : rtl::upcase(path[0]);
  return path.size() >= 3 && letter >= u'A' && letter <= u'Z' && path[1] == u':' && path[2] == u'\\';
}

bool strip_prefix(std::u16string_view &path, std::u16string_view prefix) {
  if (path.size() < prefix.size() || !rtl::equal(path.substr(0, prefix.size()), prefix, true)) return false;
  path.remove_prefix(prefix.size());
  return true;
}

std::u16string nt_path(std::u16string_view path) {
  for (const std::u16string_view root : {u"\\SystemRoot\\", u"%SystemRoot%\\", u"%windir%\\"})
    if (strip_prefix(path, root)) return std::u16string(kWindows) += path;
  if (path.starts_with(u'\\')) return std::u16string(path);
  if (has_drive_letter(path)) return u"\\??\\" + std::u16string(path);
  return std::u16string(kWindows) += path;
}

// What ZwClose has to close.
class Handle {
 public:
  ~Handle() {
    if (value_) ZwClose(value_);
  }
  HANDLE *operator&() { return &value_; }
  HANDLE get() const { return value_; }

 private:
  HANDLE value_ = nullptr;
};

Result<std::vector<char>> read_all(std::u16string_view name) {
  UNICODE_STRING unicode = base::to_unicode_string(name);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &unicode, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  Handle file;
  IO_STATUS_BLOCK io;
  NTSTATUS status =
      ZwOpenFile(&file, FILE_READ_DATA | SYNCHRONIZE, &attributes, &io, FILE_SHARE_READ | FILE_SHARE_DELETE,
                 FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
  if (!NT_SUCCESS(status)) return status;
  FILE_STANDARD_INFORMATION standard;
  status = ZwQueryInformationFile(file.get(), &io, &standard, sizeof standard, FileStandardInformation);
  if (!NT_SUCCESS(status)) return status;
  if (standard.EndOfFile.QuadPart > kLargestFile) return STATUS_FILE_TOO_LARGE;
  std::vector<char> bytes(static_cast<size_t>(standard.EndOfFile.QuadPart));
  for (size_t done = 0; done < bytes.size();) {
    const auto chunk = static_cast<ULONG>(std::min<size_t>(kChunk, bytes.size() - done));
    status = ZwReadFile(file.get(), nullptr, nullptr, nullptr, &io, bytes.data() + done, chunk, nullptr, nullptr);
    if (status == STATUS_END_OF_FILE || (NT_SUCCESS(status) && io.Information == 0)) {
      bytes.resize(done);  // it became shorter meanwhile
      break;
    }
    if (!NT_SUCCESS(status)) return status;
    done += io.Information;
  }
  return bytes;
}

}  // namespace

std::u16string stored_image_path(std::u16string_view path) {
  return has_drive_letter(path) ? u"\\??\\" + std::u16string(path) : std::u16string(path);
}

Outcome<ServiceImage> fetch_image(std::u16string_view image_path, std::u16string_view service,
                                  const std::filesystem::path &copies) {
  ServiceImage image;
  if (image_path.starts_with(u'/')) {
    image.file = base::to_utf8(image_path);
    image.nt_name = u"\\SystemRoot\\System32\\drivers\\" + image.file.filename().u16string();
    return image;
  }
  image.nt_name =
      image_path.empty() ? nt_path(u"System32\\drivers\\" + std::u16string(service) + u".sys") : nt_path(image_path);
  if (image.nt_name.size() > MAXUSHORT / sizeof(WCHAR))
    return Error{STATUS_NAME_TOO_LONG, "the path of the image is too long"};
  const auto bytes = read_all(image.nt_name);
  if (!bytes) {
    return Error{bytes.status(), fmt::format("cannot read {}: status 0x{:08X}", base::to_utf8(image.nt_name),
                                             static_cast<uint32_t>(bytes.status()))};
  }
  const std::string name = base::to_utf8(std::u16string_view(image.nt_name).substr(image.nt_name.rfind(u'\\') + 1));
  try {
    image.copy = ldr::PrivateCopy(*bytes, copies, name);
  } catch (const ldr::LoadError &error) {
    return Error{error.status, error.text};
  }
  image.file = image.copy.path();
  return image;
}

}  // namespace ntemu::machine
