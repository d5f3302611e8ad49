#include "tools/kd/format.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <ctime>

#include "ntemu/ke/names.h"

namespace ntemu::debug {
namespace {

constexpr int64_t kPerMillisecond = 10'000;
constexpr int64_t kFrom1601To1970 = 11'644'473'600;
constexpr int64_t kPerSecond = 10'000'000;

template <size_t N>
std::string name_of(const std::array<const char *, N> &names, unsigned number) {
  return number < N ? names[number] : fmt::format("{}", number);
}

}  // namespace

std::string hex16(uint64_t value) { return fmt::format("{:016x}", value); }

std::string ticked(uint64_t value) { return fmt::format("{:08x}`{:08x}", value >> 32, value & 0xffffffff); }

std::string uptime(int64_t nt_100ns) {
  const int64_t all = nt_100ns < 0 ? 0 : nt_100ns / kPerMillisecond;
  return fmt::format("{} days {}:{:02}:{:02}.{:03}", all / 86'400'000, all / 3'600'000 % 24, all / 60'000 % 60,
                     all / 1000 % 60, all % 1000);
}

std::string session_time(int64_t nt_100ns) {
  const time_t seconds = nt_100ns / kPerSecond - kFrom1601To1970;
  tm parts{};
  if (!localtime_r(&seconds, &parts)) return fmt::format("{}", nt_100ns);
  char day[32], year[32];
  std::strftime(day, sizeof day, "%a %b %e %H:%M:%S", &parts);
  std::strftime(year, sizeof year, "%Y", &parts);
  const long offset = parts.tm_gmtoff;
  return fmt::format("{}.{:03} {} (UTC {} {}:{:02})", day, nt_100ns / kPerMillisecond % 1000, year,
                     offset < 0 ? '-' : '+', std::abs(offset) / 3600, std::abs(offset) / 60 % 60);
}

std::string thread_state_name(unsigned state) { return name_of(ke::kThreadStateNames, state); }
std::string wait_reason_name(unsigned reason) { return name_of(ke::kWaitReasonNames, reason); }

std::string printable_text(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = byte < 0x80                   ? 1
                          : byte >= 0xc2 && byte < 0xe0 ? 2
                          : byte >= 0xe0 && byte < 0xf0 ? 3
                          : byte >= 0xf0 && byte < 0xf5 ? 4
                                                        : 0;
    bool whole = length > 0 && i + length <= text.size() && byte >= 0x20 && byte != 0x7f;
    for (size_t k = 1; k < length && whole; ++k) whole = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    result += whole ? text.substr(i, length) : ".";
    i += whole ? length : 1;
  }
  return result;
}

bool matches(std::string_view pattern, std::string_view text) {
  size_t at = 0, in = 0, star = std::string_view::npos, resume = 0;
  while (at < text.size()) {
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      resume = at;
    } else if (in < pattern.size() && (pattern[in] == '?' || lower(pattern[in]) == lower(text[at]))) {
      ++in;
      ++at;
    } else if (star != std::string_view::npos) {
      in = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in) == std::string_view::npos;
}

bool matches_part(std::string_view pattern, std::string_view text) {
  return matches(fmt::format("*{}*", pattern), text);
}

}  // namespace ntemu::debug
