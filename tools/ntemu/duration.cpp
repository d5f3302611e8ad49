#include <charconv>

#include "tools/ntemu/commands.h"

namespace ntemu::tool {

std::optional<std::chrono::milliseconds> parse_duration(const std::string &text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0 || value > 1e9) return std::nullopt;
  const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  const double factor = unit == "ms"                  ? 1
                        : unit.empty() || unit == "s" ? 1000
                        : unit == "m"                 ? 60'000
                        : unit == "h"                 ? 3'600'000
                                                      : -1;
  if (factor < 0) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int64_t>(value * factor));
}

}  // namespace ntemu::tool
