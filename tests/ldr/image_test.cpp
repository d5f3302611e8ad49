#include <dlfcn.h>

#include "ntemu/base/utf.h"
#include "tests/ldr/images.h"

namespace ntemu::ldr {
namespace {

class LoadImage : public ImageTest {};

TEST_F(LoadImage, EntersTheModuleListAfterTheKernel) {
  const LoadResult loaded = load_image(built_image("ldr_sample"), copies_, u"TestDriver");
  ASSERT_TRUE(loaded) << loaded.error().text;
  auto *kernel = CONTAINING_RECORD(PsLoadedModuleList.Flink, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
  auto *driver = CONTAINING_RECORD(PsLoadedModuleList.Blink, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
  EXPECT_EQ(base::view(kernel->BaseDllName), u"ntoskrnl.exe");
  EXPECT_GT(kernel->SizeOfImage, 0u);
  EXPECT_EQ(driver, &loaded->entry);
  EXPECT_EQ(base::view(driver->BaseDllName), u"TestDriver.sys");
  EXPECT_EQ(base::view(driver->FullDllName), u"\\SystemRoot\\System32\\drivers\\TestDriver.sys");
  EXPECT_EQ(driver->LoadCount, 1);
  EXPECT_EQ(driver->SizeOfImage % 4096, 0u);
  const auto entry = reinterpret_cast<ULONG_PTR>(driver->EntryPoint),
             base = reinterpret_cast<ULONG_PTR>(driver->DllBase);
  EXPECT_LT(entry - base, driver->SizeOfImage);
  EXPECT_EQ(loaded->build_id.size(), 40u);
}

TEST_F(LoadImage, ReloadStartsWithFreshGlobals) {
  for (int i = 0; i < 3; i++) {
    const LoadResult loaded = load_image(built_image("ldr_sample"), copies_, u"TestDriver");
    ASSERT_TRUE(loaded) << loaded.error().text;
    EXPECT_EQ(enter(*loaded), 42);
    EXPECT_EQ(enter(*loaded), 43);
    unload_image(*loaded);
  }
}

TEST_F(LoadImage, TheSameFileTwiceIsTwoDrivers) {
  const LoadResult first = load_image(built_image("ldr_sample"), copies_, u"First");
  const LoadResult second = load_image(built_image("ldr_sample"), copies_, u"Second");
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->entry.DllBase, second->entry.DllBase);
  EXPECT_EQ(enter(*first), 42);
  EXPECT_EQ(enter(*second), 42);
}

TEST_F(LoadImage, TwoDriversMayUseTheSameNames) {
  const LoadResult first = load_image(built_image("ldr_sample"), copies_, u"First");
  const LoadResult second = load_image(built_image("ldr_sample_of_same_names"), copies_, u"Second");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(enter(*second), 142);
  EXPECT_EQ(enter(*first), 42);
  EXPECT_EQ(enter(*second), 143);
}

TEST_F(LoadImage, StaticConstructorsHaveRun) {
  const LoadResult loaded = load_image(built_image("ldr_constructor"), copies_, u"Constructor");
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(enter(*loaded), 42);
}

TEST_F(LoadImage, RebuildingTheFileDoesNotDisturbTheLoadedImage) {
  const std::filesystem::path file = write("driver.sys", contents(built_image("ldr_sample")));
  const LoadResult loaded = load_image(file, copies_, u"TestDriver");
  ASSERT_TRUE(loaded) << loaded.error().text;
  write("driver.sys", "");
  EXPECT_EQ(enter(*loaded), 42);
}

TEST_F(LoadImage, UnloadLeavesNothing) {
  const LoadResult loaded = load_image(built_image("ldr_sample"), copies_, u"TestDriver");
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(no_copies());
  EXPECT_EQ(loaded_modules(), 2u);
  void *base = loaded->entry.DllBase;
  const std::filesystem::path copy = loaded->copy.path();
  unload_image(*loaded);
  EXPECT_TRUE(no_copies());
  EXPECT_EQ(loaded_modules(), 1u);
  EXPECT_EQ(find_image(base), nullptr);
  EXPECT_EQ(dlopen(copy.c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
}

class Symbolize : public ImageTest {};

TEST_F(Symbolize, NamesAFunctionOfADriver) {
  const LoadResult loaded = load_image(built_image("ldr_sample"), copies_, u"TestDriver.sys");
  ASSERT_TRUE(loaded);
  const auto address_inside = reinterpret_cast<void *(*)()>(dlsym(loaded->handle, "AddressInside"));
  EXPECT_EQ(symbolize(address_inside()), "TestDriver!CountOneMore+0x5");
  EXPECT_EQ(find_image(address_inside()), *loaded);
}

TEST_F(Symbolize, GivesTheOffsetWhereNoSymbolIs) {
  const LoadResult loaded = load_image(built_image("ldr_sample"), copies_, u"TestDriver");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(symbolize(static_cast<char *>(loaded->entry.DllBase) + 3), "TestDriver+0x3");
}

TEST_F(Symbolize, NamesTheKernelNt) {
  EXPECT_EQ(symbolize(dlsym(RTLD_DEFAULT, "KeReleaseMutex")), "nt!KeReleaseMutex+0x0");
}

TEST_F(Symbolize, ShowsAnAddressOutsideEveryImage) {
  EXPECT_EQ(symbolize(reinterpret_cast<void *>(0x10)), "0x10");
  EXPECT_EQ(find_image(reinterpret_cast<void *>(0x10)), nullptr);
}

}  // namespace
}  // namespace ntemu::ldr
