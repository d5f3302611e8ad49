// .dump, .crash, .break and .go: what changes the machine, or writes it to a file.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ntemu/machine/control.h"
#include "tools/kd/commands/frozen_dump.h"
#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"

namespace ntemu::debug {
namespace {

using nlohmann::json;

bool is_live(Session &session, const Arguments &arguments, Output &output) {
  if (session.target().live()) return true;
  output.error(fmt::format("{} is for a machine that runs: this is a dump", arguments.name()));
  return false;
}

// By the ntemu beside this program, which also dumps machines that do not answer.
Result<json> dump_by_ntemu(pid_t process, const std::filesystem::path &path) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "ntemu";
  int ends[2];
  if (error || pipe2(ends, O_CLOEXEC) != 0) return Failure{"ntemu cannot be run"};
  const std::vector<std::string> words{program,  "dump", "--pid", fmt::format("{}", process), "--output", path,
                                       "--keep", "0",    "--json"};
  std::vector<char *> arguments;
  for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got; !failed && (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(got));
  close(ends[0]);
  if (failed) return Failure{fmt::format("{}: {}", program.string(), std::strerror(failed))};
  waitpid(child, nullptr, 0);
  json reply = json::parse(said, nullptr, false);
  if (reply.is_discarded() || !reply.contains("file"))
    return Failure{reply.is_object() ? reply.value("error", "ntemu dump failed") : "ntemu dump failed"};
  return reply;
}

bool tell_dump(const json &written, Output &output) {
  const auto file = written.at("file").get<std::string>();
  output.text(fmt::format("Creating {} - live kernel dump", file));
  output.value("file", file, "");
  output.value("bytes", written.at("bytes"), "");
  output.value("threads", written.at("threads"), "");
  output.value("outside", written.value("outside", false), "Dump successfully written");
  return true;
}

// The machine writes it itself; where it does not answer, ntemu does from outside, and kd where it has stopped it.
bool write_dump(Session &session, Arguments &arguments, Output &output) {
  if (!is_live(session, arguments, output)) return false;
  bool overwrite = false;
  std::string name;
  for (const std::string &word : arguments.words()) {
    const bool option = word == "/f" || word == "/o" || word == "/m" || word == "/ma" || word == "/mf" || word == "/of";
    overwrite |= option && word.find('o') != std::string::npos;
    if (!option) name = word;
  }
  if (name.empty()) return fail(output, ".dump needs the name of a file: .dump /f FILE");
  const std::filesystem::path path = std::filesystem::absolute(name);
  std::error_code error;
  if (!overwrite && std::filesystem::exists(path, error))
    return fail(output,
                fmt::format("Unable to create file '{}': it exists; .dump /o /f writes it anew", path.string()));
  auto written =
      session.target().frozen() ? write_frozen_dump(session, path) : dump_by_ntemu(session.target().process(), path);
  return written ? tell_dump(*written, output) : fail(output, written.error().text);
}

bool crash(Session &session, Arguments &arguments, Output &output) {
  if (!is_live(session, arguments, output)) return false;
  session.target().thaw();
  auto client = machine::ControlClient::connect({}, session.target().process());
  if (!client) return fail(output, client.error().text);
  // There is no answer of a machine that has stopped.
  const auto reply = client->exchange("crash", json::object());
  if (reply && !reply->value("ok", false)) return fail(output, reply->value("error", "the machine refuses"));
  output.value("crashed", true, "The machine has stopped with bugcheck E2 (MANUALLY_INITIATED_CRASH)");
  return true;
}

bool stop_machine(Session &session, Arguments &arguments, Output &output) {
  if (!is_live(session, arguments, output)) return false;
  if (!session.target().frozen()) {
    if (const auto failure = session.target().freeze()) return fail(output, failure->text);
  }
  session.forget_stack();
  output.value("frozen", true, "All threads of the machine are stopped until .go or the end of kd");
  return true;
}

bool resume(Session &session, Arguments &arguments, Output &output) {
  if (!is_live(session, arguments, output)) return false;
  session.target().thaw();
  session.forget_stack();
  output.value("frozen", false, "The machine goes on");
  return true;
}

constexpr Command kControlCommands[] = {
    {".dump", "[/o] /f FILE", "Writes a dump of the machine, which goes on; /o: in the place of an old one",
     write_dump},
    {".crash", "", "Stops the machine with bugcheck 0xE2, which leaves a dump", crash},
    {".break", "", "Stops all threads of the machine", stop_machine},
    {".go g", "", "Lets a stopped machine go on", resume},
};

}  // namespace

std::span<const Command> control_commands() { return kControlCommands; }

}  // namespace ntemu::debug
