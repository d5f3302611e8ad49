// What kd prints, also into a log.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/kd/failure.h"
#include "tools/kd/output.h"

namespace ntemu::debug {

class StandardOutput : public Writer {
 public:
  void write(std::string_view text) override;
  void flush() { std::fflush(stdout); }

  // From now on all that is written goes there, too.
  std::optional<Failure> open_log(const std::string &path, bool append);
  void close_log() { log_.reset(); }
  // What was typed belongs into the log.
  void log_input(std::string_view prompt, std::string_view line);

 private:
  std::unique_ptr<FILE, int (*)(FILE *)> log_{nullptr, std::fclose};
};

}  // namespace ntemu::debug
