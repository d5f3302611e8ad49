// The client's end of the control socket.
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "nt/status.h"
#include "ntemu/machine/control.h"
#include "ntemu/machine/line_socket.h"

namespace ntemu::machine {

using nlohmann::json;
namespace stdfs = std::filesystem;

stdfs::path runtime_directory() {
  const char *base = std::getenv("XDG_RUNTIME_DIR");
  if (base && *base) return stdfs::path(base) / "ntemu";
  return fmt::format("/tmp/ntemu-{}", getuid());
}

stdfs::path runtime_socket(int pid) { return runtime_directory() / fmt::format("{}.sock", pid); }

std::vector<stdfs::path> running_machines() {
  std::vector<stdfs::path> sockets;
  std::error_code error;
  for (const auto &entry : stdfs::directory_iterator(runtime_directory(), error)) {
    if (entry.path().extension() != ".sock") continue;
    const int pid = std::atoi(entry.path().stem().c_str());
    if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM)) {
      sockets.push_back(entry.path());
    } else {
      stdfs::remove(entry.path(), error);  // its process was killed
    }
  }
  return sockets;
}

Outcome<ControlClient> ControlClient::connect(const stdfs::path &directory, int pid) {
  stdfs::path path;
  if (!directory.empty()) {
    path = directory / kSocketName;
  } else if (pid > 0) {
    path = runtime_socket(pid);
  } else if (const char *variable = std::getenv("NTEMU_MACHINE"); variable && *variable) {
    path = stdfs::path(variable) / kSocketName;
  } else {
    const auto running = running_machines();
    if (running.empty()) return Error{STATUS_NOT_FOUND, "no machine runs; start one with 'ntemu boot' or 'ntemu run'"};
    if (running.size() > 1)
      return Error{STATUS_INVALID_PARAMETER, "several machines run: choose one with --machine or --pid"};
    path = running.front();
  }
  const int socket = connect_to(path);
  if (socket < 0) return Error{STATUS_NOT_FOUND, fmt::format("no machine answers at {}", path.string())};
  return ControlClient(socket);
}

ControlClient::ControlClient(ControlClient &&other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
ControlClient::~ControlClient() {
  if (socket_ >= 0) close(socket_);
}

int ControlClient::machine() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(socket_, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
}

Outcome<json> ControlClient::exchange(std::string_view op, const json &arguments, int cancel) {
  LineSocket lines(dup(socket_));
  if (!lines.write_line(json{{"v", 1}, {"id", 1}, {"op", op}, {"args", arguments}}.dump(-1, ' ', false,
                                                                                        json::error_handler_t::replace),
                        cancel))
    return Error{STATUS_UNSUCCESSFUL, fmt::format("the machine does not listen: {}", std::strerror(errno))};
  const auto line = lines.read_line(cancel);
  if (!line) return Error{STATUS_UNSUCCESSFUL, "the machine ended before it answered"};
  json reply = json::parse(*line, nullptr, false);
  if (!reply.is_object()) return Error{STATUS_UNSUCCESSFUL, "the machine's answer cannot be read"};
  return reply;
}

Outcome<json> ControlClient::call(std::string_view op, const json &arguments) {
  auto reply = exchange(op, arguments);
  if (!reply || reply->value("ok", false)) return reply;
  const auto status = std::strtoul(reply->value("ntstatus", "0xC0000001").c_str(), nullptr, 16);
  return Error{static_cast<NTSTATUS>(status), reply->value("error", "refused"), reply->value("win32", 0U)};
}

}  // namespace ntemu::machine
