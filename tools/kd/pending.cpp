#include <fmt/format.h>
#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/image_file.h"
#include "tools/kd/symbols.h"
#include "tools/kd/types.h"
#include "tools/kd/unwind.h"
namespace ntemu::debug {
ImageFile::~ImageFile() = default;
Module::Module() = default;
Module::~Module() = default;
ImageFile *Module::file() { return nullptr; }
std::string Place::text(Address address) const {
  if (!module) return ticked(address);
  return fmt::format("{}+{:#x}", module->name, offset);
}
Place Symbols::place(Address address, bool) {
  Module *module = target_.module_at(address);
  return {module, "", module ? address - module->base : 0};
}
std::optional<SourceLine> Symbols::line(Address, bool) { return std::nullopt; }
std::optional<Address> Symbols::address(std::string_view) { return std::nullopt; }
Result<std::vector<std::pair<Module *, Symbol>>> Symbols::matching(std::string_view) { return Failure{"none"}; }
std::vector<std::pair<Module *, Symbol>> Symbols::near(Address) { return {}; }
struct Types::State {};
Types::Types(Target &target) : target_(target) {}
Types::~Types() = default;
const Type *Types::find(std::string_view) { return nullptr; }
std::vector<std::string> Types::matching(std::string_view) { return {}; }
const Field *Types::field(std::string_view) { return nullptr; }
std::optional<uint64_t> Types::offset(std::string_view) { return std::nullopt; }
std::optional<uint64_t> Types::value(Address, std::string_view) { return std::nullopt; }
std::optional<int64_t> Types::signed_value(Address, std::string_view) { return std::nullopt; }
std::optional<uint64_t> Types::read(Address, const Field &) { return std::nullopt; }
Walk<Address> Types::list(Address, std::string_view, size_t) { return {}; }
Stack unwind(Target &, const ThreadState &, size_t) { return {}; }
Stack unwind(Target &target, const Thread &thread, size_t most) {
  auto state = target.state(thread);
  if (!state) return {{}, state.error().text};
  return unwind(target, *state, most);
}
std::span<const Command> memory_commands() { return {}; }
std::span<const Command> stack_commands() { return {}; }
std::span<const Command> type_commands() { return {}; }
}  // namespace ntemu::debug
