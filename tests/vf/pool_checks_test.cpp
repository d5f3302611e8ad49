#include "ntemu/vf/pool_checks.h"

#include "ntemu/ex/pool.h"
#include "ntemu/ex/pool_block.h"
#include "ntemu/vf/pool_tracking.h"
#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kCheckedTag = 0x6b684356;  // 'VChk'

class PoolChecks : public VerifiedTest {
 protected:
  static void *take(SIZE_T bytes, POOL_TYPE type = NonPagedPool) {
    return ExAllocatePoolWithTag(type, bytes, kCheckedTag);
  }
  static ke::Bugcheck free(void *block) {
    return ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kCheckedTag); });
  }
};

TEST_F(PoolChecks, NoBytes) {
  verify();
  expect_stop(ke::catch_bugcheck([] { take(0, PagedPool); }), 0xC4, 0x00, PASSIVE_LEVEL, PagedPool, 0);
  expect_stop(ke::catch_bugcheck([] { ExAllocatePool2(POOL_FLAG_NON_PAGED, 0, kCheckedTag); }), 0xC4, 0x00,
              PASSIVE_LEVEL, NonPagedPoolNx, 0);
  EXPECT_TRUE(logged("pool_checks_test.cpp:")) << log_;
}

TEST_F(PoolChecks, AllocationsAtAWrongIrql) {
  verify();
  {
    const AtIrql high(DISPATCH_LEVEL);
    expect_stop(ke::catch_bugcheck([] { take(24, PagedPool); }), 0xC4, 0x01, DISPATCH_LEVEL, PagedPool, 24);
    expect_stop(ke::catch_bugcheck([] { ExAllocatePool2(POOL_FLAG_PAGED, 24, kCheckedTag); }), 0xC4, 0x01,
                DISPATCH_LEVEL, PagedPool, 24);
    ExFreePool(take(24));
  }
  const AtIrql higher(HIGH_LEVEL);
  expect_stop(ke::catch_bugcheck([] { take(24, NonPagedPoolNx); }), 0xC4, 0x02, HIGH_LEVEL, NonPagedPoolNx, 24);
}

TEST_F(PoolChecks, WithoutTheVerifierNoneOfThatIsLookedAt) {
  ExFreePool(take(0));
  const AtIrql high(DISPATCH_LEVEL);
  ExFreePool(take(24, PagedPool));
}

TEST_F(PoolChecks, AnAddressThatWasNeverABlock) {
  verify();
  int local = 0;
  expect_stop(free(&local), 0xC4, 0x10, number(&local), 0, 0);
  expect_stop(free(nullptr), 0xC4, 0x10, 0, 0, 0);
}

TEST_F(PoolChecks, TheMiddleOfABlock) {
  verify();
  auto *block = static_cast<char *>(take(64));
  expect_stop(free(block + 16), 0xC4, 0x16, 0, number(block + 16), 0);
  ExFreePool(block);
  auto *large = static_cast<char *>(take(8192));
  expect_stop(free(large + 16), 0xC4, 0x16, 0, number(large + 16), 0);
  ExFreePool(large);
}

TEST_F(PoolChecks, FreesAtAWrongIrql) {
  verify();
  void *paged = take(24, PagedPool), *nonpaged = take(24);
  {
    const AtIrql high(DISPATCH_LEVEL);
    expect_stop(free(paged), 0xC4, 0x11, DISPATCH_LEVEL, PagedPool, number(paged));
  }
  {
    const AtIrql higher(HIGH_LEVEL);
    expect_stop(free(nonpaged), 0xC4, 0x12, HIGH_LEVEL, NonPagedPool, number(nonpaged));
  }
  ExFreePool(paged), ExFreePool(nonpaged);
}

TEST_F(PoolChecks, ASecondFree) {
  verify();
  void *block = take(64);
  ExFreePool(block);
  const auto *header = static_cast<char *>(block) - sizeof(ex::PoolHeader);
  ULONG_PTR contents;
  std::memcpy(&contents, header, sizeof contents);
  expect_stop(free(block), 0xC4, 0x13, 0, number(header), contents);
}

TEST_F(PoolChecks, ATimerThatIsSet) {
  verify();
  auto *timer = static_cast<KTIMER *>(take(256));
  ++timer;  // not at the start
  KeInitializeTimer(timer);
  KeSetTimer(timer, relative(base::kNtPerSecond * 3600), nullptr);
  expect_stop(free(timer - 1), 0xC4, 0x15, number(timer), NonPagedPool, number(timer - 1));
  KeCancelTimer(timer);
  ExFreePool(timer - 1);
}

TEST_F(PoolChecks, AResourceOrALookasideListInUse) {
  verify(vf::kMiscellaneous);
  constexpr SIZE_T kSize = 512;
  auto *block = static_cast<char *>(take(kSize));
  auto *resource = reinterpret_cast<ERESOURCE *>(block + 16);
  ExInitializeResourceLite(resource);
  expect_stop(free(block), 0xC4, 0xD2, number(resource), number(block), kSize);
  ExDeleteResourceLite(resource);
  auto *list = reinterpret_cast<NPAGED_LOOKASIDE_LIST *>((number(block) + 63) & ~ULONG_PTR{63});
  ExInitializeNPagedLookasideList(list, nullptr, nullptr, 0, 64, kCheckedTag, 0);
  expect_stop(free(block), 0xC4, 0xCC, number(list), number(block), kSize);
  ExDeleteNPagedLookasideList(list);
  ExFreePool(block);
}

TEST_F(PoolChecks, OverrunsAreThePoolTrackings) {
  if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer tells the write itself";
  verify(vf::kPoolTracking);
  constexpr SIZE_T kSize = 100;
  auto *block = static_cast<char *>(take(kSize));
  std::swap(block[kSize + 2], block[kSize + 3]);
  expect_stop(free(block), 0xC4, 0x51, number(block), number(block) + kSize + 2, kSize);
  std::swap(block[kSize + 2], block[kSize + 3]);
  ExFreePool(block);

  auto *first = static_cast<char *>(take(64));
  for (char *second; (second = static_cast<char *>(take(64))) != first + 80;) first = second;
  ++first[64];
  expect_stop(free(first), 0xC4, 0x52, number(first), 0, 64);
  expect_stop(free(first + 80), 0xC4, 0x53, number(first) + 80, 0, 0);
  --first[64];
  ExFreePool(first), ExFreePool(first + 80);
}

TEST_F(PoolChecks, AnotherTagIsBadPoolCallerAsEver) {
  verify(vf::kStandardOptions & ~vf::kSpecialPool);
  void *block = take(64);
  expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kCheckedTag + 1); }), 0xC2, 0xA, number(block),
              kCheckedTag, kCheckedTag + 1);
  ExFreePool(block);
}

TEST_F(PoolChecks, AllTheWaysToAllocateStillWork) {
  verify(vf::kPoolTracking);
  const auto check = [](void *block, SIZE_T bytes, bool zeroed) {
    ASSERT_NE(block, nullptr);
    const ex::PoolLook look = ex::look_at_pool(block);
    EXPECT_EQ(look.what, ex::PoolLook::kBlock);
    EXPECT_GE(look.block.bytes, bytes);
    for (SIZE_T i = 0; zeroed && i < bytes; ++i) ASSERT_EQ(static_cast<char *>(block)[i], 0);
    ExFreePool(block);
  };
  for (int i = 0; i < 100; ++i) {
    void *dirty = take(100);
    std::memset(dirty, 0xff, 100);
    ExFreePool(dirty);
    check(ExAllocatePool(NonPagedPool, 100), 100, false);
    check(ExAllocatePool2(POOL_FLAG_PAGED, 100, kCheckedTag), 100, true);
    check(ExAllocatePoolZero(PagedPool, 100, kCheckedTag), 100, true);
    check(ExAllocatePoolUninitialized(PagedPool, 100, kCheckedTag), 100, false);
    check(ExAllocatePoolWithTag(static_cast<POOL_TYPE>(PagedPool | POOL_ZERO_ALLOCATION), 100, kCheckedTag), 100, true);
  }
  void *aligned = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 40, kCheckedTag);
  EXPECT_EQ(number(aligned) % SYSTEM_CACHE_ALIGNMENT_SIZE, 0u);
  ExFreePool(aligned);
  EXPECT_EQ(ExAllocatePool2(0, 16, kCheckedTag), nullptr);
  EXPECT_EQ(ExAllocatePool(PagedPool, SIZE_T{1} << 60), nullptr);
  EXPECT_EQ(ke::catch_raise([] { ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 16, 0); }),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(vf::remembered_takers(), 0u);
}

}  // namespace
}  // namespace ntemu::test
