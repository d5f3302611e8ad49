#include "tools/ntcc/link_report.h"

#include <fmt/format.h>

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
  if (symbol.starts_with("_Z"))
    return "a C++ function that is not defined (a kernel API is declared extern \"C\")";
  return "ntemu has no API of this name";
}

class Report {
 public:
  explicit Report(std::string temporary_directory) : temporary_(std::move(temporary_directory)) {}

  void line(const std::string &text) {
    static const std::regex in_function("^(?:\\S*ld(?:\\.bfd)?: )?(.*): in function [`']([^']+)':$");
    static const std::regex undefined("^(?:\\S*ld(?:\\.bfd)?: )?(.*): undefined reference to [`']([^']+)'$");
    static const std::regex more("^(?:\\S*ld(?:\\.bfd)?: )?(.*): more undefined references to [`']([^']+)' follow$");
    static const std::regex hidden("^(?:\\S*ld(?:\\.bfd)?: )?(.*): (?:hidden|internal|protected) symbol [`']([^']+)' isn't defined$");
    static const std::regex stub("^(?:\\S*ld(?:\\.bfd)?: )?(.*): warning: (\\w+) (is not implemented by ntemu.*)$");
    static const std::regex noise("^(collect2: error|clang.*: error: linker command failed|\\S*ld(\\.bfd)?: (bad value|final link failed)"
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
      if (seen_.insert(key).second) stubs_.push_back({match[2].str() + " " + match[3].str(), place(match[1]), function_});
    } else if (!text.empty() && !std::regex_match(text, noise)) {
      rest_ += text + "\n";
    }
  }

  std::string text(const std::string &image) const {
    std::string out;
    for (const Site &site : stubs_) out += fmt::format("{}: warning: {}{}\n", site.where, site.symbol, called_in(site));
    std::set<std::string> names;
    for (const Site &site : missing_) {
      out += fmt::format("{}: error: {} is missing: {}{}\n", site.where, site.symbol, hint(site.symbol), called_in(site));
      names.insert(site.symbol);
    }
    out += rest_;
    if (no_entry_)
      out += fmt::format("ntcc: error: {} has no DriverEntry: define NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING)"
                         " (in C++, as extern \"C\")\n", image);
    if (!names.empty())
      out += fmt::format("ntcc: error: {} is not linked: {} missing: {}\n", image, names.size() == 1 ? "1 name is" : fmt::format("{} names are", names.size()),
                         fmt::join(names, ", "));
    return out;
  }

 private:
  void missing(const std::string &symbol, const std::string &where) {
    if (symbol == "DriverEntry" && where.find("libntdrvrt.a") != std::string::npos) {
      no_entry_ = true;
    } else if (seen_.insert(where + symbol).second) {
      missing_.push_back({symbol, place(where), function_});
    }
  }

  // `file.c:12`, or the object when it carries no line numbers: `/tmp/x/0.o:(.data+0x8)`.
  std::string place(std::string where) const {
    static const std::regex offset("\\(\\.\\w[^)]*\\+0x[0-9a-f]+\\)$");
    if (where.starts_with(temporary_)) where = std::regex_replace(where.substr(temporary_.size() + 1), offset, "");
    const size_t object = where.find(".o:/");  // "x.o:/path/file.c:12" when the function's name is not repeated
    if (object != std::string::npos) where = where.substr(object + 3);
    while (!where.empty() && where.back() == ':') where.pop_back();
    return where;
  }

  static std::string called_in(const Site &site) {
    return site.function.empty() ? "" : fmt::format(" (used in {})", site.function);
  }

  std::string temporary_;
  std::string function_;
  std::string rest_;
  bool no_entry_ = false;
  std::vector<Site> missing_, stubs_;
  std::set<std::string> seen_;
};

}  // namespace

std::string explain_link(const std::string &messages, const std::string &image_name, const std::string &temporary_directory) {
  Report report(temporary_directory);
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) report.line(line);
  return report.text(image_name);
}

}  // namespace ntemu::ntcc
