// The subcommands of ntemu.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ntemu::tool {

struct RunOptions {
  std::filesystem::path driver;
  std::filesystem::path machine;
  std::string name;
  std::optional<std::chrono::milliseconds> time;
  std::vector<std::string> make_directories;
  unsigned cpus = 2;
  bool trace = false;
  bool sanitizer_stops = false;
  bool json = false;
};
int run(const RunOptions &options);

struct ClientOptions {
  std::filesystem::path machine;
  int pid = 0;
  bool json = false;
};
int threads(const ClientOptions &options);

struct DeadlockOptions : ClientOptions {
  bool dot = false;
};
int deadlocks(const DeadlockOptions &options);

struct WaitOptions : ClientOptions {
  std::optional<std::chrono::milliseconds> timeout;
  std::optional<size_t> threads;
  std::string reason;
  std::string start;
};
int wait(const WaitOptions &options);

struct DumpOptions : ClientOptions {
  std::filesystem::path output;  // empty: MEMORY.DMP in the machine's directory
  unsigned keep = 3;
  bool live = false;
  std::optional<std::chrono::milliseconds> timeout;
};
int dump(const DumpOptions &options);

struct IoctlOptions : ClientOptions {
  std::string device;
  std::string code;
  std::string input;  // hexadecimal
  std::filesystem::path input_file;
  uint32_t output_length = 0;
};
int send_ioctl(const IoctlOptions &options);

struct BootOptions {
  std::filesystem::path machine;
  unsigned cpus = 2;
  bool foreground = false;
  bool allow_other = false;
  bool sanitizer_stops = false;
  bool json = false;
};
int boot(const BootOptions &options);

struct PowerOptions {
  std::filesystem::path machine;
  bool json = false;
};
int shutdown(const PowerOptions &options);
int status(const PowerOptions &options);

struct ResetOptions {
  std::filesystem::path machine;
  bool drive_c = false;
};
int reset(const ResetOptions &options);

struct LogOptions {
  std::filesystem::path machine;
  bool follow = false;
};
int logs(const LogOptions &options);

struct DriveOptions {
  std::filesystem::path machine;
  std::string letter;
  std::filesystem::path directory;
  bool json = false;
};
int drive_add(const DriveOptions &options);
int drive_remove(const DriveOptions &options);
int drive_list(const DriveOptions &options);

struct NewDriverOptions {
  std::filesystem::path directory;
  std::string name;  // empty: the directory's
};
int new_driver(const NewDriverOptions &options);
int demo();

// Adds the subcommands boot to drive, and new and demo; parsing one of them sets what is to be done.
using Action = std::function<int()>;
void add_machine_commands(CLI::App &app, Action &action, std::string &sanitizer);
void add_project_commands(CLI::App &app, Action &action);

// The help of --sanitizer-stops, and why it cannot be had; nothing when it can.
inline constexpr const char *kSanitizerStopsHelp =
    "End the machine in bugcheck 0x1F2 when the sanitizer reports something";
std::optional<std::string> refuse_sanitizer_stops(bool asked);

// "250ms", "2s", "30m" or plain seconds; nullopt if it is none of them.
std::optional<std::chrono::milliseconds> parse_duration(const std::string &text);

}  // namespace ntemu::tool
