#include "ntemu/machine/services_rules.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace ntemu::machine {
namespace {

bool contains(const std::vector<std::u16string> &names, std::u16string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::u16string &one) { return same_name(one, name); });
}

std::u16string_view display_name(const cm::Service &service) {
  return service.display_name.empty() ? service.name : service.display_name;
}

void push_dependencies(const std::vector<cm::Service> &all, const cm::Service &service,
                       std::vector<std::u16string> &names) {
  names.insert(names.end(), service.depends.begin(), service.depends.end());
  for (const cm::Service &other : all)
    if (!other.group.empty() && depends_on_group(service, other.group)) names.push_back(other.name);
}

template <class T>
void set(T &target, const std::optional<T> &value) {
  if (value) target = *value;
}

}  // namespace

const cm::Service *find_service(const std::vector<cm::Service> &all, std::u16string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const cm::Service &one) { return same_name(one.name, name); });
  return found == all.end() ? nullptr : &*found;
}

bool is_in_group(const cm::Service &service, std::u16string_view group) {
  return !group.empty() && same_name(service.group, group);
}

bool depends_on_service(const cm::Service &service, std::u16string_view name) {
  return contains(service.depends, name);
}

bool depends_on_group(const cm::Service &service, std::u16string_view group) {
  return contains(service.depends_groups, group);
}

bool is_circular(const std::vector<cm::Service> &all, const cm::Service &service) {
  std::vector<std::u16string> open;
  std::set<std::u16string> seen;
  push_dependencies(all, service, open);
  while (!open.empty()) {
    const std::u16string name = std::move(open.back());
    open.pop_back();
    if (same_name(name, service.name)) return true;
    if (!seen.insert(rtl::upcase(std::u16string_view(name))).second) continue;
    if (const cm::Service *next = find_service(all, name)) push_dependencies(all, *next, open);
  }
  return false;
}

bool is_display_name_taken(const std::vector<cm::Service> &all, const cm::Service &service) {
  return std::any_of(all.begin(), all.end(), [&](const cm::Service &other) {
    return !same_name(other.name, service.name) &&
           (same_name(other.name, display_name(service)) || same_name(display_name(other), display_name(service)));
  });
}

ULONG unused_tag(const std::vector<cm::Service> &all, const cm::Service &service) {
  ULONG highest = 0;
  for (const cm::Service &other : all)
    if (is_in_group(other, service.group) && !same_name(other.name, service.name))
      highest = std::max(highest, other.tag);
  return highest + 1;
}

void apply(const cm::ServiceChange &change, cm::Service &service) {
  set(service.type, change.type);
  set(service.start, change.start);
  set(service.error_control, change.error_control);
  set(service.tag, change.tag);
  set(service.image_path, change.image_path);
  set(service.display_name, change.display_name);
  set(service.group, change.group);
  set(service.description, change.description);
  set(service.depends, change.depends);
  set(service.depends_groups, change.depends_groups);
}

std::vector<cm::Service> boot_order(const std::vector<cm::Service> &all, const std::vector<std::u16string> &groups) {
  std::vector<cm::Service> order;
  for (const cm::Service &service : all)
    if (service.start <= cm::kAutoStart && !service.deleted) order.push_back(service);
  // A group outside the list comes after those in it, and services without a group come last; so do those without tag
  // in their group.
  const auto rank = [&](const cm::Service &service) {
    if (service.group.empty()) return groups.size() + 1;
    const auto found = std::find_if(groups.begin(), groups.end(),
                                    [&](const std::u16string &group) { return same_name(group, service.group); });
    return static_cast<size_t>(found - groups.begin());
  };
  const auto key = [&](const cm::Service &service) {
    return std::tuple(service.start, rank(service), service.tag == 0, service.tag);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const cm::Service &a, const cm::Service &b) { return key(a) < key(b); });
  return order;
}

}  // namespace ntemu::machine
