#include "ntemu/machine/duration.h"

#include <fmt/format.h>

namespace ntemu::machine {

std::string format_duration(base::Nt100ns duration) {
  const auto all = duration / base::kNtPerMillisecond;
  if (all <= 0) return "0";
  const auto milliseconds = all % 1000, seconds = all / 1000 % 60, minutes = all / 60'000 % 60,
             hours = all / 3'600'000 % 24, days = all / 86'400'000;
  if (days) return fmt::format("{}d.{:02}:{:02}:{:02}.{:03}", days, hours, minutes, seconds, milliseconds);
  if (hours) return fmt::format("{}h:{:02}:{:02}.{:03}", hours, minutes, seconds, milliseconds);
  if (minutes) return fmt::format("{}m:{:02}.{:03}", minutes, seconds, milliseconds);
  if (seconds) return fmt::format("{}s.{:03}", seconds, milliseconds);
  return fmt::format("{}ms", milliseconds);
}

}  // namespace ntemu::machine
