// The table of images that are refused, with the exact messages; each leaves nothing behind.
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "tests/ldr/images.h"

namespace ntemu::ldr {
namespace {

struct Case {
  const char *name;
  NTSTATUS status;
  const char *text;
  std::function<std::string(std::string)> make;  // out of a good image

  friend void PrintTo(const Case &value, std::ostream *out) { *out << value.name; }
};

template <class T>
void put(std::string &bytes, size_t offset, T value) {
  bytes.replace(offset, sizeof(T), reinterpret_cast<const char *>(&value), sizeof(T));
}

// Writes `to` and a terminator over each occurrence of `from`, which is not shorter.
std::string rename(std::string bytes, const std::string &from, const std::string &to) {
  EXPECT_NE(bytes.find(from), std::string::npos) << from;
  for (size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at++)
    bytes.replace(at, to.size() + 1, to.c_str(), to.size() + 1);
  return bytes;
}

std::string with_header(std::string bytes, const std::function<void(Elf64_Ehdr &)> &change) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  change(header);
  put(bytes, 0, header);
  return bytes;
}

std::string with_dynamic(std::string bytes, Elf64_Sxword tag, uint64_t value) {
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  for (size_t i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    if (segment.p_type != PT_DYNAMIC) continue;
    for (size_t at = segment.p_offset; at < segment.p_offset + segment.p_filesz; at += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      std::memcpy(&entry, bytes.data() + at, sizeof(entry));
      if (entry.d_tag == tag) put(bytes, at + offsetof(Elf64_Dyn, d_un), value);
    }
  }
  return bytes;
}

const Case kCases[] = {
    {"Empty", STATUS_MAPPED_FILE_SIZE_ZERO, "the file is empty", [](std::string) { return std::string(); }},
    {"Text", STATUS_INVALID_IMAGE_NOT_MZ, "not a driver image: compile the driver's source with ntcc",
     [](std::string) { return std::string("#include <ntddk.h>\n"); }},
    {"WindowsImage", STATUS_INVALID_IMAGE_WIN_64, "a Windows PE image: compile the driver's source with ntcc",
     [](std::string) { return "MZ" + std::string(1000, '\0'); }},
    {"HeaderCutOff", STATUS_INVALID_FILE_FOR_SECTION, "the file is truncated: 40 bytes are less than an ELF header",
     [](std::string good) { return good.substr(0, 40); }},
    {"ProgramHeadersCutOff", STATUS_INVALID_FILE_FOR_SECTION,
     "the file is truncated: its program headers lie beyond its end",
     [](std::string good) { return good.substr(0, 100); }},
    {"BodyCutOff", STATUS_INVALID_FILE_FOR_SECTION, "the file is truncated: its section headers lie beyond its end",
     [](std::string good) { return good.substr(0, good.size() / 2); }},
    {"ThirtyTwoBit", STATUS_INVALID_IMAGE_WIN_32, "a 32-bit image: ntemu loads x86-64 drivers",
     [](std::string good) {
       return with_header(good, [](Elf64_Ehdr &header) { header.e_ident[EI_CLASS] = ELFCLASS32; });
     }},
    {"Arm", STATUS_INVALID_IMAGE_FORMAT, "built for another machine (AArch64): ntemu loads x86-64 drivers",
     [](std::string good) { return with_header(good, [](Elf64_Ehdr &header) { header.e_machine = EM_AARCH64; }); }},
    {"BigEndian", STATUS_INVALID_IMAGE_FORMAT, "built for another machine (ELF machine 62): ntemu loads x86-64 drivers",
     [](std::string good) {
       return with_header(good, [](Elf64_Ehdr &header) { header.e_ident[EI_DATA] = ELFDATA2MSB; });
     }},
    {"ObjectFile", STATUS_INVALID_IMAGE_FORMAT, "an object file: link it with ntcc",
     [](std::string good) { return with_header(good, [](Elf64_Ehdr &header) { header.e_type = ET_REL; }); }},
    {"Program", STATUS_INVALID_IMAGE_FORMAT, "a program, not a driver: build it with ntcc",
     [](std::string good) { return with_header(good, [](Elf64_Ehdr &header) { header.e_type = ET_EXEC; }); }},
    {"NoDriverEntry", STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, "has no DriverEntry",
     [](std::string good) { return rename(good, "GsDriverEntry", "AnotherEntry"); }},
    {"MissingImport", STATUS_ENTRYPOINT_NOT_FOUND, "imports what ntemu does not have: KeReleaseMutez",
     [](std::string good) { return rename(good, "KeReleaseMutex", "KeReleaseMutez"); }},
    {"ImportOfTheCLibrary", STATUS_ENTRYPOINT_NOT_FOUND, "imports what ntemu does not have: printf",
     [](std::string good) { return rename(good, "KeReleaseMutex", "printf"); }},
    {"ForeignLibrary", STATUS_DLL_NOT_FOUND, "needs libforeign.so: a driver can use the kernel only",
     [](std::string good) { return rename(good, "libntoskrnl.so", "libforeign.so"); }},
    {"HugeSectionTable", STATUS_INVALID_FILE_FOR_SECTION,
     "the file is truncated: its section headers lie beyond its end",
     [](std::string good) { return with_header(good, [](Elf64_Ehdr &header) { header.e_shoff = UINT64_MAX - 63; }); }},
    {"HugeStringTable", STATUS_INVALID_IMAGE_FORMAT, "the image is damaged: its string table lies outside the file",
     [](std::string good) { return with_dynamic(good, DT_STRSZ, UINT64_MAX); }},
    {"StraySymbolTable", STATUS_INVALID_IMAGE_FORMAT, "the image is damaged: its symbol table lies outside the file",
     [](std::string good) { return with_dynamic(good, DT_SYMTAB, 0x7fffffff0000); }},
    {"StrayHashTable", STATUS_INVALID_IMAGE_FORMAT, "the image is damaged: its hash table lies outside the file",
     [](std::string good) { return with_dynamic(good, DT_GNU_HASH, 0xfffffffffffffff0); }},
};

class RefusedImage : public ImageTest, public testing::WithParamInterface<Case> {
 protected:
  void expect_refused(const std::filesystem::path &file, NTSTATUS status, const std::string &text) {
    const LoadResult loaded = load_image(file, copies_, u"TestDriver");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(static_cast<ULONG>(loaded.error().status), static_cast<ULONG>(status));
    EXPECT_EQ(loaded.error().text, text);
    EXPECT_TRUE(no_copies());
    EXPECT_EQ(loaded_modules(), 1u);
  }
};

TEST_P(RefusedImage, WithItsOwnMessage) {
  const std::filesystem::path file = write("driver.sys", GetParam().make(contents(built_image("ldr_sample"))));
  expect_refused(file, GetParam().status, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Table, RefusedImage, testing::ValuesIn(kCases),
                         [](const auto &test) { return test.param.name; });

using RefusedFile = RefusedImage;

TEST_F(RefusedFile, Missing) { expect_refused(directory_ / "none.sys", STATUS_OBJECT_NAME_NOT_FOUND, "no such file"); }

TEST_F(RefusedFile, InAMissingDirectory) {
  expect_refused(directory_ / "none/driver.sys", STATUS_OBJECT_PATH_NOT_FOUND, "its directory does not exist");
}

TEST_F(RefusedFile, Directory) { expect_refused(directory_, STATUS_FILE_IS_A_DIRECTORY, "a directory, not an image"); }

TEST_F(RefusedFile, Fifo) {
  ASSERT_EQ(mkfifo((directory_ / "driver.sys").c_str(), 0600), 0);
  expect_refused(directory_ / "driver.sys", STATUS_INVALID_IMAGE_NOT_MZ, "not a regular file");
}

TEST_F(RefusedFile, Unreadable) {
  const std::filesystem::path file = write("driver.sys", "x");
  chmod(file.c_str(), 0);
  // Root reads every file; the saved user id brings it back.
  const bool is_root = geteuid() == 0;
  ASSERT_TRUE(!is_root || seteuid(65534) == 0);
  const LoadResult loaded = load_image(file, copies_, u"TestDriver");
  ASSERT_TRUE(!is_root || seteuid(0) == 0);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().status, STATUS_ACCESS_DENIED);
  EXPECT_EQ(loaded.error().text, "the file cannot be read: permission denied");
  EXPECT_TRUE(no_copies());
}

TEST_F(RefusedFile, BuiltForAnotherSanitizer) {
  const std::string good = contents(built_image("ldr_sample"));
  if (good.find("__tsan_init") != std::string::npos) GTEST_SKIP() << "this build runs with that sanitizer";
  expect_refused(write("driver.sys", rename(good, "KeReleaseMutex", "__tsan_init")), STATUS_INVALID_IMAGE_FORMAT,
                 "built with --tsan, but this machine runs without that sanitizer: boot it with --sanitizer=tsan");
}

}  // namespace
}  // namespace ntemu::ldr
