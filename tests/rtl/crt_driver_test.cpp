// Calls code that was built as a driver is: 16-bit wchar_t and the drivers' C library.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ntemu/rtl/memory.h"
#include "text.h"

extern "C" {
size_t driver_wcslen(const char16_t *text);
int driver_swprintf(char16_t *buffer, const char16_t *name);
int driver_sprintf(char *buffer, const UNICODE_STRING *name);
NTSTATUS driver_path(char16_t *buffer, size_t bytes, int number);
int driver_overflow(const char16_t *name, char *copied);
int driver_intrinsics();
}

namespace {

using namespace ntemu;

std::vector<std::string> *reports;

TEST(DriverCode, WideNamesBindTo16BitFunctions) {
  EXPECT_EQ(driver_wcslen(u"abcde"), 10U);
  char16_t wide[32];
  EXPECT_EQ(driver_swprintf(wide, u"ab"), 7);
  EXPECT_EQ(std::u16string(wide), u"ab-1+ab");
  char narrow[32];
  const UNICODE_STRING name = test::counted(std::u16string_view(u"\u20AC"));
  EXPECT_EQ(driver_sprintf(narrow, &name), 6);
  EXPECT_STREQ(narrow, "\u20AC -1");
  EXPECT_EQ(driver_intrinsics(), 0);
}

TEST(DriverCode, StrsafePath) {
  char16_t path[300];
  EXPECT_EQ(driver_path(path, sizeof path, 999), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string(path), u"\\DosDevices\\C:\\Temp\\file_999.txt");
  EXPECT_EQ(driver_path(path, 20, 999), STATUS_BUFFER_OVERFLOW);
}

TEST(DriverCode, CheckedBuildReportsAnOverflowAndGoesOn) {
  std::vector<std::string> texts;
  reports = &texts;
  auto *saved = rtl::report_overflow;
  rtl::report_overflow = [](const char *text) { reports->push_back(text); };
  char16_t copied[5] = {};
  const int line = driver_overflow(u"ABCD", reinterpret_cast<char *>(copied));
  rtl::report_overflow = saved;
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0],
            "crt_driver.c:" + std::to_string(line) + ": RtlCopyMemory writes 8 bytes into an object with 4 left");
  EXPECT_EQ(std::u16string(copied), u"ABCD") << "the copy is done in full";
}

}  // namespace
