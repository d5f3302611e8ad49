// Damaged images are refused or pass, but never crash the checks.
#include <cstring>
#include <random>

#include "ntemu/ldr/elf_dynamic.h"
#include "tests/ldr/images.h"

namespace ntemu::ldr {
namespace {

bool passes(const std::string &bytes) {
  try {
    // A copy of exactly this size, so that AddressSanitizer sees a read past the end.
    const std::vector<char> file(bytes.begin(), bytes.end());
    read_dynamic(ElfFile(file));
    return true;
  } catch (const LoadError &error) {
    EXPECT_LT(error.status, 0);
    EXPECT_FALSE(error.text.empty());
    return false;
  }
}

class DamagedImage : public testing::TestWithParam<std::string> {};

TEST_P(DamagedImage, ManyRandomBytes) {
  const std::string good = contents(built_image(GetParam()));
  ASSERT_TRUE(passes(good));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 3000; i++) {
    std::string bad = good;
    // Half of the damage goes to the headers and the dynamic tables, which are at the front.
    const size_t limit = i % 2 ? bad.size() : std::min<size_t>(bad.size(), 2048);
    for (int j = 0; j < 1 + i % 8; j++) bad[random() % limit] = static_cast<char>(random());
    refused += !passes(bad);
  }
  EXPECT_GT(refused, 100);
}

TEST_P(DamagedImage, EveryLength) {
  const std::string good = contents(built_image(GetParam()));
  for (size_t length = 0; length < good.size(); length += length < 4096 ? 1 : 97)
    EXPECT_FALSE(passes(good.substr(0, length)));
}

// Extreme values in every aligned word of the file's first page and of its dynamic section.
TEST_P(DamagedImage, EveryWord) {
  const std::string good = contents(built_image(GetParam()));
  Elf64_Ehdr header;
  std::memcpy(&header, good.data(), sizeof(header));
  const size_t end = good.find("GCC: (");  // .comment, after everything that is mapped
  for (size_t at = 16; at + 8 <= std::min(end, good.size()); at += 4) {
    for (const uint64_t value :
         {uint64_t{0}, UINT64_MAX, uint64_t{0x7fffffffffffffff}, uint64_t{0x1000}, uint64_t{0xffffffff}}) {
      std::string bad = good;
      bad.replace(at, 8, reinterpret_cast<const char *>(&value), 8);
      passes(bad);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, DamagedImage, testing::Values("ldr_sample", "ldr_constructor"),
                         [](const auto &test) { return test.param; });

}  // namespace
}  // namespace ntemu::ldr
