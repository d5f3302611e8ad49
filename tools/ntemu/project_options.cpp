// The command lines of the subcommands for who begins: a project of one's own, and the demonstration.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstring>

#include "nt/status.h"
#include "tools/layout.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {

void add_project_commands(CLI::App &app, Action &action) {
  auto *make = app.add_subcommand("new", "Make a project to begin with");
  make->require_subcommand(1);
  auto *driver =
      make->add_subcommand("driver", "A driver with a device and a thread, its tests, and continuous integration");
  auto options = std::make_shared<NewDriverOptions>();
  driver->add_option("directory", options->directory, "The project's directory, new or empty")
      ->required()
      ->type_name("DIR");
  driver->add_option("--name", options->name, "The driver's name, a C identifier (default: that of the directory)");
  driver->footer(
      "It builds and passes its tests with\n  cmake --preset default && cmake --build --preset default && ctest "
      "--preset default\n"
      "The presets asan and coverage do the same with AddressSanitizer and with gcov.");
  driver->callback([options, &action] { action = [options] { return new_driver(*options); }; });

  auto *show = app.add_subcommand(
      "demo", "Compile the sample drivers, run them on a machine of their own, and say what happens");
  show->callback([&action] { action = demo; });
}

int demo() {
  const std::string script = (data_directory() / "examples/driver/demo.sh").string();
  const std::string programs = (root_directory() / "bin").string();
  const char *path = std::getenv("PATH");
  setenv("PATH", fmt::format("{}:{}", programs, path ? path : "/usr/bin:/bin").c_str(), 1);
  execlp("bash", "bash", script.c_str(), nullptr);
  return fail({STATUS_OBJECT_NAME_NOT_FOUND, fmt::format("cannot run bash: {}", std::strerror(errno))});
}

}  // namespace ntemu::tool
