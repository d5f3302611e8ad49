// ntcc: compiles the source of a Windows kernel driver into an image that ntemu loads.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tools/ntcc/compile_commands.h"
#include "tools/ntcc/flags.h"
#include "tools/ntcc/link_report.h"
#include "tools/ntcc/long_scan.h"
#include "tools/ntcc/pageable.h"

namespace ntemu::ntcc {
namespace {

namespace fs = std::filesystem;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::error_code error;
    path_ = (fs::temp_directory_path(error) / "ntcc-XXXXXX").string();
    if (!mkdtemp(path_.data()))
      throw UsageError(fmt::format("no temporary directory {}: {}", path_, std::strerror(errno)));
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory &) = delete;
  TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

std::string text_of(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The compilers' own words for it ("expected expression") do not say why.
void explain_try(const std::string &path) {
  if (const auto place = find_word(text_of(path), "__try"))
    fmt::print(stderr,
               "{}:{}:{}: note: '__try' is not available: images for ntemu have no structured exception handling\n",
               path, place->line, place->column);
}

void warn_of_long(const std::string &path) {
  for (const Place &place : find_plain_long(text_of(path)))
    fmt::print(stderr, "{}:{}:{}: warning: plain 'long' is 64 bits wide here, 32 on Windows: use LONG\n", path,
               place.line, place.column);
}

class Driver {
 public:
  Driver(const Options &options, const Toolchain &toolchain) : options_(options), toolchain_(toolchain) {}

  int build() {
    Arguments objects;
    int failure = 0;
    for (const Input &input : options_.inputs) {
      if (!input.is_source) {
        objects.push_back(input.path);
        continue;
      }
      const std::string object = object_name(input, objects.size());
      sources_[object] = input.path;
      if (const int code = compile(input, object)) failure = code;
      objects.push_back(object);
    }
    if (failure || options_.stop != Stop::kAfterLink) return failure;
    return link(objects);
  }

 private:
  std::string object_name(const Input &input, size_t index) const {
    if (options_.stop == Stop::kInCompiler) return options_.output;
    const std::string stem = fs::path(input.path).stem().string();
    if (options_.stop == Stop::kAfterCompile) return options_.output.empty() ? stem + ".o" : options_.output;
    return fmt::format("{}/{}-{}.o", temporary_.path(), index, stem);
  }

  int compile(const Input &input, const std::string &object) const {
    if (options_.long_warning) warn_of_long(input.path);
    Arguments command = {toolchain_.compiler};
    const Arguments flags = compile_flags(options_, toolchain_, input.is_cxx);
    command.insert(command.end(), flags.begin(), flags.end());
    const std::vector<PlacedFunction> pageable = pageable_of(input, command);
    if (!pageable.empty()) {
      const Arguments more = pageable_flags(toolchain_.is_clang);
      command.insert(command.end(), more.begin(), more.end());
    }
    if (options_.stop != Stop::kInCompiler) command.push_back("-c");
    if (!object.empty()) command.insert(command.end(), {"-o", object});
    // Without this a dependency file would name the temporary object, or one beside the source.
    if (options_.stop == Stop::kAfterLink && options_.has_compile_option("-M") && !options_.has_compile_option("-MT"))
      command.insert(command.end(), {"-MT", image()});
    command.insert(command.end(), {"-x", input.is_cxx ? "c++" : "c", input.path});
    if (!options_.compile_commands.empty())
      record_compilation(options_.compile_commands, input.path, options_.stop == Stop::kAfterLink ? image() : object,
                         command);
    if (options_.verbose) fmt::print(stderr, "{}\n", shell_line(command));
    const int code = run(command, Capture::kNothing).exit_code;
    if (code && !options_.has_compile_option("-D__try")) explain_try(input.path);
    if (code || pageable.empty()) return code;
    return place_pageable(object.empty() ? fs::path(input.path).stem().string() + ".o" : object, pageable);
  }

  // Which functions the source puts into pageable sections. Its own text tells whether it is worth asking.
  std::vector<PlacedFunction> pageable_of(const Input &input, const Arguments &command) const {
    if (options_.stop == Stop::kInCompiler || !find_word(text_of(input.path), "alloc_text")) return {};
    Arguments preprocess;
    for (size_t i = 0; i < command.size(); ++i) {
      if (command[i] == "-MF" || command[i] == "-MT" || command[i] == "-MQ")
        ++i;  // and what it is of
      else if (!command[i].starts_with("-M"))
        preprocess.push_back(command[i]);
    }
    preprocess.insert(preprocess.end(), {"-E", "-P", "-w", "-x", input.is_cxx ? "c++" : "c", input.path});
    return find_pageable(run(preprocess, Capture::kOutput).output);
  }

  std::string image() const {
    if (!options_.output.empty()) return options_.output;
    return fs::path(options_.inputs.front().path).stem().string() + ".sys";
  }

  int link(const Arguments &objects) const {
    const std::string name = fs::path(image()).filename().string();
    Arguments command = {toolchain_.compiler, "-o", image()};
    command.insert(command.end(), objects.begin(), objects.end());
    const Arguments flags = link_flags(options_, toolchain_, name);
    command.insert(command.end(), flags.begin(), flags.end());
    if (std::any_of(objects.begin(), objects.end(), has_pageable_code)) {
      const std::string script = temporary_.path() + "/pageable.ld";
      std::ofstream(script) << kPageableScript;
      command.push_back("-Wl,-T," + script);
    }
    if (options_.verbose) fmt::print(stderr, "{}\n", shell_line(command));
    const RunResult result = run(command, Capture::kErrors);
    if (options_.verbose) fmt::print(stderr, "{}", result.output);
    fmt::print(stderr, "{}", explain_link(result.output, name, sources_));
    return result.exit_code;
  }

  const Options &options_;
  const Toolchain &toolchain_;
  TemporaryDirectory temporary_;
  ObjectSources sources_;
};

int main(int argc, char **argv) {
  const Options options = parse(argc, argv);
  if (options.help) {
    fmt::print("{}", kHelp);
    return 0;
  }
  if (options.version) {
    fmt::print("ntcc {}\n", NTEMU_VERSION);
    return 0;
  }
  const Toolchain toolchain = find_toolchain(options);
  if (options.print_flags) {
    const bool is_cxx = !options.inputs.empty() && options.inputs.front().is_cxx;
    fmt::print("{}\n{}\n", shell_line(compile_flags(options, toolchain, is_cxx)),
               shell_line(link_flags(options, toolchain, "driver.sys")));
    return 0;
  }
  return Driver(options, toolchain).build();
}

}  // namespace
}  // namespace ntemu::ntcc

int main(int argc, char **argv) {
  try {
    return ntemu::ntcc::main(argc, argv);
  } catch (const std::exception &error) {
    fmt::print(stderr, "ntcc: error: {}\n", error.what());
    return 1;
  }
}
