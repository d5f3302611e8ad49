#include "ntemu/vf/settings.h"

#include <fmt/format.h>

#include <cstring>

#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/rtl/case.h"

namespace ntemu::vf {
namespace {

constexpr char16_t kDrivers[] = u"VerifyDrivers";
constexpr char16_t kExcluded[] = u"VerifyDriversExclude";
constexpr char16_t kLevel[] = u"VerifyDriverLevel";
constexpr char16_t kProbability[] = u"VerifierFaultProbability";
constexpr char16_t kTags[] = u"VerifierFaultTags";
constexpr char16_t kApplications[] = u"VerifierFaultApplications";
constexpr char16_t kMinutes[] = u"VerifierFaultBootMinutes";
constexpr char16_t kSeed[] = u"VerifierDelaySeed";
constexpr const char16_t *kNames[] = {kDrivers, kExcluded, kLevel, kProbability, kTags, kApplications, kMinutes, kSeed};

constexpr ULONG kNoLevel = 0xFFFFFFFF;
constexpr ULONG kCertain = 10000;

class Reader {
 public:
  Reader(cm::KeyId key, std::vector<std::string> &problems) : key_(key), problems_(problems) {}

  std::optional<ULONG> number(std::u16string_view name, ULONG most = MAXULONG) {
    const auto value = cm::query_value(key_, name);
    if (!value) return std::nullopt;
    ULONG result;
    if (value->type != REG_DWORD || value->data.size() != sizeof result) {
      complain(name, fmt::format("is no REG_DWORD (type {}, {} bytes)", value->type, value->data.size()));
      return std::nullopt;
    }
    std::memcpy(&result, value->data.data(), sizeof result);
    if (result > most) {
      complain(name, fmt::format("is {}, more than {}", result, most));
      return std::nullopt;
    }
    return result;
  }

  std::optional<std::u16string> text(std::u16string_view name) {
    const auto value = cm::query_value(key_, name);
    if (!value) return std::nullopt;
    if (value->type != REG_SZ || value->data.size() % sizeof(char16_t) != 0) {
      complain(name, fmt::format("is no REG_SZ (type {}, {} bytes)", value->type, value->data.size()));
      return std::nullopt;
    }
    std::u16string result(value->data.size() / sizeof(char16_t), u'\0');
    if (!value->data.empty()) std::memcpy(result.data(), value->data.data(), value->data.size());
    while (!result.empty() && result.back() == u'\0') result.pop_back();
    return result;
  }

  void complain(std::u16string_view name, const std::string &what) {
    problems_.push_back(fmt::format("the registry value {} {}: it is ignored", base::to_utf8(name), what));
  }

 private:
  cm::KeyId key_;
  std::vector<std::string> &problems_;
};

bool is_space(char16_t c) { return c == u' ' || c == u'\t' || c == u'\0'; }

std::vector<std::u16string> split(std::u16string_view text) {
  std::vector<std::u16string> words;
  for (size_t at = 0; at < text.size();) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::u16string join(const std::vector<std::u16string> &words) {
  std::u16string text;
  for (const std::u16string &word : words) {
    if (!text.empty()) text += u' ';
    text += word;
  }
  return text;
}

void read_faults(Reader &reader, Settings &settings) {
  FaultSettings faults;
  const auto probability = reader.number(kProbability, kCertain);
  const auto minutes = reader.number(kMinutes);
  const auto tags = reader.text(kTags);
  const auto applications = reader.text(kApplications);
  if (!probability && !minutes && !tags && !applications) return;
  faults.probability = probability.value_or(faults.probability);
  faults.delay_minutes = minutes.value_or(faults.delay_minutes);
  faults.tags = tags.value_or(u"");
  faults.applications = applications.value_or(u"");
  settings.faults = faults;
}

cm::ValueChange text_value(const char16_t *name, const std::u16string &text) {
  std::vector<UCHAR> data((text.size() + 1) * sizeof(char16_t));
  std::memcpy(data.data(), text.c_str(), data.size());
  return {name, REG_SZ, std::move(data)};
}
cm::ValueChange number_value(const char16_t *name, ULONG number) {
  std::vector<UCHAR> data(sizeof number);
  std::memcpy(data.data(), &number, sizeof number);
  return {name, REG_DWORD, std::move(data)};
}

std::u16string_view without_extension(std::u16string_view name) {
  constexpr std::u16string_view kExtension = u".sys";
  if (name.size() > kExtension.size() && rtl::equal(name.substr(name.size() - kExtension.size()), kExtension, true))
    name.remove_suffix(kExtension.size());
  return name;
}

bool contains(const std::vector<std::u16string> &names, std::u16string_view name) {
  for (const std::u16string &each : names) {
    if (same_driver(each, name)) return true;
  }
  return false;
}

}  // namespace

Settings read_settings(std::vector<std::string> &problems) {
  Settings settings;
  const auto key = cm::open_key(kSettingsKey);
  if (!key) return settings;
  Reader reader(*key, problems);
  settings.drivers = split(reader.text(kDrivers).value_or(u""));
  for (const std::u16string &name : settings.drivers) settings.all |= name == u"*";
  if (settings.all) settings.drivers.clear();
  settings.excluded = split(reader.text(kExcluded).value_or(u""));
  settings.level = reader.number(kLevel);
  if (settings.level == kNoLevel) settings.level.reset();
  settings.delay_seed = reader.number(kSeed);
  read_faults(reader, settings);
  return settings;
}

NTSTATUS write_settings(const Settings &settings) {
  std::vector<cm::ValueChange> changes;
  if (settings.all || !settings.drivers.empty())
    changes.push_back(text_value(kDrivers, settings.all ? u"*" : join(settings.drivers)));
  if (!settings.excluded.empty()) changes.push_back(text_value(kExcluded, join(settings.excluded)));
  if (settings.level) changes.push_back(number_value(kLevel, *settings.level));
  if (settings.delay_seed) changes.push_back(number_value(kSeed, *settings.delay_seed));
  if (const auto &faults = settings.faults) {
    changes.push_back(number_value(kProbability, faults->probability));
    changes.push_back(number_value(kMinutes, faults->delay_minutes));
    changes.push_back(text_value(kTags, faults->tags));
    changes.push_back(text_value(kApplications, faults->applications));
  }
  for (const char16_t *name : kNames) {
    bool written = false;
    for (const cm::ValueChange &change : changes) written |= change.name == name;
    if (!written) changes.push_back({name});
  }
  return cm::change_values(kSettingsKey, changes, {.create = true});
}

Result<bool> reset_settings() {
  const auto key = cm::open_key(kSettingsKey);
  if (!key) return false;
  bool any = false;
  for (const char16_t *name : kNames) any |= static_cast<bool>(cm::query_value(*key, name));
  if (!any) return false;
  if (const NTSTATUS status = write_settings({}); !NT_SUCCESS(status)) return status;
  return true;
}

bool same_driver(std::u16string_view one, std::u16string_view other) {
  return rtl::equal(without_extension(one), without_extension(other), true);
}

std::optional<ULONG> options_of(const Settings &settings, std::u16string_view image_name) {
  if (!settings.level) return std::nullopt;
  if (settings.all ? contains(settings.excluded, image_name) : !contains(settings.drivers, image_name))
    return std::nullopt;
  return *settings.level;
}

}  // namespace ntemu::vf
