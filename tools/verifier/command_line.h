// The grammar of verifier: its options, their values, and what they ask of a machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ntemu::verifier {

enum class Verb { kHelp, kVersion, kQuery, kQuerySettings, kReset, kSet, kVolatile };

struct CommandLine {
  std::filesystem::path machine;
  bool json = false;
  Verb verb = Verb::kHelp;
  nlohmann::json arguments = nlohmann::json::object();  // of verifier.set or verifier.volatile
  std::string syntax_error;                             // otherwise, why there is none
  std::string refused;                                  // what Windows knows and is not done here
};

CommandLine parse(const std::vector<std::string> &arguments);

}  // namespace ntemu::verifier
