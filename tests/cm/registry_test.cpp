#include "ntemu/cm/registry.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ntemu/ob/object.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

constexpr char16_t kKey[] = u"\\Registry\\Machine\\Software\\Test";

using Registry = KernelTest;

TEST_F(Registry, KeysIgnoreCaseAndKeepIt) {
  const auto made = cm::create_key(u"\\Registry\\Machine\\Software\\Test\\Deeper");
  ASSERT_TRUE(made);
  EXPECT_EQ(*cm::open_key(u"\\REGISTRY\\MACHINE\\SOFTWARE\\TEST\\dEEPER"), *made);
  EXPECT_EQ(*cm::path_of(*made), u"\\REGISTRY\\MACHINE\\SOFTWARE\\Test\\Deeper");
  EXPECT_EQ(cm::open_key(u"\\Registry\\Machine\\Software\\Missing").status(), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(cm::open_key(u"Registry").status(), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(cm::create_key(u"\\Registry\\Elsewhere").status(), STATUS_ACCESS_DENIED);
}

TEST_F(Registry, CurrentControlSetIsALink) {
  const auto made = cm::create_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\One");
  ASSERT_TRUE(made);
  EXPECT_EQ(*cm::path_of(*made), u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\One");
}

TEST_F(Registry, ValuesAreReplacedListedAndDeleted) {
  const auto key = cm::create_key(kKey);
  EXPECT_EQ(cm::set_dword(*key, u"First", 1), STATUS_SUCCESS);
  EXPECT_EQ(cm::set_string(*key, u"Second", REG_SZ, u"text"), STATUS_SUCCESS);
  EXPECT_EQ(cm::set_dword(*key, u"FIRST", 2), STATUS_SUCCESS);
  const auto values = cm::list_values(*key);
  ASSERT_EQ(values->size(), 2u);
  EXPECT_EQ((*values)[0].name, u"First");
  EXPECT_EQ((*values)[0].data, (std::vector<UCHAR>{2, 0, 0, 0}));
  EXPECT_EQ(cm::delete_value(*key, u"first"), STATUS_SUCCESS);
  EXPECT_EQ(cm::delete_value(*key, u"first"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(cm::query_value(*key, u"first").status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Registry, ATreeIsDeletedWithAllThatIsBelow) {
  const auto key = cm::create_key(kKey);
  const auto beside = cm::create_key(std::u16string(kKey) + u"2");
  ASSERT_TRUE(cm::create_key(std::u16string(kKey) + u"\\Below\\Deeper"));
  EXPECT_EQ(cm::set_dword(*key, u"First", 1), STATUS_SUCCESS);
  EXPECT_EQ(cm::delete_tree(*key), STATUS_SUCCESS);
  EXPECT_EQ(cm::open_key(kKey).status(), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(*cm::open_key(std::u16string(kKey) + u"2"), *beside);
  EXPECT_EQ(cm::delete_tree(*key), STATUS_KEY_DELETED);
  EXPECT_EQ(cm::delete_tree(cm::kRootKey), STATUS_CANNOT_DELETE);
}

TEST_F(Registry, ADeletedKeyStaysDeletedUnderItsId) {
  const auto key = cm::create_key(kKey);
  const auto below = cm::create_key(std::u16string(kKey) + u"\\Below");
  EXPECT_EQ(cm::delete_key(*key), STATUS_CANNOT_DELETE);
  EXPECT_EQ(cm::delete_key(*below), STATUS_SUCCESS);
  EXPECT_EQ(cm::delete_key(*key), STATUS_SUCCESS);
  EXPECT_NE(*cm::create_key(kKey), *key);
  EXPECT_EQ(cm::query_value(*key, u"x").status(), STATUS_KEY_DELETED);
  EXPECT_EQ(cm::delete_key(*key), STATUS_KEY_DELETED);
}

TEST_F(Registry, ServiceKeysHoldWhatTheServiceControllerWrites) {
  EXPECT_FALSE(cm::create_service_key(u"Test", {.image_path = u"\\??\\C:\\Test.sys", .depends = {u"a", u"b"}}));
  const auto key = cm::open_key(u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\test");
  ASSERT_TRUE(key);
  EXPECT_EQ(cm::query_value(*key, u"Type")->data[0], 1);
  EXPECT_EQ(cm::query_value(*key, u"Start")->data[0], 3);
  EXPECT_EQ(cm::query_value(*key, u"ErrorControl")->data[0], 1);
  EXPECT_EQ(cm::query_value(*key, u"ImagePath")->type, ULONG{REG_EXPAND_SZ});
  EXPECT_EQ(cm::query_value(*key, u"DependOnService")->data.size(), 10u);
  EXPECT_EQ(*cm::create_service_key(u"a/b", {}), STATUS_OBJECT_NAME_INVALID);
}

class HiveFile : public ::testing::Test {
 protected:
  HiveFile() {
    char pattern[] = "/tmp/ntemu-hive-XXXXXX";
    directory = mkdtemp(pattern);
    path = directory / "hive.db";
  }
  ~HiveFile() override { std::filesystem::remove_all(directory); }

  std::optional<std::string> boot() {
    ob::boot();
    return cm::boot(path.string());
  }
  static void tear_down() {
    cm::teardown();
    ob::teardown();
  }

  std::filesystem::path directory, path;
};

TEST_F(HiveFile, KeepsWhatAKilledProcessHadWritten) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (boot()) _exit(1);
    const auto key = cm::create_key(kKey);
    for (ULONG i = 0; i < 100; ++i) {
      if (!key || !NT_SUCCESS(cm::set_dword(*key, u"Last", i))) _exit(1);
    }
    (void)!write(ready[1], "x", 1);
    for (;;) pause();
  }
  close(ready[1]);
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_FALSE(boot());
  const auto value = cm::query_value(*cm::open_key(kKey), u"Last");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->data[0], 99);
  tear_down();
}

TEST_F(HiveFile, RefusesWhatIsNoHiveAndLeavesItAlone) {
  const std::string junk(5000, 'j');
  std::ofstream(path) << junk;
  const auto error = boot();
  ASSERT_TRUE(error);
  EXPECT_NE(error->find(path.string()), std::string::npos) << *error;
  tear_down();
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), junk);
}

TEST_F(HiveFile, RefusesADamagedHive) {
  ASSERT_FALSE(boot());
  const auto key = cm::create_key(kKey);
  for (int i = 0; i < 200; ++i)
    cm::set_string(*key, u"Value" + std::u16string(1, static_cast<char16_t>(u'a' + i)), REG_SZ,
                   std::u16string(300, u'x'));
  tear_down();
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(8192, '\xA5');
  }
  const auto error = boot();
  ASSERT_TRUE(error);
  EXPECT_NE(error->find("left as it is"), std::string::npos) << *error;
  tear_down();
}

TEST_F(HiveFile, RefusesAnotherProgramsDatabase) {
  sqlite3 *other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE precious(a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  const auto error = boot();
  ASSERT_TRUE(error);
  EXPECT_NE(error->find("another program"), std::string::npos) << *error;
  tear_down();
}

TEST_F(HiveFile, CannotBeWhereNoFileCanBe) {
  path = directory / "missing" / "hive.db";
  EXPECT_TRUE(boot());
  tear_down();
}

}  // namespace
}  // namespace ntemu::test
