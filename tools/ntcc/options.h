// The command line of ntcc: its own options, the files, and everything else for the compiler.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "tools/ntcc/process.h"

namespace ntemu::ntcc {

// Ends ntcc with `ntcc: error: <text>`.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Stop {
  kAfterLink,
  kAfterCompile,
  kInCompiler
};  // -c is kAfterCompile; -E, -S, -fsyntax-only, -M are kInCompiler

struct Input {
  std::string path;
  bool is_source = false;
  bool is_cxx = false;
};

struct Options {
  std::vector<Input> inputs;
  std::string output;   // empty: the default name
  std::string cc;       // empty: $NTCC_CC, clang, gcc
  std::string runtime;  // empty: the variant's directory beside ntcc
  std::string compile_commands;
  std::string variant = "plain";
  bool checked = false;
  bool coverage = false;
  bool fuzz = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
  bool print_flags = false;
  bool long_warning = true;
  Stop stop = Stop::kAfterLink;
  Arguments compile;  // the user's options for the compiler, in order
  Arguments link;     // the user's options for the linker

  bool has_compile_option(std::string_view prefix) const;
};

Options parse(int argc, const char *const *argv);

extern const char *const kHelp;

}  // namespace ntemu::ntcc
