// What ps and the machine call of ex.
#pragma once

#include "ntifs.h"

extern "C" VOID ExpWorkerThread(PVOID);

namespace ntemu::ex {

// Gives the layers below their memory.
void boot();

}  // namespace ntemu::ex
