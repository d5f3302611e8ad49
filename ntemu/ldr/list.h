// The lock of PsLoadedModuleList, for the files of this component.
#pragma once

#include "ntemu/base/lock.h"
#include "ntemu/ldr/image.h"

namespace ntemu::ldr {

extern base::Mutex list_lock;

Image *find_in_list(const void *address) NTEMU_REQUIRES(list_lock);

}  // namespace ntemu::ldr
