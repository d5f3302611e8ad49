// lm, x, ln: modules and symbols.
#include <fmt/format.h>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

bool list_modules(Session &session, Arguments arguments, Output &output) {
  const bool all = arguments.take_option("-a");
  const auto pattern = arguments.take_value("m");
  Table table("modules", {{"start", "start"}, {"end", "end"}, {"module name", "name"}}, {.rule = false});
  for (const auto &module : session.target().modules()) {
    if (module->kind == ModuleKind::kHost && !all) continue;
    if (pattern && !matches(*pattern, module->name)) continue;
    table.add({ticked(module->base), ticked(module->base + module->size), module->name});
  }
  output.table(table);
  for (const std::string &problem : session.target().module_problems()) output.error(problem);
  return true;
}

constexpr Command kCommands[] = {
    {"lm", "[-a] [m PATTERN]", "The loaded modules; -a: the host's libraries, too", list_modules}};

}  // namespace

std::span<const Command> module_commands() { return kCommands; }

}  // namespace ntemu::debug
