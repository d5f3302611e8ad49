#include "ntemu/machine/last_stop.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>

#include "ntemu/machine/stop.h"

namespace ntemu::machine {
namespace {

using json = nlohmann::json;
namespace stdfs = std::filesystem;

std::string now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

// Complete or not at all: a reader never sees half a record.
void write(const stdfs::path &directory, const json &record) {
  const stdfs::path path = directory / kLastStopName, fresh = path.string() + ".new";
  std::error_code ignored;
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << record.dump() << '\n';
    if (!file.flush()) {
      stdfs::remove(fresh, ignored);
      return;
    }
  }
  stdfs::rename(fresh, path, ignored);
}

std::string hex(uint64_t value) { return fmt::format("{:#018x}", value); }

}  // namespace

void record_bare_stop(const char *path, const ke::Bugcheck &check) {
  std::array<char, 512> text;
  const auto end = fmt::format_to_n(
      text.data(), text.size(),
      "{{\"process\":{},\"time\":{},\"code\":\"{:#010x}\",\"name\":\"{}\",\"parameters\":[\"{:#018x}\",\"{:#018x}\","
      "\"{:#018x}\",\"{:#018x}\"]}}\n",
      getpid(), std::time(nullptr), check.code, ke::bugcheck_name(check.code), check.parameters[0], check.parameters[1],
      check.parameters[2], check.parameters[3]);
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(file, text.data(), static_cast<size_t>(end.out - text.data()));
  close(file);
}

void record_stop(const stdfs::path &directory, const ke::Bugcheck &check, const std::string &at,
                 const std::string &dump) {
  json record{{"process", getpid()},
              {"time", now()},
              {"code", fmt::format("{:#010x}", check.code)},
              {"name", ke::bugcheck_name(check.code)}};
  for (const ULONG_PTR parameter : check.parameters) record["parameters"].push_back(hex(parameter));
  if (!at.empty()) record["at"] = at;
  if (!dump.empty()) record["dump"] = dump;
  write(directory, record);
}

void record_end(const stdfs::path &directory, pid_t machine, const std::string &how) {
  const auto known = read_last_stop(directory);
  if (known && known->value("process", 0) == machine) return;
  write(directory, {{"process", machine}, {"time", now()}, {"end", how}});
}

void note_told(const stdfs::path &directory, json record) {
  record["told"] = true;
  write(directory, record);
}

}  // namespace ntemu::machine
