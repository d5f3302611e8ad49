// The commands: a name, a line of help, and a function. A new one is a row in a table of its file, and that file's
// function in all_commands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kd/output.h"
#include "tools/kd/session.h"

namespace ntemu::debug {

// What follows a command's name.
class Arguments {
 public:
  Arguments(std::string_view name, std::string_view text);

  // What the command was called by: "kn", "!t" for !mex.t.
  const std::string &name() const { return name_; }
  // As it was typed, without blanks around it.
  const std::string &text() const { return text_; }
  // Split at blanks; parts in quotes stay together.
  const std::vector<std::string> &words() const { return words_; }
  // Takes the option `name` ("-r") out of the words; whether it was there.
  bool take_option(std::string_view name);
  // Takes the option and the word behind it out.
  std::optional<std::string> take_value(std::string_view name);

 private:
  std::string name_;
  std::string text_;
  std::vector<std::string> words_;
};

// False when it failed; what failed has been told as an error.
using Handler = bool (*)(Session &session, Arguments &arguments, Output &output);

struct Command {
  std::string_view names;      // separated by blanks: "k kn kv"; ! commands without "mex."
  std::string_view arguments;  // as the help shows them
  std::string_view help;       // one line
  Handler handler;
  std::string_view details = {};  // further lines that `help NAME` shows
};

std::span<const Command> code_commands();
std::span<const Command> machine_commands();
std::span<const Command> memory_commands();
std::span<const Command> module_commands();
std::span<const Command> selection_commands();
std::span<const Command> session_commands();
std::span<const Command> stack_commands();
std::span<const Command> type_commands();
std::span<const Command> inspection_commands();

// Every command.
const std::vector<const Command *> &all_commands();
// The one that is called `name`: "!t", "!mex.t", "kn".
const Command *find_command(std::string_view name);

// Runs a command as part of another one.
bool run_within(Session &session, std::string_view text, Output &output);

// Runs one line, which may have several commands with ; between them. False when one of them failed.
bool run_line(Session &session, std::string_view line, Output &output);

}  // namespace ntemu::debug
