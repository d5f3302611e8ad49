#include "tools/ntcc/link_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

namespace ntemu::ntcc {
namespace {

struct Site {
  std::string symbol;
  std::string where;     // file:line, or the object
  std::string function;  // where it is used, if the linker says so
};

std::string hint(const std::string &symbol) {
  if (symbol.starts_with("__cxa_atexit") || symbol == "__dso_handle")
    return "a static object with a destructor: a driver has no place to run it; construct it in DriverEntry";
  if (symbol.starts_with("_Zn") || symbol.starts_with("_Zd"))
    return "operator new or delete: a driver defines its own, on top of the pool";
  if (symbol == "__tls_get_addr") return "thread-local variables do not exist in a driver";
  if (symbol.starts_with("_Z")) return "a C++ function that is not defined (a kernel API is declared extern \"C\")";
  return "ntemu has no API of this name";
}

class Report {
 public:
  explicit Report(const ObjectSources &sources) : sources_(sources) {}

  void line(std::string text) {
    for (const auto &[object, source] : sources_)
      if (const size_t at = text.find(object); at != std::string::npos) text.replace(at, object.size(), source);
    static const std::regex in_function("^(?:\\S*ld(?:\\.bfd)?: )?(.*): in function [`']([^']+)':$");
    static const std::regex undefined("^(?:\\S*ld(?:\\.bfd)?: )?(.*): undefined reference to [`']([^']+)'$");
    static const std::regex more("^(?:\\S*ld(?:\\.bfd)?: )?(.*): more undefined references to [`']([^']+)' follow$");
    static const std::regex hidden(
        "^(?:\\S*ld(?:\\.bfd)?: )?(.*): (?:hidden|internal|protected) symbol [`']([^']+)' isn't defined$");
    static const std::regex stub("^(?:\\S*ld(?:\\.bfd)?: )?(.*): warning: (\\w+) (is not implemented by ntemu.*)$");
    static const std::regex noise(
        "^(collect2: error|clang.*: error: linker command failed|\\S*ld(\\.bfd)?: (bad value|final link failed)"
        "|\\S*ld(\\.bfd)?: warning: cannot find entry symbol).*");
    std::smatch match;
    if (std::regex_match(text, match, in_function)) {
      function_ = match[2];
    } else if (std::regex_match(text, match, more)) {
      missing_.push_back({match[2], "(elsewhere)", ""});
    } else if (std::regex_match(text, match, undefined) || std::regex_match(text, match, hidden)) {
      missing(match[2], match[1]);
    } else if (std::regex_match(text, match, stub)) {
      const std::string key = match[1].str() + match[2].str();
      if (seen_.insert(key).second) stubs_.push_back(site(match[2].str() + " " + match[3].str(), match[1]));
    } else if (!text.empty() && !std::regex_match(text, noise)) {
      rest_ += text + "\n";
    }
  }

  std::string text(const std::string &image) const {
    std::string out;
    for (const Site &site : stubs_) out += fmt::format("{}: warning: {}{}\n", site.where, site.symbol, called_in(site));
    std::set<std::string> names;
    for (const Site &site : missing_) {
      out +=
          fmt::format("{}: error: {} is missing: {}{}\n", site.where, site.symbol, hint(site.symbol), called_in(site));
      names.insert(site.symbol);
    }
    out += rest_;
    if (no_entry_)
      out += fmt::format(
          "ntcc: error: {} has no DriverEntry: define NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING)"
          " (in C++, as extern \"C\")\n",
          image);
    if (!names.empty())
      out += fmt::format("ntcc: error: {} is not linked: {} missing: {}\n", image,
                         names.size() == 1 ? "1 name is" : fmt::format("{} names are", names.size()),
                         fmt::join(names, ", "));
    return out;
  }

 private:
  void missing(const std::string &symbol, const std::string &where) {
    if (symbol == "DriverEntry" && function_ == "GsDriverEntry") {
      no_entry_ = true;
    } else if (seen_.insert(where + symbol).second) {
      missing_.push_back(site(symbol, where));
    }
  }

  // The linker says `/path/file.c:12`, relative here if it can be; for data, which belongs to no function,
  // `object:/path/file.c:12` or `object:(.data+0x8)`.
  Site site(const std::string &symbol, const std::string &where) const {
    static const std::regex in_section("^(.*):\\(\\.[^)]*\\)$");
    static const std::regex in_object("^[^:]+:(/[^:]*:\\d+)$");
    std::smatch match;
    if (std::regex_match(where, match, in_section)) {
      const bool is_code = where.find("(.text") != std::string::npos;
      return {symbol, match[1], is_code ? function_ : ""};
    }
    if (std::regex_match(where, match, in_object)) return {symbol, relative(match[1]), ""};
    return {symbol, relative(where), function_};
  }

  static std::string relative(const std::string &path) {
    const std::string here = std::filesystem::current_path().string() + "/";
    return path.starts_with(here) ? path.substr(here.size()) : path;
  }

  static std::string called_in(const Site &site) {
    return site.function.empty() ? "" : fmt::format(" (used in {})", site.function);
  }

  const ObjectSources &sources_;
  std::string function_;
  std::string rest_;
  bool no_entry_ = false;
  std::vector<Site> missing_, stubs_;
  std::set<std::string> seen_;
};

}  // namespace

std::string explain_link(const std::string &messages, const std::string &image_name, const ObjectSources &sources) {
  Report report(sources);
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) report.line(line);
  return report.text(image_name);
}

}  // namespace ntemu::ntcc
