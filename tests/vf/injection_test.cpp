#include "ntemu/vf/injection.h"

#include <unistd.h>

#include <fstream>

#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kTag = 0x6a6e4956;    // 'VInj'
constexpr ULONG kOther = 0x6a6e4958;  // 'XInj'

__attribute__((noinline)) bool take(ULONG tag) {
  void *block = ExAllocatePoolWithTag(NonPagedPool, 32, tag);
  if (!block) return false;
  ExFreePool(block);
  return true;
}

class LowResources : public VerifiedTest {
 protected:
  ~LowResources() override { vf::stop_low_resources(); }
  static vf::LowResources at_once(uint32_t probability) {
    vf::LowResources settings;
    settings.probability = probability;
    settings.delay_minutes = 0;
    settings.seed = 7;
    return settings;
  }
  // One letter a call.
  static std::string results(int calls) {
    std::string text;
    for (int i = 0; i < calls; ++i) text += take(kTag) ? '.' : 'F';
    return text;
  }
};

TEST_F(LowResources, FailAsOftenAsWanted) {
  verify(vf::kLowResources);
  vf::start_low_resources(at_once(600));
  const std::string text = results(10000);
  const auto failed = std::count(text.begin(), text.end(), 'F');
  EXPECT_GT(failed, 450);
  EXPECT_LT(failed, 750);
  const vf::InjectionStatus status = vf::query_injection();
  EXPECT_TRUE(status.low_resources);
  EXPECT_EQ(status.calls, 10000u);
  EXPECT_EQ(status.failed, static_cast<uint64_t>(failed));
}

TEST_F(LowResources, TheSameSeedFailsTheSameCalls) {
  verify(vf::kLowResources);
  vf::start_low_resources(at_once(2000));
  const std::string first = results(200);
  vf::start_low_resources(at_once(2000));
  EXPECT_EQ(results(200), first);
  vf::LowResources other = at_once(2000);
  other.seed = 8;
  vf::start_low_resources(other);
  EXPECT_NE(results(200), first);
  EXPECT_TRUE(logged("seed 0x8")) << log_;
}

TEST_F(LowResources, ASeedIsMadeAndTold) {
  verify(vf::kLowResources);
  vf::LowResources settings = at_once(2000);
  settings.seed.reset();
  vf::start_low_resources(settings);
  const vf::InjectionStatus status = vf::query_injection();
  ASSERT_TRUE(status.settings.seed);
  EXPECT_TRUE(logged(fmt::format("seed {:#x}", *status.settings.seed))) << log_;
  const std::string first = results(100);
  settings.seed = status.settings.seed;
  vf::start_low_resources(settings);
  EXPECT_EQ(results(100), first);
}

TEST_F(LowResources, OnlyImagesVerifiedWithIt) {
  verify(vf::kStandardOptions & ~vf::kSpecialPool);
  vf::start_low_resources(at_once(10000));
  EXPECT_TRUE(take(kTag));
  vf::unverify_image(__executable_start);
  EXPECT_TRUE(take(kTag));
  EXPECT_EQ(vf::query_injection().calls, 0u);
}

TEST_F(LowResources, OnlyTheTagsThatAreNamed) {
  verify(vf::kLowResources);
  vf::LowResources settings = at_once(10000);
  settings.tags = {"VIn*", "Zzzz"};
  vf::start_low_resources(settings);
  EXPECT_FALSE(take(kTag));
  EXPECT_TRUE(take(kOther));
  PMDL mdl = IoAllocateMdl(&settings, 16, FALSE, FALSE, nullptr);
  EXPECT_NE(mdl, nullptr) << "has no tag";
  if (mdl) IoFreeMdl(mdl);
}

TEST_F(LowResources, WhatElseRunsShort) {
  verify(vf::kLowResources);
  vf::start_low_resources(at_once(10000));
  int local = 0;
  EXPECT_EQ(IoAllocateMdl(&local, 4, FALSE, FALSE, nullptr), nullptr);
  EXPECT_EQ(IoAllocateIrp(1, FALSE), nullptr);
  EXPECT_EQ(ExAllocatePool2(POOL_FLAG_PAGED, 16, kTag), nullptr);
  HANDLE handle;
  EXPECT_EQ(ZwCreateEvent(&handle, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE), STATUS_SUCCESS)
      << "fails for reasons of its own";
  ZwClose(handle);
  vf::stop_low_resources();
  EXPECT_TRUE(take(kTag));
}

TEST_F(LowResources, AnAllocationThatIsToRaiseIsLeftAlone) {
  verify(vf::kLowResources);
  vf::start_low_resources(at_once(10000));
  void *block = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 16, kTag);
  EXPECT_NE(block, nullptr);
  ExFreePool(block);
}

TEST(LowResourcesDelay, IsCountedFromBoot) {
  class Fake : public FakeTimeTest {
   public:
    void TestBody() override {
      ASSERT_TRUE(
          vf::verify_image(__executable_start, static_cast<size_t>(_end - __executable_start), vf::kLowResources));
      vf::LowResources settings;
      settings.probability = 10000;
      vf::start_low_resources(settings);
      EXPECT_TRUE(take(kTag));
      clock.advance(7 * 60 * base::kNtPerSecond - 1);
      EXPECT_TRUE(take(kTag));
      EXPECT_EQ(vf::query_injection().calls, 0u);
      clock.advance(1);
      EXPECT_FALSE(take(kTag));
      vf::stop_low_resources();
      vf::unverify_image(__executable_start);
    }
  };
  Fake().TestBody();
}

class SystematicFaults : public VerifiedTest {
 protected:
  SystematicFaults() : file_(std::filesystem::temp_directory_path() / fmt::format("ntemu_systematic_{}", getpid())) {
    std::filesystem::remove(file_);
  }
  ~SystematicFaults() override {
    vf::stop_systematic_faults();
    std::filesystem::remove(file_);
  }
  static bool here() { return take(kTag); }
  static bool there() { return take(kTag); }
  std::filesystem::path file_;
};

TEST_F(SystematicFaults, EveryStackFailsOnce) {
  verify(vf::kSystematicFaults);
  ASSERT_EQ(vf::start_systematic_faults({}), STATUS_SUCCESS);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(here(), i != 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(there(), i != 0);
  const vf::InjectionStatus status = vf::query_injection();
  EXPECT_TRUE(status.systematic);
  EXPECT_EQ(status.failed_now, 2u);
  ASSERT_EQ(status.stacks.size(), 2u);
  EXPECT_NE(status.stacks[0].stack, status.stacks[1].stack);
  EXPECT_EQ(status.stacks[0].api, "ExAllocatePoolWithTag");
  EXPECT_TRUE(logged(fmt::format("stack {:016x}", status.stacks[1].stack))) << log_;
}

// The same calls: a stack is known by its return addresses.
bool twice(const std::function<bool()> &call, int round) { return round < 2 && call(); }

TEST_F(SystematicFaults, TheNextRunGoesOnWhereTheLastEnded) {
  verify(vf::kSystematicFaults);
  std::string seen;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(vf::start_systematic_faults(file_), STATUS_SUCCESS);
    seen += twice(here, round) ? '.' : 'F';
    if (round == 1) seen += twice(there, round) ? '.' : 'F';
    vf::stop_systematic_faults();
  }
  EXPECT_EQ(seen, "F.F");
  std::ofstream(file_, std::ios::app) << "0123";  // of a process that was killed while it wrote
  ASSERT_EQ(vf::start_systematic_faults(file_), STATUS_SUCCESS);
  EXPECT_EQ(vf::query_injection().stacks.size(), 2u);
  EXPECT_EQ(vf::query_injection().failed_now, 0u);
}

TEST_F(SystematicFaults, SuspendResumeReset) {
  verify(vf::kSystematicFaults);
  ASSERT_EQ(vf::start_systematic_faults(file_), STATUS_SUCCESS);
  std::string seen;
  for (int i = 0; i < 5; ++i) {
    if (i == 0) vf::suspend_systematic_faults();
    if (i == 1) vf::resume_systematic_faults();
    if (i == 3) {
      ASSERT_EQ(vf::reset_systematic_faults(), STATUS_SUCCESS);
      EXPECT_EQ(std::filesystem::file_size(file_), 0u);
    }
    seen += here() ? '.' : 'F';
  }
  EXPECT_EQ(seen, ".F.F.");
}

TEST_F(SystematicFaults, AnExcludedStackIsLeftAlone) {
  verify(vf::kSystematicFaults);
  uint64_t stack = 0;
  std::string seen;
  for (int i = 0; i < 4; ++i) {
    if (i == 0) vf::start_systematic_faults({});
    if (i > 1) vf::start_systematic_faults(file_);
    if (i == 2) vf::exclude_stack(stack);
    seen += here() ? '.' : 'F';
    if (i == 0) stack = vf::query_injection().stacks.at(0).stack;
  }
  EXPECT_EQ(seen, "F...");
  EXPECT_TRUE(vf::query_injection().stacks.empty());
}

TEST_F(SystematicFaults, AFileThatCannotBeMade) {
  EXPECT_EQ(vf::start_systematic_faults("/proc/no/such/place"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_FALSE(vf::query_injection().systematic);
}

}  // namespace
}  // namespace ntemu::test
