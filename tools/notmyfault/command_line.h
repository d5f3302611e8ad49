// The grammar of notmyfault: which mistake the driver is to make.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ntemu::notmyfault {

enum class Verb { kHelp, kVersion, kCrash, kHang, kBugcheck };

struct CommandLine {
  std::filesystem::path machine;
  bool json = false;
  Verb verb = Verb::kHelp;
  uint32_t value = 1;        // the type of crash or hang, or the bugcheck's code
  std::string syntax_error;  // otherwise, why there is none
};

inline constexpr uint32_t kCrashes = 8, kHangs = 2;

CommandLine parse(const std::vector<std::string> &arguments);
std::string usage();

}  // namespace ntemu::notmyfault
