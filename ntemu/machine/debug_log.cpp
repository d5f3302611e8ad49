#include "ntemu/machine/debug_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "nt/status.h"
#include "ntemu/base/current.h"
#include "ntemu/base/utf.h"
#include "ntemu/ke/processor.h"

namespace ntemu::machine {
namespace {

const char *level_name(base::Level level) {
  switch (level) {
    case base::Level::kError:
      return "error";
    case base::Level::kWarning:
      return "warning";
    case base::Level::kInfo:
      return "info";
    default:
      return "debug";
  }
}

// Of the NT thread, else of the host's: nobody is adopted for a line of the log.
uint64_t thread_id() {
  if (const ETHREAD *thread = base::current_thread_slot) return reinterpret_cast<uint64_t>(thread->Cid.UniqueThread);
  return static_cast<uint64_t>(syscall(SYS_gettid));
}

// The virtual processor that an NT thread has, or had last.
unsigned processor_number() {
  const ETHREAD *thread = base::current_thread_slot;
  return thread && thread->processor ? thread->processor->Number : 0;
}

std::string now() {
  using namespace std::chrono;
  const auto time = floor<microseconds>(system_clock::now());
  const auto seconds = floor<std::chrono::seconds>(time);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(system_clock::to_time_t(seconds)),
                     (time - seconds).count());
}

std::string printable(std::string_view text) {
  std::string clean;
  for (const char c : base::to_utf8(base::to_utf16_lossy(text))) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) {
      clean += fmt::format("\\x{:02x}", byte);
    } else {
      clean += c;
    }
  }
  return clean;
}

}  // namespace

Outcome<DebugLog> DebugLog::open(const std::filesystem::path &path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file >= 0) return DebugLog(file);
  return Error{errno == ENOSPC ? STATUS_DISK_FULL : STATUS_ACCESS_DENIED,
               fmt::format("cannot write {}: {}", path.string(), std::strerror(errno))};
}

DebugLog::DebugLog(DebugLog &&other) noexcept : file_(std::exchange(other.file_, -1)) {}

DebugLog::~DebugLog() {
  if (file_ >= 0) close(file_);
}

DebugLog DebugLog::duplicate() const { return DebugLog(fcntl(file_, F_DUPFD_CLOEXEC, 0)); }

void DebugLog::write(base::Level level, std::string_view component, std::string_view text) const {
  const std::string line = fmt::format("{} {} {} {} {} {}\n", now(), processor_number(), thread_id(), component,
                                       level_name(level), printable(text));
  if (::write(file_, line.data(), line.size()) < 0) return;
}

}  // namespace ntemu::machine
