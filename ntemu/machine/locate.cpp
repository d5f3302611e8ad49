#include "ntemu/machine/locate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "nt/status.h"

namespace ntemu::machine {
namespace {

namespace stdfs = std::filesystem;

stdfs::path home() {
  if (const char *variable = std::getenv("HOME"); variable && *variable) return variable;
  const passwd *entry = getpwuid(getuid());
  return entry ? entry->pw_dir : "/";
}

// Runs `ntemu boot` and waits for it: nullopt when the machine runs.
std::optional<Error> boot(const stdfs::path &directory) {
  std::error_code error;
  const std::string program = (stdfs::read_symlink("/proc/self/exe", error).parent_path() / "ntemu").string();
  std::string machine = directory.string();
  std::string arguments[] = {program, "boot", "--machine"};
  char *argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), machine.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child;
  const int failed = posix_spawn(&child, program.c_str(), &files, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed)
    return Error{STATUS_OBJECT_NAME_NOT_FOUND, fmt::format("cannot run {}: {}", program, std::strerror(failed))};
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  const auto code = static_cast<uint32_t>(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return Error{STATUS_UNSUCCESSFUL, fmt::format("the machine in {} could not be booted", machine), code};
}

// A machine that is about to end still takes connections, and answers none.
std::optional<ControlClient> connect_ready(const stdfs::path &directory) {
  auto client = ControlClient::connect(directory, 0);
  if (!client || !client->exchange("status", nlohmann::json::object())) return std::nullopt;
  return std::move(*client);
}

}  // namespace

stdfs::path default_machine_directory() {
  if (const char *variable = std::getenv("NTEMU_MACHINE"); variable && *variable) return variable;
  const char *variable = std::getenv("XDG_STATE_HOME");
  const stdfs::path state = variable && *variable == '/' ? stdfs::path(variable) : home() / ".local/state";
  return state / "ntemu/machine";
}

stdfs::path machine_directory(const stdfs::path &directory) {
  std::error_code error;
  const stdfs::path chosen = directory.empty() ? default_machine_directory() : directory;
  const stdfs::path absolute = stdfs::absolute(chosen, error).lexically_normal();
  if (error) return chosen;
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

Outcome<ControlClient> connect_or_boot(const stdfs::path &directory) {
  const stdfs::path place = machine_directory(directory);
  if (auto client = connect_ready(place)) return std::move(*client);
  if (auto error = boot(place)) return std::move(*error);
  fmt::print(stderr, "ntemu: booted the machine in {}\n", place.string());
  return ControlClient::connect(place, 0);
}

}  // namespace ntemu::machine
