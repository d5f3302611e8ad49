#include "ntemu/vf/pool_tracking.h"

#include "ntemu/ldr/image.h"
#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kTag = 0x6b725456;  // 'VTrk'

class PoolTracking : public VerifiedTest {
 protected:
  static std::vector<vf::PoolLeak> leaks() {
    auto all = vf::find_pool_leaks(__executable_start, static_cast<size_t>(_end - __executable_start));
    std::erase_if(all, [](const vf::PoolLeak &leak) { return leak.block.tag != kTag; });
    return all;
  }
  static size_t count(std::string_view text, std::string_view what) {
    size_t found = 0;
    for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
};

TEST_F(PoolTracking, LeaksAreWhatTheImageTookItself) {
  EXPECT_TRUE(leaks().empty());
  void *small = ExAllocatePoolWithTag(PagedPool, 24, kTag);
  void *large = ExAllocatePoolWithTag(NonPagedPool, 8192, kTag);
  auto found = leaks();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].stack.count, 0u) << "costs something";
  ExFreePool(small);
  found = leaks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].block.start, large);
  EXPECT_EQ(found[0].block.bytes, 8192u);
  ExFreePool(large);
  EXPECT_TRUE(leaks().empty());
}

__attribute__((noinline)) void *take_outer();
__attribute__((noinline)) void *take_inner() {
  void *block = ExAllocatePoolWithTag(NonPagedPool, 64, kTag);
  return *static_cast<void *volatile *>(&block);
}
__attribute__((noinline)) void *take_outer() {
  void *block = take_inner();
  return *static_cast<void *volatile *>(&block);
}

TEST_F(PoolTracking, WithTheOptionEveryStackIsKept) {
  verify(vf::kPoolTracking);
  void *block = take_outer();
  auto found = leaks();
  ASSERT_EQ(found.size(), 1u);
  ASSERT_GE(found[0].stack.count, 3u);
  EXPECT_NE(ex::describe_site(found[0].stack.frames[0]).find("take_inner"), std::string::npos);
  EXPECT_NE(ex::describe_site(found[0].stack.frames[1]).find("take_outer"), std::string::npos);
  EXPECT_EQ(vf::remembered_takers(), 1u);
  ExFreePool(block);
  EXPECT_EQ(vf::remembered_takers(), 0u);
  EXPECT_TRUE(leaks().empty());
}

TEST_F(PoolTracking, TheSpecialPoolIsTrackedToo) {
  verify(vf::kPoolTracking | vf::kSpecialPool);
  void *block = take_outer();
  const auto found = leaks();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].block.start, block);
  EXPECT_GE(found[0].stack.count, 3u);
  ExFreePool(block);
  EXPECT_TRUE(leaks().empty());
}

class LeakyDriver : public PoolTracking {
 protected:
  void load() {
    const auto loaded = machine().load(DRIVERS "/leaky.sys");
    ASSERT_TRUE(loaded) << loaded.error().text;
  }
  static const ldr::Image *image() {
    for (LIST_ENTRY *links = PsLoadedModuleList.Flink; links != &PsLoadedModuleList; links = links->Flink) {
      auto *entry = CONTAINING_RECORD(links, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
      auto *each = reinterpret_cast<const ldr::Image *>(entry);
      if (each->name == "leaky") return each;
    }
    return nullptr;
  }
};

TEST_F(LeakyDriver, IsToldWithTheLineWhenItIsUnloaded) {
  for (int round = 0; round < 2; ++round) {
    log_.clear();
    load();
    ASSERT_TRUE(machine().unload("leaky"));
    EXPECT_EQ(count(log_, "has not freed 100 bytes of nonpaged pool, tag 'Leak', at "), 1u) << log_;
    EXPECT_EQ(count(log_, "has not freed 8192 bytes of nonpaged pool, tag 'Leak', at "), 2u) << log_;
    EXPECT_EQ(count(log_, "leaky.c:14 (leaky!LeakyAllocate)"), 3u) << log_;
    EXPECT_EQ(count(log_, "has not freed 3 blocks of tag 'Leak', 16484 bytes"), 1u) << log_;
    EXPECT_EQ(count(log_, "24 bytes"), 0u) << "is freed";
  }
}

TEST_F(LeakyDriver, IsABugcheckWithPoolTracking) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        base::set_log_sink(nullptr);
        load();
        const auto &entry = image()->entry;
        ASSERT_TRUE(vf::verify_image(entry.DllBase, entry.SizeOfImage, vf::kPoolTracking));
        (void)machine().unload("leaky");
      },
      testing::ExitedWithCode(ke::kBugcheckExitCode),
      "leaky.c:14(.|\n)*0x000000C4 \\(0x0*62, 0x0*[1-9a-f][0-9a-f]*, 0x0*, 0x0*3\\)");
}

}  // namespace
}  // namespace ntemu::test
