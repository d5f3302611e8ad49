#include "ntemu/kd/memory_map.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <set>

namespace ntemu::test {
namespace {

// More runs than one look tells of.
constexpr uint64_t kPages = 8 * kd::MemoryMap::kMostRuns;

// Both ways to find out what has been touched.
class MemoryMap : public ::testing::TestWithParam<bool> {
 protected:
  MemoryMap() { EXPECT_EQ(map.open(0), 0); }

  std::set<uint64_t> touched(const void *start, uint64_t size, bool private_only) {
    std::set<uint64_t> pages;
    const auto at = reinterpret_cast<uint64_t>(start);
    map.for_each_run(at, at + size, private_only, [&](const kd::Range &run) {
      for (uint64_t page = run.start; page < run.end; page += kd::kPage)
        EXPECT_TRUE(pages.insert((page - at) / kd::kPage).second);
    });
    return pages;
  }

  std::unique_ptr<kd::MemoryMap::Storage> storage = std::make_unique<kd::MemoryMap::Storage>();
  kd::MemoryMap map{*storage, GetParam()};
};

char *map_pages(uint64_t count, int protection = PROT_READ | PROT_WRITE) {
  void *pages = mmap(nullptr, count * kd::kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(pages, MAP_FAILED);
  madvise(pages, count * kd::kPage, MADV_NOHUGEPAGE);
  return static_cast<char *>(pages);
}

TEST_P(MemoryMap, TellsThePagesThatWereTouched) {
  char *pages = map_pages(kPages);
  std::set<uint64_t> expected;
  for (uint64_t page = 1; page < kPages; page += 2 + page % 3) {
    pages[page * kd::kPage] = 1;
    expected.insert(page);
  }
  EXPECT_EQ(touched(pages, kPages * kd::kPage, false), expected);
  munmap(pages, kPages * kd::kPage);
}

TEST_P(MemoryMap, TellsNothingOfWhatIsOnlyReserved) {
  char *pages = map_pages(kPages, PROT_NONE);
  EXPECT_EQ(touched(pages, kPages * kd::kPage, false), std::set<uint64_t>{});
  munmap(pages, kPages * kd::kPage);
}

TEST_P(MemoryMap, TellsWhichPagesOfAFileAreItsOwn) {
  char *pages = nullptr;
  {
    FILE *file = tmpfile();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(fwrite(std::string(kd::kPage, 'x').data(), kd::kPage, 1, file), 1u);
    fflush(file);
    pages = static_cast<char *>(mmap(nullptr, 4 * kd::kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(file), 0));
    fclose(file);
  }
  ASSERT_NE(pages, MAP_FAILED);
  EXPECT_EQ(pages[0], 'x');
  pages[2 * kd::kPage] = 'y';
  EXPECT_EQ(touched(pages, 4 * kd::kPage, true), std::set<uint64_t>{2});
  munmap(pages, 4 * kd::kPage);
}

TEST_P(MemoryMap, ReadsWhatTheProcessItselfMayNot) {
  char *pages = map_pages(3);
  std::memset(pages, 7, 3 * kd::kPage);
  mprotect(pages, kd::kPage, PROT_NONE);
  munmap(pages + 2 * kd::kPage, kd::kPage);
  char copy[3 * kd::kPage];
  EXPECT_EQ(map.read(reinterpret_cast<uint64_t>(pages), copy, sizeof copy), 2 * kd::kPage);
  EXPECT_EQ(copy[0], 7);
  munmap(pages, 2 * kd::kPage);
}

TEST_P(MemoryMap, HasTheMappingsWithTheirFilesAndRights) {
  const auto here = reinterpret_cast<uint64_t>(&map_pages);
  bool found = false;
  uint64_t last = 0;
  for (const kd::Mapping &mapping : map) {
    EXPECT_LE(last, mapping.start);
    EXPECT_LT(mapping.start, mapping.end);
    last = mapping.end;
    if (here < mapping.start || here >= mapping.end) continue;
    found = mapping.is_file() && mapping.readable && mapping.executable && !mapping.writable && !mapping.shared;
    EXPECT_NE(std::strstr(mapping.path, "kd_test"), nullptr) << mapping.path;
  }
  EXPECT_TRUE(found);
}

INSTANTIATE_TEST_SUITE_P(Ways, MemoryMap, ::testing::Bool(),
                         [](const auto &way) { return way.param ? "Scan" : "Entries"; });

}  // namespace
}  // namespace ntemu::test
