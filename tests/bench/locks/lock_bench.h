/* What bench_locks finds in its driver: the exported table LockBenchOperations, which ends with a Name of NULL. */
#pragma once

#include <ntifs.h>

#define LOCK_BENCH_SLOTS 8

/* Index: which of the LOCK_BENCH_SLOTS sets of objects, so that threads can use locks of their own. */
typedef struct _LOCK_BENCH_OPERATION {
  const char *Name;
  VOID (*Prepare)(ULONG Index);
  VOID (*Loop)(ULONG Index, ULONG64 Count);
  VOID (*Finish)(ULONG Index); /* may be NULL */
} LOCK_BENCH_OPERATION, *PLOCK_BENCH_OPERATION;
