#include "tools/ntcc/link_report.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
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

struct Message {
  std::string where, name;
};

// Splits "<where><middle><name><end>".
std::optional<Message> split(std::string_view text, std::string_view middle, std::string_view end) {
  const size_t at = text.find(middle);
  if (at == std::string_view::npos || !text.ends_with(end) || text.size() < at + middle.size() + end.size()) return {};
  const std::string_view name = text.substr(at + middle.size(), text.size() - at - middle.size() - end.size());
  return Message{std::string(text.substr(0, at)), std::string(name)};
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// What compilers and linkers say about having failed, once the reasons are known.
bool is_noise(std::string_view text) {
  return text.starts_with("collect2: error") || contains(text, "error: linker command failed") ||
         text.starts_with("bad value") || text.starts_with("final link failed") ||
         text.starts_with("warning: cannot find entry symbol") ||
         contains(text, "can not be used when making a shared object");
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

class Report {
 public:
  explicit Report(const ObjectSources &sources) : sources_(sources) {}

  void line(std::string line) {
    for (const auto &[object, source] : sources_)
      if (const size_t at = line.find(object); at != std::string::npos) line.replace(at, object.size(), source);
    std::string_view text = line;
    const size_t colon = text.find(": ");
    if (colon != std::string_view::npos &&
        (text.substr(0, colon).ends_with("ld") || text.substr(0, colon).ends_with("ld.bfd")))
      text.remove_prefix(colon + 2);

    if (const auto function = split(text, ": in function `", "':")) {
      function_ = function->name;
    } else if (const auto more = split(text, ": more undefined references to `", "' follow")) {
      missing_.push_back({more->name, more->where, ""});
    } else if (const auto undefined = split(text, ": undefined reference to `", "'")) {
      missing(undefined->name, undefined->where);
    } else if (const auto hidden = split(text, ": hidden symbol `", "' isn't defined")) {
      missing(hidden->name, hidden->where);
    } else if (const auto stub = split(text, ": warning: ", "");
               stub && contains(stub->name, " is not implemented by ntemu")) {
      if (seen_.insert(line).second) stubs_.push_back(site(stub->name, stub->where));
    } else if (!text.empty() && !is_noise(text)) {
      rest_ += line + "\n";
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
    const size_t section = where.find(":(.");
    if (section != std::string::npos)
      return {symbol, where.substr(0, section), contains(where, "(.text") ? function_ : ""};
    const size_t object = where.find(":/"), line = where.rfind(':');
    if (object != std::string::npos && object < line && is_number(where.substr(line + 1)))
      return {symbol, relative(where.substr(object + 1)), ""};
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
