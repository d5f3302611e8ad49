// What ps and the machine call of ex.
#pragma once

#include "ntifs.h"

extern "C" VOID ExpWorkerThread(PVOID);
