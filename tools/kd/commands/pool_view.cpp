#include "tools/kd/commands/pool_view.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include <fmt/format.h>

namespace ntemu::debug {
namespace {

// As the kernel's POOL_TRACKER_TABLE.
struct Row {
  uint32_t key;
  uint32_t fill;
  uint64_t numbers[6];
};
static_assert(sizeof(Row) == 56);

constexpr uint64_t kMostRows = 1 << 16;

}  // namespace

Walk<PoolTag> pool_tags(Session &session) {
  Walk<PoolTag> result;
  Memory &memory = session.memory();
  const kd::DebuggerData &data = session.target().data();
  const auto table = memory.pointer(address_of(data.PoolTrackTable));
  const auto count = memory.pointer(address_of(data.PoolTrackTableSize));
  if (!table || !count || *count > kMostRows) {
    result.problems.push_back("PoolTrackTable cannot be read");
    return result;
  }
  for (uint64_t i = 0; i < *count; ++i) {
    const auto row = memory.get<Row>(*table + i * sizeof(Row));
    if (!row) {
      result.problems.push_back(fmt::format("PoolTrackTable cannot be read beyond row {}", i));
      break;
    }
    const auto &numbers = row->numbers;
    if (std::all_of(std::begin(numbers), std::end(numbers), [](uint64_t number) { return number == 0; })) continue;
    result.found.push_back({row->key, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]});
  }
  return result;
}

std::string tag_name(uint32_t tag) {
  char letters[4];
  std::memcpy(letters, &tag, sizeof letters);
  std::string name;
  for (const char letter : letters) name += std::isprint(static_cast<unsigned char>(letter)) ? letter : '.';
  return name;
}

uint32_t tag_of(std::string_view name) {
  uint32_t tag = 0x20202020;
  std::memcpy(&tag, name.data(), std::min(name.size(), sizeof tag));
  return tag;
}

}  // namespace ntemu::debug
