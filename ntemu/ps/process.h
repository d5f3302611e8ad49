// The System process.
#pragma once

#include "ntemu/ke/thread.h"

extern "C" {
extern PEPROCESS PsInitialSystemProcess;
extern POBJECT_TYPE *PsProcessType;
extern POBJECT_TYPE *PsThreadType;
extern LIST_ENTRY PsActiveProcessHead;
}

namespace ntemu::ps {

inline constexpr ULONG_PTR kSystemProcessId = 4;

void boot_process();
void teardown_process();

}  // namespace ntemu::ps
