// What ps and the machine call of ex.
#pragma once

#include "ntifs.h"

extern "C" VOID ExpWorkerThread(PVOID);

namespace ntemu::ex {

void boot_time();
// Gives the layers below their memory.
void boot();

// An instruction that faulted may be the one with which ExpInterlockedPopEntrySList reads an entry that is no longer on
// the list: then it goes on behind it.
bool step_over_slist_fault(ULONG_PTR &instruction);

}  // namespace ntemu::ex
