// lm, x, ln: modules and symbols.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/image_file.h"

namespace ntemu::debug {
namespace {

std::string symbol_state(Module &module, bool open) {
  if (open) module.file();
  if (!module.file_tried()) return "(deferred)";
  ImageFile *file = module.file();
  if (!file) return "(no symbols)";
  if (file->has_debug_information()) return "(dwarf symbols)";
  return file->symbols().empty() ? "(no symbols)" : "(export symbols)";
}

void tell_details(Module &module, Output &output) {
  const auto tell = [&](const char *key, const char *title, const std::string &value) {
    if (!value.empty()) output.value(key, value, fmt::format("    {:<17} {}", title, value));
  };
  tell("image_path", "Image path:", module.full_name);
  tell("image_name", "Image name:", module.base_name);
  tell("file", "Mapped file:", module.path);
  tell("build_id", "Build id:", module.headers ? module.headers->build_id : "");
  output.value("size", module.size, fmt::format("    {:<17} {:08X}", "ImageSize:", module.size));
  module.file();
  tell("problem", "Symbols:", module.file_problem());
}

bool list_modules(Session &session, Arguments &arguments, Output &output) {
  const std::string &name = arguments.name();
  const bool verbose = name.find('v') != name.npos || arguments.take_option("v");
  const bool all = arguments.take_option("-a") || arguments.take_option("a");
  auto pattern = arguments.take_value("m");
  if (!pattern && !arguments.words().empty()) pattern = arguments.words().front();
  output.text("start             end                 module name");
  for (const auto &module : session.target().modules()) {
    if (pattern ? !matches(*pattern, module->name) : module->kind == ModuleKind::kHost && !all) continue;
    Object object(output, "modules");
    const std::string state = symbol_state(*module, verbose);
    output.value("name", module->name, "");
    output.value("start", hex16(module->base), "");
    output.value("end", hex16(module->base + module->size), "");
    output.value("symbols", state,
                 fmt::format("{} {}   {:<10} {:<21} {}", ticked(module->base), ticked(module->base + module->size),
                             module->name, state, verbose || state == "(deferred)" ? "" : module->path));
    if (verbose) tell_details(*module, output);
  }
  for (const std::string &problem : session.target().module_problems()) output.error(problem);
  return true;
}

bool examine(Session &session, Arguments &arguments, Output &output) {
  if (arguments.words().empty()) return fail(output, "x needs a pattern: x nt!Ke*Mutex");
  const auto found = session.symbols().matching(arguments.words().front());
  if (!found) return fail(output, found.error().text);
  for (const auto &[module, symbol] : *found) {
    Object object(output, "symbols");
    output.value("address", hex16(symbol.address), "");
    output.value("size", symbol.size, "");
    const std::string name = module->name + "!" + symbol.name;
    output.value("name", name, fmt::format("{}          {}", ticked(symbol.address), name));
  }
  return true;
}

std::string near_text(const std::pair<Module *, Symbol> &symbol, Address address) {
  const uint64_t offset = address - symbol.second.address;
  std::string text = fmt::format("({})   {}!{}", ticked(symbol.second.address), symbol.first->name, symbol.second.name);
  return address > symbol.second.address ? text + fmt::format("+0x{:x}", offset) : text;
}

bool list_near(Session &session, Arguments &arguments, Output &output) {
  const auto address = session.evaluate(arguments.text().empty() ? "@rip" : arguments.text());
  if (!address) return fail(output, address.error().text);
  const auto symbols = session.symbols().near(*address);
  if (symbols.empty()) {
    const Module *module = session.target().module_at(*address);
    if (!module) return fail(output, fmt::format("{} is in no module", ticked(*address)));
    output.value("module", module->name, session.symbols().name(*address));
    return true;
  }
  if (const auto line = session.symbols().line(*address)) {
    output.value("file", line->file, "");
    output.value("line", line->line, fmt::format("{}({})", line->file, line->line));
  }
  std::string text = near_text(symbols.front(), *address);
  if (symbols.size() > 1) text += "   |  " + near_text(symbols[1], *address);
  output.value("symbol", session.symbols().name(*address), text);
  if (symbols.front().second.address == *address)
    output.text(fmt::format("Exact matches:\n    {}!{}", symbols.front().first->name, symbols.front().second.name));
  return true;
}

constexpr Command kModuleCommands[] = {
    {"lm lmv lmm lmvm", "[-a] [m PATTERN]", "The loaded modules; v: in detail, -a: the host's libraries, too",
     list_modules},
    {"x", "[MODULE!]PATTERN", "The functions and variables whose names match", examine},
    {"ln", "[ADDRESS]", "The symbols near an address, and its line", list_near},
};

}  // namespace

std::span<const Command> module_commands() { return kModuleCommands; }

}  // namespace ntemu::debug
