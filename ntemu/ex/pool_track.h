// PoolTrackTable: what is allocated, by tag.
#pragma once

#include "ntifs.h"

namespace ntemu::ex {

void track(ULONG tag, bool paged, SIZE_T bytes, bool allocated);

}  // namespace ntemu::ex
