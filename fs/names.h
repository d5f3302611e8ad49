// File names: which are legal, how a path falls into components, and an index that finds names in any case.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ntemu/rtl/case.h"
#include "ntifs.h"

namespace ntemu::fs {

inline constexpr size_t kMaxComponent = 255;  // UTF-16 units

inline constexpr auto kIllegalInName = [] {
  std::array<bool, 0x80> illegal{};
  for (size_t i = 0; i < 0x20; ++i) illegal[i] = true;
  for (const char16_t each : std::u16string_view(u"\"/:|<>*?\\")) illegal[each] = true;
  return illegal;
}();
inline bool legal_in_name(char16_t c) { return c >= kIllegalInName.size() || !kIllegalInName[c]; }
// STATUS_SUCCESS or STATUS_OBJECT_NAME_INVALID.
NTSTATUS check_name(std::u16string_view name);

struct ParsedPath {
  std::vector<std::u16string_view> components;
  bool trailing_backslash = false;
};
// `relative`: the path starts at an open directory, so it has no leading backslash and may be empty.
// `check_last` false leaves the last component's legality to the caller.
NTSTATUS parse_path(std::u16string_view path, bool relative, bool check_last, ParsedPath &out);

// Names of one directory with a value each; O(1), case-insensitive and case-preserving. Names that differ in case
// alone can stand side by side, as a Linux directory may hold them.
template <class Value>
class NameIndex {
 public:
  // Most names that are looked up before they are made are not there, and an empty bucket says so at once.
  NameIndex() { entries_.max_load_factor(0.25F); }

  struct Entry {
    std::u16string name;
    Value value;
  };

  // The exact name if it is there, else, unless `exact`, the first of its case variants in code-unit order.
  Entry *find(std::u16string_view name, bool exact) {
    auto [it, end] = entries_.equal_range(rtl::upcase(name));
    Entry *best = nullptr;
    for (; it != end; ++it) {
      if (it->second.name == name) return &it->second;
      if (!exact && (!best || it->second.name < best->name)) best = &it->second;
    }
    return best;
  }
  void insert(std::u16string_view name, Value value) {
    entries_.emplace(rtl::upcase(name), Entry{std::u16string(name), std::move(value)});
  }
  void erase(std::u16string_view name) {
    auto [it, end] = entries_.equal_range(rtl::upcase(name));
    for (; it != end; ++it) {
      if (it->second.name == name) {
        entries_.erase(it);
        return;
      }
    }
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto &[folded, entry] : entries_) visit(entry);
  }
  void clear() { entries_.clear(); }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

 private:
  std::unordered_multimap<std::u16string, Entry> entries_;
};

}  // namespace ntemu::fs
