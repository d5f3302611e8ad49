#include "tools/kd/commands/pool_blocks.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr uint64_t kPage = 4096, kUnit = 16, kMostSmallPool = uint64_t{1} << 34, kMostLarge = uint64_t{1} << 20;
// As the kernel's PoolHeader.
struct Header {
  uint8_t previous_size, check, block_size, type;
  uint32_t tag;
  uint64_t bytes_and_site;
};
static_assert(sizeof(Header) == kUnit);
enum : uint8_t { kPaged = 1, kInUse = 2 };

// As the kernel's PoolBlock.
struct LargeBlock {
  uint64_t start, bytes;
  uint32_t tag;
  uint8_t paged, fill[3];
  uint64_t site;
};
static_assert(sizeof(LargeBlock) == 32);

// Of a SpecialRun: its state (1 taken, 2 freed), its pages, and its block.
constexpr uint64_t kRunPages = 8, kRunBytes = 16, kRunBlock = 24;
constexpr uint32_t kRunTaken = 1, kRunFreed = 2;
constexpr uint64_t kSpecialSize = uint64_t{1} << 34;
// A node of a std::map: its children, and the value behind colour and links.
constexpr uint64_t kTreeRoot = 16, kTreeCount = 40, kTreeLeft = 16, kTreeRight = 24, kTreeValue = 40;

// Whether the header is as the kernel makes it at this place.
bool fits(const Header &header, Address at) {
  const auto check = static_cast<uint8_t>(((at >> 4) * 0x9d ^ at >> 12 ^ 0x5b) & 0xff);
  return header.block_size && header.check == check && header.previous_size == (at % kPage ? header.block_size : 0);
}

PoolBlockView view_of(const Header &header, Address at, uint64_t size) {
  PoolBlockView block;
  block.start = at;
  block.body = at + kUnit;
  block.size = size;
  block.previous_size = header.previous_size * kUnit;
  block.bytes = header.bytes_and_site & 0xffff;
  block.tag = header.tag;
  block.paged = header.type & kPaged;
  block.site = header.bytes_and_site >> 16;
  const bool whole = fits(header, at) && (header.type & ~(kPaged | kInUse)) == 0 && header.block_size * kUnit == size;
  block.state = !whole                 ? PoolBlockView::kDamaged
                : header.type & kInUse ? PoolBlockView::kAllocated
                                       : PoolBlockView::kFree;
  return block;
}

// Blocks of one page have one size; that of most headers that are whole counts.
uint64_t size_in_page(Memory &memory, Address page) {
  for (Address at = page; at < page + kPage; at += kUnit) {
    const auto header = memory.get<Header>(at);
    if (!header) return 0;
    if (fits(*header, at) && (at - page) % (header->block_size * kUnit) == 0) return header->block_size * kUnit;
  }
  return 0;
}

std::vector<PoolBlockView> blocks_in_page(Memory &memory, Address page) {
  std::vector<PoolBlockView> blocks;
  const uint64_t size = size_in_page(memory, page);
  for (Address at = page; size && at + size <= page + kPage; at += size) {
    const auto header = memory.get<Header>(at);
    if (!header) break;
    blocks.push_back(view_of(*header, at, size));
  }
  return blocks;
}

PoolBlockView view_of(const LargeBlock &large) {
  PoolBlockView block;
  block.start = block.body = large.start;
  block.size = (large.bytes + kPage - 1) / kPage * kPage;
  block.bytes = large.bytes;
  block.tag = large.tag;
  block.paged = large.paged != 0;
  block.site = large.site;
  return block;
}

void walk_large(Session &session, std::vector<std::string> &problems,
                const std::function<void(const PoolBlockView &)> &visit) {
  const Address map = address_of(session.target().data().large_pool);
  Memory &memory = session.memory();
  const auto root = map ? memory.pointer(map + kTreeRoot) : std::nullopt;
  const auto count = map ? memory.pointer(map + kTreeCount) : std::nullopt;
  if (!root || !count) {
    if (map) problems.push_back("the table of large blocks cannot be read");
    return;
  }
  std::vector<Address> rest{*root};
  uint64_t seen = 0;
  while (!rest.empty() && seen <= std::min(*count, kMostLarge)) {
    const Address node = rest.back();
    rest.pop_back();
    if (!node) continue;
    const auto block = memory.get<LargeBlock>(node + kTreeValue);
    const auto left = memory.pointer(node + kTreeLeft), right = memory.pointer(node + kTreeRight);
    if (!block || !left || !right) {
      problems.push_back(fmt::format("the table of large blocks cannot be read at {}", hex16(node)));
      return;
    }
    ++seen;
    visit(view_of(*block));
    rest.push_back(*right);
    rest.push_back(*left);
  }
  if (seen != *count) problems.push_back(fmt::format("the table of large blocks says {}; {} are found", *count, seen));
}

std::optional<PoolBlockView> special_block(Session &session, Address address) {
  const kd::DebuggerData &data = session.target().data();
  const Address first = address_of(data.special_pages);
  if (!data.special_pool || address - first >= kSpecialSize) return std::nullopt;
  Memory &memory = session.memory();
  const auto pool = memory.pointer(address_of(data.special_pool));
  const auto runs = pool && *pool ? memory.pointer(*pool + data.special_runs) : std::nullopt;
  const auto run = runs && *runs ? memory.pointer(*runs + (address - first) / kPage * sizeof(Address)) : std::nullopt;
  if (!run || !*run) return std::nullopt;
  const auto state = memory.get<uint32_t>(*run);
  const auto pages = memory.pointer(*run + kRunPages), bytes = memory.pointer(*run + kRunBytes);
  const auto large = memory.get<LargeBlock>(*run + kRunBlock);
  if (!state || !pages || !bytes || !large) return std::nullopt;
  PoolBlockView block = view_of(*large);
  block.body = large->start;
  block.start = *pages;
  block.size = *bytes + kPage;  // with the page that nobody may touch
  block.state = *state == kRunTaken   ? PoolBlockView::kAllocated
                : *state == kRunFreed ? PoolBlockView::kFree
                                      : PoolBlockView::kDamaged;
  return block;
}

struct SmallPool {
  Address start = 0;
  uint64_t size = 0;
};

SmallPool small_pool(Session &session) {
  const kd::DebuggerData &data = session.target().data();
  if (!data.small_pool || !data.small_pool_bytes) return {};
  const auto size = session.memory().pointer(address_of(data.small_pool_bytes));
  return {address_of(data.small_pool), size && *size <= kMostSmallPool ? *size : 0};
}

}  // namespace

PoolPage pool_page(Session &session, Address address) {
  PoolPage page;
  const SmallPool small = small_pool(session);
  if (address - small.start < small.size) {
    page.blocks = blocks_in_page(session.memory(), address & ~(kPage - 1));
    page.kind = "Nonpaged pool";
    for (const PoolBlockView &block : page.blocks) {
      if (address - block.start < block.size && block.paged) page.kind = "Paged pool";
      if (block.state == PoolBlockView::kDamaged)
        page.problems.push_back(fmt::format("the header at {} is damaged", hex16(block.start)));
    }
    if (page.blocks.empty()) page.problems.emplace_back("no header of this page is whole, or the page is not in use");
    return page;
  }
  if (const auto block = special_block(session, address)) {
    page.kind = "Special pool";
    page.blocks.push_back(*block);
    return page;
  }
  walk_large(session, page.problems, [&](const PoolBlockView &block) {
    if (address - block.start >= block.size) return;
    page.kind = block.paged ? "Paged pool, large block" : "Nonpaged pool, large block";
    page.blocks.push_back(block);
  });
  return page;
}

void for_each_block(Session &session, std::vector<std::string> &problems,
                    const std::function<void(const PoolBlockView &)> &visit) {
  const SmallPool small = small_pool(session);
  for (Address page = small.start; page < small.start + small.size; page += kPage) {
    for (const PoolBlockView &block : blocks_in_page(session.memory(), page)) visit(block);
  }
  walk_large(session, problems, visit);
}

}  // namespace ntemu::debug
