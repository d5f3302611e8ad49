// The subcommands of ntemu.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ntemu::tool {

struct RunOptions {
  std::filesystem::path driver;
  std::filesystem::path machine;
  std::string name;
  std::optional<std::chrono::milliseconds> time;
  std::vector<std::string> make_directories;
  bool trace = false;
  bool json = false;
};
int run(const RunOptions &options);

struct ClientOptions {
  std::filesystem::path machine;
  int pid = 0;
  bool json = false;
};
int threads(const ClientOptions &options);

struct WaitOptions : ClientOptions {
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<size_t> threads;
  std::string reason;
  std::string start;
};
int wait(const WaitOptions &options);

// "250ms", "2s", "30m" or plain seconds; nullopt if it is none of them.
std::optional<std::chrono::milliseconds> parse_duration(const std::string &text);

}  // namespace ntemu::tool
