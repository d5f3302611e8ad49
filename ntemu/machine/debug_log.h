// debug.log of a machine: UTF-8 lines `ISO-time cpu tid component level text`.
#pragma once

#include <filesystem>
#include <string_view>

#include "ntemu/base/log.h"
#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

inline constexpr const char *kDebugLogName = "debug.log";

class DebugLog {
 public:
  // Opens the file, or makes it.
  static Outcome<DebugLog> open(const std::filesystem::path &path);
  DebugLog(DebugLog &&other) noexcept;
  ~DebugLog();
  DebugLog duplicate() const;
  // One line in one write, from any thread and beside other processes. What a line cannot hold is escaped: bytes that
  // are no UTF-8 become U+FFFD, control characters \\xNN. A full disk loses the line, nothing else.
  void write(base::Level level, std::string_view component, std::string_view text) const;

 private:
  explicit DebugLog(int file) : file_(file) {}
  int file_;
};

}  // namespace ntemu::machine
