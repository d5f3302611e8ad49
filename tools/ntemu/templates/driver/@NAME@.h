/* What the driver offers: to programs the control codes of its device, to its tests the counter behind them. */
#pragma once

#include <ntddk.h>

/* Adds a ULONG, the input; returns at once, a thread of the driver does it. */
#define IOCTL_@NAME_UPPER@_ADD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* The total so far, a ULONG64, is the output. */
#define IOCTL_@NAME_UPPER@_TOTAL CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _COUNTER {
    FAST_MUTEX Lock;
    KEVENT Changed;     /* there is something to add, or the thread has to end */
    BOOLEAN Stopping;
    ULONG64 Pending;
    ULONG64 Total;
} COUNTER, *PCOUNTER;

#ifdef __cplusplus
extern "C" {
#endif

VOID CounterInitialize(PCOUNTER Counter);
VOID CounterStop(PCOUNTER Counter);

/* Adds what is pending; FALSE when the thread has to end. */
BOOLEAN CounterWork(PCOUNTER Counter);

/* What one control code does with its buffer. */
NTSTATUS CounterControl(PCOUNTER Counter, ULONG ControlCode, PVOID Buffer, ULONG InputLength, ULONG OutputLength,
                        PULONG_PTR Information);

#ifdef __cplusplus
}
#endif
