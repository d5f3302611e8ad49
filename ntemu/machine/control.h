// The control socket: one JSON object per line, {"v":1,"id":..,"op":..,"args":{..}}, answered by
// {"v":1,"id":..,"ok":true,..} or {"v":1,"id":..,"ok":false,"win32":N,"ntstatus":"0x........","error":"text"}.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

inline constexpr const char *kSocketName = "control.sock";

// Where machines in memory, and links to the others, put their sockets: $XDG_RUNTIME_DIR/ntemu or /tmp/ntemu-UID.
std::filesystem::path runtime_directory();
// The link there of the machine with process id `pid`, or its socket.
std::filesystem::path runtime_socket(int pid);
// The sockets of this user's running machines; those of killed ones are removed.
std::vector<std::filesystem::path> running_machines();

// Answers a request; the reply has "ok". Called on a thread of the client's own. One that waits ends its wait when
// `stopping` is set and Machine::interrupt_waits was called. A json::exception is answered as a bad request.
using Operation = std::function<nlohmann::json(const nlohmann::json &arguments, const std::atomic<bool> &stopping)>;
using Operations = std::map<std::string, Operation>;

// The reply that refuses a request.
nlohmann::json refusal(const Error &error);

// Serves one machine. Only the same user may connect (mode 0600 and the peer's uid).
class ControlServer {
 public:
  // `operations` are answered besides the built-in threads, deadlocks, status, wait and dump, or in their place.
  // "shutdown" calls `shut_down`, without which it is refused, and is answered by farewell.
  static Outcome<std::unique_ptr<ControlServer>> start(Machine &machine, Operations operations = {},
                                                       std::function<void()> shut_down = {});
  // Stops, without a limit of time.
  ~ControlServer();
  // Takes no client any more, removes the socket, and lets operations end. False when some have not ended after
  // `patience`: then the process has to end without destroying this.
  bool stop(std::chrono::milliseconds patience);
  // Answers those who asked for the shutdown.
  void farewell(const nlohmann::json &reply);

 private:
  struct State;
  explicit ControlServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A client's end.
class ControlClient {
 public:
  // The machine at `directory`, or with process id `pid`; with neither, at $NTEMU_MACHINE, else
  // the only one that this user runs.
  static Outcome<ControlClient> connect(const std::filesystem::path &directory, int pid);
  ControlClient(ControlClient &&other) noexcept;
  ~ControlClient();
  // The reply when it is ok; the Error carries both codes of one that is not.
  Outcome<nlohmann::json> call(std::string_view op, const nlohmann::json &arguments);
  // The process id of the machine; 0 where it cannot be seen from here.
  int machine() const;
  // Whatever the reply is; an Error only when there is none, also once `cancel` (a descriptor or -1) becomes readable.
  Outcome<nlohmann::json> exchange(std::string_view op, const nlohmann::json &arguments, int cancel = -1);

 private:
  explicit ControlClient(int socket) : socket_(socket) {}
  int socket_;
};

}  // namespace ntemu::machine
