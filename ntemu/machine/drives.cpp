#include "ntemu/machine/drives.h"

#include <fmt/format.h>

#include <algorithm>

#include "fs/dos_devices.h"
#include "fs/volumes.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "ntemu/io/file.h"
#include "ntemu/machine/supervisor.h"
#include "ntemu/ob/object.h"

namespace ntemu::machine {
namespace {

namespace stdfs = std::filesystem;

constexpr uint32_t kErrorInvalidDrive = 15;
constexpr uint32_t kErrorAlreadyAssigned = 85;

std::string status_text(std::string_view what, NTSTATUS status) {
  return fmt::format("{}: status 0x{:08X}", what, static_cast<uint32_t>(status));
}

// 'D' of "D:", "d:" or "D"; 0 for anything else.
char letter_of(std::string_view text) {
  if (text.ends_with(':')) text.remove_suffix(1);
  if (text.size() != 1) return 0;
  const char letter = static_cast<char>(text[0] & ~0x20);
  return letter >= 'A' && letter <= 'Z' ? letter : char{0};
}

Error not_a_letter(std::string_view text) {
  return {STATUS_OBJECT_NAME_INVALID, fmt::format("'{}' is not a drive letter: A: to Z: are", text)};
}

std::u16string wide(char letter) { return {static_cast<char16_t>(letter), u':'}; }
std::u16string link_of(char letter) { return u"\\??\\" + wide(letter); }

bool is_within(const stdfs::path &path, const stdfs::path &outer) {
  return std::mismatch(outer.begin(), outer.end(), path.begin(), path.end()).first == outer.end();
}

Result<std::unique_ptr<io::Volume>> open_volume(const stdfs::path &directory) {
  auto volume = fs::make_host_volume(directory);
  if (!volume && volume.status() == STATUS_OBJECT_NAME_NOT_FOUND) return STATUS_OBJECT_PATH_NOT_FOUND;
  return volume;
}

Error cannot_be_a_drive(const stdfs::path &directory, NTSTATUS status) {
  const char *why = status == STATUS_OBJECT_PATH_NOT_FOUND ? "there is no such directory"
                    : status == STATUS_NOT_A_DIRECTORY     ? "it is not a directory"
                    : status == STATUS_ACCESS_DENIED       ? "access is denied"
                                                           : "it cannot be opened";
  return {status, fmt::format("{} cannot be a drive: {}", directory.string(), why)};
}

}  // namespace

std::optional<Error> Drives::boot(const stdfs::path &machine) {
  machine_ = machine;
  std::unique_ptr<io::Volume> system;
  const stdfs::path directory = machine.empty() ? stdfs::path() : machine / "drive_c";
  if (machine.empty()) {
    system = fs::make_memory_volume();
  } else {
    auto host = fs::make_host_volume(directory);
    if (!host) return Error{host.status(), fmt::format("cannot use {} as drive C:", directory.string())};
    system = std::move(*host);
  }
  io::DriverImage none{};
  none.file_system = true;
  auto driver = io::create_driver(u"ntemufs", none);
  if (!driver) return Error{driver.status(), status_text("cannot create the file system driver", driver.status())};
  base::Guard guard(mutex_);
  file_system_ = *driver;
  if (auto error = mount('C', std::move(system), directory)) return error;
  mount_remembered();
  return std::nullopt;
}

// Each is \Device\HarddiskVolumeN of the built-in file system's driver; C: has the first.
std::optional<Error> Drives::mount(char letter, std::unique_ptr<io::Volume> volume, const stdfs::path &directory) {
  const std::u16string path = base::to_utf16_lossy(fmt::format("\\Device\\HarddiskVolume{}", next_volume_));
  UNICODE_STRING name = base::to_unicode_string(path);
  PDEVICE_OBJECT device = nullptr;
  NTSTATUS status = IoCreateDevice(file_system_, 0, &name, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &device);
  if (NT_SUCCESS(status)) {
    io::mount_volume(device, std::move(volume));
    status = ob::create_symbolic_link(link_of(letter), path);
    if (!NT_SUCCESS(status)) {
      io::dismount_volume(device);
      IoDeleteDevice(device);
    }
  }
  if (!NT_SUCCESS(status)) return Error{status, status_text(fmt::format("cannot mount {}:", letter), status)};
  ++next_volume_;
  drives_[letter] = {directory, device, {}};
  return std::nullopt;
}

void Drives::unmount(char letter, const Mounted &drive) {
  if (!drive.device) return;
  ob::delete_symbolic_link(link_of(letter));
  io::dismount_volume(drive.device);
  IoDeleteDevice(drive.device);
}

void Drives::mount_remembered() {
  const auto key = cm::open_key(kDrivesKey);
  const auto values = key ? cm::list_values(*key) : Result<std::vector<cm::Value>>(key.status());
  if (!values) return;
  for (const cm::Value &value : *values) {
    const char letter = letter_of(base::to_utf8(value.name));
    if (!letter || letter == 'C' || value.type != REG_SZ || value.data.size() % 2 != 0) {
      base::log(base::Level::kWarning, "drives", "the hive remembers '{}', which is no drive",
                base::to_utf8(value.name));
      continue;
    }
    std::u16string text(reinterpret_cast<const char16_t *>(value.data.data()), value.data.size() / 2);
    if (text.ends_with(u'\0')) text.pop_back();
    const stdfs::path directory = base::to_utf8(text);
    auto error = check_directory(directory);
    if (!error) {
      auto volume = open_volume(directory);
      error = volume ? mount(letter, std::move(*volume), directory) : cannot_be_a_drive(directory, volume.status());
    }
    if (!error) continue;
    base::log(base::Level::kWarning, "drives", "{}: is not there now: {}", letter, error->text);
    drives_[letter] = {directory, nullptr, error->text};
  }
}

// Files under two letters would have two sets of share modes; and the mount shows the drives themselves.
std::optional<Error> Drives::check_directory(const stdfs::path &directory) const {
  std::error_code ignored;
  if ((!machine_.empty() && is_within(directory, stdfs::weakly_canonical(machine_, ignored) / kMountName)) ||
      fs::is_inside_own_mount(directory))
    return Error{STATUS_INVALID_PARAMETER,
                 fmt::format("{} lies in the machine's own mount, which shows its drives", directory.string())};
  for (const auto &[letter, drive] : drives_) {
    if (drive.directory.empty() || !drive.device) continue;
    const stdfs::path other = stdfs::weakly_canonical(drive.directory, ignored);
    const char *how = is_within(directory, other) ? "lies in" : is_within(other, directory) ? "contains" : nullptr;
    if (how)
      return Error{STATUS_SHARING_VIOLATION, fmt::format("{} {} the directory of {}:, {}", directory.string(), how,
                                                         letter, drive.directory.string())};
  }
  return std::nullopt;
}

std::optional<Error> Drives::add(std::string_view name, const stdfs::path &directory) {
  const char letter = letter_of(name);
  if (!letter) return not_a_letter(name);
  if (directory.empty()) return Error{STATUS_INVALID_PARAMETER, "a drive needs a directory"};
  if (letter == 'C') return Error{STATUS_ACCESS_DENIED, "C: is the machine's own drive"};
  std::error_code failed;
  const stdfs::path absolute = stdfs::canonical(stdfs::absolute(directory), failed);
  if (failed) {
    const bool none = failed == std::errc::no_such_file_or_directory;
    return cannot_be_a_drive(directory, none                                   ? STATUS_OBJECT_PATH_NOT_FOUND
                                        : failed == std::errc::not_a_directory ? STATUS_NOT_A_DIRECTORY
                                                                               : STATUS_ACCESS_DENIED);
  }
  const auto text = base::to_utf16(absolute.string());
  if (!text) return Error{STATUS_OBJECT_NAME_INVALID, fmt::format("the path of {} is not UTF-8", directory.string())};
  auto volume = open_volume(absolute);
  if (!volume) return cannot_be_a_drive(absolute, volume.status());
  base::Guard guard(mutex_);
  if (const auto found = drives_.find(letter); found != drives_.end())
    return Error{STATUS_OBJECT_NAME_COLLISION,
                 fmt::format("{}: is taken by {}", letter, found->second.directory.string()), kErrorAlreadyAssigned};
  if (auto error = check_directory(absolute)) return error;
  if (auto error = mount(letter, std::move(*volume), absolute)) return error;
  const auto key = cm::create_key(kDrivesKey);
  const NTSTATUS status = key ? cm::set_string(*key, wide(letter), REG_SZ, *text) : key.status();
  if (NT_SUCCESS(status)) return std::nullopt;
  unmount(letter, drives_[letter]);
  drives_.erase(letter);
  return Error{status, status_text(fmt::format("cannot remember {}: in the hive", letter), status)};
}

std::optional<Error> Drives::remove(std::string_view name) {
  const char letter = letter_of(name);
  if (!letter) return not_a_letter(name);
  if (letter == 'C') return Error{STATUS_ACCESS_DENIED, "C: is the machine's own drive"};
  base::Guard guard(mutex_);
  const auto found = drives_.find(letter);
  if (found == drives_.end())
    return Error{STATUS_OBJECT_NAME_NOT_FOUND, fmt::format("there is no drive {}:", letter), kErrorInvalidDrive};
  const auto key = cm::open_key(kDrivesKey);
  const NTSTATUS status = key ? cm::delete_value(*key, wide(letter)) : key.status();
  if (!NT_SUCCESS(status) && status != STATUS_OBJECT_NAME_NOT_FOUND)
    return Error{status, status_text(fmt::format("cannot forget {}: in the hive", letter), status)};
  unmount(letter, found->second);
  drives_.erase(found);
  return std::nullopt;
}

std::vector<Drive> Drives::list() const {
  base::Guard guard(mutex_);
  std::vector<Drive> all;
  for (const auto &[letter, drive] : drives_) all.push_back({std::string{letter, ':'}, drive.directory, drive.problem});
  return all;
}

void Drives::teardown() {
  base::Guard guard(mutex_);
  for (const auto &[letter, drive] : drives_) unmount(letter, drive);
  drives_.clear();
  if (file_system_) io::delete_driver(file_system_);
  file_system_ = nullptr;
}

}  // namespace ntemu::machine
