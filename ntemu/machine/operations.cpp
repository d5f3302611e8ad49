#include "ntemu/machine/operations.h"

#include <nlohmann/json.hpp>

namespace ntemu::machine {
namespace {

using nlohmann::json;

json done(const std::optional<Error> &error) { return error ? refusal(*error) : json{{"ok", true}}; }

std::string letter_of(const json &arguments) { return arguments.at("letter").get<std::string>(); }

}  // namespace

Operations drive_operations(Machine &machine) {
  Operations operations;
  operations["drive.add"] = [&machine](const json &arguments, const std::atomic<bool> &) {
    return done(machine.add_drive(letter_of(arguments), arguments.at("directory").get<std::string>()));
  };
  operations["drive.remove"] = [&machine](const json &arguments, const std::atomic<bool> &) {
    return done(machine.remove_drive(letter_of(arguments)));
  };
  operations["drive.list"] = [&machine](const json &, const std::atomic<bool> &) {
    auto rows = json::array();
    for (const Drive &drive : machine.drives()) {
      json row{{"letter", drive.letter}, {"directory", nullptr}, {"problem", nullptr}};
      if (!drive.directory.empty()) row["directory"] = drive.directory.string();
      if (!drive.problem.empty()) row["problem"] = drive.problem;
      rows.push_back(std::move(row));
    }
    return json{{"ok", true}, {"drives", std::move(rows)}};
  };
  return operations;
}

}  // namespace ntemu::machine
