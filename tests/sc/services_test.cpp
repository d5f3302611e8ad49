// The service controller's rules for what is installed: names, settings, deletion.
#include <nlohmann/json.hpp>

#include "tests/sc/services_fixture.h"

namespace ntemu::test {
namespace {

using namespace machine;
using nlohmann::json;

using ServicesCreate = ServicesTest;
using ServicesConfig = ServicesTest;
using ServicesDelete = ServicesTest;
using ServicesOperations = ServicesTest;

TEST_F(ServicesCreate, WritesTheKey) {
  ASSERT_EQ(create(u"Test",
                   {.image_path = u"C:\\Drivers\\x.sys",
                    .start = cm::kAutoStart,
                    .error_control = cm::kErrorIgnore,
                    .display_name = u"A test",
                    .group = u"Base",
                    .depends = {u"a", u"b"},
                    .depends_groups = {u"TDI"}},
                   true),
            0u);
  const auto key = cm::open_key(key_path(u"test"));
  ASSERT_TRUE(key);
  std::vector<std::u16string> names;
  const auto values = cm::list_values(*key);
  for (const cm::Value &value : *values) names.push_back(value.name);
  EXPECT_EQ(names, (std::vector<std::u16string>{u"Type", u"Start", u"ErrorControl", u"Tag", u"ImagePath",
                                                u"DisplayName", u"Group", u"DependOnService", u"DependOnGroup"}));
  EXPECT_EQ(cm::query_value(*key, u"ImagePath")->type, ULONG{REG_EXPAND_SZ});
  const auto service = services.query_config(u"TEST");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->name, u"Test");
  EXPECT_EQ(service->image_path, u"\\??\\C:\\Drivers\\x.sys");
  EXPECT_EQ(service->start, ULONG{cm::kAutoStart});
  EXPECT_EQ(service->error_control, ULONG{cm::kErrorIgnore});
  EXPECT_EQ(service->tag, 1u);
  EXPECT_EQ(service->depends, (std::vector<std::u16string>{u"a", u"b"}));
  EXPECT_EQ(service->depends_groups, (std::vector<std::u16string>{u"TDI"}));
  EXPECT_EQ(exit_code(u"Test"), kErrorServiceNeverStarted);
}

TEST_F(ServicesCreate, ChecksNames) {
  for (const char16_t *name : {u"", u"a/b", u"a\\b", u"a,b", u"a b"}) EXPECT_EQ(create(name), kErrorInvalidName);
  EXPECT_EQ(create(std::u16string(257, u'n')), kErrorInvalidName);
  EXPECT_EQ(create(std::u16string(256, u'n')), 0u);
  EXPECT_EQ(create(u"a", {.display_name = std::u16string(257, u'd')}), kErrorInvalidName);
  for (const char16_t *name : {u"", u"a/b", u"a\\b"}) {
    EXPECT_EQ(code(services.query(name)), kErrorInvalidName);
    EXPECT_EQ(start(name), kErrorInvalidName);
  }
}

TEST_F(ServicesCreate, RefusesWhatIsThereAlready) {
  ASSERT_EQ(create(u"First", {.display_name = u"Shown"}), 0u);
  EXPECT_EQ(create(u"FIRST"), kErrorServiceExists);
  EXPECT_EQ(create(u"Second", {.display_name = u"sHOWN"}), kErrorDuplicateServiceName);
  EXPECT_EQ(create(u"Second", {.display_name = u"first"}), kErrorDuplicateServiceName) << "another's name";
  EXPECT_EQ(create(u"Shown"), kErrorDuplicateServiceName) << "its name is its display name";
  EXPECT_FALSE(has_key(u"Second"));
  EXPECT_EQ(create(u"Second"), 0u);
  EXPECT_EQ(code(services.config(u"Second", {.display_name = u"Shown"})), kErrorDuplicateServiceName);
  EXPECT_EQ(code(services.config(u"First", {.display_name = u"Shown"})), 0u) << "its own";
}

TEST_F(ServicesCreate, RunsDriversOnly) {
  for (const ULONG type : {0x10u, 0x20u, 0x110u, 0x120u, 0x100u, 4u, 8u})
    EXPECT_EQ(create(u"Process", {.type = type}), kErrorNotSupported) << type;
  for (const ULONG type : {0u, 3u, 0x30u, 0x1000u}) EXPECT_EQ(create(u"Odd", {.type = type}), kErrorInvalidParameter);
  EXPECT_EQ(create(u"Odd", {.start = 5}), kErrorInvalidParameter);
  EXPECT_EQ(create(u"Odd", {.error_control = 4}), kErrorInvalidParameter);
  EXPECT_EQ(code(services.create(u"Odd", {})), kErrorInvalidParameter) << "no image";
  EXPECT_FALSE(has_key(u"Odd"));
}

TEST_F(ServicesCreate, FindsCircularDependencies) {
  EXPECT_EQ(create(u"Self", {.depends = {u"SELF"}}), kErrorCircularDependency);
  EXPECT_EQ(create(u"InGroup", {.group = u"G", .depends_groups = {u"g"}}), kErrorCircularDependency);
  ASSERT_EQ(create(u"One", {.depends = {u"Two"}}), 0u) << "Two may come later";
  EXPECT_EQ(create(u"Two", {.depends = {u"one"}}), kErrorCircularDependency);
  ASSERT_EQ(create(u"Two", {.group = u"Second"}), 0u);
  EXPECT_EQ(code(services.config(u"Two", {.depends = {{u"One"}}})), kErrorCircularDependency);
  ASSERT_EQ(create(u"Three", {.depends = {u"One"}}), 0u);
  EXPECT_EQ(code(services.config(u"Two", {.depends_groups = {{u"Third"}}})), 0u) << "nobody is in that group";
  EXPECT_EQ(code(services.config(u"Three", {.group = u"Third"})), kErrorCircularDependency);
}

TEST_F(ServicesCreate, GivesTagsInAGroup) {
  EXPECT_EQ(create(u"None", {}, true), kErrorInvalidParameter) << "a tag needs a group";
  ASSERT_EQ(create(u"One", {.group = u"G"}, true), 0u);
  ASSERT_EQ(create(u"Two", {.group = u"g"}, true), 0u);
  ASSERT_EQ(create(u"Other", {.group = u"H"}, true), 0u);
  EXPECT_EQ(services.query_config(u"Two")->tag, 2u);
  EXPECT_EQ(services.query_config(u"Other")->tag, 1u);
  EXPECT_EQ(code(services.config(u"Two", {}, false)), 0u);
  EXPECT_EQ(services.query_config(u"Two")->tag, 0u);
  EXPECT_EQ(code(services.config(u"One", {.group = u""})), 0u);
  EXPECT_EQ(services.query_config(u"One")->tag, 0u) << "it goes with the group";
}

TEST_F(ServicesConfig, ChangesWhatIsGivenAndNothingElse) {
  EXPECT_EQ(code(services.config(u"Missing", {})), kErrorServiceDoesNotExist);
  ASSERT_EQ(create(u"Test", {.display_name = u"Shown", .group = u"G", .depends = {u"a"}}), 0u);
  EXPECT_EQ(code(services.describe(u"Test", u"what it is")), 0u);
  EXPECT_EQ(code(services.config(u"test", {.start = cm::kDisabled, .image_path = u"c:\\x.sys", .depends = {{}}})), 0u);
  const auto service = services.query_config(u"Test");
  EXPECT_EQ(service->start, ULONG{cm::kDisabled});
  EXPECT_EQ(service->image_path, u"\\??\\c:\\x.sys");
  EXPECT_EQ(service->display_name, u"Shown");
  EXPECT_EQ(service->group, u"G");
  EXPECT_EQ(service->description, u"what it is");
  EXPECT_TRUE(service->depends.empty());
  EXPECT_EQ(cm::query_value(*cm::open_key(key_path(u"Test")), u"DependOnService").status(),
            STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(code(services.config(u"Test", {.type = 0x10})), kErrorNotSupported);
  EXPECT_EQ(code(services.config(u"Test", {.image_path = u""})), kErrorInvalidParameter);
  EXPECT_EQ(start(u"Test"), kErrorServiceDisabled);
}

TEST_F(ServicesDelete, TakesTheKeyAway) {
  ASSERT_EQ(create(u"Test"), 0u);
  ASSERT_TRUE(cm::create_key(key_path(u"Test") + u"\\Parameters\\Deeper"));
  EXPECT_EQ(code(services.remove(u"tEST")), 0u);
  EXPECT_FALSE(has_key(u"Test"));
  EXPECT_EQ(code(services.remove(u"Test")), kErrorServiceDoesNotExist);
  EXPECT_EQ(create(u"Test"), 0u);
}

TEST_F(ServicesDelete, WaitsForTheStop) {
  ASSERT_EQ(create(u"Plain"), 0u);
  ASSERT_EQ(start(u"Plain"), 0u);
  EXPECT_EQ(code(services.remove(u"Plain")), 0u);
  EXPECT_EQ(state(u"Plain"), ServiceState::kRunning);
  EXPECT_EQ(services.query_config(u"Plain")->start, ULONG{cm::kDisabled});
  EXPECT_EQ(code(services.remove(u"Plain")), kErrorServiceMarkedForDelete);
  EXPECT_EQ(create(u"Plain"), kErrorServiceMarkedForDelete);
  EXPECT_EQ(code(services.config(u"Plain", {.start = cm::kAutoStart})), kErrorServiceMarkedForDelete);
  EXPECT_EQ(code(services.describe(u"Plain", u"x")), kErrorServiceMarkedForDelete);
  EXPECT_EQ(start(u"Plain"), kErrorServiceAlreadyRunning);
  const auto stopped = services.stop(u"Plain");
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->state, ServiceState::kStopped);
  EXPECT_FALSE(has_key(u"Plain"));
  EXPECT_EQ(code(services.query(u"Plain")), kErrorServiceDoesNotExist);
  EXPECT_EQ(create(u"Plain"), 0u);
  EXPECT_EQ(exit_code(u"Plain"), kErrorServiceNeverStarted) << "another service of the same name";
}

TEST_F(ServicesDelete, WhatWasMarkedGoesAtTheNextBoot) {
  ASSERT_EQ(create(u"Plain"), 0u);
  ASSERT_EQ(create(u"Stays"), 0u);
  ASSERT_EQ(start(u"Plain"), 0u);
  ASSERT_EQ(code(services.remove(u"Plain")), 0u);
  ASSERT_TRUE(has_key(u"Plain"));
  EXPECT_EQ(cm::prepare_services(), STATUS_SUCCESS);  // what a boot does first
  EXPECT_FALSE(has_key(u"Plain"));
  EXPECT_TRUE(has_key(u"Stays"));
}

TEST_F(ServicesOperations, TakeAndGiveJson) {
  const std::atomic<bool> stopping{false};
  auto operations = services.operations();
  const auto call = [&](const char *name, const json &arguments) { return operations.at(name)(arguments, stopping); };
  const std::string image = DRIVERS "/lifecycle.sys";
  EXPECT_EQ(call("sc.create", {{"name", "Plain"}, {"binary_path", image}, {"depend", {"+G"}}}), json({{"ok", true}}));
  const json again = call("sc.create", {{"name", "Plain"}, {"binary_path", image}});
  EXPECT_EQ(again["ok"], false);
  EXPECT_EQ(again["win32"], 1073);
  EXPECT_EQ(again["function"], "CreateService");
  EXPECT_EQ(again["error"], "The specified service already exists.");
  EXPECT_EQ(call("sc.qc", {{"name", "plain"}})["config"]["dependencies"], json::array({"+G"}));
  EXPECT_EQ(call("sc.config", {{"name", "Plain"}, {"depend", json::array()}})["ok"], true);
  EXPECT_EQ(call("sc.start", {{"name", "Plain"}})["service"]["state_name"], "RUNNING");
  EXPECT_EQ(call("sc.control", {{"name", "Plain"}, {"control", 2}})["win32"], 1052);
  EXPECT_EQ(call("sc.enumerate", json::object())["services"].size(), 1u);
  EXPECT_EQ(call("sc.stop", {{"name", "Plain"}})["service"]["win32_exit_code"], 0);
  EXPECT_EQ(call("sc.create", {{"name", "X"}, {"binary_path", image}, {"account", "LocalSystem"}})["win32"], 1057);
  EXPECT_EQ(call("sc.create", {{"name", "X"}, {"binary_path", image}, {"password", true}})["win32"], 1057);
  EXPECT_EQ(call("sc.create", {{"name", "X"}, {"binary_path", image}, {"delayed", true}})["win32"], 87);
  EXPECT_THROW(call("sc.start", json::object()), json::exception) << "answered as a bad request";
}

}  // namespace
}  // namespace ntemu::test
