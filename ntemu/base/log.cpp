#include "ntemu/base/log.h"

#include <cstdio>

#include "ntemu/base/lock.h"

namespace ntemu::base {
namespace {

struct Log {
  Mutex mutex;
  LogSink sink NTEMU_GUARDED_BY(mutex);
};

Log &the_log() {
  static Log *log = new Log;  // outlives the threads that write to it
  return *log;
}

}  // namespace

void set_log_sink(LogSink sink) {
  Guard guard(the_log().mutex);
  the_log().sink = std::move(sink);
}

void log(Level level, std::string_view component, std::string_view text) {
  Guard guard(the_log().mutex);
  if (the_log().sink) return the_log().sink({level, component, text});
  if (level <= Level::kWarning) fmt::print(stderr, "ntemu: {}: {}\n", component, text);
}

}  // namespace ntemu::base
