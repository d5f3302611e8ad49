/* Functions that only a program with the driver's objects linked in can call. */
#pragma once

#include <ntddk.h>

#ifdef __cplusplus
extern "C" {
#endif

DRIVER_INITIALIZE DriverEntry;

typedef struct _SUM {
  FAST_MUTEX Lock;
  WCHAR Name[16];
  ULONG Total;
} SUM, *PSUM;

VOID SumInitialize(PSUM Sum, PCWSTR Name);
ULONG SumAdd(PSUM Sum, ULONG Value);
NTSTATUS SumFormat(PSUM Sum, PWSTR Text, SIZE_T Size);

#ifdef __cplusplus
}
#endif
