#include "tools/ntcc/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace ntemu::ntcc {

const char *const kHelp =
    R"(usage: ntcc [options] driver.c... [compiler options]

Compiles the source of a Windows kernel driver into an image that ntemu loads.

  -o FILE                 the image (default: the first file's name with .sys)
  -c                      compile only
  --cc gcc|clang|PATH     the compiler (default: $NTCC_CC, else clang, else gcc)
  --checked               checked build: DBG is 1 and the headers check what they can
  --asan, --tsan          instrument for AddressSanitizer with UBSan, or ThreadSanitizer
  --coverage              instrument for gcov; what was run is written when the driver is unloaded
  --fuzz                  compile for a libFuzzer program, with AddressSanitizer and UBSan (clang, with -c)
  --user                  build a Windows user-mode program (not built yet)
  --runtime DIR           where libntoskrnl.so and libntdrvrt.a are
  --compile-commands FILE add the compilations to this compile_commands.json
  --no-long-warning       do not warn where a source uses plain 'long'
  --print-flags           print the options for compiling (line 1) and linking (line 2)
  -v, --verbose           show the commands
  --help, --version

.c files compile as C, .cpp, .cc and .cxx as C++; .o and .a files are linked.
Everything else goes to the compiler; -O2 -g is the default, with --coverage -O0 -g.
)";

namespace {

constexpr std::array<std::string_view, 21> kOptionsWithArgument = {
    "-I",          "-D",      "-U",      "-include", "-isystem",     "-iquote",   "-idirafter",
    "-imacros",    "-MF",     "-MT",     "-MQ",      "-Xclang",      "-mllvm",    "-Xpreprocessor",
    "-Xassembler", "-target", "--param", "-iprefix", "-iwithprefix", "-isysroot", "-arch"};
constexpr std::array<std::string_view, 6> kLinkOptionsWithArgument = {"-L", "-l", "-Xlinker", "-u", "-z", "-T"};
constexpr std::array<std::string_view, 5> kStopsInCompiler = {"-E", "-S", "-fsyntax-only", "-M", "-MM"};
constexpr std::array<std::string_view, 7> kUnsupported = {"-m32",     "-mx32",    "-static", "-fno-short-wchar",
                                                          "-fno-PIC", "-fno-pic", "-r"};

template <size_t N>
bool among(const std::array<std::string_view, N> &names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_link_option(std::string_view option) {
  return option.starts_with("-L") || option.starts_with("-l") || option.starts_with("-Wl,") ||
         option.starts_with("-fuse-ld");
}

Input classify(const std::string &path, const std::string &language) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".o" || extension == ".a") return {path};
  if (!language.empty() && language != "none") return {path, true, language == "c++"};
  if (extension == ".c") return {path, true, false};
  if (extension == ".cpp" || extension == ".cc" || extension == ".cxx") return {path, true, true};
  throw UsageError(fmt::format("{}: unknown kind of file (expected .c, .cpp, .cc, .cxx, .o or .a)", path));
}

class Parser {
 public:
  Parser(int argc, const char *const *argv) : words_(argv + 1, argv + argc) {}

  Options parse() {
    while (next_ < words_.size()) word(words_[next_++]);
    check();
    return std::move(options_);
  }

 private:
  const std::string &argument_of(std::string_view option) {
    if (next_ == words_.size()) throw UsageError(fmt::format("{} needs an argument", option));
    return words_[next_++];
  }

  void variant(const std::string &name) {
    if (options_.variant != "plain" && options_.variant != name)
      throw UsageError("--asan and --tsan cannot be combined");
    options_.variant = name;
  }

  bool own(const std::string &word) {
    if (word == "-o") {
      options_.output = argument_of(word);
    } else if (word == "-c") {
      if (options_.stop == Stop::kAfterLink) options_.stop = Stop::kAfterCompile;
    } else if (word == "--cc") {
      options_.cc = argument_of(word);
    } else if (word.starts_with("--cc=")) {
      options_.cc = word.substr(5);
    } else if (word == "--runtime") {
      options_.runtime = argument_of(word);
    } else if (word == "--compile-commands") {
      options_.compile_commands = argument_of(word);
    } else if (word == "--checked") {
      options_.checked = true;
    } else if (word == "--coverage") {
      options_.coverage = true;
    } else if (word == "--fuzz") {
      options_.fuzz = true;
    } else if (word == "--asan" || word == "--tsan") {
      variant(word.substr(2));
    } else if (word == "--user") {
      throw UsageError("--user is not built yet: ntcc builds kernel drivers only");
    } else if (word == "--no-long-warning") {
      options_.long_warning = false;
    } else if (word == "--print-flags") {
      options_.print_flags = true;
    } else if (word == "-v" || word == "--verbose") {
      options_.verbose = true;
    } else if (word == "--help" || word == "-h") {
      options_.help = true;
    } else if (word == "--version") {
      options_.version = true;
    } else {
      return false;
    }
    return true;
  }

  void word(const std::string &word) {
    if (only_files_ || word.empty() || word[0] != '-') {
      options_.inputs.push_back(classify(word, language_));
    } else if (word == "--") {
      only_files_ = true;
    } else if (own(word)) {
      return;
    } else if (among(kUnsupported, word)) {
      throw UsageError(fmt::format(
          "{} is not supported: a driver is a position-independent x86-64 image with 16-bit wchar_t", word));
    } else if (word.starts_with("-fsanitize")) {
      throw UsageError(fmt::format("{}: use --asan or --tsan, so that the image fits the runtime", word));
    } else if (word.starts_with("-x")) {
      language_ = word == "-x" ? argument_of(word) : word.substr(2);
      if (language_ != "c" && language_ != "c++" && language_ != "none")
        throw UsageError(fmt::format("-x {}: a driver is written in c or c++", language_));
    } else if (word == "-shared" || word == "-fPIC" || word == "-fpic") {
      return;
    } else if (among(kLinkOptionsWithArgument, word)) {
      options_.link.push_back(word);
      options_.link.push_back(argument_of(word));
    } else if (is_link_option(word)) {
      options_.link.push_back(word);
    } else {
      if (among(kStopsInCompiler, word)) options_.stop = Stop::kInCompiler;
      options_.compile.push_back(word);
      if (among(kOptionsWithArgument, word)) options_.compile.push_back(argument_of(word));
    }
  }

  void check() const {
    if (options_.help || options_.version || options_.print_flags) return;
    if (options_.fuzz && options_.stop == Stop::kAfterLink)
      throw UsageError("--fuzz needs -c: the objects are linked into the fuzzer, not into an image");
    if (options_.inputs.empty()) throw UsageError("no input files (ntcc --help shows the options)");
    for (const Input &input : options_.inputs) {
      std::error_code error;
      const auto status = std::filesystem::status(input.path, error);
      if (!std::filesystem::exists(status)) throw UsageError(fmt::format("{}: no such file", input.path));
      if (std::filesystem::is_directory(status)) throw UsageError(fmt::format("{}: is a directory", input.path));
      if (!input.is_source && options_.stop != Stop::kAfterLink)
        throw UsageError(fmt::format("{}: nothing to compile (with -c, give sources only)", input.path));
      std::error_code ignored;
      if (!options_.output.empty() && std::filesystem::equivalent(input.path, options_.output, ignored))
        throw UsageError(fmt::format("{}: the output would overwrite this input", input.path));
    }
    if (options_.stop != Stop::kAfterLink && !options_.output.empty() && options_.inputs.size() > 1)
      throw UsageError("-o names one file, but there are several sources to compile separately");
    if (options_.stop == Stop::kAfterLink && options_.inputs.size() > 1 && options_.has_compile_option("-MF"))
      throw UsageError("-MF names one file: compile each source with -c");
  }

  std::vector<std::string> words_;
  size_t next_ = 0;
  bool only_files_ = false;
  std::string language_;
  Options options_;
};

}  // namespace

bool Options::has_compile_option(std::string_view prefix) const {
  return std::any_of(compile.begin(), compile.end(), [&](const std::string &word) { return word.starts_with(prefix); });
}

Options parse(int argc, const char *const *argv) { return Parser(argc, argv).parse(); }

}  // namespace ntemu::ntcc
