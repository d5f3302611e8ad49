// What starts at boot, and in which order.
#include "ntemu/machine/services_rules.h"
#include "tests/sc/services_fixture.h"

namespace ntemu::test {
namespace {

using ServicesBoot = ServicesTest;

std::vector<std::u16string> names(const std::vector<cm::Service> &services) {
  std::vector<std::u16string> result;
  for (const cm::Service &service : services) result.push_back(service.name);
  return result;
}

// The order of boot for services that are made in this order.
struct Made {
  const char16_t *name;
  ULONG start;
  const char16_t *group = u"";
  ULONG tag = 0;
};
std::vector<std::u16string> order(const std::vector<Made> &made) {
  std::vector<cm::Service> all;
  for (const Made &one : made) {
    cm::Service service;
    service.name = one.name;
    service.start = one.start;
    service.group = one.group;
    service.tag = one.tag;
    all.push_back(service);
  }
  return names(machine::boot_order(all, {u"First", u"Second"}));
}

TEST(BootOrder, StartTypesThenGroupsThenTagsThenAge) {
  using Names = std::vector<std::u16string>;
  EXPECT_EQ(order({{u"auto", 2}, {u"system", 1}, {u"demand", 3}, {u"boot", 0}, {u"disabled", 4}}),
            (Names{u"boot", u"system", u"auto"}));
  EXPECT_EQ(order({{u"none", 1}, {u"unlisted", 1, u"Other"}, {u"second", 1, u"SECOND"}, {u"first", 1, u"first"}}),
            (Names{u"first", u"second", u"unlisted", u"none"}));
  EXPECT_EQ(
      order({{u"untagged", 1, u"First"}, {u"two", 1, u"First", 2}, {u"one", 1, u"First", 1}, {u"young", 1, u"First"}}),
      (Names{u"one", u"two", u"untagged", u"young"}));
}

TEST_F(ServicesBoot, TheHiveHasAnOrderOfGroups) {
  const auto groups = cm::group_order();
  ASSERT_TRUE(groups);
  const auto place = [&](std::u16string_view name) { return std::find(groups->begin(), groups->end(), name); };
  EXPECT_LT(place(u"Boot Bus Extender"), place(u"SCSI miniport"));
  EXPECT_LT(place(u"Base"), place(u"File System"));
  EXPECT_LT(place(u"NDIS"), place(u"TDI"));
  EXPECT_NE(place(u"TDI"), groups->end());
  // One that was changed stays.
  const auto key = cm::open_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\ServiceGroupOrder");
  ASSERT_EQ(cm::set_string(*key, u"List", REG_MULTI_SZ, std::u16string_view(u"Mine\0", 5)), STATUS_SUCCESS);
  EXPECT_EQ(cm::prepare_services(), STATUS_SUCCESS);
  EXPECT_EQ(*cm::group_order(), (std::vector<std::u16string>{u"Mine"}));
}

TEST_F(ServicesBoot, StartsThemAndGoesOnAfterAFailure) {
  ASSERT_EQ(create(u"Plain1", {.start = cm::kAutoStart, .depends = {u"Plain2"}}), 0u);
  ASSERT_EQ(create(u"Plain2"), 0u);  // on demand, but needed
  ASSERT_EQ(create(u"Broken",
                   {.image_path = u"C:\\missing.sys", .start = cm::kBootStart, .error_control = cm::kErrorCritical}),
            0u);
  ASSERT_EQ(create(u"Fail", {.start = cm::kSystemStart}), 0u);
  ASSERT_EQ(create(u"Disabled", {.start = cm::kDisabled}), 0u);
  ASSERT_EQ(create(u"Plain3", {.start = cm::kSystemStart}), 0u);
  ASSERT_EQ(create(u"Demand"), 0u);
  const auto failures = services.start_at_boot();
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures[0].name, u"Broken");
  EXPECT_EQ(failures[0].error.error, 2u);
  EXPECT_EQ(failures[1].name, u"Fail");
  EXPECT_EQ(failures[1].error.status, STATUS_DEVICE_NOT_CONNECTED);
  EXPECT_EQ(exit_code(u"Broken"), 2u);
  for (const char16_t *name : {u"Plain1", u"Plain2", u"Plain3"}) EXPECT_EQ(state(name), ServiceState::kRunning);
  for (const char16_t *name : {u"Disabled", u"Demand"}) EXPECT_EQ(state(name), ServiceState::kStopped);
}

TEST(BootOrder, IsThatOfTheDriverEntries) {
  std::vector<std::string> lines;
  auto booted = Machine::boot(
      {.directory = {}, .debug_print = [&](std::string_view line) { lines.emplace_back(line); }, .message = {}});
  ASSERT_TRUE(booted);
  machine::Services services(**booted);
  const std::pair<const char16_t *, cm::ServiceSettings> made[] = {
      {u"Last", {.image_path = kStatusDriver, .start = cm::kAutoStart}},
      {u"Third", {.image_path = kStatusDriver, .start = cm::kSystemStart, .group = u"TDI"}},
      {u"Second", {.image_path = kStatusDriver, .start = cm::kSystemStart, .group = u"Base"}},
      {u"First", {.image_path = kStatusDriver, .start = cm::kBootStart}}};
  for (const auto &[name, settings] : made) ASSERT_FALSE(services.create(name, settings));
  EXPECT_TRUE(services.start_at_boot().empty());
  EXPECT_EQ(lines, (std::vector<std::string>{"First: status 00000000", "Second: status 00000000",
                                             "Third: status 00000000", "Last: status 00000000"}));
  EXPECT_TRUE((*booted)->shut_down());
}

}  // namespace
}  // namespace ntemu::test
