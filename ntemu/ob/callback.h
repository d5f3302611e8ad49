#pragma once

namespace ntemu::ob {

// The callback objects that Windows itself makes. Nothing here notifies them: time and power do not change.
void boot_callbacks();

}  // namespace ntemu::ob
