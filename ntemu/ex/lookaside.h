#pragma once

namespace ntemu::ex {

// Forgets the lists of the machine before: their memory went with their drivers.
void boot_lookaside_lists();

}  // namespace ntemu::ex
