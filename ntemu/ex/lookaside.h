#pragma once

#include <cstddef>

namespace ntemu::ex {

// Forgets the lists of the machine before: their memory went with their drivers.
void boot_lookaside_lists();
// A list of any kind that is in use and begins in those bytes; null when none does.
const void *find_lookaside_list(const void *start, size_t bytes);

}  // namespace ntemu::ex
