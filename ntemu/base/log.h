// The machine's log: DbgPrint and ntemu's own messages, one line each, to whoever listens.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace ntemu::base {

enum class Level { kError, kWarning, kInfo, kDebug };

struct LogRecord {
  Level level;
  std::string_view component;  // "DbgPrint", "ldr", "io"...
  std::string_view text;       // without a line end
};

using LogSink = std::function<void(const LogRecord &)>;

// The default writes warnings and errors to standard error. Sinks are called one at a time, from any thread.
void set_log_sink(LogSink sink);
void log(Level level, std::string_view component, std::string_view text);

template <class... Args>
void log(Level level, std::string_view component, fmt::format_string<Args...> format, Args &&...args) {
  log(level, component, std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace ntemu::base
