/* IRQL, processors and affinity, DPCs and spin locks. */
#ifndef NTEMU_KM_NT_KE_PROCESSOR_H
#define NTEMU_KM_NT_KE_PROCESSOR_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ALL_PROCESSOR_GROUPS 0xffff
#define INVALID_PROCESSOR_INDEX 0xffffffff

typedef struct _PROCESSOR_NUMBER {
  USHORT Group;
  UCHAR Number;
  UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

typedef struct _GROUP_AFFINITY {
  KAFFINITY Mask;
  USHORT Group;
  USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;
NTEMU_ASSERT_SIZE(GROUP_AFFINITY, 0x10);

/** Returns the IRQL that the caller runs at. IRQL: any. Source: WDK: KeGetCurrentIrql.
    Differs: an exported function; the WDK reads CR8 inline. */
NTKERNELAPI KIRQL NTAPI KeGetCurrentIrql(VOID);

/** Raises the IRQL to NewIrql and returns the old one; drivers call it as KeRaiseIrql. From DISPATCH_LEVEL on the
   caller has a processor for itself: no DPC queued to it, and no other thread at DISPATCH_LEVEL on it, runs meanwhile.
   NewIrql: not below the current IRQL, else bugcheck 0x9. IRQL: any. Source: WDK: KeRaiseIrql. */
NTKERNELAPI KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql);
#define KeRaiseIrql(NewIrql, OldIrql) (*(OldIrql) = KfRaiseIrql(NewIrql))

/** Raises the IRQL to DISPATCH_LEVEL and returns the old one. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    KeRaiseIrqlToDpcLevel. */
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID);

/** Raises the IRQL to SYNCH_LEVEL (12) and returns the old one. IRQL: <= SYNCH_LEVEL. Source: unverified (declared in
    ntifs.h, without a page). */
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToSynchLevel(VOID);

/** Lowers the IRQL to a value that KeRaiseIrql returned, and runs the DPCs and APCs that this admits. NewIrql: not
   above the current IRQL, else bugcheck 0xA. IRQL: any. Source: WDK: KeLowerIrql. */
NTKERNELAPI VOID NTAPI KeLowerIrql(KIRQL NewIrql);

/** Initializes a DPC of medium importance and without a target processor; DeferredRoutine will run at DISPATCH_LEVEL.
    IRQL: any. Source: WDK: KeInitializeDpc. */
NTKERNELAPI VOID NTAPI KeInitializeDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);

/** Initializes a threaded DPC: DeferredRoutine will run at PASSIVE_LEVEL in a thread of its processor, one threaded DPC
   of a processor at a time, and has to keep to the rules of DISPATCH_LEVEL nevertheless. IRQL: any. Source: WDK:
   KeInitializeThreadedDpc, Introduction to Threaded DPCs. Differs: ThreadDpcEnable is not read; other threads may run
   beside it. */
NTKERNELAPI VOID NTAPI KeInitializeThreadedDpc(PRKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);

/** Queues a DPC to its target processor, by default the caller's, and returns TRUE; FALSE when it is queued already.
   Below DISPATCH_LEVEL a DPC for the caller's processor has run when the call returns; at DISPATCH_LEVEL or above it
   runs when the IRQL is lowered. The DPC object may be queued again, or freed, as soon as its routine has begun. IRQL:
   any. Source: WDK: KeInsertQueueDpc, Organization of DPC Queues. Differs: a processor that nobody uses begins at once,
   whatever the importance. */
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);

/** Takes a DPC off its queue and returns TRUE; FALSE when it is not queued (any more: its routine may still run).
    IRQL: any. Source: WDK: KeRemoveQueueDpc. */
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueDpc(PRKDPC Dpc);

/** Sets where the next KeInsertQueueDpc places a DPC: HighImportance at the front of the queue, others at its end.
    IRQL: any. Source: WDK: KeSetImportanceDpc. Differs: LowImportance does not delay it, as on an otherwise idle
    Windows. */
NTKERNELAPI VOID NTAPI KeSetImportanceDpc(PRKDPC Dpc, KDPC_IMPORTANCE Importance);

/** Sets the processor that the next KeInsertQueueDpc queues a DPC to. Number: of group 0, from 0; without effect when
    there is no such processor. IRQL: any. Source: WDK: KeSetTargetProcessorDpc. */
NTKERNELAPI VOID NTAPI KeSetTargetProcessorDpc(PRKDPC Dpc, CCHAR Number);

/** The same for a processor of any group; STATUS_INVALID_PARAMETER when there is none with that number. IRQL: any.
    Source: WDK: KeSetTargetProcessorDpcEx. */
NTKERNELAPI NTSTATUS NTAPI KeSetTargetProcessorDpcEx(PKDPC Dpc, PPROCESSOR_NUMBER ProcNumber);

/** Returns when every DPC that was queued before the call, on any processor, threaded ones too, has run to its end.
    IRQL: PASSIVE_LEVEL. Source: WDK: KeFlushQueuedDpcs. */
NTKERNELAPI VOID NTAPI KeFlushQueuedDpcs(VOID);

/** Initializes a free spin lock. IRQL: any. Source: WDK: KeInitializeSpinLock. */
NTKERNELAPI VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock);

/** Raises the IRQL to DISPATCH_LEVEL, acquires a spin lock and returns the old IRQL; drivers call it as
   KeAcquireSpinLock. A lock that the caller holds is waited for without end. The lock's word holds its owner's address
   plus 1. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeAcquireSpinLock. */
NTKERNELAPI KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock);
#define KeAcquireSpinLock(SpinLock, OldIrql) (*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock))

/** Releases a spin lock and lowers the IRQL to NewIrql. Bugcheck 0x10 when the caller does not hold it. IRQL:
    DISPATCH_LEVEL. Source: WDK: KeReleaseSpinLock. Differs: a free build of Windows lets that pass; the bugcheck's
    parameters, the lock and its word, are unverified. */
NTKERNELAPI VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);

/** Acquires a spin lock at an IRQL that is DISPATCH_LEVEL or above already. IRQL: >= DISPATCH_LEVEL. Source: WDK:
    KeAcquireSpinLockAtDpcLevel. */
NTKERNELAPI VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);

/** Releases a spin lock and leaves the IRQL as it is. Bugcheck as in KeReleaseSpinLock. IRQL: >= DISPATCH_LEVEL.
    Source: WDK: KeReleaseSpinLockFromDpcLevel. */
NTKERNELAPI VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock);

/** Acquires a spin lock if it is free, and says whether it did. IRQL: >= DISPATCH_LEVEL. Source: WDK:
    KeTryToAcquireSpinLockAtDpcLevel. */
NTKERNELAPI BOOLEAN FASTCALL KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);

/** Returns TRUE when a spin lock is free, FALSE after a short pause when it is not. IRQL: >= DISPATCH_LEVEL. Source:
    WDK: KeTestSpinLock. */
NTKERNELAPI BOOLEAN FASTCALL KeTestSpinLock(PKSPIN_LOCK SpinLock);

/** KeAcquireSpinLock for threaded DPCs: raises the IRQL to DISPATCH_LEVEL if it is lower, acquires a spin lock and
    returns the old IRQL. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeAcquireSpinLockForDpc. */
NTKERNELAPI KIRQL NTAPI KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock);

/** Releases a spin lock and goes back to OldIrql. IRQL: DISPATCH_LEVEL. Source: WDK: KeReleaseSpinLockForDpc. */
NTKERNELAPI VOID NTAPI KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql);

/** Raises the IRQL to DISPATCH_LEVEL and acquires a spin lock in the order of the calls. LockHandle: stays in place
   until the release, and holds the old IRQL. The lock's word points to the last caller's LockQueue. IRQL: <=
   DISPATCH_LEVEL. Source: WDK: KeAcquireInStackQueuedSpinLock, Queued Spin Locks. */
NTKERNELAPI VOID FASTCALL KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle);

/** Releases a queued spin lock, which goes to the next in its queue, and restores the IRQL. Bugcheck 0x10 when
    LockHandle holds none (unverified on Windows). IRQL: DISPATCH_LEVEL. Source: WDK: KeReleaseInStackQueuedSpinLock. */
NTKERNELAPI VOID FASTCALL KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle);

/** Acquires a queued spin lock at an IRQL that is DISPATCH_LEVEL or above already. IRQL: >= DISPATCH_LEVEL. Source:
    WDK: KeAcquireInStackQueuedSpinLockAtDpcLevel. */
NTKERNELAPI VOID FASTCALL KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
                                                                   PKLOCK_QUEUE_HANDLE LockHandle);

/** Releases a queued spin lock and leaves the IRQL as it is. IRQL: >= DISPATCH_LEVEL. Source: WDK:
    KeReleaseInStackQueuedSpinLockFromDpcLevel. */
NTKERNELAPI VOID FASTCALL KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle);

/** KeAcquireInStackQueuedSpinLock for threaded DPCs: raises the IRQL to DISPATCH_LEVEL if it is lower. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: KeAcquireInStackQueuedSpinLockForDpc. */
NTKERNELAPI VOID FASTCALL KeAcquireInStackQueuedSpinLockForDpc(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle);

/** Releases a queued spin lock and restores the IRQL. IRQL: DISPATCH_LEVEL. Source: WDK:
    KeReleaseInStackQueuedSpinLockForDpc. */
NTKERNELAPI VOID FASTCALL KeReleaseInStackQueuedSpinLockForDpc(PKLOCK_QUEUE_HANDLE LockHandle);

/** Returns the number, from 0, of the processor that the caller runs on, and stores it unless ProcNumber is NULL. IRQL:
   any; below DISPATCH_LEVEL it may change at any moment. Source: WDK: KeGetCurrentProcessorNumberEx. Differs: below
   DISPATCH_LEVEL, the processor that the thread had last. */
NTKERNELAPI ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber);
#define KeGetCurrentProcessorNumber() KeGetCurrentProcessorNumberEx(NULL)

/** Stores the group and number of the processor with an index; STATUS_INVALID_PARAMETER when there is none. IRQL: any.
    Source: WDK: KeGetProcessorNumberFromIndex. */
NTKERNELAPI NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber);

/** Returns the index of a processor, INVALID_PROCESSOR_INDEX when there is none with that number. IRQL: any. Source:
    WDK: KeGetProcessorIndexFromNumber. */
NTKERNELAPI ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber);

/** Returns the number of processors, and stores their mask unless ActiveProcessors is NULL. IRQL: any. Source: WDK:
    KeQueryActiveProcessorCount. */
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors);

/** Returns the number of processors of a group, or of all with ALL_PROCESSOR_GROUPS; 0 when there is no such group.
    IRQL: any. Source: WDK: KeQueryActiveProcessorCountEx. */
NTKERNELAPI ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber);

/** Returns the mask of the processors. IRQL: any. Source: WDK: KeQueryActiveProcessors. */
NTKERNELAPI KAFFINITY NTAPI KeQueryActiveProcessors(VOID);

/** Returns how many processors there can be; none is ever added. IRQL: any. Source: WDK:
    KeQueryMaximumProcessorCount. */
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCount(VOID);

/** The same for a group, or for all with ALL_PROCESSOR_GROUPS; 0 when there is no such group. IRQL: any. Source: WDK:
    KeQueryMaximumProcessorCountEx. */
NTKERNELAPI ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber);

/** Returns the number of processor groups, always 1. IRQL: any. Source: WDK: KeQueryActiveGroupCount. */
NTKERNELAPI USHORT NTAPI KeQueryActiveGroupCount(VOID);

/** Returns how many processor groups there can be, always 1. IRQL: any. Source: WDK: KeQueryMaximumGroupCount. */
NTKERNELAPI USHORT NTAPI KeQueryMaximumGroupCount(VOID);

/** Returns the mask of a group's processors, 0 when there is no such group. IRQL: any. Source: WDK:
    KeQueryGroupAffinity. */
NTKERNELAPI KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber);

/** Restricts the calling thread to the processors of a mask, on one of which it runs when the call returns; at
   DISPATCH_LEVEL it moves when it lowers the IRQL. Without effect when the mask is 0 or names a processor that is not
   there. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeSetSystemAffinityThread. */
NTKERNELAPI VOID NTAPI KeSetSystemAffinityThread(KAFFINITY Affinity);

/** The same, returning the thread's system affinity so far, 0 when it had none; 0 as well when the mask is refused
    (unverified). IRQL: <= DISPATCH_LEVEL. Source: WDK: KeSetSystemAffinityThreadEx. */
NTKERNELAPI KAFFINITY NTAPI KeSetSystemAffinityThreadEx(KAFFINITY Affinity);

/** Lets the calling thread use every processor again. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    KeRevertToUserAffinityThread. */
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThread(VOID);

/** Restores what KeSetSystemAffinityThreadEx returned: a mask, or every processor for 0. Without effect when the mask
    names a processor that is not there. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeRevertToUserAffinityThreadEx. */
NTKERNELAPI VOID NTAPI KeRevertToUserAffinityThreadEx(KAFFINITY Affinity);

/** KeSetSystemAffinityThread for the processors of a group. PreviousAffinity, unless NULL, receives what
   KeRevertToUserGroupAffinityThread restores: a Mask of 0 when the thread had no system affinity. Without effect when
   Affinity is not valid (Group 0, Reserved 0). IRQL: <= DISPATCH_LEVEL. Source: WDK:
   KeSetSystemGroupAffinityThread. */
NTKERNELAPI VOID NTAPI KeSetSystemGroupAffinityThread(PGROUP_AFFINITY Affinity, PGROUP_AFFINITY PreviousAffinity);

/** Restores what KeSetSystemGroupAffinityThread stored. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    KeRevertToUserGroupAffinityThread. */
NTKERNELAPI VOID NTAPI KeRevertToUserGroupAffinityThread(PGROUP_AFFINITY PreviousAffinity);

/** Keeps the processor busy for at least that many microseconds of the host's time. IRQL: any. Source: WDK:
    KeStallExecutionProcessor. */
NTKERNELAPI VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds);

#ifdef __cplusplus
}
#endif

#endif
