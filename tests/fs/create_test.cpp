// Creating and opening: dispositions, parameters, names, attributes.
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

template <class Kind>
class Create : public EachVolume<Kind> {};
TYPED_TEST_SUITE(Create, Kinds);

constexpr NTSTATUS kOk = STATUS_SUCCESS;
constexpr ULONG kNone = ~0U;

struct Row {
  ULONG disposition;
  NTSTATUS absent;
  ULONG absent_information;
  NTSTATUS file;
  ULONG file_information;
  NTSTATUS directory;
  ULONG directory_information;
};
// MS-FSA 2.1.5.1.
constexpr Row kDispositions[] = {
    {FILE_SUPERSEDE, kOk, 2, kOk, 0, STATUS_OBJECT_NAME_COLLISION, kNone},
    {FILE_OPEN, STATUS_OBJECT_NAME_NOT_FOUND, kNone, kOk, 1, kOk, 1},
    {FILE_CREATE, kOk, 2, STATUS_OBJECT_NAME_COLLISION, kNone, STATUS_OBJECT_NAME_COLLISION, kNone},
    {FILE_OPEN_IF, kOk, 2, kOk, 1, kOk, 1},
    {FILE_OVERWRITE, STATUS_OBJECT_NAME_NOT_FOUND, kNone, kOk, 3, STATUS_OBJECT_NAME_COLLISION, kNone},
    {FILE_OVERWRITE_IF, kOk, 2, kOk, 3, STATUS_OBJECT_NAME_COLLISION, kNone},
};

TYPED_TEST(Create, DispositionDecidesStatusAndInformation) {
  for (const Row &row : kDispositions) {
    SCOPED_TRACE(row.disposition);
    const std::u16string suffix(1, static_cast<char16_t>(u'0' + row.disposition));
    this->make_file(u"\\file" + suffix, "data");
    this->make_directory(u"\\directory" + suffix);
    const auto check = [&](const std::u16string &path, NTSTATUS status, ULONG information) {
      auto opened = this->open(path, {.disposition = row.disposition});
      EXPECT_EQ(opened.status, status);
      EXPECT_EQ(opened.information, information == kNone ? ~ULONG_PTR{0} : information);
    };
    check(u"\\absent" + suffix, row.absent, row.absent_information);
    check(u"\\FILE" + suffix, row.file, row.file_information);
    check(u"\\Directory" + suffix, row.directory, row.directory_information);
    const bool emptied = row.file_information == FILE_SUPERSEDED || row.file_information == FILE_OVERWRITTEN;
    EXPECT_EQ(this->contents(u"\\file" + suffix), emptied ? "" : "data");
  }
}

TYPED_TEST(Create, RootRefusesEverythingButOpening) {
  for (ULONG disposition :
       std::initializer_list<ULONG>{FILE_SUPERSEDE, FILE_CREATE, FILE_OVERWRITE, FILE_OVERWRITE_IF}) {
    EXPECT_EQ(this->try_open(u"\\", {.disposition = disposition}), STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(this->open(u"\\", {.disposition = FILE_OPEN}).information, ULONG_PTR{FILE_OPENED});
  EXPECT_EQ(this->open(u"\\", {.disposition = FILE_OPEN_IF}).information, ULONG_PTR{FILE_OPENED});
  EXPECT_EQ(this->try_open(u"\\", {.options = FILE_NON_DIRECTORY_FILE}), STATUS_FILE_IS_A_DIRECTORY);
  EXPECT_EQ(this->try_open(u"\\", {.options = FILE_DELETE_ON_CLOSE}), STATUS_CANNOT_DELETE);
  auto root = this->open(u"\\");
  EXPECT_EQ(this->dispose(root), STATUS_CANNOT_DELETE);
  EXPECT_EQ(root->rename(u"x", nullptr, 0, UserMode), STATUS_INVALID_PARAMETER);
}

TYPED_TEST(Create, KindOptionsAreCheckedAgainstWhatIsThere) {
  this->make_file(u"\\f");
  this->make_directory(u"\\d");
  EXPECT_EQ(this->try_open(u"\\f", {.options = FILE_DIRECTORY_FILE}), STATUS_NOT_A_DIRECTORY);
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE}),
            STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(this->try_open(u"\\d", {.options = FILE_NON_DIRECTORY_FILE}), STATUS_FILE_IS_A_DIRECTORY);
  EXPECT_EQ(this->try_open(u"\\d", {.disposition = FILE_CREATE, .options = FILE_NON_DIRECTORY_FILE}),
            STATUS_OBJECT_NAME_COLLISION);
  EXPECT_TRUE(this->open(u"\\d", {.options = FILE_DIRECTORY_FILE}).file->is_directory());
}

TYPED_TEST(Create, UserCallersParametersAreChecked) {
  this->make_file(u"\\f");
  struct {
    Ask ask;
    NTSTATUS status;
  } const rows[] = {
      {{.access = 0}, STATUS_ACCESS_DENIED},
      {{.access = 0x00000200}, STATUS_ACCESS_DENIED},
      {{.access = FILE_READ_DATA | 0x08000000}, STATUS_ACCESS_DENIED},
      {{.disposition = 6}, STATUS_INVALID_PARAMETER},
      {{.share = 8}, STATUS_INVALID_PARAMETER},
      {{.options = 0x01000000}, STATUS_INVALID_PARAMETER},
      {{.attributes = 0x00010000}, STATUS_INVALID_PARAMETER},
      {{.options = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE}, STATUS_INVALID_PARAMETER},
      {{.disposition = FILE_SUPERSEDE, .options = FILE_DIRECTORY_FILE}, STATUS_INVALID_PARAMETER},
      {{.disposition = FILE_OVERWRITE, .options = FILE_DIRECTORY_FILE}, STATUS_INVALID_PARAMETER},
      {{.disposition = FILE_OVERWRITE_IF, .options = FILE_DIRECTORY_FILE}, STATUS_INVALID_PARAMETER},
      {{.access = FILE_READ_DATA, .options = FILE_DELETE_ON_CLOSE}, STATUS_INVALID_PARAMETER},
      {{.options = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT}, STATUS_INVALID_PARAMETER},
      {{.access = FILE_WRITE_DATA, .options = FILE_SYNCHRONOUS_IO_NONALERT}, STATUS_INVALID_PARAMETER},
      {{.access = FILE_APPEND_DATA, .options = FILE_NO_INTERMEDIATE_BUFFERING}, STATUS_INVALID_PARAMETER},
  };
  for (const auto &row : rows) EXPECT_EQ(this->try_open(u"\\f", row.ask), row.status);
}

TYPED_TEST(Create, KernelCallersSkipParameterChecks) {
  this->make_file(u"\\f");
  EXPECT_EQ(this->try_open(u"\\f", {.access = 0, .mode = KernelMode}), STATUS_SUCCESS);
  EXPECT_EQ(
      this->try_open(u"\\f", {.access = FILE_WRITE_DATA, .options = FILE_SYNCHRONOUS_IO_NONALERT, .mode = KernelMode}),
      STATUS_SUCCESS);
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = 6, .mode = KernelMode}), STATUS_INVALID_PARAMETER);
  this->make_directory(u"\\d");
  const Ask overwrite{.disposition = FILE_OVERWRITE_IF, .options = FILE_DIRECTORY_FILE, .mode = KernelMode};
  EXPECT_EQ(this->try_open(u"\\f", overwrite), STATUS_NOT_A_DIRECTORY);
  EXPECT_EQ(this->try_open(u"\\d", overwrite), STATUS_OBJECT_NAME_COLLISION);
}

TYPED_TEST(Create, BadNamesHaveTheirStatus) {
  this->make_directory(u"\\dir");
  this->make_file(u"\\dir\\file");
  struct {
    std::u16string path;
    NTSTATUS status;
  } const rows[] = {
      {u"", STATUS_OBJECT_PATH_SYNTAX_BAD},
      {u"dir", STATUS_OBJECT_PATH_SYNTAX_BAD},
      {u"\\a\"b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a/b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a:b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a|b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a<b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a>b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a*b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a?b", STATUS_OBJECT_NAME_INVALID},
      {u"\\a\u001fb", STATUS_OBJECT_NAME_INVALID},
      {std::u16string(u"\\a\0b", 4), STATUS_OBJECT_NAME_INVALID},
      {u"\\" + std::u16string(256, u'n'), STATUS_OBJECT_NAME_INVALID},
      {u"\\dir\\\\file", STATUS_OBJECT_NAME_INVALID},
      {u"\\dir\\\\", STATUS_OBJECT_NAME_INVALID},
      {u"\\.", STATUS_OBJECT_NAME_INVALID},
      {u"\\dir\\..", STATUS_OBJECT_NAME_INVALID},
      {u"\\..\\dir", STATUS_OBJECT_NAME_INVALID},
      {u"\\dir\\file\\", STATUS_OBJECT_NAME_INVALID},
      {u"\\missing\\file", STATUS_OBJECT_PATH_NOT_FOUND},
      {u"\\dir\\file\\deeper", STATUS_OBJECT_PATH_NOT_FOUND},
      {u"\\dir\\missing", STATUS_OBJECT_NAME_NOT_FOUND},
      {u"\\dir\\", STATUS_SUCCESS},
      {u"\\\\dir", STATUS_SUCCESS},
  };
  for (const auto &row : rows) EXPECT_EQ(this->try_open(row.path), row.status) << std::filesystem::path(row.path);
  EXPECT_EQ(this->try_open(u"\\dir\\", {.options = FILE_NON_DIRECTORY_FILE}), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(this->try_open(u"\\new\\", {.disposition = FILE_CREATE}), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(this->try_open(u"\\new\\", {.disposition = FILE_CREATE, .options = FILE_DIRECTORY_FILE}), STATUS_SUCCESS);
}

TYPED_TEST(Create, NamesThatOnlyWin32RefusesAreKeptAsTheyAre) {
  for (const char16_t *path : {u"\\CON", u"\\nul", u"\\trailing dot.", u"\\trailing space ",
                               u"\\\u00c4\u4f60\U0001F600", u"\\half \xD800 pair", u"\\\xF03A private use"}) {
    this->make_file(path, "x");
    auto file = this->open(path);
    ASSERT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(file->path(), path);
  }
}

TYPED_TEST(Create, CaseIsPreservedAndIgnored) {
  this->make_directory(u"\\Some Directory");
  this->make_file(u"\\Some Directory\\\u00c4rger.TXT", "x");
  auto file = this->open(u"\\sOME dIRECTORY\\\u00e4RGER.txt");
  ASSERT_EQ(file.status, STATUS_SUCCESS);
  EXPECT_EQ(file->path(), u"\\Some Directory\\\u00c4rger.TXT");
  EXPECT_EQ(this->try_open(u"\\SOME DIRECTORY\\\u00c4RGER.TXT", {.disposition = FILE_CREATE}),
            STATUS_OBJECT_NAME_COLLISION);
}

TYPED_TEST(Create, RelativeToADirectory) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\e");
  this->make_file(u"\\d\\e\\f", "x");
  auto directory = this->open(u"\\d");
  EXPECT_EQ(this->try_open(u"E\\F", {.directory = directory.file.get()}), STATUS_SUCCESS);
  EXPECT_EQ(this->open(u"", {.directory = directory.file.get()})->path(), u"\\d");
  EXPECT_EQ(this->try_open(u"\\d\\e", {.directory = directory.file.get()}), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(this->try_open(u"..", {.directory = directory.file.get()}), STATUS_OBJECT_NAME_INVALID);
  auto file = this->open(u"\\d\\e\\f");
  EXPECT_EQ(this->try_open(u"x", {.directory = file.file.get()}), STATUS_OBJECT_PATH_NOT_FOUND);
}

TYPED_TEST(Create, NewFilesGainArchive) {
  this->make_file(u"\\plain");
  this->make_file(u"\\hidden", {}, FILE_ATTRIBUTE_HIDDEN);
  this->make_directory(u"\\directory");
  EXPECT_EQ(this->attributes(u"\\plain"), ULONG{FILE_ATTRIBUTE_ARCHIVE});
  EXPECT_EQ(this->attributes(u"\\hidden"), ULONG{FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN});
  EXPECT_EQ(this->attributes(u"\\directory"), ULONG{FILE_ATTRIBUTE_DIRECTORY});
}

TYPED_TEST(Create, ReadOnlyFilesRefuseWritingAndDeletionOnClose) {
  {
    // Whoever creates a read-only file may still fill it.
    auto file = this->open(u"\\r", {.disposition = FILE_CREATE, .attributes = FILE_ATTRIBUTE_READONLY});
    LONGLONG offset = 0;
    ASSERT_TRUE(file->write("abc", 3, offset));
  }
  for (KPROCESSOR_MODE mode : {KPROCESSOR_MODE{KernelMode}, KPROCESSOR_MODE{UserMode}}) {
    EXPECT_EQ(this->try_open(u"\\r", {.access = FILE_WRITE_DATA, .mode = mode}), STATUS_ACCESS_DENIED);
    EXPECT_EQ(this->try_open(u"\\r", {.access = FILE_APPEND_DATA, .mode = mode}), STATUS_ACCESS_DENIED);
    EXPECT_EQ(this->try_open(u"\\r", {.access = DELETE, .options = FILE_DELETE_ON_CLOSE, .mode = mode}),
              STATUS_CANNOT_DELETE);
    EXPECT_EQ(this->try_open(u"\\r", {.access = DELETE, .mode = mode}), STATUS_SUCCESS);
    EXPECT_EQ(this->try_open(u"\\r", {.access = FILE_READ_DATA, .mode = mode}), STATUS_SUCCESS);
    EXPECT_EQ(this->try_open(u"\\r", {.disposition = FILE_OVERWRITE, .access = FILE_READ_DATA, .mode = mode}),
              STATUS_ACCESS_DENIED);
  }
  EXPECT_EQ(this->open(u"\\r", {.access = MAXIMUM_ALLOWED}).granted,
            ACCESS_MASK{FILE_ALL_ACCESS & ~(FILE_WRITE_DATA | FILE_APPEND_DATA)});
  EXPECT_EQ(this->try_open(
                u"\\new",
                {.disposition = FILE_CREATE, .options = FILE_DELETE_ON_CLOSE, .attributes = FILE_ATTRIBUTE_READONLY}),
            STATUS_CANNOT_DELETE);
}

TYPED_TEST(Create, OverwritingMustNameHiddenAndSystem) {
  for (ULONG attribute : std::initializer_list<ULONG>{FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM}) {
    const std::u16string path = attribute == FILE_ATTRIBUTE_HIDDEN ? u"\\h" : u"\\s";
    this->make_file(path, "data", attribute);
    for (ULONG disposition : std::initializer_list<ULONG>{FILE_SUPERSEDE, FILE_OVERWRITE, FILE_OVERWRITE_IF}) {
      EXPECT_EQ(this->try_open(path, {.disposition = disposition}), STATUS_ACCESS_DENIED);
      EXPECT_EQ(this->contents(path), "data");
    }
    EXPECT_EQ(this->try_open(path, {.disposition = FILE_OVERWRITE, .attributes = attribute}), STATUS_SUCCESS);
    EXPECT_EQ(this->contents(path), "");
    EXPECT_EQ(this->attributes(path), ULONG{attribute | FILE_ATTRIBUTE_ARCHIVE});
  }
}

TYPED_TEST(Create, SupersedeReplacesAttributesAndOverwriteAddsThem) {
  this->make_file(u"\\a", {}, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED);
  EXPECT_EQ(this->try_open(u"\\a", {.disposition = FILE_OVERWRITE, .attributes = FILE_ATTRIBUTE_TEMPORARY}),
            STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\a"),
            ULONG{FILE_ATTRIBUTE_NOT_CONTENT_INDEXED | FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_ARCHIVE});
  EXPECT_EQ(this->try_open(u"\\a", {.disposition = FILE_SUPERSEDE}), STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\a"), ULONG{FILE_ATTRIBUTE_ARCHIVE});
}

}  // namespace
}  // namespace ntemu::fs::test
