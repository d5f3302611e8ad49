// ntemu new driver: fills the templates of a driver's project in.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "fs/host_status.h"
#include "tools/layout.h"
#include "tools/ntemu/commands.h"
#include "tools/ntemu/report.h"

namespace ntemu::tool {
namespace {

namespace stdfs = std::filesystem;

// Names of targets that CMake has already.
constexpr std::array<std::string_view, 8> kTaken = {"all",     "clean",   "edit_cache",    "help",
                                                    "install", "package", "rebuild_cache", "test"};

Error host_error(const std::string &what, const std::error_code &error) {
  return {fs::status_from_errno(error.value()), fmt::format("{}: {}", what, error.message())};
}

bool is_identifier(std::string_view name) {
  const auto is_word = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) || c == '_'); };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_word) &&
         !std::isdigit(static_cast<unsigned char>(name.front()));
}

std::optional<Error> check_name(const std::string &name, bool is_given) {
  const char *hint = is_given ? "" : "; say --name NAME";
  if (!is_identifier(name) || name.size() > 100)
    return Error{STATUS_OBJECT_NAME_INVALID,
                 fmt::format("'{}' cannot be the name of a driver: it is no C identifier{}", name, hint)};
  if (std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end())
    return Error{STATUS_OBJECT_NAME_INVALID,
                 fmt::format("'{}' cannot be the name of a driver: CMake has a target of this name{}", name, hint)};
  return std::nullopt;
}

std::optional<Error> check_directory(const stdfs::path &directory) {
  std::error_code error;
  const std::string what = fmt::format("cannot make a project in {}", directory.string());
  const stdfs::file_status status = stdfs::status(directory, error);
  if (status.type() == stdfs::file_type::not_found) return std::nullopt;
  if (error) return host_error(what, error);
  const bool is_empty = stdfs::is_empty(directory, error);
  if (!stdfs::is_directory(status)) return Error{STATUS_NOT_A_DIRECTORY, what + ": it is no directory"};
  if (error) return host_error(what, error);
  if (!is_empty) return Error{STATUS_DIRECTORY_NOT_EMPTY, what + ": it is not empty"};
  return std::nullopt;
}

void replace(std::string &text, std::string_view word, std::string_view value) {
  for (size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += value.size())
    text.replace(at, word.size(), value);
}

std::string fill_in(std::string text, const std::string &name) {
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  replace(text, "@NAME@", name);
  replace(text, "@NAME_UPPER@", upper);
  return text;
}

std::optional<Error> write_file(const stdfs::path &from, const stdfs::path &to, const std::string &name) {
  std::ifstream in(from, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return Error{STATUS_UNSUCCESSFUL, fmt::format("cannot read {}", from.string())};
  std::error_code error;
  stdfs::create_directories(to.parent_path(), error);
  if (error) return host_error(fmt::format("cannot make {}", to.parent_path().string()), error);
  std::ofstream out(to, std::ios::binary);
  out << fill_in(text, name);
  out.close();
  if (!out) return host_error(fmt::format("cannot write {}", to.string()), {errno, std::generic_category()});
  return std::nullopt;
}

std::optional<Error> write_project(const stdfs::path &directory, const std::string &name) {
  const stdfs::path templates = data_directory() / "templates/driver";
  std::error_code error;
  stdfs::recursive_directory_iterator entries(templates, error);
  if (error) return host_error(fmt::format("cannot read {}", templates.string()), error);
  stdfs::create_directories(directory, error);
  if (error) return host_error(fmt::format("cannot make {}", directory.string()), error);
  for (const stdfs::directory_entry &entry : entries) {
    if (!entry.is_regular_file()) continue;
    const stdfs::path to = directory / fill_in(entry.path().lexically_relative(templates).string(), name);
    if (auto failed = write_file(entry.path(), to, name)) return failed;
  }
  return std::nullopt;
}

}  // namespace

int new_driver(const NewDriverOptions &options) {
  std::error_code error;
  const stdfs::path directory = stdfs::absolute(options.directory, error).lexically_normal();
  const stdfs::path last = directory.has_filename() ? directory.filename() : directory.parent_path().filename();
  const std::string name = options.name.empty() ? last.string() : options.name;
  for (const auto &failed : {check_name(name, !options.name.empty()), check_directory(options.directory)})
    if (failed) return fail(*failed);
  if (const auto failed = write_project(options.directory, name)) return fail(*failed);
  fmt::print(
      "the driver {} is in {}; to build and test it there:\n"
      "  cmake --preset default && cmake --build --preset default && ctest --preset default\n",
      name, options.directory.string());
  return 0;
}

}  // namespace ntemu::tool
