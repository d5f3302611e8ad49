// What a front end that is not NT's asks of a volume: listings, host metadata, room, and who is told of changed names.
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

using Names = std::vector<std::u16string>;

Names names_in(Opened &directory) {
  auto entries = directory->list();
  Names names;
  if (!entries) return {u"<no list>"};
  for (const auto &entry : *entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

template <class Kind>
class Front : public EachVolume<Kind> {};
TYPED_TEST_SUITE(Front, Kinds);

TYPED_TEST(Front, ListShowsWhatAnOpenFinds) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\Sub");
  this->make_file(u"\\d\\File.TXT");
  auto directory = this->open(u"\\d");
  auto entries = directory->list();
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  for (const auto &entry : *entries) {
    auto found = this->open(entry.name, {.directory = directory.file.get()});
    ASSERT_EQ(found.status, STATUS_SUCCESS);
    EXPECT_EQ(found->id(), entry.id);
    EXPECT_EQ(found->is_directory(), entry.directory);
    EXPECT_EQ(entry.name, entry.directory ? u"Sub" : u"File.TXT");
  }
}

TYPED_TEST(Front, ListFollowsEachChange) {
  auto root = this->open(u"\\");
  EXPECT_EQ(names_in(root), Names{});
  this->make_file(u"\\a");
  EXPECT_EQ(names_in(root), Names{u"a"});
  auto file = this->open(u"\\a");
  ASSERT_EQ(this->rename_to(file, u"\\b"), STATUS_SUCCESS);
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  EXPECT_EQ(names_in(root), Names{u"b"}) << "until the last handle is closed the name is there";
  file.close();
  EXPECT_EQ(names_in(root), Names{});
}

TYPED_TEST(Front, OnlyDirectoriesHaveAList) {
  this->make_file(u"\\f");
  EXPECT_EQ(this->open(u"\\f")->list().status(), STATUS_INVALID_PARAMETER);
}

TYPED_TEST(Front, StatAgreesWithTheInformationClasses) {
  this->make_file(u"\\f", "12345", FILE_ATTRIBUTE_HIDDEN);
  auto file = this->open(u"\\f");
  auto stat = file->stat();
  ASSERT_TRUE(stat);
  EXPECT_FALSE(stat->directory);
  EXPECT_EQ(stat->size, 5);
  EXPECT_EQ(stat->links, 1U);
  EXPECT_EQ(stat->uid, ::getuid());
  EXPECT_EQ(stat->attributes, ULONG{FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE});
  const auto basic = this->template query<FILE_BASIC_INFORMATION>(file, FileBasicInformation);
  EXPECT_EQ(stat->times.write, basic.LastWriteTime.QuadPart);
  EXPECT_EQ(stat->times.creation, basic.CreationTime.QuadPart);
  const auto internal = this->template query<FILE_INTERNAL_INFORMATION>(file, FileInternalInformation);
  EXPECT_EQ(stat->id.index, static_cast<uint64_t>(internal.IndexNumber.QuadPart));
  auto root = this->open(u"\\");
  auto directory = root->stat();
  ASSERT_TRUE(directory);
  EXPECT_TRUE(directory->directory);
  EXPECT_EQ(directory->size, 0);
  EXPECT_FALSE(directory->id == stat->id);
}

TYPED_TEST(Front, ModeIsKeptBeyondTheOpen) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f", {.access = FILE_READ_ATTRIBUTES});
  ASSERT_EQ(file->set_owner_and_mode(0640, std::nullopt, std::nullopt), STATUS_SUCCESS);
  ASSERT_EQ(file->set_owner_and_mode(std::nullopt, ::getuid(), ::getgid()), STATUS_SUCCESS);
  file.close();
  auto stat = this->open(u"\\f")->stat();
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->mode, 0640U);
  EXPECT_EQ(stat->gid, ::getgid());
}

struct Events : io::VolumeObserver {
  std::vector<std::string> log;
  std::map<uint64_t, std::string> called;
  void renamed(io::FileId file, io::FileId parent, std::u16string_view name) override {
    log.push_back(called[file.index] + " in " + called[parent.index] + " is " + std::string(name.begin(), name.end()));
  }
  void removed(io::FileId file) override { log.push_back(called[file.index] + " gone"); }
};

TYPED_TEST(Front, ObserverHearsOfMovesAndEnds) {
  Events events;
  this->make_directory(u"\\d");
  this->make_file(u"\\f");
  this->make_file(u"\\victim");
  auto file = this->open(u"\\f");
  events.called[this->open(u"\\")->id().index] = "root";
  events.called[this->open(u"\\d")->id().index] = "d";
  events.called[this->open(u"\\victim")->id().index] = "victim";
  events.called[file->id().index] = "f";
  this->volume_->set_observer(&events);
  using Log = std::vector<std::string>;
  ASSERT_EQ(this->rename_to(file, u"\\d\\g"), STATUS_SUCCESS);
  EXPECT_EQ(events.log, Log{"f in d is g"});
  events.log.clear();
  ASSERT_EQ(this->rename_to(file, u"\\Victim", FILE_RENAME_REPLACE_IF_EXISTS), STATUS_SUCCESS);
  EXPECT_EQ(events.log, (Log{"victim gone", "f in root is Victim"}));
  events.log.clear();
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  EXPECT_EQ(events.log, Log{});
  file.close();
  EXPECT_EQ(events.log, Log{"f gone"});
  this->volume_->set_observer(nullptr);
}

TYPED_TEST(Front, SizeIsMoreThanItsFreePart) {
  auto size = this->volume_->size();
  ASSERT_TRUE(size);
  EXPECT_GT(size->total, 0U);
  EXPECT_GE(size->total, size->free);
  EXPECT_GE(size->free, size->free_for_user);
  EXPECT_GT(size->block, 0U);
}

TEST(MemoryFront, SizeFollowsWhatIsWritten) {
  auto volume = make_memory_volume(64 * 1024);
  io::CreateRequest request;
  request.path = u"\\f";
  request.access = FILE_ALL_ACCESS;
  request.disposition = FILE_CREATE;
  auto file = volume->create(request);
  ASSERT_TRUE(file);
  LONGLONG offset = 0;
  ASSERT_TRUE(file->file->write("x", 1, offset));
  auto size = volume->size();
  ASSERT_TRUE(size);
  EXPECT_EQ(size->total, 64U * 1024);
  EXPECT_EQ(size->free, 60U * 1024);
  file->file.reset();
}

class HostFront : public AnyVolume {
 protected:
  HostFront() { volume_ = kind_.make(); }
  ~HostFront() override { volume_.reset(); }
  std::filesystem::path host(const char *name) { return kind_.directory.path() / name; }
  HostKind kind_;
};

TEST_F(HostFront, ListHasLinksAsWhatTheyLeadToAndNothingThatCannotBeOpened) {
  make_directory(u"\\d");
  make_file(u"\\f", "data");
  std::filesystem::create_symlink("f", host("to a file"));
  std::filesystem::create_symlink("/d", host("to a directory"));
  std::filesystem::create_symlink("nowhere", host("broken"));
  std::filesystem::create_symlink("/etc/passwd", host("out"));
  std::filesystem::create_symlink("round", host("round"));
  ASSERT_EQ(::mkfifo(host("pipe").c_str(), 0600), 0);
  std::ofstream(host("bad \xFF name"));
  auto root = open(u"\\");
  EXPECT_EQ(names_in(root), (Names{u"d", u"f", u"to a directory", u"to a file"}));
  auto entries = root->list();
  ASSERT_TRUE(entries);
  const auto file = open(u"\\f")->id();
  const auto directory = open(u"\\d")->id();
  for (const auto &entry : *entries) EXPECT_EQ(entry.id, entry.directory ? directory : file);
  for (const char16_t *name : {u"\\broken", u"\\out", u"\\round", u"\\pipe"}) {
    EXPECT_FALSE(NT_SUCCESS(try_open(name))) << "not shown, so not to be opened";
  }
}

TEST_F(HostFront, ListHasEachCaseVariantAndMappedCharacters) {
  std::ofstream(host("name"));
  std::ofstream(host("NAME"));
  std::ofstream(host("a:b"));
  auto root = open(u"\\");
  EXPECT_EQ(names_in(root), (Names{u"NAME",
                                   u"a\xF03A"
                                   u"b",
                                   u"name"}));
}

TEST_F(HostFront, ModeIsTheHosts) {
  make_file(u"\\f");
  ASSERT_EQ(::chmod(host("f").c_str(), 0751), 0);
  auto stat = open(u"\\f")->stat();
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->mode, 0751U);
  ASSERT_EQ(open(u"\\f")->set_owner_and_mode(0600, std::nullopt, std::nullopt), STATUS_SUCCESS);
  struct stat now;
  ASSERT_EQ(::stat(host("f").c_str(), &now), 0);
  EXPECT_EQ(now.st_mode & 07777, 0600U);
}

}  // namespace
}  // namespace ntemu::fs::test
