#include "tools/ntcc/link_report.h"

#include <gtest/gtest.h>

namespace ntemu::ntcc {
namespace {

const ObjectSources kSources = {{"/tmp/ntemu-1/0-a.o", "src/a.c"}};

TEST(ExplainLink, NamesAMissingApiAtEachCallSite) {
  EXPECT_EQ(explain_link("/usr/bin/ld.bfd: /tmp/ntemu-1/0-a.o: in function `helper':\n"
                         "/src/a.c:6: undefined reference to `KeBar'\n"
                         "/usr/bin/ld.bfd: /src/a.c:7: undefined reference to `KeBar'\n"
                         "/usr/bin/ld.bfd: /src/a.c:7: undefined reference to `KeBar'\n"
                         "clang: error: linker command failed with exit code 1 (use -v to see invocation)\n",
                         "a.sys", kSources),
            "/src/a.c:6: error: KeBar is missing: ntemu has no API of this name (used in helper)\n"
            "/src/a.c:7: error: KeBar is missing: ntemu has no API of this name (used in helper)\n"
            "ntcc: error: a.sys is not linked: 1 name is missing: KeBar\n");
}

TEST(ExplainLink, ShowsTheSourceWhereThereIsNoLine) {
  EXPECT_EQ(explain_link("/usr/bin/ld: /tmp/ntemu-1/0-a.o:(.data+0x0): undefined reference to `KeBar'\n"
                         "collect2: error: ld returned 1 exit status\n",
                         "a.sys", kSources),
            "src/a.c: error: KeBar is missing: ntemu has no API of this name\n"
            "ntcc: error: a.sys is not linked: 1 name is missing: KeBar\n");
}

TEST(ExplainLink, WarnsOfAStub) {
  EXPECT_EQ(explain_link("/usr/bin/ld.bfd: /tmp/ntemu-1/0-a.o: in function `DriverEntry':\n"
                         "/src/a.c:9: warning: KeFoo is not implemented by ntemu: calling it ends the machine\n",
                         "a.sys", kSources),
            "/src/a.c:9: warning: KeFoo is not implemented by ntemu: calling it ends the machine (used in "
            "DriverEntry)\n");
}

TEST(ExplainLink, SaysThatThereIsNoDriverEntry) {
  EXPECT_EQ(explain_link("/usr/bin/ld.bfd: libntdrvrt.a(entry.c.o): in function `GsDriverEntry':\n"
                         "entry.c:9: undefined reference to `DriverEntry'\n",
                         "a.sys", kSources),
            "ntcc: error: a.sys has no DriverEntry: define NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING)"
            " (in C++, as extern \"C\")\n");
}

TEST(ExplainLink, KeepsWhatItDoesNotUnderstand) {
  EXPECT_EQ(explain_link("ld: /tmp/ntemu-1/0-a.o: file format not recognized\n", "a.sys", kSources),
            "ld: src/a.c: file format not recognized\n");
  EXPECT_EQ(explain_link("", "a.sys", kSources), "");
}

}  // namespace
}  // namespace ntemu::ntcc
