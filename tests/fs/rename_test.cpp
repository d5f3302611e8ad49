// Renaming and moving: every check of MS-FSA's FileRenameInformation, and their order.
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

constexpr ULONG kReplace = FILE_RENAME_REPLACE_IF_EXISTS;
constexpr ULONG kPosix = FILE_RENAME_POSIX_SEMANTICS;

template <class Kind>
class Rename : public EachVolume<Kind> {
 protected:
  NTSTATUS rename(std::u16string_view path, std::u16string_view name, ULONG flags = 0) {
    auto file = this->open(path, {.access = DELETE});
    return file.file ? file->rename(name, nullptr, flags, UserMode) : file.status;
  }
  NTSTATUS move(std::u16string_view path, std::u16string_view target, ULONG flags = 0) {
    auto file = this->open(path, {.access = DELETE});
    return file.file ? this->rename_to(file, target, flags) : file.status;
  }
};
TYPED_TEST_SUITE(Rename, Kinds);

TYPED_TEST(Rename, BareNameStaysInTheDirectory) {
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\a", "data");
  EXPECT_EQ(this->rename(u"\\d\\a", u"b"), STATUS_SUCCESS);
  EXPECT_FALSE(this->exists(u"\\d\\a"));
  EXPECT_EQ(this->contents(u"\\d\\b"), "data");
}

TYPED_TEST(Rename, FullPathMoves) {
  this->make_directory(u"\\from");
  this->make_directory(u"\\to");
  this->make_file(u"\\from\\a", "data");
  auto file = this->open(u"\\from\\a");
  EXPECT_EQ(this->rename_to(file, u"\\TO\\B"), STATUS_SUCCESS);
  EXPECT_EQ(file->path(), u"\\to\\B");
  EXPECT_FALSE(this->exists(u"\\from\\a"));
  LONGLONG offset = io::kAppend;
  EXPECT_TRUE(file->write("+", 1, offset));
  EXPECT_EQ(this->contents(u"\\to\\b"), "data+");
}

TYPED_TEST(Rename, TargetsDirectoryMustBeThereAndOpenable) {
  this->make_file(u"\\a");
  this->make_file(u"\\file");
  this->make_directory(u"\\d");
  EXPECT_EQ(this->move(u"\\a", u"\\missing\\b"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(this->move(u"\\a", u"\\file\\b"), STATUS_OBJECT_PATH_NOT_FOUND);
  {
    auto exclusive = this->open(u"\\d", {.access = FILE_LIST_DIRECTORY, .share = FILE_SHARE_READ});
    EXPECT_EQ(this->move(u"\\a", u"\\d\\b"), STATUS_SHARING_VIOLATION);
  }
  EXPECT_EQ(this->move(u"\\a", u"\\d\\b"), STATUS_SUCCESS);
}

TYPED_TEST(Rename, OtherVolumeIsRefused) {
  TypeParam other_kind;
  auto other = other_kind.make();
  io::CreateRequest request;
  request.path = u"\\";
  request.access = FILE_ADD_FILE;
  request.disposition = FILE_OPEN;
  auto root = other->create(request);
  ASSERT_TRUE(root);
  this->make_file(u"\\a");
  auto file = this->open(u"\\a");
  EXPECT_EQ(file->rename(u"a", root->file.get(), 0, UserMode), STATUS_NOT_SAME_DEVICE);
  root->file.reset();
}

TYPED_TEST(Rename, BadNamesAreRefused) {
  this->make_file(u"\\a");
  for (const char16_t *name : {u"b\\c", u"b:c", u"*", u".", u"..", u"b/c"}) {
    EXPECT_EQ(this->rename(u"\\a", name), STATUS_OBJECT_NAME_INVALID);
  }
  EXPECT_EQ(this->rename(u"\\a", std::u16string(256, u'n')), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(this->move(u"\\a", u"\\b:c"), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(this->move(u"\\a", u"\\b\\"), STATUS_OBJECT_NAME_INVALID);
}

TYPED_TEST(Rename, NeedsDeleteAccessFromUserMode) {
  this->make_file(u"\\a");
  auto file = this->open(u"\\a", {.access = FILE_ALL_ACCESS & ~DELETE});
  EXPECT_EQ(file->rename(u"b", nullptr, 0, UserMode), STATUS_ACCESS_DENIED);
  EXPECT_EQ(file->rename(u"b", nullptr, 0, KernelMode), STATUS_SUCCESS);
}

TYPED_TEST(Rename, OwnShareAccessDoesNotMatter) {
  this->make_file(u"\\a");
  auto file = this->open(u"\\a", {.share = 0});
  EXPECT_EQ(file->rename(u"b", nullptr, 0, UserMode), STATUS_SUCCESS);
}

TYPED_TEST(Rename, PendingDeletionOfTheSourceIsRefused) {
  this->make_file(u"\\a");
  auto file = this->open(u"\\a");
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  EXPECT_EQ(file->rename(u"b", nullptr, 0, UserMode), STATUS_ACCESS_DENIED);
  // Before a bad name is looked at.
  EXPECT_EQ(file->rename(u":", nullptr, 0, UserMode), STATUS_ACCESS_DENIED);
}

TYPED_TEST(Rename, DirectoryWithOpenFilesBeneathIsRefused) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\e");
  this->make_file(u"\\d\\e\\f");
  {
    auto deep = this->open(u"\\d\\e\\f", {.access = FILE_READ_ATTRIBUTES});
    EXPECT_EQ(this->rename(u"\\d", u"x"), STATUS_ACCESS_DENIED);
    EXPECT_EQ(this->rename(u"\\d", u":"), STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(this->rename(u"\\d", u"x"), STATUS_SUCCESS);
  EXPECT_TRUE(this->exists(u"\\x\\e\\f"));
}

TYPED_TEST(Rename, DirectoryCannotMoveIntoItself) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\e");
  EXPECT_EQ(this->move(u"\\d", u"\\d\\x"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(this->move(u"\\d", u"\\d\\e\\x"), STATUS_INVALID_PARAMETER);
}

TYPED_TEST(Rename, SameNameSucceedsAndCaseCanChange) {
  this->make_file(u"\\name", "data");
  EXPECT_EQ(this->rename(u"\\name", u"name"), STATUS_SUCCESS);
  EXPECT_EQ(this->rename(u"\\name", u"NAME"), STATUS_SUCCESS);
  auto file = this->open(u"\\name");
  EXPECT_EQ(file->path(), u"\\NAME");
  file.close();
  EXPECT_EQ(this->contents(u"\\name"), "data");
  this->make_directory(u"\\dir");
  EXPECT_EQ(this->rename(u"\\dir", u"Dir"), STATUS_SUCCESS);
}

TYPED_TEST(Rename, ExistingTarget) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  this->make_directory(u"\\d");
  this->make_file(u"\\r", "kept", FILE_ATTRIBUTE_READONLY);
  EXPECT_EQ(this->rename(u"\\a", u"B"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(this->rename(u"\\a", u"d"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(this->rename(u"\\a", u"d", kReplace), STATUS_ACCESS_DENIED);
  EXPECT_EQ(this->rename(u"\\a", u"r", kReplace), STATUS_ACCESS_DENIED);
  EXPECT_EQ(this->rename(u"\\a", u"r", kReplace | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\r"), "new");
  EXPECT_EQ(this->contents(u"\\b"), "old");
}

TYPED_TEST(Rename, OpenTargetIsAccessDeniedNotSharingViolation) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  {
    auto target = this->open(u"\\b", {.access = FILE_READ_ATTRIBUTES});
    EXPECT_EQ(this->rename(u"\\a", u"b", kReplace), STATUS_ACCESS_DENIED);
    ASSERT_EQ(this->dispose(target), STATUS_SUCCESS);
    EXPECT_EQ(this->rename(u"\\a", u"b", kReplace), STATUS_DELETE_PENDING);
    EXPECT_EQ(this->rename(u"\\a", u"b"), STATUS_OBJECT_NAME_COLLISION);
    ASSERT_EQ(this->dispose(target, false), STATUS_SUCCESS);
  }
  EXPECT_EQ(this->rename(u"\\a", u"B", kReplace), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\b"), "new");
  EXPECT_EQ(this->open(u"\\b")->path(), u"\\B");
  EXPECT_FALSE(this->exists(u"\\a"));
}

TYPED_TEST(Rename, PosixFlagReplacesAnOpenFileWhichLivesOn) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  auto target = this->open(u"\\b");
  EXPECT_EQ(this->rename(u"\\a", u"b", kReplace | kPosix), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\b"), "new");
  char buffer[8];
  auto moved = target->read(buffer, sizeof(buffer), 0);
  ASSERT_TRUE(moved);
  EXPECT_EQ(std::string(buffer, *moved), "old");
  // Deleting the old one must not take the new one's name away.
  EXPECT_EQ(this->dispose(target), STATUS_FILE_DELETED);
  target.close();
  EXPECT_EQ(this->contents(u"\\b"), "new");
}

TYPED_TEST(Rename, PosixFlagReplacesOnlyWhatMayBeDeleted) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  auto sharing = this->open(u"\\b");
  auto target = this->open(u"\\b", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ | FILE_SHARE_WRITE});
  EXPECT_EQ(target.status, STATUS_SHARING_VIOLATION);
  sharing = this->open(u"\\b", {.access = FILE_READ_DATA});
  target = this->open(u"\\b", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ | FILE_SHARE_WRITE});
  ASSERT_EQ(target.status, STATUS_SUCCESS);
  EXPECT_EQ(this->rename(u"\\a", u"b", kReplace | kPosix), STATUS_ACCESS_DENIED);
  target = this->open(u"\\b", {.access = FILE_READ_ATTRIBUTES, .share = 0});
  EXPECT_EQ(this->rename(u"\\a", u"b", kReplace | kPosix), STATUS_SUCCESS) << "attributes are nobody's to share";
}

TYPED_TEST(Rename, PosixFlagReplacesAnEmptyDirectory) {
  this->make_directory(u"\\a");
  this->make_file(u"\\a\\inside", "data");
  this->make_directory(u"\\b");
  this->make_file(u"\\b\\full");
  EXPECT_EQ(this->rename(u"\\a", u"b", kReplace), STATUS_ACCESS_DENIED);
  EXPECT_EQ(this->rename(u"\\a", u"B", kReplace | kPosix), STATUS_DIRECTORY_NOT_EMPTY);
  auto full = this->open(u"\\b\\full");
  ASSERT_EQ(this->dispose(full), STATUS_SUCCESS);
  full.close();
  EXPECT_EQ(this->rename(u"\\a", u"B", kReplace | kPosix), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\b\\inside"), "data");
  EXPECT_EQ(this->open(u"\\b")->path(), u"\\B");
  EXPECT_FALSE(this->exists(u"\\a"));
  this->make_file(u"\\f");
  EXPECT_EQ(this->rename(u"\\f", u"B", kReplace | kPosix), STATUS_ACCESS_DENIED) << "a file does not";
  auto child = this->open(u"\\b\\inside", {.access = DELETE});
  auto root = this->open(u"\\");
  EXPECT_EQ(child->rename(u"B", root.file.get(), kReplace | kPosix, UserMode), STATUS_ACCESS_DENIED);
}

TYPED_TEST(Rename, UnknownFlagsAreRefused) {
  this->make_file(u"\\a");
  EXPECT_EQ(this->rename(u"\\a", u"b", 0x80000000U), STATUS_NOT_SUPPORTED);
}

TYPED_TEST(Rename, DirectoryReplacesAnUnopenedFile) {
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\inside", "data");
  this->make_file(u"\\f");
  EXPECT_EQ(this->rename(u"\\d", u"f", kReplace), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f\\inside"), "data");
  EXPECT_FALSE(this->exists(u"\\d"));
}

TYPED_TEST(Rename, DirectoryMovesWithItsContents) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\e");
  this->make_directory(u"\\to");
  this->make_file(u"\\d\\e\\f", "data");
  EXPECT_EQ(this->move(u"\\d", u"\\to\\moved"), STATUS_SUCCESS);
  auto file = this->open(u"\\to\\moved\\e\\f");
  ASSERT_EQ(file.status, STATUS_SUCCESS);
  EXPECT_EQ(file->path(), u"\\to\\moved\\e\\f");
  EXPECT_EQ(this->try_open(u"\\d\\e\\f"), STATUS_OBJECT_PATH_NOT_FOUND);
}

TYPED_TEST(Rename, FailureLeavesEverythingAsItWas) {
  this->make_file(u"\\a", "a");
  this->make_file(u"\\b", "b");
  EXPECT_EQ(this->rename(u"\\a", u"b"), STATUS_OBJECT_NAME_COLLISION);
  auto holder = this->open(u"\\b");
  EXPECT_EQ(this->rename(u"\\a", u"b", kReplace), STATUS_ACCESS_DENIED);
  holder.close();
  EXPECT_EQ(this->contents(u"\\a"), "a");
  EXPECT_EQ(this->contents(u"\\b"), "b");
}

}  // namespace
}  // namespace ntemu::fs::test
