// What sc prints, in the shapes of Windows' sc.exe; each function returns the text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/sc/command_line.h"

namespace ntemu::sc {

// "[SC] StartService FAILED 1056:", a blank line, the error's text, a blank line. `function` is the call that failed.
std::string format_failure(Verb verb, const std::string &function, uint32_t error, const std::string &text);
std::string format_status(const nlohmann::json &service, bool display_name, bool extended);
std::string format_config(const nlohmann::json &config);
std::string format_description(const nlohmann::json &config);
// The services that the filter lets through; what a limited buffer leaves out is told at the end.
struct Enumeration {
  std::vector<nlohmann::json> shown;
  size_t bytes_needed = 0;  // for those that did not fit
  size_t resume = 0;
};
Enumeration select(const nlohmann::json &services, const Filter &filter);

std::string usage();
std::string usage(Verb verb);

}  // namespace ntemu::sc
