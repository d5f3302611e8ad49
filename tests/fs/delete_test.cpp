// Deletion: by disposition, on close, and what a file that waits for it allows.
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

template <class Kind>
class Delete : public EachVolume<Kind> {};
TYPED_TEST_SUITE(Delete, Kinds);

TYPED_TEST(Delete, NameVanishesWithTheLastCleanup) {
  this->make_file(u"\\f");
  auto first = this->open(u"\\f");
  auto second = this->open(u"\\f");
  ASSERT_EQ(this->dispose(first), STATUS_SUCCESS);
  first.close();
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_DELETE_PENDING);
  EXPECT_EQ(this->try_open(u"\\F", {.disposition = FILE_CREATE}), STATUS_DELETE_PENDING);
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_OVERWRITE_IF}), STATUS_DELETE_PENDING);
  second->cleanup();
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_OBJECT_NAME_NOT_FOUND);
  // The object may be referenced still, but the name is free.
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_CREATE}), STATUS_SUCCESS);
  second.close();
  EXPECT_TRUE(this->exists(u"\\f"));
}

TYPED_TEST(Delete, DispositionIsReversible) {
  this->make_file(u"\\f", "data");
  auto file = this->open(u"\\f");
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  ASSERT_EQ(this->dispose(file, false), STATUS_SUCCESS);
  file.close();
  EXPECT_EQ(this->contents(u"\\f"), "data");
}

TYPED_TEST(Delete, ReadOnlyAndFullDirectoriesAreRefused) {
  this->make_file(u"\\r", {}, FILE_ATTRIBUTE_READONLY);
  auto readonly = this->open(u"\\r", {.access = DELETE});
  EXPECT_EQ(this->dispose(readonly), STATUS_CANNOT_DELETE);
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\f");
  auto directory = this->open(u"\\d");
  EXPECT_EQ(this->dispose(directory), STATUS_DIRECTORY_NOT_EMPTY);
  auto file = this->open(u"\\d\\f");
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  EXPECT_EQ(this->dispose(directory), STATUS_DIRECTORY_NOT_EMPTY);
  file.close();
  EXPECT_EQ(this->dispose(directory), STATUS_SUCCESS);
  directory.close();
  EXPECT_FALSE(this->exists(u"\\d"));
}

TYPED_TEST(Delete, PathsThroughAPendingDirectory) {
  this->make_directory(u"\\d");
  auto directory = this->open(u"\\d");
  ASSERT_EQ(this->dispose(directory), STATUS_SUCCESS);
  EXPECT_EQ(this->try_open(u"\\d\\f", {.disposition = FILE_CREATE}), STATUS_DELETE_PENDING);
  EXPECT_EQ(this->try_open(u"f", {.disposition = FILE_CREATE, .directory = directory.file.get()}),
            STATUS_DELETE_PENDING);
}

TYPED_TEST(Delete, OnCloseTakesEffectAtThatHandlesCleanup) {
  this->make_file(u"\\f");
  auto marked = this->open(u"\\f", {.options = FILE_DELETE_ON_CLOSE});
  ASSERT_EQ(marked.status, STATUS_SUCCESS);
  auto other = this->open(u"\\f");
  ASSERT_EQ(other.status, STATUS_SUCCESS);
  EXPECT_FALSE(this->template query<FILE_STANDARD_INFORMATION>(other, FileStandardInformation).DeletePending);
  marked.close();
  EXPECT_TRUE(this->template query<FILE_STANDARD_INFORMATION>(other, FileStandardInformation).DeletePending);
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_DELETE_PENDING);
  other.close();
  EXPECT_FALSE(this->exists(u"\\f"));
}

TYPED_TEST(Delete, OnCloseOfAFullDirectoryKeepsIt) {
  this->make_directory(u"\\d");
  auto directory = this->open(u"\\d", {.options = FILE_DELETE_ON_CLOSE});
  this->make_file(u"\\d\\f");
  directory.close();
  EXPECT_EQ(this->try_open(u"\\d\\f"), STATUS_SUCCESS);
}

TYPED_TEST(Delete, OpenerWithoutSharedDeleteIsInTheWay) {
  this->make_file(u"\\f");
  auto holder = this->open(u"\\f", {.share = FILE_SHARE_READ | FILE_SHARE_WRITE});
  EXPECT_EQ(this->try_open(u"\\f", {.access = DELETE}), STATUS_SHARING_VIOLATION);
}

TYPED_TEST(Delete, MovedFileIsDeletedWhereItIs) {
  this->make_directory(u"\\d");
  this->make_file(u"\\f");
  auto file = this->open(u"\\f", {.options = FILE_DELETE_ON_CLOSE});
  ASSERT_EQ(this->rename_to(file, u"\\d\\g"), STATUS_SUCCESS);
  this->make_file(u"\\f", "another");
  file.close();
  EXPECT_FALSE(this->exists(u"\\d\\g"));
  EXPECT_EQ(this->contents(u"\\f"), "another");
}

TYPED_TEST(Delete, LinksThatWillGoAreNotCounted) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  EXPECT_EQ(this->template query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).NumberOfLinks, 1U);
  ASSERT_EQ(this->dispose(file), STATUS_SUCCESS);
  EXPECT_EQ(this->template query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).NumberOfLinks, 0U);
}

constexpr ULONG kPosixDelete = FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS;

TYPED_TEST(Delete, PosixNameGoesWithTheHandleThatDeletes) {
  this->make_file(u"\\f", "old");
  auto reader = this->open(u"\\f");
  auto deleter = this->open(u"\\f", {.access = DELETE});
  ASSERT_EQ(this->dispose_ex(deleter, kPosixDelete), STATUS_SUCCESS);
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_DELETE_PENDING) << "not before that handle is closed";
  deleter->cleanup();
  this->make_file(u"\\f", "new");
  char buffer[8];
  auto moved = reader->read(buffer, sizeof(buffer), 0);
  ASSERT_TRUE(moved);
  EXPECT_EQ(std::string(buffer, *moved), "old");
  LONGLONG offset = 0;
  ASSERT_TRUE(reader->write("OLD!", 4, offset));
  EXPECT_TRUE(this->pending(reader));
  EXPECT_EQ(this->template query<FILE_STANDARD_INFORMATION>(reader, FileStandardInformation).NumberOfLinks, 0U);
  EXPECT_EQ(this->dispose(reader), STATUS_FILE_DELETED);
  EXPECT_EQ(this->rename_to(reader, u"\\g"), STATUS_ACCESS_DENIED);
  reader.close();
  deleter.close();
  EXPECT_EQ(this->contents(u"\\f"), "new");
}

TYPED_TEST(Delete, PosixDeletionOfAnotherHandleIsNotHurried) {
  this->make_file(u"\\f");
  auto deleter = this->open(u"\\f");
  auto other = this->open(u"\\f");
  ASSERT_EQ(this->dispose_ex(deleter, kPosixDelete), STATUS_SUCCESS);
  other.close();
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_DELETE_PENDING);
  ASSERT_EQ(this->dispose_ex(deleter, FILE_DISPOSITION_DO_NOT_DELETE), STATUS_SUCCESS);
  deleter.close();
  EXPECT_TRUE(this->exists(u"\\f"));
}

TYPED_TEST(Delete, WithoutPosixTheExClassIsTheOldOne) {
  this->make_file(u"\\f");
  auto first = this->open(u"\\f");
  auto second = this->open(u"\\f");
  ASSERT_EQ(this->dispose_ex(first, FILE_DISPOSITION_DELETE | FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK),
            STATUS_SUCCESS);
  first.close();
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_DELETE_PENDING);
  second.close();
  EXPECT_FALSE(this->exists(u"\\f"));
}

TYPED_TEST(Delete, PosixLeavesNothingInADirectoryThatIsOpen) {
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\f");
  auto reader = this->open(u"\\d\\f");
  auto deleter = this->open(u"\\d\\f");
  ASSERT_EQ(this->dispose_ex(deleter, kPosixDelete), STATUS_SUCCESS);
  deleter.close();
  auto holder = this->open(u"\\d");
  auto directory = this->open(u"\\d");
  ASSERT_EQ(this->dispose_ex(directory, kPosixDelete), STATUS_SUCCESS);
  directory.close();
  EXPECT_EQ(this->try_open(u"\\d"), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(this->try_open(u"g", {.disposition = FILE_CREATE, .directory = holder.file.get()}), STATUS_DELETE_PENDING);
  auto left = holder->list();
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
}

TYPED_TEST(Delete, PosixDeletionLetsTheDirectoryMove) {
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\f");
  auto reader = this->open(u"\\d\\f");
  auto deleter = this->open(u"\\d\\f");
  ASSERT_EQ(this->dispose_ex(deleter, kPosixDelete), STATUS_SUCCESS);
  deleter.close();
  auto directory = this->open(u"\\d");
  EXPECT_EQ(this->rename_to(directory, u"\\e"), STATUS_SUCCESS);
}

TYPED_TEST(Delete, ReadOnlyCanBeIgnored) {
  this->make_file(u"\\r", {}, FILE_ATTRIBUTE_READONLY);
  auto file = this->open(u"\\r", {.access = DELETE});
  EXPECT_EQ(this->dispose_ex(file, FILE_DISPOSITION_DELETE), STATUS_CANNOT_DELETE);
  EXPECT_EQ(this->dispose_ex(file, FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE),
            STATUS_SUCCESS);
  file.close();
  EXPECT_FALSE(this->exists(u"\\r"));
}

TYPED_TEST(Delete, OnCloseStateCanBeSetAndCleared) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f", {.options = FILE_DELETE_ON_CLOSE});
  ASSERT_EQ(this->dispose_ex(file, FILE_DISPOSITION_ON_CLOSE), STATUS_SUCCESS);
  file.close();
  ASSERT_TRUE(this->exists(u"\\f"));
  file = this->open(u"\\f");
  ASSERT_EQ(this->dispose_ex(file, FILE_DISPOSITION_DELETE | FILE_DISPOSITION_ON_CLOSE), STATUS_SUCCESS);
  EXPECT_FALSE(this->pending(file));
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_SUCCESS) << "nothing is pending yet";
  file.close();
  EXPECT_FALSE(this->exists(u"\\f"));
}

TYPED_TEST(Delete, UnknownDispositionFlagsAreRefused) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  EXPECT_EQ(this->dispose_ex(file, FILE_DISPOSITION_DELETE | 0x100), STATUS_INVALID_PARAMETER);
  file.close();
  EXPECT_TRUE(this->exists(u"\\f"));
}

}  // namespace
}  // namespace ntemu::fs::test
