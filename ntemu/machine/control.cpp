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
#include "ntemu/ke/bugcheck.h"
#include "ntemu/machine/deadlocks.h"
#include "ntemu/machine/dump.h"
#include "ntemu/machine/inspect.h"
#include "ntemu/machine/leave.h"
#include "ntemu/machine/line_socket.h"
#include "ntemu/machine/wait_for.h"
#include "ntemu/machine/win32_error.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;
namespace stdfs = std::filesystem;

// Beyond them a client is told to come back: each has a thread and a descriptor.
constexpr size_t kMostClients = 256;

std::optional<json> built_in(Machine &machine, const std::string &op, const json &arguments,
                             const std::atomic<bool> &stopping) {
  if (op == "threads") return json{{"ok", true}, {"threads", json::parse(to_json(threads()))}};
  if (op == "deadlocks") return deadlocks();
  if (op == "status") return json{{"ok", true}, {"pid", getpid()}, {"drivers", machine.drivers()}};
  if (op == "dump") return take_dump(arguments);
  if (op == "crash") ke::bugcheck(0xE2);  // MANUALLY_INITIATED_CRASH
  if (op == "dump.progress") return dump_progress(machine);
  if (op == "wait") {
    const bool met = wait_for(machine, Condition::from_json(arguments), arguments.value("timeout", -1.0), stopping);
    return json{{"ok", true}, {"met", met}, {"threads", json::parse(to_json(threads()))}};
  }
  return std::nullopt;
}

std::string to_line(json reply, const json &id) {
  reply["v"] = 1;
  reply["id"] = id;
  return reply.dump(-1, ' ', false, json::error_handler_t::replace);
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

json refusal(const Error &error) {
  return {{"ok", false},
          {"win32", win32_error(error)},
          {"ntstatus", fmt::format("0x{:08X}", static_cast<uint32_t>(error.status))},
          {"error", error.text}};
}

struct ControlServer::State {
  using Clients = std::list<std::thread>;
  struct Farewell {
    std::unique_ptr<LineSocket> lines;
    json id;
  };

  Machine *machine;
  Operations operations;
  std::function<void()> shut_down;
  stdfs::path path, link;
  int listener = -1;
  int wake = -1;   // readable once clients are to leave
  int ended = -1;  // readable when there are clients to join
  std::atomic<bool> stopping{false};
  std::thread acceptor;
  base::Mutex mutex;
  Clients clients NTEMU_GUARDED_BY(mutex);
  Clients finished NTEMU_GUARDED_BY(mutex);
  std::list<Farewell> farewells NTEMU_GUARDED_BY(mutex);

  std::optional<Error> listen(const stdfs::path &directory);
  void accept_clients();
  void accept_client();
  void serve(int socket);
  std::optional<std::string> answer(const std::string &line, std::unique_ptr<LineSocket> &lines);
  json perform(const std::string &op, const json &arguments);
  bool join_finished();
  void disappear();
  ~State();
};

json ControlServer::State::perform(const std::string &op, const json &arguments) {
  if (const auto found = operations.find(op); found != operations.end()) return found->second(arguments, stopping);
  if (auto reply = built_in(*machine, op, arguments, stopping)) return *reply;
  if (op == "shutdown")
    return refusal({STATUS_NOT_SUPPORTED, "this machine ends with the command that started it ('ntemu run')"});
  return refusal({STATUS_INVALID_PARAMETER, fmt::format("unknown operation '{}'", op)});
}

// The reply to what a client sent; never throws. nullopt when the client waits for the farewell, and `lines` is taken.
std::optional<std::string> ControlServer::State::answer(const std::string &line, std::unique_ptr<LineSocket> &lines) {
  json id = nullptr;
  try {
    const json request = json::parse(line);
    id = request.value("id", json());
    const auto op = request.at("op").get<std::string>();
    if (op != "shutdown" || !shut_down) return to_line(perform(op, request.value("args", json::object())), id);
  } catch (const json::exception &error) {
    return to_line(refusal({STATUS_INVALID_PARAMETER, fmt::format("not a request: {}", error.what())}), id);
  } catch (const std::exception &error) {
    return to_line(refusal({STATUS_UNSUCCESSFUL, error.what()}), id);
  }
  {
    base::Guard guard(mutex);
    farewells.push_back({std::move(lines), id});
  }
  shut_down();
  return std::nullopt;
}

void ControlServer::State::serve(int socket) {
  auto lines = std::make_unique<LineSocket>(socket);
  while (auto line = lines->read_line(wake)) {
    const auto reply = answer(*line, lines);
    if (!reply || !lines->write_line(*reply, wake)) return;
  }
  if (lines->line_too_long())
    lines->write_line(to_line(refusal({STATUS_BUFFER_OVERFLOW, "not a request: the line is too long"}), nullptr));
}

void ControlServer::State::accept_client() {
  const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return;
  if (!same_user(socket)) {
    close(socket);
    return;
  }
  base::Guard guard(mutex);
  if (clients.size() >= kMostClients) {
    LineSocket(socket).write_line(
        to_line(refusal({STATUS_INSUFFICIENT_RESOURCES, "the machine has too many clients at once"}), nullptr));
    return;
  }
  clients.emplace_front();
  try {
    clients.front() = std::thread([this, socket, self = clients.begin()] {
      serve(socket);
      {
        base::Guard again(mutex);
        finished.splice(finished.end(), clients, self);
      }
      eventfd_write(ended, 1);
    });
  } catch (const std::system_error &) {  // no thread to be had
    clients.pop_front();
    close(socket);
  }
}

// True when no client is left.
bool ControlServer::State::join_finished() {
  Clients done;
  bool none;
  {
    base::Guard guard(mutex);
    done.swap(finished);
    none = clients.empty();
  }
  for (std::thread &client : done) client.join();
  return none;
}

void ControlServer::State::accept_clients() {
  for (;;) {
    pollfd fds[] = {{listener, POLLIN, 0}, {wake, POLLIN, 0}, {ended, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0 && errno != EINTR) return;
    if (stopping.load()) return;
    if (fds[2].revents & POLLIN) {
      eventfd_t count;
      eventfd_read(ended, &count);
      join_finished();
    }
    if (fds[0].revents & POLLIN) accept_client();
  }
}

std::optional<Error> ControlServer::State::listen(const stdfs::path &directory) {
  const stdfs::path runtime = runtime_directory();
  std::error_code error;
  stdfs::create_directories(runtime, error);
  struct stat info;
  if (lstat(runtime.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != getuid()) {
    return Error{STATUS_ACCESS_DENIED, fmt::format("{} is not a directory of this user", runtime.string())};
  }
  chmod(runtime.c_str(), 0700);
  running_machines();  // removes what others left
  const stdfs::path own = runtime_socket(getpid());
  path = directory.empty() ? own : directory / kSocketName;
  unlink(path.c_str());
  listener = listen_on(path);
  if (listener < 0) return system_error(fmt::format("cannot listen on {}", path.string()));
  remove_at_exit(path);
  if (path == own) return std::nullopt;
  unlink(own.c_str());
  if (symlink(path.c_str(), own.c_str()) == 0) link = own;
  remove_at_exit(own);
  return std::nullopt;
}

void ControlServer::State::disappear() {
  for (const stdfs::path &each : {path, link}) {
    if (each.empty()) continue;
    unlink(each.c_str());
    keep(each);
  }
}

ControlServer::State::~State() {
  disappear();
  for (const int fd : {listener, wake, ended}) {
    if (fd >= 0) close(fd);
  }
}

ControlServer::ControlServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Outcome<std::unique_ptr<ControlServer>> ControlServer::start(Machine &machine, Operations operations,
                                                             std::function<void()> shut_down) {
  auto state = std::make_unique<State>();
  state->machine = &machine;
  state->operations = std::move(operations);
  state->shut_down = std::move(shut_down);
  if (auto error = state->listen(machine.directory())) return *error;
  state->wake = eventfd(0, EFD_CLOEXEC);
  state->ended = eventfd(0, EFD_CLOEXEC);
  state->acceptor = std::thread([raw = state.get()] { raw->accept_clients(); });
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(state)));
}

bool ControlServer::stop(std::chrono::milliseconds patience) {
  State &state = *state_;
  if (!state.stopping.exchange(true)) {
    eventfd_write(state.wake, 1);
    state.machine->interrupt_waits();
    state.acceptor.join();
    state.disappear();
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!state.join_finished()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd fd{state.ended, POLLIN, 0};
    eventfd_t count;
    if (poll(&fd, 1, static_cast<int>(left)) > 0) eventfd_read(state.ended, &count);
  }
  return true;
}

void ControlServer::farewell(const json &reply) {
  base::Guard guard(state_->mutex);
  for (auto &[lines, id] : state_->farewells) lines->write_line(to_line(reply, id));
  state_->farewells.clear();
}

ControlServer::~ControlServer() {
  while (!stop(std::chrono::hours(1))) {
  }
}

}  // namespace ntemu::machine
