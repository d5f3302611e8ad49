// The blocks of the pool, found from their headers and from the kernel's tables.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct PoolBlockView {
  enum State { kAllocated, kFree, kDamaged };
  Address start = 0;  // of its header, or of the block where it has none
  Address body = 0;
  uint64_t size = 0;  // with its header
  uint64_t previous_size = 0;
  uint64_t bytes = 0;  // as asked for
  uint32_t tag = 0;
  bool paged = false;
  State state = kAllocated;
  Address site = 0;  // who took it, or who freed it
};

struct PoolPage {
  const char *kind = nullptr;  // "Nonpaged pool"; null: the address is none of the pool's
  std::vector<PoolBlockView> blocks;
  std::vector<std::string> problems;
};

PoolPage pool_page(Session &session, Address address);
void for_each_block(Session &session, std::vector<std::string> &problems,
                    const std::function<void(const PoolBlockView &)> &visit);

}  // namespace ntemu::debug
