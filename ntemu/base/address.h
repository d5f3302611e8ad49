// Addresses as numbers, which is how parameters of a bugcheck and tables of ranges have them.
#pragma once

#include <cstdint>

namespace ntemu::base {

inline uintptr_t address_of(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer); }

}  // namespace ntemu::base
