#include "ntemu/vf/settings.h"

#include <gmock/gmock.h>

#include "ntemu/cm/registry.h"
#include "ntemu/machine/verify_state.h"
#include "ntemu/vf/injection.h"
#include "ntemu/vf/verified.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class VerifierSettings : public KernelTest {
 protected:
  static vf::Settings read() { return vf::read_settings(problems()); }
  static std::vector<std::string> &problems() {
    static std::vector<std::string> all;
    all.clear();
    return all;
  }
  static vf::Settings only_hello(ULONG level) {
    vf::Settings settings;
    settings.drivers = {u"hello.sys"};
    settings.level = level;
    return settings;
  }
  static cm::KeyId key() { return *cm::create_key(vf::kSettingsKey); }
  static std::optional<ULONG> options_of_hello() {
    auto &state = machine::verifier_state();
    base::Guard guard(state.mutex);
    for (const auto &driver : state.drivers) {
      if (driver.name == u"hello.sys") return driver.options;
    }
    return std::nullopt;
  }
};

TEST_F(VerifierSettings, NothingAtFirst) {
  EXPECT_EQ(read(), vf::Settings());
  const auto changed = vf::reset_settings();
  ASSERT_TRUE(changed);
  EXPECT_FALSE(*changed);
}

TEST_F(VerifierSettings, ComeBackAsTheyWereWritten) {
  vf::Settings settings;
  settings.drivers = {u"a.sys", u"B.sys"};
  settings.level = 0x209BB;
  settings.delay_seed = 7;
  settings.faults = vf::FaultSettings{.probability = 100, .tags = u"Fred W*", .applications = u"", .delay_minutes = 0};
  ASSERT_EQ(vf::write_settings(settings), STATUS_SUCCESS);
  EXPECT_EQ(read(), settings);
  settings.drivers.clear();
  settings.all = true;
  settings.excluded = {u"c.sys"};
  settings.faults.reset();
  ASSERT_EQ(vf::write_settings(settings), STATUS_SUCCESS);
  EXPECT_EQ(read(), settings);
  const auto changed = vf::reset_settings();
  ASSERT_TRUE(changed);
  EXPECT_TRUE(*changed);
  EXPECT_EQ(read(), vf::Settings());
}

TEST_F(VerifierSettings, AreValuesAsOnWindows) {
  cm::set_string(key(), u"VerifyDrivers", REG_SZ, u"one.sys two.sys");
  cm::set_dword(key(), u"VerifyDriverLevel", 0x800);
  const vf::Settings settings = read();
  EXPECT_THAT(settings.drivers, SizeIs(2));
  EXPECT_EQ(vf::options_of(settings, u"TWO.SYS"), 0x800u);
  EXPECT_EQ(vf::options_of(settings, u"two"), 0x800u);
  EXPECT_EQ(vf::options_of(settings, u"three.sys"), std::nullopt);
  cm::set_dword(key(), u"VerifyDriverLevel", 0xFFFFFFFF);
  EXPECT_EQ(vf::options_of(read(), u"two.sys"), std::nullopt);
}

TEST_F(VerifierSettings, OddValuesAreIgnoredAndStay) {
  cm::set_dword(key(), u"VerifyDrivers", 5);
  cm::set_string(key(), u"VerifyDriverLevel", REG_SZ, u"lots");
  cm::set_dword(key(), u"VerifierFaultProbability", 10001);
  std::vector<std::string> said;
  EXPECT_EQ(vf::read_settings(said), vf::Settings());
  ASSERT_THAT(said, SizeIs(3));
  EXPECT_THAT(said[0], HasSubstr("VerifyDrivers is no REG_SZ (type 4, 4 bytes)"));
  EXPECT_THAT(said[1], HasSubstr("VerifyDriverLevel is no REG_DWORD (type 1, 10 bytes)"));
  EXPECT_THAT(said[2], HasSubstr("VerifierFaultProbability is 10001, more than 10000"));
  EXPECT_TRUE(cm::query_value(key(), u"VerifyDrivers"));
  EXPECT_EQ(cm::query_value(key(), u"VerifyDriverLevel")->type, ULONG{REG_SZ});
}

TEST(VerifierLoad, SaysWhatIsOddAndLoadsTheDriver) {
  std::vector<std::string> said;
  MachineOptions options;
  options.message = [&](std::string_view line) { said.emplace_back(line); };
  auto machine = Machine::boot(std::move(options));
  ASSERT_TRUE(machine);
  const cm::KeyId key = *cm::create_key(vf::kSettingsKey);
  const UCHAR odd[] = {1, 2, 3};
  cm::set_value(key, u"VerifyDriverLevel", REG_BINARY, odd, sizeof odd);
  cm::set_string(key, u"VerifyDrivers", REG_SZ, u"hello.sys");
  EXPECT_TRUE((*machine)->load(DRIVERS "/hello.sys", {}));
  EXPECT_THAT(said,
              ElementsAre("verifier: the registry value VerifyDriverLevel is no REG_DWORD (type 3, 3 bytes): it is "
                          "ignored"));
  EXPECT_TRUE((*machine)->unload("hello"));
  EXPECT_TRUE((*machine)->shut_down());
}

TEST_F(VerifierSettings, HoldFromTheNextLoadOn) {
  ASSERT_TRUE(machine().load(DRIVERS "/hello.sys", {}));
  ASSERT_EQ(vf::write_settings(only_hello(0x2)), STATUS_SUCCESS);
  EXPECT_EQ(options_of_hello(), std::nullopt);
  ASSERT_TRUE(machine().unload("hello"));
  ASSERT_TRUE(machine().load(DRIVERS "/hello.sys", {}));
  EXPECT_EQ(options_of_hello(), 0x2u);
  ASSERT_TRUE(vf::reset_settings());
  EXPECT_EQ(options_of_hello(), 0x2u);
  ASSERT_TRUE(machine().unload("hello"));
  EXPECT_EQ(options_of_hello(), std::nullopt);
  ASSERT_TRUE(machine().load(DRIVERS "/hello.sys", {}));
  EXPECT_EQ(options_of_hello(), std::nullopt);
}

TEST_F(VerifierSettings, CallsFailWhileADriverIsVerifiedSo) {
  vf::Settings settings = only_hello(vf::kLowResources);
  settings.faults = vf::FaultSettings{.probability = 5, .tags = u"Fred W*", .applications = u"", .delay_minutes = 3};
  settings.delay_seed = 9;
  ASSERT_EQ(vf::write_settings(settings), STATUS_SUCCESS);
  EXPECT_FALSE(vf::query_injection().low_resources);
  ASSERT_TRUE(machine().load(DRIVERS "/hello.sys", {}));
  vf::InjectionStatus status = vf::query_injection();
  EXPECT_TRUE(status.low_resources);
  EXPECT_FALSE(status.systematic);
  EXPECT_EQ(status.settings.probability, 5u);
  EXPECT_THAT(status.settings.tags, ElementsAre("Fred", "W*"));
  EXPECT_EQ(status.settings.delay_minutes, 3u);
  EXPECT_EQ(status.settings.seed, 9u);
  auto &state = machine::verifier_state();
  {
    base::Guard guard(state.mutex);
    state.faults = vf::FaultSettings{.probability = 6, .tags = u"", .applications = u""};
    // Only now: DriverEntry would be the first that does not survive it.
    state.level = vf::kLowResources | vf::kSystematicFaults;
    machine::apply_volatile(state);
  }
  status = vf::query_injection();
  EXPECT_EQ(status.settings.probability, 6u);
  EXPECT_TRUE(status.systematic);
  ASSERT_TRUE(machine().unload("hello"));
  status = vf::query_injection();
  EXPECT_FALSE(status.low_resources);
  EXPECT_FALSE(status.systematic);
}

TEST_F(VerifierSettings, VolatileOnesHoldAtOnce) {
  ASSERT_TRUE(machine().load(DRIVERS "/hello.sys", {}));
  auto &state = machine::verifier_state();
  {
    base::Guard guard(state.mutex);
    state.added = {u"hello.sys"};
    state.level = 0x800;
    machine::apply_volatile(state);
  }
  EXPECT_EQ(options_of_hello(), 0x800u);
  {
    base::Guard guard(state.mutex);
    state.level = 0x2;
    machine::apply_volatile(state);
  }
  EXPECT_EQ(options_of_hello(), 0x2u);
  {
    base::Guard guard(state.mutex);
    state.removed = {u"HELLO"};
    machine::apply_volatile(state);
  }
  EXPECT_EQ(options_of_hello(), std::nullopt);
}

}  // namespace
}  // namespace ntemu::test
