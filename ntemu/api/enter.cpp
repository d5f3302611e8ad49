#include "ntemu/api/enter.h"

#include <fmt/format.h>

#include "ntemu/base/log.h"

namespace ntemu::api {
namespace {

void trace_to_log(const char *text) { base::log(base::Level::kDebug, "trace", std::string_view(text)); }
void stay(const void *) {}

}  // namespace

std::atomic<uint32_t> hooks{0};
void (*trace_call)(const char *text) = trace_to_log;
void (*leave_machine)(const void *caller) = stay;
void (*schedule_point)(Id id, const void *caller) = [](Id, const void *) {};
void (*take_apcs)(const void *caller) = stay;

std::string format_argument(long long value) { return fmt::format("{}", value); }
std::string format_argument(unsigned long long value) { return fmt::format("{:#x}", value); }
std::string format_argument(const void *value) { return fmt::format("{}", fmt::ptr(value)); }

void trace(Id id, std::string arguments) { trace_call(fmt::format("{}({})", entry(id).name, arguments).c_str()); }

}  // namespace ntemu::api
