#include "ntemu/vf/special_pool.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include <thread>

#include "ntemu/ps/reaper.h"
#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kSpecialTag = 0x63705356;  // 'VSpc'
constexpr ULONG_PTR kPage = base::kPageSize;

struct Touch {
  const void *address = nullptr;
  const void *ip = nullptr;
  bool write = false;
  std::optional<ke::Bugcheck> explained;
};
sigjmp_buf *after_fault = nullptr;
Touch touched;

void on_fault(int, siginfo_t *info, void *context) {
  const auto &registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  touched.address = info->si_addr;
  touched.ip = reinterpret_cast<const void *>(registers[REG_RIP]);
  touched.write = registers[REG_ERR] & 2;
  touched.explained = vf::explain_special_pool_fault(touched.address, touched.write, touched.ip);
  siglongjmp(*after_fault, 1);
}

// What a fault of `body` is, as the handler of a machine asks; nothing when there was none.
template <class Body>
std::optional<ke::Bugcheck> fault_of(const Body &body) {
  struct sigaction action {
  }, before{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &before);
  sigjmp_buf target;
  after_fault = &target;
  touched = {};
  if (sigsetjmp(target, 1) == 0) body();
  sigaction(SIGSEGV, &before, nullptr);
  return touched.explained;
}

class SpecialPool : public VerifiedTest {
 protected:
  SpecialPool() {
    vf::set_special_pool({});
    if (!ex::poisons()) verify(vf::kSpecialPool);
  }
  void SetUp() override {
    if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer finds the same, and the special pool is off";
  }
  static char *take(SIZE_T bytes, POOL_TYPE type = NonPagedPool) {
    return static_cast<char *>(ExAllocatePoolWithTag(type, bytes, kSpecialTag));
  }
  static ke::Bugcheck free(void *block) {
    return ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kSpecialTag); });
  }
  // A block that may be wrong, which nobody is told of.
  static bool is_special(const void *block) { return ex::look_at_pool(block).special; }
};

TEST_F(SpecialPool, BlocksEndWhereTheirPageEnds) {
  for (SIZE_T size = 1; size < kPage; size += 13) {
    char *block = take(size);
    ASSERT_TRUE(is_special(block));
    EXPECT_EQ(number(block) % 16, 0u);
    EXPECT_EQ((number(block) + size + 15) / 16 * 16 % kPage, 0u) << size;
    std::memset(block, 0x5a, size);
    ExFreePool(block);
  }
}

TEST_F(SpecialPool, BlocksOfAPageOrMoreBeginOnOne) {
  for (const SIZE_T size : {kPage, kPage + 1, 5 * kPage, 9 * kPage - 3}) {
    char *block = take(size);
    ASSERT_TRUE(is_special(block));
    EXPECT_EQ(number(block) % kPage, 0u);
    std::memset(block, 0x5a, size);
    ExFreePool(block);
  }
  char *huge = take(SIZE_T{8} << 20);
  EXPECT_FALSE(is_special(huge));
  ExFreePool(huge);
}

TEST_F(SpecialPool, CacheAlignedBlocksAre) {
  void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED, 40, kSpecialTag);
  EXPECT_TRUE(is_special(block));
  EXPECT_EQ(number(block) % SYSTEM_CACHE_ALIGNMENT_SIZE, 0u);
  ExFreePool(block);
}

TEST_F(SpecialPool, StartAligned) {
  vf::set_special_pool({.alignment = vf::Alignment::kStart});
  char *block = take(100);
  EXPECT_EQ(number(block) % kPage, 0u);
  const auto stop = fault_of([&] { write_to(block - 1); });
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->code, 0xD6u);
  block[100] ^= 3;
  expect_stop(free(block), 0xC1, number(block), number(block) + 100, 0, 0x24);
  block[100] ^= 3;
  ExFreePool(block);
}

TEST_F(SpecialPool, ZeroedOnlyIfAskedFor) {
  auto *zeroed = static_cast<char *>(ExAllocatePool2(POOL_FLAG_PAGED, 300, kSpecialTag));
  for (int i = 0; i < 300; ++i) ASSERT_EQ(zeroed[i], 0);
  char *filled = take(300);
  EXPECT_NE(filled[0], 0) << "what is used without being set shows";
  ExFreePool(zeroed), ExFreePool(filled);
}

TEST_F(SpecialPool, AWriteBehindTheEndFaultsAtOnce) {
  char *block = take(64);
  auto stop = fault_of([&] { write_to(block + 64); });
  ASSERT_TRUE(stop);
  expect_stop(*stop, 0xD6, number(block) + 64, 1, number(touched.ip), 0);
  stop = fault_of([&] { read_from(block + 64); });
  ASSERT_TRUE(stop);
  expect_stop(*stop, 0xD6, number(block) + 64, 0, number(touched.ip), 0);
  const auto lines = vf::describe_special_pool_fault(block + 64);
  ASSERT_GE(lines.size(), 2u);
  EXPECT_NE(lines[0].find("0 bytes behind the end of a block of 64 bytes, tag 'VSpc'"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("special_pool_test.cpp:"), std::string::npos) << lines[1];
  ExFreePool(block);
}

TEST_F(SpecialPool, ByTheKernelItIsAnotherCode) {
  char *block = take(sizeof(KEVENT));
  auto *beyond = reinterpret_cast<KEVENT *>(block + 16);
  auto stop = fault_of([&] { KeInitializeEvent(beyond, NotificationEvent, TRUE); });
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->code, 0xCDu);
  EXPECT_EQ(stop->parameters[1], 1u);
  EXPECT_EQ(stop->parameters[2], number(touched.ip));
  ExFreePool(block);
  stop = fault_of([&] { KeReadStateEvent(reinterpret_cast<KEVENT *>(block)); });
  ASSERT_TRUE(stop);
  EXPECT_EQ(stop->code, 0xCCu);
  EXPECT_EQ(stop->parameters[1], 0u);
}

TEST_F(SpecialPool, AUseAfterTheFreeFaults) {
  char *block = take(64);
  ExFreePool(block);
  auto stop = fault_of([&] { read_from(block); });
  ASSERT_TRUE(stop);
  expect_stop(*stop, 0xD5, number(block), 0, number(touched.ip), 0);
  stop = fault_of([&] { write_to(block + 5); });
  ASSERT_TRUE(stop);
  expect_stop(*stop, 0xD5, number(block) + 5, 1, number(touched.ip), 0);
  const auto lines = vf::describe_special_pool_fault(block + 5);
  EXPECT_NE(lines[0].find("5 bytes into a block of 64 bytes, tag 'VSpc'"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("which is freed"), std::string::npos);
  size_t allocated = 0, freed = 0;
  for (const std::string &line : lines) {
    allocated += line.find("    allocated: ") == 0;
    freed += line.find("    freed: ") == 0 && line.find("special_pool_test.cpp:") != line.npos;
  }
  EXPECT_EQ(allocated, 1u);
  EXPECT_EQ(freed, 1u);
}

TEST_F(SpecialPool, WhatIsWrittenBesideABlockShowsWhenItIsFreed) {
  char *block = take(100);  // 12 bytes are left behind it
  const auto damage = [&](char *where, int bits) {
    *where = static_cast<char>(*where ^ bits);
    const ke::Bugcheck stop = free(block);
    *where = static_cast<char>(*where ^ bits);
    return stop;
  };
  expect_stop(damage(block - 1, 6), 0xC1, number(block), number(block) - 1, 0, 0x23);
  expect_stop(damage(block - 2000, 6), 0xC1, number(block), number(block) - 2000, 0, 0x23);
  expect_stop(damage(block + 100, 6), 0xC1, number(block), number(block) + 100, 0, 0x24);
  expect_stop(damage(block + 111, 6), 0xC1, number(block), number(block) + 111, 0, 0x24);
  expect_stop(damage(block - 7, 4), 0xC1, number(block), number(block) - 7, 0, 0x32);
  EXPECT_TRUE(logged("before its start")) << log_;
  EXPECT_TRUE(logged("beyond its end"));
  EXPECT_TRUE(logged("    allocated: "));
  ExFreePool(block);
}

TEST_F(SpecialPool, ASecondFreeTellsBothStacks) {
  char *block = take(64);
  ExFreePool(block);
  expect_stop(free(block), 0xC1, number(block), 0, 0, 0x20);
  EXPECT_TRUE(logged("is freed once more")) << log_;
  EXPECT_TRUE(logged("    allocated: "));
  EXPECT_TRUE(logged("    freed: "));
  auto *never = reinterpret_cast<char *>(ex::kSpecialPool + ex::kSpecialPoolSize - 64);
  expect_stop(free(never), 0xC1, number(never), 0, 0, 0x20);
}

TEST_F(SpecialPool, AnotherAddressOfTheBlock) {
  char *block = take(64);
  expect_stop(free(block + 16), 0xC1, number(block) + 16, 64, 48, 0x21);
  ExFreePool(block);
}

TEST_F(SpecialPool, AnotherTag) {
  char *block = take(64);
  expect_stop(ke::catch_bugcheck([&] { ExFreePoolWithTag(block, kSpecialTag + 1); }), 0xC2, 0xA, number(block),
              kSpecialTag, kSpecialTag + 1);
  ExFreePool(block);
}

// Whoever frees it, verified or not.
TEST_F(SpecialPool, FreedByOthers) {
  char *block = take(64, PagedPool), *other = take(64);
  vf::unverify_image(__executable_start);
  ExFreePoolWithTag(other, kSpecialTag);
  {
    const AtIrql high(DISPATCH_LEVEL);
    expect_stop(free(block), 0xC1, DISPATCH_LEVEL, PagedPool, number(block), 0x31);
  }
  block[-1] ^= 3;
  expect_stop(free(block), 0xC1, number(block), number(block) - 1, 0, 0x23);
  block[-1] ^= 3;
  ExFreePool(block);
  EXPECT_FALSE(is_special(take(64)));
}

TEST_F(SpecialPool, AtAWrongIrqlWhoeverAsks) {
  const AtIrql high(DISPATCH_LEVEL);
  const ex::PoolRequest request{.type = PagedPool, .bytes = 64, .tag = kSpecialTag};
  expect_stop(ke::catch_bugcheck([&] { ex::take_special(request, vf::Alignment::kEnd); }), 0xC1, DISPATCH_LEVEL,
              PagedPool, 64, 0x30);
}

TEST_F(SpecialPool, OnlyTheTagsAndSizesThatAreWanted) {
  vf::set_special_pool({.tags = {"VSpc", "Ab*"}, .least = 32, .most = 64});
  const auto special = [](SIZE_T bytes, ULONG tag) {
    void *block = ExAllocatePoolWithTag(NonPagedPool, bytes, tag);
    const bool is = is_special(block);
    ExFreePool(block);
    return is;
  };
  EXPECT_TRUE(special(32, kSpecialTag));
  EXPECT_TRUE(special(64, kSpecialTag));
  EXPECT_FALSE(special(31, kSpecialTag));
  EXPECT_FALSE(special(65, kSpecialTag));
  EXPECT_TRUE(special(40, 0x7a7a6241));   // 'Abzz'
  EXPECT_FALSE(special(40, 0x7a7a6341));  // 'Aczz'
}

TEST_F(SpecialPool, AnyDriverMayAskForIt) {
  vf::unverify_image(__executable_start);
  void *block = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_SPECIAL_POOL, 40, kSpecialTag);
  EXPECT_TRUE(is_special(block));
  EXPECT_EQ(ExAllocatePool2(POOL_FLAG_SPECIAL_POOL, 40, kSpecialTag), nullptr);
  ExFreePoolWithTag(block, kSpecialTag);
  EXPECT_EQ(free(block).code, 0xC1u);
  EXPECT_TRUE(logged("    allocated: ")) << log_;
}

TEST_F(SpecialPool, IsCountedLikeAnyPool) {
  const ex::PoolUse before = ex::pool_use();
  char *block = take(100);
  EXPECT_EQ(ex::pool_use().bytes - before.bytes, 100u);
  EXPECT_EQ(ex::pool_use().blocks - before.blocks, 1u);
  bool found = false;
  ex::for_each_pool_block([&](const ex::PoolBlock &each) { found |= each.start == block; });
  EXPECT_TRUE(found);
  ExFreePool(block);
  EXPECT_EQ(ex::pool_use().bytes, before.bytes);
  EXPECT_EQ(ex::pool_use().blocks, before.blocks);
}

TEST_F(SpecialPool, AFreedBlockIsReusedLateButIs) {
  char *first = take(64);
  ExFreePool(first);
  constexpr int kMany = 20000;
  int reused_after = 0;
  for (int i = 1; i <= kMany && reused_after == 0; ++i) {
    char *block = take(64);
    if (block == first) reused_after = i;
    ExFreePool(block);
  }
  EXPECT_GT(reused_after, 1000);
  const ex::SpecialPoolUse middle = ex::special_pool_use();
  for (int i = 0; i < kMany; ++i) ExFreePool(take(64));
  EXPECT_EQ(ex::special_pool_use().pages, middle.pages) << "the address range does not grow for ever";
}

TEST_F(SpecialPool, WhenThereIsNoMoreTheOrdinaryPoolServes) {
  std::vector<char *> blocks;
  const uint64_t missed = ex::special_pool_use().missed;
  do {
    blocks.push_back(take(32));
    ASSERT_NE(blocks.back(), nullptr);
  } while (is_special(blocks.back()) && blocks.size() < 100000);
  EXPECT_LT(blocks.size(), 100000u);
  EXPECT_GT(ex::special_pool_use().missed, missed);
  for (char *block : blocks) ExFreePool(block);
  char *again = take(32);
  EXPECT_TRUE(is_special(again));
  ExFreePool(again);
}

TEST_F(SpecialPool, AFaultElsewhereIsNoneOfIts) {
  char *block = take(64);
  const int local = 0;
  EXPECT_FALSE(vf::explain_special_pool_fault(&local, true, &local));
  EXPECT_FALSE(vf::explain_special_pool_fault(nullptr, true, &local));
  EXPECT_FALSE(vf::explain_special_pool_fault(block, true, &local)) << "the block itself can be written";
  EXPECT_TRUE(vf::describe_special_pool_fault(&local).empty());
  ExFreePool(block);
}

TEST_F(SpecialPool, StressOfEightThreads) {
  const int kRounds = rounds(100, 5000);
  const auto body = [&](unsigned seed) {
    std::vector<std::pair<char *, SIZE_T>> held;
    for (int i = 0; i < kRounds; ++i) {
      const SIZE_T size = (seed * 31 + static_cast<unsigned>(i) * 37) % 5000 + 1;
      char *block = take(size);
      std::memset(block, static_cast<int>(size), size);
      held.emplace_back(block, size);
      if (held.size() < 10) continue;
      for (const auto &[bytes, length] : held) {
        ASSERT_EQ(bytes[0], static_cast<char>(length));
        ASSERT_EQ(bytes[length - 1], static_cast<char>(length));
        ExFreePoolWithTag(bytes, kSpecialTag);
      }
      held.clear();
    }
    for (const auto &[bytes, length] : held) ExFreePoolWithTag(bytes, kSpecialTag);
  };
  const ex::PoolUse before = ex::pool_use();
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (unsigned i = 0; i < 8; ++i) threads.push_back(std::make_unique<SystemThread>([&body, i] { body(i); }));
  }
  ps::await_ended_threads();
  EXPECT_EQ(ex::special_pool_use().taken, 0u);
  EXPECT_EQ(ex::pool_use().bytes, before.bytes);
  EXPECT_EQ(ex::pool_use().blocks, before.blocks);
}

}  // namespace
}  // namespace ntemu::test
