// How values look.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ntemu::debug {

// 16 digits; with a backtick between the halves.
std::string hex16(uint64_t value);
std::string ticked(uint64_t value);
// "0 days 0:17:02.325".
std::string uptime(int64_t nt_100ns);
// "Fri Nov  3 05:35:00.352 2023 (UTC + 0:00)" of the time since 1601.
std::string session_time(int64_t nt_100ns);
// "Waiting", "Executive"; the number where there is no name.
std::string thread_state_name(unsigned state);
std::string wait_reason_name(unsigned reason);
// With a point for each byte that is a control character, or no part of a UTF-8 character.
std::string printable_text(std::string_view text);
// Whether `text` matches `pattern`, in which * and ? stand for others; regardless of case.
bool matches(std::string_view pattern, std::string_view text);
// Whether a part of `text` matches `pattern`.
bool matches_part(std::string_view pattern, std::string_view text);

}  // namespace ntemu::debug
