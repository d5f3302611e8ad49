#include "ntemu/machine/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <list>
#include <nlohmann/json.hpp>
#include <thread>

#include "ntemu/base/lock.h"
#include "ntemu/machine/inspect.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/line_socket.h"
#include "ntemu/machine/wait_for.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;
namespace stdfs = std::filesystem;

constexpr const char *kSocketName = "control.sock";

json answer(Machine &machine, const std::string &op, const json &arguments, const std::atomic<bool> &stopping) {
  if (op == "threads") return {{"ok", true}, {"threads", json::parse(to_json(threads()))}};
  if (op == "status") return {{"ok", true}, {"pid", getpid()}, {"drivers", machine.drivers()}};
  if (op == "wait") {
    const bool met = wait_for(machine, Condition::from_json(arguments), arguments.value("timeout", -1.0), stopping);
    return {{"ok", true}, {"met", met}, {"threads", json::parse(to_json(threads()))}};
  }
  return {{"ok", false}, {"error", fmt::format("unknown operation '{}'", op)}};
}

// What a client sent, answered; never throws.
json handle_line(Machine &machine, const std::string &line, const std::atomic<bool> &stopping) {
  json reply;
  json id = nullptr;
  try {
    const json request = json::parse(line);
    id = request.value("id", json());
    reply = answer(machine, request.at("op").get<std::string>(), request.value("args", json::object()), stopping);
  } catch (const json::exception &error) {
    reply = {{"ok", false}, {"error", fmt::format("not a request: {}", error.what())}};
  }
  reply["v"] = 1;
  reply["id"] = id;
  return reply;
}

bool same_user(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == getuid();
}

Error system_error(std::string_view what) {
  return {STATUS_UNSUCCESSFUL, fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

stdfs::path runtime_directory() {
  const char *base = std::getenv("XDG_RUNTIME_DIR");
  if (base && *base) return stdfs::path(base) / "ntemu";
  return fmt::format("/tmp/ntemu-{}", getuid());
}

namespace {

// The sockets of this user's running machines; those of killed ones are removed.
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

}  // namespace

struct ControlServer::State {
  Machine *machine;
  stdfs::path path, link;
  int listener = -1;
  int wake = -1;
  std::atomic<bool> stopping{false};
  std::thread acceptor;
  base::Mutex mutex;
  std::list<std::thread> clients NTEMU_GUARDED_BY(mutex);

  void accept_clients();
  void serve(int socket);
};

void ControlServer::State::serve(int socket) {
  LineSocket lines(socket);
  while (auto line = lines.read_line(wake)) {
    if (!lines.write_line(handle_line(*machine, *line, stopping).dump())) break;
  }
}

void ControlServer::State::accept_clients() {
  for (;;) {
    pollfd fds[] = {{listener, POLLIN, 0}, {wake, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (stopping.load()) return;
    if (!(fds[0].revents & POLLIN)) continue;
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    if (!same_user(socket)) {
      close(socket);
      continue;
    }
    base::Guard guard(mutex);
    clients.emplace_back([this, socket] { serve(socket); });
  }
}

ControlServer::ControlServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Outcome<std::unique_ptr<ControlServer>> ControlServer::start(Machine &machine) {
  auto state = std::make_unique<State>();
  state->machine = &machine;
  const stdfs::path runtime = runtime_directory();
  std::error_code error;
  stdfs::create_directories(runtime, error);
  struct stat info;
  if (lstat(runtime.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != getuid()) {
    return Error{STATUS_ACCESS_DENIED, fmt::format("{} is not a directory of this user", runtime.string())};
  }
  chmod(runtime.c_str(), 0700);
  running_machines();  // removes what others left
  const stdfs::path own = runtime / fmt::format("{}.sock", getpid());
  state->path = machine.directory().empty() ? own : machine.directory() / kSocketName;
  unlink(state->path.c_str());
  state->listener = listen_on(state->path);
  remove_at_exit(state->path);
  if (state->listener < 0) return system_error(fmt::format("cannot listen on {}", state->path.string()));
  if (state->path != own) {
    unlink(own.c_str());
    if (symlink(state->path.c_str(), own.c_str()) == 0) state->link = own;
    remove_at_exit(own);
  }
  state->wake = eventfd(0, EFD_CLOEXEC);
  state->acceptor = std::thread([raw = state.get()] { raw->accept_clients(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

ControlServer::~ControlServer() {
  state_->stopping = true;
  eventfd_write(state_->wake, 1);
  state_->machine->interrupt_waits();
  state_->acceptor.join();
  std::list<std::thread> clients;
  {
    base::Guard guard(state_->mutex);
    clients.swap(state_->clients);
  }
  for (std::thread &client : clients) client.join();
  for (const stdfs::path &path : {state_->path, state_->link}) {
    if (path.empty()) continue;
    unlink(path.c_str());
    keep(path);
  }
  close(state_->listener);
  close(state_->wake);
}

Outcome<ControlClient> ControlClient::connect(const stdfs::path &directory, int pid) {
  stdfs::path path;
  if (!directory.empty()) {
    path = directory / kSocketName;
  } else if (pid > 0) {
    path = runtime_directory() / fmt::format("{}.sock", pid);
  } else {
    const auto running = running_machines();
    if (running.empty()) return Error{STATUS_NOT_FOUND, "no machine runs; start one with 'ntemu run'"};
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

Outcome<json> ControlClient::call(std::string_view op, const json &arguments) {
  LineSocket lines(dup(socket_));
  if (!lines.write_line(json{{"v", 1}, {"id", 1}, {"op", op}, {"args", arguments}}.dump()))
    return system_error("the machine does not listen");
  const auto line = lines.read_line(-1);
  if (!line) return Error{STATUS_UNSUCCESSFUL, "the machine ended before it answered"};
  json reply = json::parse(*line, nullptr, false);
  if (reply.is_discarded()) return Error{STATUS_UNSUCCESSFUL, "the machine's answer cannot be read"};
  if (!reply.value("ok", false)) return Error{STATUS_UNSUCCESSFUL, reply.value("error", "refused")};
  return reply;
}

}  // namespace ntemu::machine
