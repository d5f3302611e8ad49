// What a driver that is unloaded has taken from the pool and not given back.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ntemu/ex/special_pool.h"

namespace ntemu::vf {

struct PoolLeak {
  ex::PoolBlock block;
  ex::PoolStack stack;  // empty unless the image is verified with kPoolTracking
};
// The blocks that code of those addresses has taken by a call of its own and that are allocated still, in no order.
// Nothing of it may run any more.
std::vector<PoolLeak> find_pool_leaks(const void *base, size_t bytes);

// To be called once DriverUnload has returned, while the image is still there: tells each leak in the log, and the sum
// for each tag. A warning, unless the image is verified with kPoolTracking: then 0xC4 (0x62, name, 0, blocks).
void report_pool_leaks(const void *base, size_t bytes, const UNICODE_STRING &name);

// Of kPoolTracking: the stack that took a block, until it is freed or taken by another.
void remember_taker(const void *block);
void forget_taker(const void *block);
size_t remembered_takers();

}  // namespace ntemu::vf
