// What verifier prints, in the shapes of Windows' verifier.exe; each function returns the text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace ntemu::verifier {

// The reply to verifier.settings: the options with [X] where they are on, and the drivers.
std::string format_settings(const nlohmann::json &settings);
// The reply to verifier.query.
std::string format_query(const nlohmann::json &query);
std::string usage();

}  // namespace ntemu::verifier
