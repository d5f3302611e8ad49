// The control socket: one JSON object per line, {"v":1,"id":..,"op":..,"args":{..}}, answered by
// {"v":1,"id":..,"ok":..}.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

// Where machines in memory, and links to the others, put their sockets: $XDG_RUNTIME_DIR/ntemu or /tmp/ntemu-UID.
std::filesystem::path runtime_directory();

// Serves one machine until it is destroyed. Only the same user may connect (mode 0600 and the peer's uid).
class ControlServer {
 public:
  static Outcome<std::unique_ptr<ControlServer>> start(Machine &machine);
  ~ControlServer();

 private:
  struct State;
  explicit ControlServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A client's end.
class ControlClient {
 public:
  // The machine at `directory`, or with process id `pid`, or, with neither, the only one that this user runs.
  static Outcome<ControlClient> connect(const std::filesystem::path &directory, int pid);
  ControlClient(ControlClient &&other) noexcept;
  ~ControlClient();
  Outcome<nlohmann::json> call(std::string_view op, const nlohmann::json &arguments);

 private:
  explicit ControlClient(int socket) : socket_(socket) {}
  int socket_;
};

}  // namespace ntemu::machine
