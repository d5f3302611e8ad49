// The grammar of sc: its words, options and where their values stand.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ntemu::sc {

enum class Verb {
  kCreate,
  kConfig,
  kStart,
  kStop,
  kPause,
  kContinue,
  kInterrogate,
  kControl,
  kQuery,
  kQueryEx,
  kQueryConfig,
  kDelete,
  kDescription,
  kQueryDescription,
};

// Which services an enumeration shows.
struct Filter {
  uint32_t types = 0x30;  // bits of service types; drivers are 0xF, processes 0x30
  bool active = true, inactive = false;
  std::optional<std::string> group;  // "": services without one
  std::optional<size_t> buffer;      // bytes: what Windows would need for more is left out
  size_t resume = 0;                 // services to skip
  bool as_default = true;            // no type was asked for
};

struct Command {
  Verb verb = Verb::kQuery;
  std::optional<std::string> name;  // of the service; none for an enumeration
  nlohmann::json arguments = nlohmann::json::object();
  Filter filter;
};

struct CommandLine {
  std::filesystem::path machine;
  bool json = false;
  bool help = false;
  bool version = false;
  std::optional<Command> command;
  // Otherwise, why there is none: a syntax error, perhaps in a verb whose usage helps more than that of all, or a word
  // that Windows knows and that has no meaning here.
  std::string syntax_error;
  std::optional<Verb> in_verb;
  std::string refused;
  std::string refused_call = "OpenSCManager";
};

CommandLine parse(const std::vector<std::string> &arguments);

}  // namespace ntemu::sc
