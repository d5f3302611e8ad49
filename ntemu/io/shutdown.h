#pragma once

namespace ntemu::io {

// Tells the devices that asked for it, the last one first, and waits for each, but not for ever.
void notify_shutdown();

}  // namespace ntemu::io
