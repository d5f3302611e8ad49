/* Thread priorities, processor affinity, process attachment and stack expansion. */
#ifndef NTEMU_KM_NT_KE_THREAD_H
#define NTEMU_KM_NT_KE_THREAD_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef VOID NTAPI EXPAND_STACK_CALLOUT(PVOID Parameter);
typedef EXPAND_STACK_CALLOUT *PEXPAND_STACK_CALLOUT;
/** Sets the priority, 1 to 31 (else bugcheck 0x139, unverified), of a thread; returns that before. IRQL: PASSIVE_LEVEL.
    Source: WDK: KeSetPriorityThread. Differs: becomes a nice value of the host's, where CAP_SYS_NICE allows that. */
NTKERNELAPI KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority);

/** Returns the priority of a thread. IRQL: PASSIVE_LEVEL. Source: WDK: KeQueryPriorityThread. */
NTKERNELAPI KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread);

/** Sets a thread's base priority, and its priority, relative to that of its process (8), within 1 to 15; returns the
    increment before. From 16 either way the thread is saturated: it goes to the end of the range, and 16 or -16 is the
    increment that the next call returns. IRQL: PASSIVE_LEVEL. Source: WDK: KeSetBasePriorityThread. */
NTKERNELAPI LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment);

/** Returns the kernel time that a thread has used, in clock ticks of KeQueryTimeIncrement; UserTime gets the user time:
    0. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeQueryRuntimeThread. */
NTKERNELAPI ULONG NTAPI KeQueryRuntimeThread(PKTHREAD Thread, PULONG UserTime);

/** Returns whether the calling thread came from user mode: KernelMode for a system thread. IRQL: <= DISPATCH_LEVEL.
    Source: WDK: ExGetPreviousMode. */
NTKERNELAPI KPROCESSOR_MODE NTAPI KeGetPreviousMode(VOID);

NTKERNELAPI VOID NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState);
NTKERNELAPI VOID NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState);
NTKERNELAPI NTSTATUS NTAPI KeExpandKernelStackAndCallout(PEXPAND_STACK_CALLOUT Callout, PVOID Parameter, SIZE_T Size);
NTKERNELAPI NTSTATUS NTAPI KeExpandKernelStackAndCalloutEx(PEXPAND_STACK_CALLOUT Callout, PVOID Parameter, SIZE_T Size,
                                                           BOOLEAN Wait, PVOID Context);
/* x64 caches are coherent with devices, so there is nothing to flush (as in the WDK). */
#define KeFlushIoBuffers(Mdl, ReadOperation, DmaOperation)

#ifdef __cplusplus
}
#endif

#endif
