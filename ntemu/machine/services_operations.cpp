// The service controller's answers to clients: JSON in, JSON out.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ntemu/base/utf.h"
#include "ntemu/machine/services.h"
#include "ntemu/machine/win32_error.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;

std::string narrow(std::u16string_view text) { return base::to_utf8(text); }

std::u16string wide(const json &value) { return base::to_utf16_lossy(value.get<std::string>()); }

std::u16string name_of(const json &arguments) { return wide(arguments.at("name")); }

std::optional<std::u16string> text(const json &arguments, const char *key) {
  return arguments.contains(key) ? std::optional(wide(arguments[key])) : std::nullopt;
}

std::optional<ULONG> number(const json &arguments, const char *key) {
  return arguments.contains(key) ? std::optional(arguments[key].get<ULONG>()) : std::nullopt;
}

json failure(const ServiceError &error) {
  json reply{{"ok", false},
             {"win32", error.error},
             {"function", error.function},
             {"error", error.text.empty() ? std::string(win32_error_text(error.error)) : error.text},
             {"detail", error.text}};
  if (error.status != 0) reply["ntstatus"] = fmt::format("0x{:08X}", static_cast<uint32_t>(error.status));
  return reply;
}

json done(const std::optional<ServiceError> &error) { return error ? failure(*error) : json{{"ok", true}}; }

const char *state_name(ServiceState state) {
  switch (state) {
    case ServiceState::kStopped:
      return "STOPPED";
    case ServiceState::kStartPending:
      return "START_PENDING";
    case ServiceState::kStopPending:
      return "STOP_PENDING";
    case ServiceState::kRunning:
      return "RUNNING";
  }
  return "";
}

const char *type_name(uint32_t type) { return type == cm::kFileSystemDriver ? "FILE_SYSTEM_DRIVER" : "KERNEL_DRIVER"; }

json to_json(const ServiceStatus &status) {
  return {{"name", narrow(status.name)},
          {"display_name", narrow(status.display_name)},
          {"type", status.type},
          {"type_name", type_name(status.type)},
          {"state", static_cast<uint32_t>(status.state)},
          {"state_name", state_name(status.state)},
          {"stoppable", status.stoppable},
          {"win32_exit_code", status.exit_code},
          {"service_exit_code", 0},
          {"checkpoint", 0},
          {"wait_hint", 0}};
}

json reply(const ServiceOutcome<ServiceStatus> &outcome) {
  if (!outcome) return failure(outcome.error());
  json answer{{"ok", true}, {"service", to_json(*outcome)}};
  if (!outcome->note.empty()) answer["note"] = outcome->note;
  return answer;
}

json reply(const ServiceOutcome<cm::Service> &outcome) {
  if (!outcome) return failure(outcome.error());
  static constexpr const char *kStarts[] = {"BOOT_START", "SYSTEM_START", "AUTO_START", "DEMAND_START", "DISABLED"};
  static constexpr const char *kErrors[] = {"IGNORE", "NORMAL", "SEVERE", "CRITICAL"};
  json dependencies = json::array();
  for (const std::u16string &name : outcome->depends) dependencies.push_back(narrow(name));
  for (const std::u16string &group : outcome->depends_groups) dependencies.push_back("+" + narrow(group));
  return {{"ok", true},
          {"config",
           {{"name", narrow(outcome->name)},
            {"type", outcome->type},
            {"type_name", type_name(outcome->type)},
            {"start", outcome->start},
            {"start_name", outcome->start < std::size(kStarts) ? kStarts[outcome->start] : ""},
            {"error", outcome->error_control},
            {"error_name", outcome->error_control < std::size(kErrors) ? kErrors[outcome->error_control] : ""},
            {"binary_path", narrow(outcome->image_path)},
            {"group", narrow(outcome->group)},
            {"tag", outcome->tag},
            {"display_name", narrow(outcome->display_name.empty() ? outcome->name : outcome->display_name)},
            {"dependencies", dependencies},
            {"description", narrow(outcome->description)}}}};
}

// {"depend": ["service", "+group", ...]}
void read_dependencies(const json &arguments, cm::ServiceChange &change) {
  if (!arguments.contains("depend")) return;
  change.depends.emplace();
  change.depends_groups.emplace();
  for (const json &one : arguments["depend"]) {
    std::u16string name = wide(one);
    if (name.empty() || name == u"+") continue;
    if (name.front() == u'+') {
      change.depends_groups->push_back(name.substr(1));
    } else {
      change.depends->push_back(std::move(name));
    }
  }
}

cm::ServiceChange read_change(const json &arguments) {
  cm::ServiceChange change{.type = number(arguments, "type"),
                           .start = number(arguments, "start"),
                           .error_control = number(arguments, "error"),
                           .tag = {},
                           .image_path = text(arguments, "binary_path"),
                           .display_name = text(arguments, "display_name"),
                           .group = text(arguments, "group"),
                           .description = {},
                           .depends = {},
                           .depends_groups = {}};
  read_dependencies(arguments, change);
  return change;
}

// What Windows has for processes only.
std::optional<ServiceError> refuse_process_settings(const json &arguments, const char *function) {
  if (arguments.value("delayed", false))
    return ServiceError{kErrorInvalidParameter, function, "a driver's start cannot be delayed"};
  if (!arguments.contains("account") && !arguments.contains("password")) return std::nullopt;
  return ServiceError{kErrorInvalidServiceAccount, function, "a driver runs in the kernel, under no account"};
}

json create_service(Services &services, const json &arguments) {
  if (const auto error = refuse_process_settings(arguments, "CreateService")) return failure(*error);
  const cm::ServiceChange change = read_change(arguments);
  cm::ServiceSettings settings{.image_path = change.image_path.value_or(u""),
                               .type = change.type.value_or(cm::kKernelDriver),
                               .start = change.start.value_or(cm::kDemandStart),
                               .error_control = change.error_control.value_or(cm::kErrorNormal),
                               .display_name = change.display_name.value_or(u""),
                               .group = change.group.value_or(u""),
                               .depends = change.depends.value_or(std::vector<std::u16string>()),
                               .depends_groups = change.depends_groups.value_or(std::vector<std::u16string>())};
  return done(services.create(name_of(arguments), std::move(settings), arguments.value("tag", false)));
}

json config_service(Services &services, const json &arguments) {
  if (const auto error = refuse_process_settings(arguments, "ChangeServiceConfig")) return failure(*error);
  std::optional<bool> tag;
  if (arguments.contains("tag")) tag = arguments["tag"].get<bool>();
  return done(services.config(name_of(arguments), read_change(arguments), tag));
}

json list_services(Services &services) {
  const auto listed = services.enumerate();
  if (!listed) return failure(listed.error());
  json rows = json::array();
  for (const Services::Listed &one : *listed) {
    json row = to_json(one.status);
    row["group"] = narrow(one.group);
    rows.push_back(std::move(row));
  }
  return {{"ok", true}, {"services", std::move(rows)}};
}

}  // namespace

std::map<std::string, Services::Operation> Services::operations() {
  const auto simple = [](auto handle) -> Operation {
    return [handle](const json &arguments, const std::atomic<bool> &) -> json { return handle(arguments); };
  };
  return {
      {"sc.create", simple([this](const json &arguments) { return create_service(*this, arguments); })},
      {"sc.config", simple([this](const json &arguments) { return config_service(*this, arguments); })},
      {"sc.description", simple([this](const json &arguments) {
         return done(describe(name_of(arguments), wide(arguments.at("description"))));
       })},
      {"sc.delete", simple([this](const json &arguments) { return done(remove(name_of(arguments))); })},
      {"sc.start", simple([this](const json &arguments) { return reply(start(name_of(arguments))); })},
      {"sc.stop", simple([this](const json &arguments) { return reply(stop(name_of(arguments))); })},
      {"sc.control", simple([this](const json &arguments) {
         return reply(control(name_of(arguments), arguments.at("control").get<uint32_t>()));
       })},
      {"sc.query", simple([this](const json &arguments) { return reply(query(name_of(arguments))); })},
      {"sc.qc", simple([this](const json &arguments) { return reply(query_config(name_of(arguments))); })},
      {"sc.enumerate", simple([this](const json &) { return list_services(*this); })},
  };
}

}  // namespace ntemu::machine
