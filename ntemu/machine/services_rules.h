// What the service controller checks in the list of all services, without any machine.
#pragma once

#include <string_view>
#include <vector>

#include "ntemu/cm/service.h"
#include "ntemu/rtl/case.h"

namespace ntemu::machine {

inline bool same_name(std::u16string_view first, std::u16string_view second) { return rtl::equal(first, second, true); }

const cm::Service *find_service(const std::vector<cm::Service> &all, std::u16string_view name);
bool is_in_group(const cm::Service &service, std::u16string_view group);
bool depends_on_service(const cm::Service &service, std::u16string_view name);
bool depends_on_group(const cm::Service &service, std::u16string_view group);
// Whether what it depends on, itself or through groups and others, comes back to it.
bool is_circular(const std::vector<cm::Service> &all, const cm::Service &service);
// Whether another service has its display name, as name or as display name.
bool is_display_name_taken(const std::vector<cm::Service> &all, const cm::Service &service);
ULONG unused_tag(const std::vector<cm::Service> &all, const cm::Service &service);
void apply(const cm::ServiceChange &change, cm::Service &service);

// Those that start at boot, in the order of their start.
std::vector<cm::Service> boot_order(const std::vector<cm::Service> &all, const std::vector<std::u16string> &groups);

}  // namespace ntemu::machine
