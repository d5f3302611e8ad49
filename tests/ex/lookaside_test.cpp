#include <atomic>
#include <random>
#include <set>
#include <vector>

#include "ntemu/ex/pool.h"
#include "tests/support/stress.h"

extern "C" LIST_ENTRY ExNPagedLookasideListHead, ExPagedLookasideListHead;

namespace ntemu::test {
namespace {

constexpr ULONG kLookasideTag = 0x6B6F6F4C;

bool is_listed(const LIST_ENTRY &head, const LIST_ENTRY &entry) {
  for (const LIST_ENTRY *at = head.Flink; at != &head; at = at->Flink) {
    if (at == &entry) return true;
  }
  return false;
}

// What the routines of a list were called with.
struct Calls {
  int allocated = 0;
  int freed = 0;
  int type = 0;
  SIZE_T bytes = 0;
  ULONG tag = 0;
  PLOOKASIDE_LIST_EX list = nullptr;
  bool fail = false;
};
Calls calls;

PVOID NTAPI allocate(POOL_TYPE type, SIZE_T bytes, ULONG tag) {
  ++calls.allocated;
  calls.type = type, calls.bytes = bytes, calls.tag = tag;
  return calls.fail ? nullptr : ExAllocatePoolWithTag(type, bytes, tag);
}
VOID NTAPI free_block(PVOID block) {
  ++calls.freed;
  ExFreePool(block);
}
PVOID NTAPI allocate_ex(POOL_TYPE type, SIZE_T bytes, ULONG tag, PLOOKASIDE_LIST_EX list) {
  calls.list = list;
  return allocate(type, bytes, tag);
}
VOID NTAPI free_ex(PVOID block, PLOOKASIDE_LIST_EX list) {
  calls.list = list;
  free_block(block);
}

SIZE_T blocks_in_use() {
  for (SIZE_T i = 0; i < PoolTrackTableSize; ++i) {
    const POOL_TRACKER_TABLE &row = PoolTrackTable[i];
    if (row.Key == kLookasideTag) return row.NonPagedAllocs - row.NonPagedFrees + row.PagedAllocs - row.PagedFrees;
  }
  return 0;
}

class Lookaside : public KernelTest {
 protected:
  Lookaside() { calls = {}; }
  ~Lookaside() override { EXPECT_EQ(blocks_in_use(), 0u); }
};

using ExNPagedLookasideList = Lookaside;

TEST_F(ExNPagedLookasideList, StartsEmptyWithItsDefaults) {
  NPAGED_LOOKASIDE_LIST list;
  ExInitializeNPagedLookasideList(&list, nullptr, nullptr, POOL_NX_ALLOCATION, 48, kLookasideTag, 0);
  EXPECT_EQ(ExQueryDepthSList(&list.L.ListHead), 0);
  EXPECT_EQ(list.L.Depth, 4);
  EXPECT_EQ(list.L.MaximumDepth, EX_MAXIMUM_LOOKASIDE_DEPTH_BASE);
  EXPECT_EQ(list.L.Type, NonPagedPoolNx);
  EXPECT_EQ(list.L.Tag, kLookasideTag);
  EXPECT_EQ(list.L.Size, 48u);
  EXPECT_EQ(list.L.Allocate, ExAllocatePoolWithTag);
  EXPECT_EQ(list.L.Free, ExFreePool);
  EXPECT_EQ(list.L.TotalAllocates, 0u);
  EXPECT_TRUE(is_listed(ExNPagedLookasideListHead, list.L.ListEntry));
  ExDeleteNPagedLookasideList(&list);
  EXPECT_FALSE(is_listed(ExNPagedLookasideListHead, list.L.ListEntry));
}

TEST_F(ExNPagedLookasideList, KeepsFreedBlocksAndCounts) {
  NPAGED_LOOKASIDE_LIST list;
  ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 64, kLookasideTag, 0);
  const PVOID block = ExAllocateFromNPagedLookasideList(&list);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(list.L.AllocateMisses, 1u);
  ExFreeToNPagedLookasideList(&list, block);
  EXPECT_EQ(ExQueryDepthSList(&list.L.ListHead), 1);
  EXPECT_EQ(ExAllocateFromNPagedLookasideList(&list), block);
  EXPECT_EQ(list.L.TotalAllocates, 2u);
  EXPECT_EQ(list.L.AllocateMisses, 1u);
  EXPECT_EQ(list.L.TotalFrees, 1u);
  EXPECT_EQ(list.L.FreeMisses, 0u);
  ExFreeToNPagedLookasideList(&list, block);
  ExDeleteNPagedLookasideList(&list);
}

TEST_F(ExNPagedLookasideList, AFullListGivesBlocksToFree) {
  NPAGED_LOOKASIDE_LIST list;
  ExInitializeNPagedLookasideList(&list, allocate, free_block, 0, 64, kLookasideTag, 0);
  std::vector<PVOID> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(ExAllocateFromNPagedLookasideList(&list));
  EXPECT_EQ(calls.allocated, 6);
  EXPECT_EQ(calls.type, NonPagedPool);
  EXPECT_EQ(calls.bytes, 64u);
  EXPECT_EQ(calls.tag, kLookasideTag);
  for (PVOID block : blocks) ExFreeToNPagedLookasideList(&list, block);
  EXPECT_EQ(calls.freed, 2);
  EXPECT_EQ(list.L.FreeMisses, 2u);
  ExDeleteNPagedLookasideList(&list);
  EXPECT_EQ(calls.freed, 6);
}

TEST_F(ExNPagedLookasideList, GrowsWhileAllocationsMiss) {
  NPAGED_LOOKASIDE_LIST list;
  ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 32, kLookasideTag, 0);
  std::vector<PVOID> blocks;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 300; ++i) blocks.push_back(ExAllocateFromNPagedLookasideList(&list));
    for (PVOID block : blocks) ExFreeToNPagedLookasideList(&list, block);
    blocks.clear();
  }
  EXPECT_EQ(list.L.Depth, list.L.MaximumDepth);
  EXPECT_EQ(ExQueryDepthSList(&list.L.ListHead), list.L.MaximumDepth);
  ExDeleteNPagedLookasideList(&list);
}

TEST_F(ExNPagedLookasideList, FailureIsNullOrRaises) {
  NPAGED_LOOKASIDE_LIST list;
  ExInitializeNPagedLookasideList(&list, allocate, free_block, 0, 64, kLookasideTag, 0);
  calls.fail = true;
  EXPECT_EQ(ExAllocateFromNPagedLookasideList(&list), nullptr);
  ExDeleteNPagedLookasideList(&list);
  ExInitializeNPagedLookasideList(&list, allocate, free_block, POOL_RAISE_IF_ALLOCATION_FAILURE, 64, kLookasideTag, 0);
  EXPECT_EQ(ExAllocateFromNPagedLookasideList(&list), nullptr);
  EXPECT_EQ(calls.type, POOL_RAISE_IF_ALLOCATION_FAILURE);
  ExDeleteNPagedLookasideList(&list);
  ExInitializeNPagedLookasideList(&list, nullptr, nullptr, POOL_RAISE_IF_ALLOCATION_FAILURE, 64, kLookasideTag, 0);
  list.L.Size = ~0u;
  list.L.Allocate = [](POOL_TYPE type, SIZE_T, ULONG tag) { return ExAllocatePoolWithTag(type, SIZE_T{1} << 60, tag); };
  EXPECT_EQ(ke::catch_raise([&] { ExAllocateFromNPagedLookasideList(&list); }), STATUS_INSUFFICIENT_RESOURCES);
  ExDeleteNPagedLookasideList(&list);
}

using ExPagedLookasideList = Lookaside;

TEST_F(ExPagedLookasideList, TakesFromPagedPool) {
  PAGED_LOOKASIDE_LIST list;
  ExInitializePagedLookasideList(&list, allocate, free_block, 0, 4, kLookasideTag, 0);
  EXPECT_TRUE(is_listed(ExPagedLookasideListHead, list.L.ListEntry));
  EXPECT_EQ(list.L.Size, LOOKASIDE_MINIMUM_BLOCK_SIZE);
  const PVOID block = ExAllocateFromPagedLookasideList(&list);
  EXPECT_EQ(calls.type, PagedPool);
  ExFreeToPagedLookasideList(&list, block);
  EXPECT_EQ(ExAllocateFromPagedLookasideList(&list), block);
  ExFreeToPagedLookasideList(&list, block);
  ExDeletePagedLookasideList(&list);
  EXPECT_EQ(calls.freed, 1);
  EXPECT_FALSE(is_listed(ExPagedLookasideListHead, list.L.ListEntry));
}

using ExLookasideListEx = Lookaside;

NTSTATUS initialize(LOOKASIDE_LIST_EX &list, int type, ULONG flags, bool own_routines = true) {
  return ExInitializeLookasideListEx(&list, own_routines ? allocate_ex : nullptr, own_routines ? free_ex : nullptr,
                                     static_cast<POOL_TYPE>(type), flags, 64, kLookasideTag, 0);
}

TEST_F(ExLookasideListEx, ChecksPoolTypeAndFlags) {
  LOOKASIDE_LIST_EX list;
  EXPECT_EQ(initialize(list, DontUseThisType, 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(initialize(list, MaxPoolType, 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(initialize(list, -1, 0), STATUS_INVALID_PARAMETER_4);
  EXPECT_EQ(initialize(list, PagedPool, 3), STATUS_INVALID_PARAMETER_5);
  EXPECT_EQ(initialize(list, PagedPool, 4), STATUS_INVALID_PARAMETER_5);
  for (const int type : {+NonPagedPool, +PagedPool, +NonPagedPoolNx, +NonPagedPoolNxCacheAligned}) {
    EXPECT_EQ(initialize(list, type, 0), STATUS_SUCCESS);
    EXPECT_TRUE(is_listed(type == PagedPool ? ExPagedLookasideListHead : ExNPagedLookasideListHead, list.L.ListEntry));
    ExDeleteLookasideListEx(&list);
  }
}

TEST_F(ExLookasideListEx, PassesItselfAndTheFlagsToItsRoutines) {
  LOOKASIDE_LIST_EX list;
  for (const auto &[flags, added] : {std::pair{0ul, 0},
                                     {EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, 16},
                                     {EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE, 8}}) {
    calls = {};
    ASSERT_EQ(initialize(list, PagedPool, static_cast<ULONG>(flags)), STATUS_SUCCESS);
    const PVOID block = ExAllocateFromLookasideListEx(&list);
    EXPECT_EQ(calls.list, &list);
    EXPECT_EQ(calls.type, PagedPool | added);
    EXPECT_EQ(calls.bytes, 64u);
    ExFreeToLookasideListEx(&list, block);
    EXPECT_EQ(ExAllocateFromLookasideListEx(&list), block);
    EXPECT_EQ(calls.allocated, 1);
    ExFreeToLookasideListEx(&list, block);
    calls.list = nullptr;
    ExDeleteLookasideListEx(&list);
    EXPECT_EQ(calls.list, &list);
    EXPECT_EQ(calls.freed, 1);
  }
}

TEST_F(ExLookasideListEx, FlushGivesBackWhatItKeeps) {
  LOOKASIDE_LIST_EX list;
  ASSERT_EQ(initialize(list, NonPagedPool, 0), STATUS_SUCCESS);
  const PVOID a = ExAllocateFromLookasideListEx(&list), b = ExAllocateFromLookasideListEx(&list);
  ExFreeToLookasideListEx(&list, a);
  ExFreeToLookasideListEx(&list, b);
  ExFlushLookasideListEx(&list);
  EXPECT_EQ(calls.freed, 2);
  EXPECT_EQ(ExQueryDepthSList(&list.L.ListHead), 0);
  ExDeleteLookasideListEx(&list);
  EXPECT_EQ(calls.freed, 2);
}

TEST_F(ExLookasideListEx, HasRoutinesOfItsOwn) {
  LOOKASIDE_LIST_EX list;
  ASSERT_EQ(initialize(list, NonPagedPool, EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL, false), STATUS_SUCCESS);
  std::vector<PVOID> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(ExAllocateFromLookasideListEx(&list));
  for (PVOID block : blocks) ExFreeToLookasideListEx(&list, block);
  EXPECT_EQ(list.L.FreeMisses, 2u);
  ExDeleteLookasideListEx(&list);
}

using LookasideStress = Lookaside;

TEST_F(LookasideStress, NoBlockIsGivenOutTwice) {
  LOOKASIDE_LIST_EX list;
  ASSERT_EQ(initialize(list, NonPagedPool, 0, false), STATUS_SUCCESS);
  std::atomic<int> errors{0};
  const int count = rounds(40000, 500000);
  run_together(kStressThreads, [&](unsigned seed) {
    std::minstd_rand random(seed + 1);
    std::vector<unsigned *> mine;
    for (int i = 0; i < count; ++i) {
      const auto choice = random() % 64;
      if (choice == 0) {
        ExFlushLookasideListEx(&list);
      } else if (choice < 33) {
        auto *block = static_cast<unsigned *>(ExAllocateFromLookasideListEx(&list));
        for (int word = 0; word < 16; ++word) block[word] = seed;
        mine.push_back(block);
      } else if (!mine.empty()) {
        for (int word = 0; word < 16; ++word) errors += mine.back()[word] != seed;
        ExFreeToLookasideListEx(&list, mine.back());
        mine.pop_back();
      }
    }
    for (unsigned *block : mine) ExFreeToLookasideListEx(&list, block);
  });
  EXPECT_EQ(errors, 0);
  ExDeleteLookasideListEx(&list);
}

}  // namespace
}  // namespace ntemu::test
