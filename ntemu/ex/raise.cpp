#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntifs.h"

VOID ExRaiseStatus(NTSTATUS Status) { ntemu::ke::raise_status(Status); }
