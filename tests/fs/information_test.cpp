// Data and information classes of an open file.
#include "ntemu/base/clock.h"
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

template <class Kind>
class Information : public EachVolume<Kind> {
 protected:
  template <class Info>
  NTSTATUS set(Opened &file, FILE_INFORMATION_CLASS info_class, Info info) {
    return file->set(info_class, &info, sizeof(info));
  }
  LONGLONG size(Opened &file) {
    return this->template query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).EndOfFile.QuadPart;
  }
};
TYPED_TEST_SUITE(Information, Kinds);

LARGE_INTEGER large(LONGLONG value) {
  LARGE_INTEGER result;
  result.QuadPart = value;
  return result;
}

TYPED_TEST(Information, ReadingStopsAtTheEnd) {
  this->make_file(u"\\f", "0123456789");
  auto file = this->open(u"\\f");
  char buffer[16];
  auto moved = file->read(buffer, sizeof(buffer), 4);
  ASSERT_TRUE(moved);
  EXPECT_EQ(std::string(buffer, *moved), "456789");
  EXPECT_EQ(file->read(buffer, 1, 10).status(), STATUS_END_OF_FILE);
  EXPECT_EQ(file->read(buffer, 1, LONGLONG{1} << 62).status(), STATUS_END_OF_FILE);
  auto nothing = file->read(buffer, 0, 10);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(*nothing, 0U);
}

TYPED_TEST(Information, WritingPastTheEndLeavesZeros) {
  this->make_file(u"\\f", "ab");
  auto file = this->open(u"\\f");
  LONGLONG offset = 4;
  ASSERT_TRUE(file->write("cd", 2, offset));
  EXPECT_EQ(offset, 4);
  EXPECT_EQ(this->contents(u"\\f"), std::string("ab\0\0cd", 6));
}

TYPED_TEST(Information, AppendTellsWhereItWent) {
  this->make_file(u"\\f", "ab");
  auto file = this->open(u"\\f");
  LONGLONG offset = io::kAppend;
  ASSERT_TRUE(file->write("cd", 2, offset));
  EXPECT_EQ(offset, 2);
  EXPECT_EQ(this->contents(u"\\f"), "abcd");
}

TYPED_TEST(Information, DirectoriesHaveNoData) {
  this->make_directory(u"\\d");
  auto directory = this->open(u"\\d");
  char byte = 0;
  LONGLONG offset = 0;
  EXPECT_EQ(directory->read(&byte, 1, 0).status(), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(directory->write(&byte, 1, offset).status(), STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(this->set(directory, FileEndOfFileInformation, FILE_END_OF_FILE_INFORMATION{large(0)}),
            STATUS_INVALID_PARAMETER);
}

TYPED_TEST(Information, EndOfFileAndAllocation) {
  this->make_file(u"\\f", "0123456789");
  auto file = this->open(u"\\f");
  EXPECT_EQ(this->set(file, FileEndOfFileInformation, FILE_END_OF_FILE_INFORMATION{large(4)}), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f"), "0123");
  EXPECT_EQ(this->set(file, FileEndOfFileInformation, FILE_END_OF_FILE_INFORMATION{large(6)}), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f"), std::string("0123\0\0", 6));
  EXPECT_EQ(this->set(file, FileEndOfFileInformation, FILE_END_OF_FILE_INFORMATION{large(-1)}),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(this->set(file, FileAllocationInformation, FILE_ALLOCATION_INFORMATION{large(100000)}), STATUS_SUCCESS);
  EXPECT_EQ(this->size(file), 6);
  EXPECT_GE(this->template query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).AllocationSize.QuadPart,
            100000);
  EXPECT_EQ(this->set(file, FileAllocationInformation, FILE_ALLOCATION_INFORMATION{large(2)}), STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f"), "01");
}

TYPED_TEST(Information, BuffersMustHoldTheClass) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  struct {
    FILE_INFORMATION_CLASS info_class;
    ULONG size;
  } const rows[] = {{FileBasicInformation, 40},       {FileStandardInformation, 24},   {FileInternalInformation, 8},
                    {FileEaInformation, 4},           {FileNameInformation, 8},        {FileAllInformation, 104},
                    {FileNetworkOpenInformation, 56}, {FileAttributeTagInformation, 8}};
  for (const auto &row : rows) {
    alignas(8) char buffer[256];
    ULONG information = 77;
    EXPECT_EQ(file->query(row.info_class, buffer, row.size - 1, information), STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(information, 0U);
    EXPECT_EQ(file->query(row.info_class, buffer, sizeof(buffer), information), STATUS_SUCCESS);
    EXPECT_GE(information, row.size);
  }
  char byte = 0;
  ULONG information = 0;
  EXPECT_EQ(file->query(FileDirectoryInformation, &byte, 1, information), STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(file->set(FileBasicInformation, &byte, 1), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(file->set(FileDispositionInformation, &byte, 0), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(file->set(FileEndOfFileInformation, &byte, 1), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(file->set(FileStandardInformation, &byte, 1), STATUS_INVALID_INFO_CLASS);
}

TYPED_TEST(Information, NameIsCutWithAWarning) {
  this->make_file(u"\\long name");
  auto file = this->open(u"\\long name");
  alignas(4) char buffer[14] = {};
  ULONG information = 0;
  EXPECT_EQ(file->query(FileNameInformation, buffer, 13, information), STATUS_BUFFER_OVERFLOW);
  const auto &info = *reinterpret_cast<FILE_NAME_INFORMATION *>(buffer);
  EXPECT_EQ(info.FileNameLength, 20U);
  EXPECT_EQ(information, 4U + 8U);
  EXPECT_EQ(std::memcmp(info.FileName, u"\\lon", 8), 0);
  alignas(8) char all[sizeof(FILE_ALL_INFORMATION)];
  EXPECT_EQ(file->query(FileAllInformation, all, sizeof(all), information), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(information, ULONG{sizeof(all)});
}

TYPED_TEST(Information, StandardAndInternalTellFilesApart) {
  this->make_file(u"\\f", "abc");
  this->make_directory(u"\\d");
  auto file = this->open(u"\\f");
  auto again = this->open(u"\\F");
  auto directory = this->open(u"\\d");
  EXPECT_EQ(this->size(file), 3);
  EXPECT_FALSE(this->template query<FILE_STANDARD_INFORMATION>(file, FileStandardInformation).Directory);
  EXPECT_TRUE(this->template query<FILE_STANDARD_INFORMATION>(directory, FileStandardInformation).Directory);
  const auto index = [&](Opened &of) {
    return this->template query<FILE_INTERNAL_INFORMATION>(of, FileInternalInformation).IndexNumber.QuadPart;
  };
  EXPECT_EQ(index(file), index(again));
  EXPECT_NE(index(file), index(directory));
}

TYPED_TEST(Information, BasicAttributes) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  const auto set = [&](ULONG attributes) {
    FILE_BASIC_INFORMATION basic{};
    basic.FileAttributes = attributes;
    return this->set(file, FileBasicInformation, basic);
  };
  EXPECT_EQ(set(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM), STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\f"), ULONG{FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM});
  EXPECT_EQ(set(0), STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\f"), ULONG{FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM});
  EXPECT_EQ(set(FILE_ATTRIBUTE_NORMAL), STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\f"), ULONG{FILE_ATTRIBUTE_NORMAL});
  EXPECT_EQ(set(FILE_ATTRIBUTE_DIRECTORY), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(set(FILE_ATTRIBUTE_ARCHIVE), STATUS_SUCCESS);
  EXPECT_EQ(this->attributes(u"\\f"), ULONG{FILE_ATTRIBUTE_ARCHIVE});
}

TYPED_TEST(Information, BasicTimes) {
  constexpr LONGLONG kThen = base::kUnixEpoch + 1'000'000 * base::kNtPerSecond + 1234500;
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  const auto set = [&](LONGLONG creation, LONGLONG access, LONGLONG write) {
    FILE_BASIC_INFORMATION basic{};
    basic.CreationTime = large(creation);
    basic.LastAccessTime = large(access);
    basic.LastWriteTime = large(write);
    return this->set(file, FileBasicInformation, basic);
  };
  const auto times = [&] { return this->template query<FILE_BASIC_INFORMATION>(file, FileBasicInformation); };
  EXPECT_EQ(set(kThen, kThen + 1, kThen + 2), STATUS_SUCCESS);
  EXPECT_EQ(times().CreationTime.QuadPart, kThen);
  EXPECT_EQ(times().LastAccessTime.QuadPart, kThen + 1);
  EXPECT_EQ(times().LastWriteTime.QuadPart, kThen + 2);
  EXPECT_EQ(set(0, 0, kThen + 3), STATUS_SUCCESS);
  EXPECT_EQ(times().CreationTime.QuadPart, kThen);
  EXPECT_EQ(times().LastWriteTime.QuadPart, kThen + 3);
  EXPECT_EQ(set(0, -3, 0), STATUS_INVALID_PARAMETER);

  LONGLONG offset = 0;
  EXPECT_EQ(set(0, 0, -1), STATUS_SUCCESS);
  ASSERT_TRUE(file->write("x", 1, offset));
  EXPECT_EQ(times().LastWriteTime.QuadPart, kThen + 3) << "frozen for this handle";
  EXPECT_EQ(set(0, 0, -2), STATUS_SUCCESS);
  ASSERT_TRUE(file->write("x", 1, offset));
  EXPECT_GT(times().LastWriteTime.QuadPart, kThen + 3);
}

TEST(MemoryVolume, FullDiskIsReportedAndFreedAgain) {
  auto volume = make_memory_volume(8192);
  io::CreateRequest request;
  request.path = u"\\f";
  request.access = FILE_ALL_ACCESS;
  request.disposition = FILE_OVERWRITE_IF;
  request.options = FILE_DELETE_ON_CLOSE;
  const std::string data(8192, 'x');
  for (int round = 0; round < 3; ++round) {
    auto file = volume->create(request);
    ASSERT_TRUE(file);
    LONGLONG offset = 0;
    EXPECT_TRUE(file->file->write(data.data(), 8192, offset));
    offset = 8192;
    EXPECT_EQ(file->file->write("x", 1, offset).status(), STATUS_DISK_FULL);
  }
}

}  // namespace
}  // namespace ntemu::fs::test
