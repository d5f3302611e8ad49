// What the verifier's tool asks of a machine: JSON in, JSON out.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ntemu/base/utf.h"
#include "ntemu/machine/verify.h"
#include "ntemu/machine/verify_state.h"
#include "ntemu/vf/call_check.h"
#include "ntemu/vf/delay.h"
#include "ntemu/vf/injection.h"
#include "ntemu/vf/lock_order.h"
#include "ntemu/vf/options.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;

std::u16string wide(const json &value) { return base::to_utf16_lossy(value.get<std::string>()); }

std::vector<std::u16string> names(const json &arguments, const char *key) {
  std::vector<std::u16string> result;
  if (arguments.contains(key)) {
    for (const json &each : arguments[key]) result.push_back(wide(each));
  }
  return result;
}

json to_json(const std::vector<std::u16string> &words) {
  auto result = json::array();
  for (const std::u16string &word : words) result.push_back(base::to_utf8(word));
  return result;
}

vf::FaultSettings faults_from(const json &value) {
  vf::FaultSettings faults;
  faults.probability = value.value("probability", faults.probability);
  faults.delay_minutes = value.value("delay_minutes", faults.delay_minutes);
  faults.tags = base::to_utf16_lossy(value.value("tags", ""));
  faults.applications = base::to_utf16_lossy(value.value("applications", ""));
  return faults;
}

json to_json(const vf::FaultSettings &faults) {
  return {{"probability", faults.probability},
          {"tags", base::to_utf8(faults.tags)},
          {"applications", base::to_utf8(faults.applications)},
          {"delay_minutes", faults.delay_minutes}};
}

// Every option of the table, as the tool prints it.
json options_json(std::optional<ULONG> level) {
  auto rows = json::array();
  for (const vf::OptionRow &row : vf::option_table()) {
    rows.push_back({{"flag", row.flag},
                    {"name", row.name},
                    {"standard", row.standard},
                    {"enabled", (level.value_or(0) & row.flag) != 0},
                    {"lacks", row.lacks}});
  }
  return rows;
}

json settings_reply() {
  std::vector<std::string> problems;
  const vf::Settings settings = vf::read_settings(problems);
  json reply{{"ok", true},
             {"level", nullptr},
             {"options", options_json(settings.level)},
             {"all", settings.all},
             {"drivers", to_json(settings.drivers)},
             {"excluded", to_json(settings.excluded)},
             {"faults", nullptr},
             {"seed", nullptr},
             {"problems", problems}};
  if (settings.level) reply["level"] = *settings.level;
  if (settings.faults) reply["faults"] = to_json(*settings.faults);
  if (settings.delay_seed) reply["seed"] = *settings.delay_seed;
  return reply;
}

// What the request does not name stays.
json set(const json &arguments) {
  std::vector<std::string> problems;
  vf::Settings settings = vf::read_settings(problems);
  if (arguments.contains("level")) settings.level = arguments["level"].get<ULONG>();
  if (arguments.contains("all") || arguments.contains("drivers")) {
    settings.all = arguments.value("all", false);
    settings.drivers = names(arguments, "drivers");
    settings.excluded = names(arguments, "exclude");
  }
  if (arguments.contains("faults")) settings.faults = faults_from(arguments["faults"]);
  if (arguments.contains("seed")) settings.delay_seed = arguments["seed"].get<ULONG>();
  if (const NTSTATUS status = vf::write_settings(settings); !NT_SUCCESS(status))
    return refusal({status, fmt::format("cannot write the settings: status 0x{:08X}", static_cast<uint32_t>(status))});
  return settings_reply();
}

json reset() {
  const auto any = vf::reset_settings();
  if (!any)
    return refusal({any.status(),
                    fmt::format("cannot remove the settings: status 0x{:08X}", static_cast<uint32_t>(any.status()))});
  return {{"ok", true}, {"changed", *any}};
}

json query() {
  const vf::Counters counters = vf::counters();
  const vf::InjectionStatus injected = vf::query_injection();
  const vf::LockOrderCounts locks = vf::lock_order_counts();
  VerifierState &state = verifier_state();
  base::Guard guard(state.mutex);
  const auto level = active_level(state);
  json reply{{"ok", true},
             {"level", nullptr},
             {"options", options_json(level)},
             {"counters",
              {{"RaiseIrqls", counters.raise_irqls},
               {"AcquireSpinLocks", counters.acquire_spin_locks},
               {"SynchronizeExecutions", counters.synchronize_executions},
               {"AllocationsAttempted", counters.allocations_attempted},
               {"AllocationsWithNoTag", counters.allocations_without_tag},
               {"AllocationsFailedDeliberately", injected.failed + injected.failed_now},
               {"Delays", vf::delays()}}},
             {"locks",
              {{"known", locks.locks},
               {"orders", locks.edges},
               {"classes", locks.classes},
               {"dropped", locks.dropped},
               {"inversions", locks.inversions}}},
             {"seed", vf::delay_seed()},
             {"drivers", json::array()}};
  if (level) reply["level"] = *level;
  for (const VerifiedDriver &driver : state.drivers) {
    json row{{"name", base::to_utf8(driver.name)},
             {"loads", driver.loads},
             {"unloads", driver.unloads},
             {"loaded", driver.image != nullptr},
             {"verified", driver.options.has_value()},
             {"level", nullptr}};
    if (driver.options) row["level"] = *driver.options;
    reply["drivers"].push_back(std::move(row));
  }
  return reply;
}

void move_names(const std::vector<std::u16string> &which, std::vector<std::u16string> &to,
                std::vector<std::u16string> &from) {
  for (const std::u16string &name : which) {
    const auto same = [&](const std::u16string &each) { return vf::same_driver(each, name); };
    std::erase_if(from, same);
    if (std::none_of(to.begin(), to.end(), same)) to.push_back(name);
  }
}

json change_volatile(const json &arguments) {
  {
    VerifierState &state = verifier_state();
    base::Guard guard(state.mutex);
    if (arguments.contains("level")) state.level = arguments["level"].get<ULONG>();
    if (arguments.contains("faults")) state.faults = faults_from(arguments["faults"]);
    move_names(names(arguments, "add"), state.added, state.removed);
    move_names(names(arguments, "remove"), state.removed, state.added);
    apply_volatile(state);
  }
  return query();
}

}  // namespace

Operations verifier_operations() {
  const auto simple = [](auto handle) -> Operation {
    return [handle](const json &arguments, const std::atomic<bool> &) -> json { return handle(arguments); };
  };
  return {{"verifier.settings", simple([](const json &) { return settings_reply(); })},
          {"verifier.set", simple(set)},
          {"verifier.reset", simple([](const json &) { return reset(); })},
          {"verifier.query", simple([](const json &) { return query(); })},
          {"verifier.volatile", simple(change_volatile)}};
}

}  // namespace ntemu::machine
