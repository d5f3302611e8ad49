#include "tools/kd/standard_output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace ntemu::debug {

void StandardOutput::write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (log_) std::fwrite(text.data(), 1, text.size(), log_.get());
}

std::optional<Failure> StandardOutput::open_log(const std::string &path, bool append) {
  log_.reset(std::fopen(path.c_str(), append ? "ae" : "we"));
  if (!log_) return Failure{fmt::format("{}: {}", path, std::strerror(errno))};
  return std::nullopt;
}

void StandardOutput::log_input(std::string_view prompt, std::string_view line) {
  if (log_) fmt::print(log_.get(), "{}{}\n", prompt, line);
}

}  // namespace ntemu::debug
