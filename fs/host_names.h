// NT names to Linux names and back: WTF-8, with the characters that NT forbids at U+F000 and up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ntemu::fs {

inline constexpr size_t kMaxHostName = 255;  // bytes

std::string to_host_name(std::u16string_view name);
// nullopt for names without a faithful NT form: not UTF-8, too long, or themselves using the U+F000 range.
std::optional<std::u16string> from_host_name(std::string_view name);

}  // namespace ntemu::fs
