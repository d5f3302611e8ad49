#include "ntemu/base/pages.h"
#include "ntemu/base/utf.h"
#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using MmIsAddressValid = KernelTest;
using MmGetSystemRoutineAddress = KernelTest;

PVOID address_of(std::u16string_view name) {
  UNICODE_STRING string = base::to_unicode_string(name);
  return ::MmGetSystemRoutineAddress(&string);
}

TEST_F(MmIsAddressValid, TellsMappedFromUnmapped) {
  int local = 0;
  EXPECT_TRUE(::MmIsAddressValid(&local));
  EXPECT_TRUE(::MmIsAddressValid(reinterpret_cast<char *>(&local) + 1));
  EXPECT_FALSE(::MmIsAddressValid(nullptr));
  EXPECT_FALSE(::MmIsAddressValid(reinterpret_cast<PVOID>(ULONG_PTR{0x10})));
  EXPECT_FALSE(::MmIsAddressValid(reinterpret_cast<PVOID>(0x8000'0000'0000'0000)));
  void *pages = base::map_pages(base::kPageSize);
  EXPECT_TRUE(::MmIsAddressValid(pages));
  base::unmap_pages(pages, base::kPageSize);
  EXPECT_FALSE(::MmIsAddressValid(pages));
}

TEST_F(MmGetSystemRoutineAddress, FindsRoutinesAndData) {
  EXPECT_EQ(address_of(u"KeSetEvent"), reinterpret_cast<PVOID>(&KeSetEvent));
  EXPECT_EQ(address_of(u"PsThreadType"), static_cast<PVOID>(&PsThreadType));
  EXPECT_EQ(address_of(u"KeNoSuchRoutine"), nullptr);
  EXPECT_EQ(address_of(u"kesetevent"), nullptr);
  EXPECT_EQ(address_of(u""), nullptr);
}

TEST_F(MmGetSystemRoutineAddress, DoesNotKnowStubs) { EXPECT_EQ(address_of(u"IoCreateDriver"), nullptr); }

}  // namespace
}  // namespace ntemu::test
