#include <cstring>
#include <vector>

#include "ntemu/ex/pool.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

constexpr ULONG kPoolTag = 0x67547654;  // 'gTvT'

class ExPool : public KernelTest {
 protected:
  static ULONG_PTR offset_in_page(const void *block) { return reinterpret_cast<ULONG_PTR>(block) & 0xfff; }
};

TEST_F(ExPool, AlignsAndNeverCrossesAPageBelowPageSize) {
  std::vector<void *> blocks;
  for (SIZE_T size = 1; size <= 0xff0; size += 7) {
    void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, size, kPoolTag);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(offset_in_page(block) % 16, 0u);
    EXPECT_LE(offset_in_page(block) + size, 0x1000u) << size;
    blocks.push_back(block);
  }
  for (void *block : blocks) ExFreePoolWithTag(block, kPoolTag);
}

TEST_F(ExPool, LargeBlocksStartOnAPage) {
  for (const SIZE_T size : {0xfe1u, 0xff0u, 0x1000u, 0x1001u, 0x12345u}) {
    void *block = ExAllocatePool2(POOL_FLAG_PAGED, size, kPoolTag);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(offset_in_page(block), 0u);
    std::memset(block, 0x5a, size);
    ExFreePool(block);
  }
}

TEST_F(ExPool, PoolTypeBitsChooseAlignmentAndTheFailure) {
  void *aligned = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, 24, kPoolTag);
  ASSERT_NE(aligned, nullptr);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(aligned) % 64, 0u);
  ExFreePoolWithTag(aligned, kPoolTag);
  void *uninitialized = ExAllocatePoolUninitialized(PagedPoolCacheAligned, 24, kPoolTag);
  ASSERT_NE(uninitialized, nullptr);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(uninitialized) % 64, 0u);
  ExFreePoolWithTag(uninitialized, kPoolTag);
  constexpr SIZE_T kTooMuch = SIZE_T{1} << 60;
  EXPECT_EQ(ExAllocatePool(PagedPool, kTooMuch), nullptr);
  const auto raises = static_cast<POOL_TYPE>(PagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE);
  EXPECT_EQ(ke::catch_raise([&] { ExAllocatePoolWithTag(raises, kTooMuch, kPoolTag); }), STATUS_INSUFFICIENT_RESOURCES);
}

TEST_F(ExPool, Pool2ZeroesUnlessToldNot) {
  for (int i = 0; i < 100; ++i) {
    auto *block = static_cast<UCHAR *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, kPoolTag));
    for (int at = 0; at < 100; ++at) ASSERT_EQ(block[at], 0);
    std::memset(block, 0xff, 100);
    ExFreePoolWithTag(block, kPoolTag);
  }
  auto *zeroed = static_cast<UCHAR *>(ExAllocatePoolZero(NonPagedPoolNx, 100, kPoolTag));
  for (int at = 0; at < 100; ++at) ASSERT_EQ(zeroed[at], 0);
  ExFreePoolWithTag(zeroed, kPoolTag);
}

TEST_F(ExPool, Pool2RefusesWhatItMust) {
  EXPECT_EQ(ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 0), nullptr);
  EXPECT_EQ(ExAllocatePool2(0, 16, kPoolTag), nullptr);
  EXPECT_EQ(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 16, kPoolTag), nullptr);
  EXPECT_EQ(ExAllocatePool2(POOL_FLAG_NON_PAGED | 0x400, 16, kPoolTag), nullptr);
  EXPECT_EQ(ke::catch_raise([] { ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 16, 0); }),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(ke::catch_raise(
                [] { ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, SIZE_T{1} << 40, kPoolTag); }),
            STATUS_INSUFFICIENT_RESOURCES);
}

TEST_F(ExPool, UnknownOptionalFlagsAreIgnored) {
  void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED | (ULONG64{1} << 62), 16, kPoolTag);
  ASSERT_NE(block, nullptr);
  ExFreePoolWithTag(block, kPoolTag);
}

TEST_F(ExPool, CacheAlignedMeansCacheAligned) {
  void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 40, kPoolTag);
  EXPECT_EQ(reinterpret_cast<ULONG_PTR>(block) % SYSTEM_CACHE_ALIGNMENT_SIZE, 0u);
  ExFreePoolWithTag(block, kPoolTag);
}

TEST_F(ExPool, HugeRequestsFail) { EXPECT_EQ(ExAllocatePoolWithTag(NonPagedPool, SIZE_T{1} << 60, kPoolTag), nullptr); }

TEST_F(ExPool, ZeroByteBlocksAreDistinct) {
  void *one = ExAllocatePoolWithTag(NonPagedPool, 0, kPoolTag);
  void *two = ExAllocatePoolWithTag(NonPagedPool, 0, kPoolTag);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(one, two);
  ExFreePool(one), ExFreePool(two);
}

TEST_F(ExPool, CountsByTag) {
  const auto before = ex::pool_use();
  void *small = ExAllocatePoolWithTag(NonPagedPool, 100, kPoolTag);
  void *large = ExAllocatePoolWithTag(PagedPool, 10000, kPoolTag);
  const auto during = ex::pool_use();
  EXPECT_EQ(during.bytes - before.bytes, 10100u);
  EXPECT_EQ(during.blocks - before.blocks, 2u);
  ExFreePool(small), ExFreePool(large);
  EXPECT_EQ(ex::pool_use().bytes, before.bytes);
  bool found = false;
  for (SIZE_T i = 0; i < PoolTrackTableSize; ++i) found |= PoolTrackTable[i].Key == kPoolTag;
  EXPECT_TRUE(found);
}

TEST_F(ExPool, UntaggedBlocksAreCountedInTheLastRow) {
  const POOL_TRACKER_TABLE &last = PoolTrackTable[PoolTrackTableSize - 1];
  const SIZE_T before = last.NonPagedAllocs;
  void *block = ExAllocatePoolWithTag(NonPagedPool, 16, 0);
  EXPECT_EQ(last.NonPagedAllocs, before + 1);
  EXPECT_EQ(last.Key, 0u);
  ExFreePool(block);
}

TEST_F(ExPool, KnowsWhoTookABlock) {
  for (const SIZE_T size : {SIZE_T{24}, SIZE_T{8192}}) {
    void *block = ExAllocatePoolWithTag(PagedPool, size, kPoolTag);
    const ex::PoolLook look = ex::look_at_pool(block);
    EXPECT_EQ(look.what, ex::PoolLook::kBlock);
    EXPECT_EQ(look.block.bytes, size);
    EXPECT_EQ(look.block.tag, kPoolTag);
    EXPECT_TRUE(look.block.paged);
    EXPECT_NE(ex::describe_site(look.block.site).find("KnowsWhoTookABlock"), std::string::npos);
    EXPECT_EQ(ex::look_at_pool(static_cast<char *>(block) + 8).what, ex::PoolLook::kInside);
    bool found = false;
    ex::for_each_pool_block([&](const ex::PoolBlock &each) { found |= each.start == block && each.bytes == size; });
    EXPECT_TRUE(found);
    ExFreePool(block);
    EXPECT_NE(ex::look_at_pool(block).what, ex::PoolLook::kBlock);
  }
}

TEST_F(ExPool, ManyThreadsAllocateAndFree) {
  const int kRounds = rounds(2000, 200000);
  const auto body = [&] {
    std::vector<std::pair<UCHAR *, SIZE_T>> held;
    for (int i = 0; i < kRounds; ++i) {
      const SIZE_T size = static_cast<SIZE_T>(i) * 37 % 5000 + 1;
      auto *block = static_cast<UCHAR *>(ExAllocatePoolWithTag(NonPagedPoolNx, size, kPoolTag));
      block[0] = block[size - 1] = static_cast<UCHAR>(size);
      held.emplace_back(block, size);
      if (held.size() == 20) {
        for (const auto &[bytes, length] : held) {
          ASSERT_EQ(bytes[0], static_cast<UCHAR>(length));
          ASSERT_EQ(bytes[length - 1], static_cast<UCHAR>(length));
          ExFreePoolWithTag(bytes, kPoolTag);
        }
        held.clear();
      }
    }
    for (const auto &[bytes, length] : held) ExFreePoolWithTag(bytes, kPoolTag);
  };
  SystemThread a(body), b(body), c(body);
}

}  // namespace
}  // namespace ntemu::test
