#include <fmt/format.h>
#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/types.h"
namespace ntemu::debug {
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
std::span<const Command> memory_commands() { return {}; }
std::span<const Command> type_commands() { return {}; }
}  // namespace ntemu::debug
