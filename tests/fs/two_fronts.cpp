#include "tests/fs/two_fronts.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <functional>

namespace ntemu::fs::test {
namespace {

constexpr std::array<ACCESS_MASK, 3> kWants = {FILE_READ_DATA | FILE_EXECUTE, FILE_WRITE_DATA | FILE_APPEND_DATA,
                                               DELETE};
constexpr std::array<ULONG, 3> kShares = {FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_SHARE_DELETE};

// C:/Temp/a as \??\C:\Temp\a.
Driver::Raw nt_path(const std::string &path) {
  std::u16string wide = *base::to_utf16(path);
  std::replace(wide.begin(), wide.end(), u'/', u'\\');
  return {u"\\??\\" + wide};
}

}  // namespace

Driver::Driver(const std::string &path, const Ask &ask) : Driver(nt_path(path), ask) {}

Driver::Driver(const Raw &raw, const Ask &ask) {
  UNICODE_STRING name = base::to_unicode_string(raw.path);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  IO_STATUS_BLOCK io_status{};
  status_ = ZwCreateFile(&handle_, ask.access | SYNCHRONIZE, &attributes, &io_status, nullptr, FILE_ATTRIBUTE_NORMAL,
                         ask.share, ask.disposition, ask.options | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
  if (!NT_SUCCESS(status_)) handle_ = nullptr;
}

void Driver::close() {
  if (handle_) ZwClose(handle_);
  handle_ = nullptr;
}

NTSTATUS Driver::write(std::string_view text, LONGLONG offset) {
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER where;
  where.QuadPart = offset;
  return ZwWriteFile(handle_, nullptr, nullptr, nullptr, &io_status, const_cast<char *>(text.data()),
                     static_cast<ULONG>(text.size()), &where, nullptr);
}

std::string Driver::read() {
  std::string data(65536, 0);
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER start{};
  const NTSTATUS status = ZwReadFile(handle_, nullptr, nullptr, nullptr, &io_status, data.data(),
                                     static_cast<ULONG>(data.size()), &start, nullptr);
  if (status == STATUS_END_OF_FILE) return {};
  if (!NT_SUCCESS(status)) return "<failed>";
  data.resize(io_status.Information);
  return data;
}

NTSTATUS Driver::rename(const std::string &path, bool replace) { return rename(nt_path(path), replace); }

NTSTATUS Driver::rename(const Raw &raw, bool replace) {
  const std::u16string &name = raw.path;
  std::vector<char> buffer(sizeof(FILE_RENAME_INFORMATION) + name.size() * sizeof(WCHAR));
  auto *info = reinterpret_cast<FILE_RENAME_INFORMATION *>(buffer.data());
  info->ReplaceIfExists = replace;
  info->FileNameLength = static_cast<ULONG>(name.size() * sizeof(WCHAR));
  std::memcpy(info->FileName, name.data(), info->FileNameLength);
  IO_STATUS_BLOCK io_status{};
  return ZwSetInformationFile(handle_, &io_status, info, static_cast<ULONG>(buffer.size()), FileRenameInformation);
}

NTSTATUS Driver::dispose(bool remove) {
  IO_STATUS_BLOCK io_status{};
  FILE_DISPOSITION_INFORMATION info{remove};
  return ZwSetInformationFile(handle_, &io_status, &info, sizeof(info), FileDispositionInformation);
}

bool Driver::pending() {
  IO_STATUS_BLOCK io_status{};
  FILE_STANDARD_INFORMATION info{};
  EXPECT_EQ(ZwQueryInformationFile(handle_, &io_status, &info, sizeof(info), FileStandardInformation), STATUS_SUCCESS);
  return info.DeletePending;
}

bool ShareRules::admits(const Opener &opener) const {
  bool counted = false;
  for (const ACCESS_MASK want : kWants) counted |= (opener.access & want) != 0;
  if (!counted) return true;
  for (size_t i = 0; i < kWants.size(); ++i) {
    if ((opener.access & kWants[i]) && shared_[i] < opens_) return false;
    if (!(opener.share & kShares[i]) && wanted_[i] > 0) return false;
  }
  return true;
}

void ShareRules::count(const Opener &opener, int by) {
  bool counted = false;
  for (const ACCESS_MASK want : kWants) counted |= (opener.access & want) != 0;
  if (!counted) return;
  opens_ += by;
  for (size_t i = 0; i < kWants.size(); ++i) {
    if (opener.access & kWants[i]) wanted_[i] += by;
    if (opener.share & kShares[i]) shared_[i] += by;
  }
}

Opener driver_opener(unsigned wants, unsigned shares) {
  Opener opener{FILE_READ_ATTRIBUTES, 0};
  if (wants & 1) opener.access |= FILE_READ_DATA;
  if (wants & 2) opener.access |= FILE_WRITE_DATA;
  if (wants & 4) opener.access |= DELETE;
  for (size_t i = 0; i < kShares.size(); ++i) {
    if (shares & (1U << i)) opener.share |= kShares[i];
  }
  return opener;
}

Opener linux_opener(int flags) {
  const int mode = flags & O_ACCMODE;
  Opener opener{0, kShareAll};
  if (mode != O_WRONLY) opener.access |= FILE_READ_DATA;
  if (mode != O_RDONLY) opener.access |= FILE_WRITE_DATA;
  return opener;
}

TwoFronts::TwoFronts() {
  std::filesystem::create_directories(drive_c());
  std::filesystem::create_directory(scratch_.path() / "DosDevices");
}

void TwoFronts::SetUp() {
  prepare();
  if (IsSkipped() || HasFatalFailure()) return;
  MachineOptions options;
  if (GetParam().on_host) options.directory = scratch_.path() / "machine";
  auto machine = Machine::boot(std::move(options));
  ASSERT_TRUE(machine) << machine.error().text;
  machine_ = std::move(*machine);
  if (GetParam().mount) {
    auto view = DosDevices::mount(scratch_.path() / "DosDevices");
    if (!view) GTEST_SKIP() << view.error().text;
    view_ = std::move(*view);
    front_ = std::make_unique<MountFront>(scratch_.path() / "DosDevices");
    return;
  }
  auto front = std::make_unique<SocketFront>();
  auto view = DosDevices::serve(front->peer().server());
  ASSERT_TRUE(view) << view.error().text;
  view_ = std::move(*view);
  ASSERT_EQ(front->peer().start(), 0);
  front_ = std::move(front);
}

TwoFronts::~TwoFronts() {
  view_.reset();
  front_.reset();
  if (machine_) {
    EXPECT_TRUE(machine_->shut_down());
  }
}

Beside::Beside(std::function<void()> body)
    : thread_([this, body = std::move(body)] {
        id_ = static_cast<int>(::syscall(SYS_gettid));
        body();
        ended_ = true;
      }) {}

void Beside::await_asleep() const {
  while (!ended_) {
    std::string text;
    std::ifstream stat("/proc/self/task/" + std::to_string(id_) + "/stat");
    std::getline(stat, text);
    const size_t end = text.rfind(')');
    if (id_ && end != std::string::npos && text.substr(end + 1).starts_with(" S")) return;
    std::this_thread::yield();
  }
}

}  // namespace ntemu::fs::test
