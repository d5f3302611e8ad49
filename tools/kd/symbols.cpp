#include "tools/kd/symbols.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/format.h"
#include "tools/kd/image_file.h"

namespace ntemu::debug {
namespace {

// "mod!name" in two; without a module the first is empty.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const size_t at = text.find('!');
  if (at == text.npos) return {{}, text};
  return {text.substr(0, at), text.substr(at + 1)};
}

Symbol to_symbol(const Module &module, const FileSymbol &symbol) {
  return {symbol.name(), symbol.address + module.bias(), symbol.size, symbol.function};
}

}  // namespace

std::string Place::text(Address address) const {
  if (!module) return ticked(address);
  std::string text = module->name;
  if (!function.empty()) text += "!" + function;
  return offset ? text + fmt::format("+{:#x}", offset) : text;
}

Place Symbols::place(Address address, bool after_call) {
  Place place;
  const Address inside = address - (after_call ? 1 : 0);
  place.module = target_.module_at(inside);
  if (!place.module) return place;
  place.offset = address - place.module->base;
  ImageFile *file = place.module->file();
  const FileSymbol *symbol = file ? file->symbol_at(inside - place.module->bias()) : nullptr;
  if (!symbol) return place;
  place.function = symbol->name();
  place.offset = address - place.module->bias() - symbol->address;
  return place;
}

std::optional<SourceLine> Symbols::line(Address address, bool after_call) {
  const Address inside = address - (after_call ? 1 : 0);
  Module *module = target_.module_at(inside);
  ImageFile *file = module ? module->file() : nullptr;
  return file ? file->line_at(inside - module->bias()) : std::nullopt;
}

std::optional<Address> Symbols::address(std::string_view text) {
  const auto [module_name, name] = split(text);
  const auto look = [wanted = name](Module *module) -> std::optional<Address> {
    ImageFile *file = module ? module->file() : nullptr;
    const FileSymbol *symbol = file ? file->symbol_named(wanted) : nullptr;
    return symbol ? std::optional(symbol->address + module->bias()) : std::nullopt;
  };
  if (!module_name.empty()) return look(target_.module_named(module_name));
  if (const auto found = look(target_.module_named("nt"))) return found;
  for (const auto &module : target_.modules()) {
    if (module->kind != ModuleKind::kDriver) continue;
    if (const auto found = look(module.get())) return found;
  }
  Module *module = target_.module_named(name);  // a module's name stands for its base
  return module ? std::optional(module->base) : std::nullopt;
}

Result<std::vector<std::pair<Module *, Symbol>>> Symbols::matching(std::string_view pattern) {
  const auto [module_pattern, name_pattern] = split(pattern);
  std::vector<std::pair<Module *, Symbol>> found;
  bool any = false;
  for (const auto &module : target_.modules()) {
    const bool wanted =
        module_pattern.empty() ? module->kind != ModuleKind::kHost : matches(module_pattern, module->name);
    if (!wanted) continue;
    any = true;
    ImageFile *file = module->file();
    if (!file) continue;
    for (const FileSymbol &symbol : file->symbols()) {
      if (std::string_view(symbol.linker_name) == "_GLOBAL_OFFSET_TABLE_") continue;
      if (matches(name_pattern, symbol.name())) found.emplace_back(module.get(), to_symbol(*module, symbol));
    }
  }
  if (!any) return Failure{fmt::format("Couldn't resolve '{}': there is no such module", pattern)};
  return found;
}

std::vector<std::pair<Module *, Symbol>> Symbols::near(Address address) {
  Module *module = target_.module_at(address);
  ImageFile *file = module ? module->file() : nullptr;
  std::vector<std::pair<Module *, Symbol>> found;
  if (!file) return found;
  const auto &all = file->symbols();
  const uint64_t wanted = address - module->bias();
  const auto after = std::upper_bound(all.begin(), all.end(), wanted,
                                      [](uint64_t value, const FileSymbol &symbol) { return value < symbol.address; });
  const FileSymbol *before = file->symbol_at(wanted);
  if (!before && after != all.begin()) before = &*(after - 1);
  if (before) found.emplace_back(module, to_symbol(*module, *before));
  if (after != all.end()) found.emplace_back(module, to_symbol(*module, *after));
  return found;
}

}  // namespace ntemu::debug
