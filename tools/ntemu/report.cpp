#include "tools/ntemu/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ntemu/machine/win32_error.h"

namespace ntemu::tool {

int fail(const Error &error) {
  const uint32_t code = machine::win32_error(error);
  const std::string_view meaning = machine::win32_error_text(code);
  fmt::print(stderr, "ntemu: {} (error {}{}{})\n", error.text, code, meaning.empty() ? "" : ": ", meaning);
  return machine::exit_code(code);
}

int fail(const Error &error, bool json, nlohmann::json row) {
  if (json) {
    row["error"] = error.text;
    row["win32_error"] = machine::win32_error(error);
    row["ntstatus"] = fmt::format("0x{:08X}", static_cast<uint32_t>(error.status));
    std::puts(row.dump(2).c_str());
  }
  return fail(error);
}

}  // namespace ntemu::tool
