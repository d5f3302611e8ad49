// The pool calls of verified drivers: what is wrong with them, and which of them the special pool serves.
#pragma once

#include "ntemu/api/enter.h"

namespace ntemu::vf {

// An api::CallHook. Does not return from a violation; true when `result` is the block that the call returns.
bool verify_pool_call(const api::Call &call, uint64_t &result);

}  // namespace ntemu::vf
