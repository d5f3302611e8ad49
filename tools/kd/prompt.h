// The prompt: lines with history and completion of commands' names.
#pragma once

#include <histedit.h>

#include <optional>
#include <string>

namespace ntemu::debug {

inline constexpr const char *kPrompt = "0: kd> ";

class Prompt {
 public:
  Prompt();
  ~Prompt();
  Prompt(const Prompt &) = delete;
  Prompt &operator=(const Prompt &) = delete;

  // Nothing at the end of the input.
  std::optional<std::string> read();

 private:
  EditLine *editor_;
  History *history_;
};

}  // namespace ntemu::debug
