#include "ntemu/machine/dump.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>

#include "nt/status.h"
#include "ntemu/base/lock.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/leave.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;

struct Current {
  base::Mutex mutex;
  kd::CoreProgress *progress NTEMU_GUARDED_BY(mutex) = nullptr;  // of the dump that is being written

  bool begin(kd::CoreProgress *own) {
    base::Guard guard(mutex);
    if (progress) return false;
    progress = own;
    return true;
  }
  void end() {
    base::Guard guard(mutex);
    progress = nullptr;
  }
};

Current &current() {
  static Current *the_current = new Current;
  return *the_current;
}

NTSTATUS status_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return STATUS_DISK_FULL;
    case EFBIG:
      return STATUS_FILE_TOO_LARGE;
    case EACCES:
    case EPERM:
    case EROFS:
      return STATUS_ACCESS_DENIED;
    case EISDIR:
      return STATUS_FILE_IS_A_DIRECTORY;
    case ENOENT:
      return STATUS_OBJECT_PATH_NOT_FOUND;
    case ENOTDIR:
      return STATUS_NOT_A_DIRECTORY;
    case ENAMETOOLONG:
      return STATUS_NAME_TOO_LONG;
    case EBUSY:
      return STATUS_SHARING_VIOLATION;
    case ENOMEM:
      return STATUS_NO_MEMORY;
    case EAGAIN:
      return STATUS_INSUFFICIENT_RESOURCES;
    case ESRCH:
      return STATUS_NOT_FOUND;
    case ENOEXEC:
      return STATUS_INVALID_IMAGE_FORMAT;
    default:
      return STATUS_UNSUCCESSFUL;
  }
}

}  // namespace

json take_dump(const json &arguments) {
  const std::filesystem::path path = arguments.at("path").get<std::string>();
  if (!path.is_absolute()) return refusal({STATUS_INVALID_PARAMETER, "the dump's path is not absolute"});
  kd::CoreProgress *progress = kd::make_progress();
  if (!progress) return refusal({STATUS_NO_MEMORY, "no memory for a dump"});
  if (!current().begin(progress)) {
    kd::free_progress(progress);
    return refusal({STATUS_SHARING_VIOLATION, "a dump of this machine is being written already"});
  }
  std::filesystem::path unfinished = path;
  unfinished += ".tmp";
  remove_at_exit(unfinished);
  const kd::DumpResult result = kd::write_live_dump(
      {.path = path.c_str(), .keep = arguments.value("keep", kd::kKeptDumps), .progress = progress});
  keep(unfinished);
  current().end();
  kd::free_progress(progress);
  return result.error ? refusal(dump_error(result)) : describe_dump(result, path);
}

json dump_progress(const Machine &machine) {
  json reply{{"ok", true}, {"directory", machine.directory().string()}, {"done", 0}, {"total", 0}};
  base::Guard guard(current().mutex);
  if (const kd::CoreProgress *progress = current().progress) {
    reply["done"] = progress->done.load();
    reply["total"] = progress->total.load();
  }
  return reply;
}

json describe_dump(const kd::DumpResult &result, const std::filesystem::path &path) {
  return {{"ok", true},
          {"file", path.string()},
          {"bytes", result.bytes},
          {"stored_bytes", result.stored_bytes},
          {"threads", result.threads},
          {"running", result.running},
          {"unreadable", result.unreadable},
          {"pause_seconds", static_cast<double>(result.pause) / 1e9}};
}

Error dump_error(const kd::DumpResult &result) { return {status_of(result.error), result.message.text()}; }

}  // namespace ntemu::machine
