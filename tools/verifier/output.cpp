#include "tools/verifier/output.h"

#include <fmt/format.h>

namespace ntemu::verifier {
namespace {

using nlohmann::json;

uint32_t level_of(const json &reply) { return reply.at("level").is_null() ? 0 : reply["level"].get<uint32_t>(); }

std::string rows(const json &options, bool standard) {
  std::string text;
  for (const json &row : options) {
    if (row.at("standard") != standard) continue;
    text += fmt::format("    [{}] 0x{:08x} {}.\n", row.at("enabled").get<bool>() ? 'X' : ' ',
                        row.at("flag").get<uint32_t>(), row.at("name").get<std::string>());
  }
  return text;
}

std::string list(const json &names) {
  std::string text;
  for (const json &name : names) text += "    " + name.get<std::string>() + "\n";
  return text;
}

std::string or_all(const std::string &text) { return text.empty() ? "all" : text; }

std::string format_faults(const json &faults) {
  return fmt::format(
      "\n  Low Resources:\n\n    Probability: {}/10000\n    Pool tags: {}\n    Applications: {}\n"
      "    Minutes after boot: {}\n",
      faults.at("probability").get<uint32_t>(), or_all(faults.at("tags")), or_all(faults.at("applications")),
      faults.at("delay_minutes").get<uint32_t>());
}

}  // namespace

std::string format_settings(const json &settings) {
  std::string text = fmt::format("\nVerifier Flags: 0x{:08x}\n", level_of(settings));
  text += "\n  Standard Flags:\n\n" + rows(settings.at("options"), true);
  text += "\n  Additional Flags:\n\n" + rows(settings["options"], false);
  text += "\n    [X] Indicates flag is enabled.\n\n  Boot Mode:\n\n    Persistent\n";
  if (!settings.at("faults").is_null()) text += format_faults(settings["faults"]);
  if (!settings.at("seed").is_null())
    text += fmt::format("\n  Seed of the delays: {}\n", settings["seed"].get<uint32_t>());
  text += "\n  Verified Drivers:\n\n";
  if (settings.at("all")) {
    text += "    All\n";
    if (!settings.at("excluded").empty()) text += "\n  Excluded Drivers:\n\n" + list(settings["excluded"]);
  } else if (settings.at("drivers").empty()) {
    text += "    None\n";
  } else {
    text += list(settings["drivers"]);
  }
  return text;
}

std::string format_query(const json &query) {
  bool any = false;
  for (const json &driver : query.at("drivers")) any |= driver.at("verified").get<bool>();
  if (!any) return "\nNo drivers are currently verified.\n";
  std::string text = fmt::format("\nLevel: {:08X}\n", level_of(query));
  for (const char *name : {"RaiseIrqls", "AcquireSpinLocks", "SynchronizeExecutions", "AllocationsAttempted",
                           "AllocationsWithNoTag", "AllocationsFailedDeliberately", "Delays"})
    text += fmt::format("{}: {}\n", name, query.at("counters").at(name).get<uint64_t>());
  constexpr uint32_t kDelays = 0x800000;
  if (level_of(query) & kDelays) text += fmt::format("DelaySeed: {}\n", query.at("seed").get<uint64_t>());
  text += "\nOptions in force:\n\n";
  for (const json &row : query.at("options")) {
    if (!row.at("enabled").get<bool>()) continue;
    const auto lacks = row.at("lacks").get<std::string>();
    text += fmt::format("0x{:08x} {}.{}{}\n", row.at("flag").get<uint32_t>(), row.at("name").get<std::string>(),
                        lacks.empty() ? "" : " ", lacks);
  }
  text += "\nVerified drivers:\n\n";
  for (const json &driver : query["drivers"]) {
    text += fmt::format("Name: {}, loads: {}, unloads: {}{}\n", driver.at("name").get<std::string>(),
                        driver.at("loads").get<uint32_t>(), driver.at("unloads").get<uint32_t>(),
                        driver.at("verified").get<bool>() ? "" : " (not verified now)");
  }
  return text;
}

}  // namespace ntemu::verifier
