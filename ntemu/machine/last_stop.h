// What is kept of a machine's unplanned end until the next one: a file in its directory that the next boot tells of.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "ntemu/ke/bugcheck.h"

namespace ntemu::machine {

inline constexpr const char *kLastStopName = "last_stop.json";

// Without memory or locks, for a machine whose own are in an unknown state: nothing but code and parameters.
void record_bare_stop(const char *path, const ke::Bugcheck &check);
// The whole record, in the place of an earlier one; `at` is where the driver was, `dump` the dump's file.
void record_stop(const std::filesystem::path &directory, const ke::Bugcheck &check, const std::string &at,
                 const std::string &dump);
// By the supervisor, when the machine left no record by itself.
void record_end(const std::filesystem::path &directory, pid_t machine, const std::string &how);

// nullopt: there is none, or the file is damaged.
std::optional<nlohmann::json> read_last_stop(const std::filesystem::path &directory);
// The record as told: the next boot does not tell it again, `ntemu status` does.
void note_told(const std::filesystem::path &directory, nlohmann::json record);
// "2026-11-29T17:00:00Z bugcheck 0x000000D1 (...), TestDriver!FileMove+0x38 (race.c:53), dump MEMORY.DMP"
std::string describe_last_stop(const nlohmann::json &record);

}  // namespace ntemu::machine
