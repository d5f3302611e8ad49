// Work items that keep a device, and its driver's image, until they have run.
#pragma once

#include <cstddef>

namespace ntemu::io {

void boot_work_items();
// The queued and running ones whose routine lies in [image, image + size).
size_t work_items_in(const void *image, size_t size);

}  // namespace ntemu::io
