/* The wait for several objects; semaphores, mutants, guarded mutexes, queues, APCs and device queues. */
#ifndef NTEMU_KM_NT_KE_SYNC_H
#define NTEMU_KM_NT_KE_SYNC_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Waits until any (WaitAny) or all (WaitAll) of Count objects are signaled, and takes what each kind gives the waiter;
   of all objects at one moment, or nothing of any. WaitBlockArray: room for Count wait blocks, in memory that lasts as
   long as the wait; may be NULL for up to THREAD_WAIT_OBJECTS (3). Timeout, WaitMode, Alertable: as
   KeWaitForSingleObject. Returns the index of the object that ended a WaitAny, STATUS_SUCCESS for WaitAll,
   STATUS_ABANDONED_WAIT_0 + index (WaitAll: + 0) when a mutex was abandoned, STATUS_TIMEOUT, STATUS_ALERTED or
   STATUS_USER_APC. Raises STATUS_MUTANT_LIMIT_EXCEEDED. More than MAXIMUM_WAIT_OBJECTS (64) objects, or more than 3
   without a WaitBlockArray: bugcheck 0xC. IRQL: <= APC_LEVEL; DISPATCH_LEVEL only with a zero Timeout. Source: WDK:
   KeWaitForMultipleObjects. */
NTKERNELAPI NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType,
                                                    KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                                    BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                                    PKWAIT_BLOCK WaitBlockArray);

/** Signals an event, releases the waiters that this satisfies, and makes it not signaled again; the previous state
   (nonzero = was signaled). Increment, Wait: as in KeSetEvent. IRQL: <= DISPATCH_LEVEL, with Wait TRUE <= APC_LEVEL.
   Source: WDK: KePulseEvent. */
NTKERNELAPI LONG NTAPI KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);

/** Initializes a mutant: a mutex that does not disable APCs while it is owned, and is abandoned when its owner ends.
   InitialOwner: TRUE = the calling thread owns it. IRQL: <= DISPATCH_LEVEL (unverified). Source: exported by
   ntoskrnl.exe, in no public header. */
NTKERNELAPI VOID NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner);

/** Gives up one acquisition of a mutant, as KeReleaseMutex does; Abandoned: TRUE frees it, whoever owns it, and its
   next owner's wait says STATUS_ABANDONED. Increment, Wait: as in KeSetEvent. IRQL: <= DISPATCH_LEVEL. Source: exported
   by ntoskrnl.exe, in no public header. */
NTKERNELAPI LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait);

/** Initializes a semaphore with Count (0 or more), the number of waits that it satisfies before it has to be released,
   and Limit (1 or more), the most that Count may become. IRQL: any. Source: WDK: KeInitializeSemaphore. */
NTKERNELAPI VOID NTAPI KeInitializeSemaphore(PRKSEMAPHORE Semaphore, LONG Count, LONG Limit);

/** Returns a semaphore's count; 0 = not signaled. IRQL: <= DISPATCH_LEVEL (unverified above). Source: WDK:
   KeReadStateSemaphore. */
NTKERNELAPI LONG NTAPI KeReadStateSemaphore(PRKSEMAPHORE Semaphore);

/** Adds Adjustment (1 or more) to a semaphore's count, releases as many waiters, and returns the count before. Raises
   STATUS_SEMAPHORE_LIMIT_EXCEEDED, and changes nothing, when the limit would be passed or Adjustment is not positive.
   Increment, Wait: as in KeSetEvent. IRQL: <= DISPATCH_LEVEL, with Wait TRUE <= APC_LEVEL. Source: WDK:
   KeReleaseSemaphore. */
NTKERNELAPI LONG NTAPI KeReleaseSemaphore(PRKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait);

/** Initializes a free guarded mutex: the same as a fast mutex. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    KeInitializeGuardedMutex. */
NTKERNELAPI VOID FASTCALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex);

/** Waits for a guarded mutex, takes it and raises the IRQL to APC_LEVEL until KeReleaseGuardedMutex, which disables all
    APCs. Not recursive. IRQL: <= APC_LEVEL. Source: WDK: KeAcquireGuardedMutex. */
NTKERNELAPI VOID FASTCALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);

/** Waits for a guarded mutex and takes it without raising the IRQL. Caller: all APCs are disabled. Not recursive.
    IRQL: <= APC_LEVEL. Source: WDK: KeAcquireGuardedMutexUnsafe. */
NTKERNELAPI VOID FASTCALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);

/** Takes a guarded mutex if it is free, raising the IRQL to APC_LEVEL; returns FALSE, IRQL unchanged, if it is held.
    IRQL: <= APC_LEVEL. Source: WDK: KeTryToAcquireGuardedMutex. */
NTKERNELAPI BOOLEAN FASTCALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex);

/** Releases a guarded mutex, restores the IRQL from before the acquire and wakes a waiter. Caller: the owner, at
    APC_LEVEL. IRQL: APC_LEVEL. Source: WDK: KeReleaseGuardedMutex. */
NTKERNELAPI VOID FASTCALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex);

/** Releases a guarded mutex taken by KeAcquireGuardedMutexUnsafe, without changing the IRQL. IRQL: <= APC_LEVEL.
   Source: WDK: KeReleaseGuardedMutexUnsafe. */
NTKERNELAPI VOID FASTCALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex);

/** Initializes an empty queue of which Count threads (0 = as many as there are processors) run at a time. IRQL: any
   (unverified). Source: WDK: KeInitializeQueue. */
NTKERNELAPI VOID NTAPI KeInitializeQueue(PRKQUEUE Queue, ULONG Count);

/** Returns how many entries a queue holds. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeReadStateQueue. */
NTKERNELAPI LONG NTAPI KeReadStateQueue(PRKQUEUE Queue);

/** Puts Entry at the end, or at the head, of a queue, or hands it to the thread that waits there since the shortest
   time if one more may run; the number of entries before. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeInsertQueue,
   KeInsertHeadQueue. */
NTKERNELAPI LONG NTAPI KeInsertQueue(PRKQUEUE Queue, PLIST_ENTRY Entry);
NTKERNELAPI LONG NTAPI KeInsertHeadQueue(PRKQUEUE Queue, PLIST_ENTRY Entry);

/** Takes the first entry of a queue once there is one and fewer threads than its count run; the calling thread is one
   of the queue's from then on, and does not count as running while it waits for something else. Timeout: 100 ns units;
   negative relative, positive since 1601, 0 polls, NULL waits forever. Returns the entry, or
   (PLIST_ENTRY)STATUS_TIMEOUT or (PLIST_ENTRY)STATUS_USER_APC. IRQL: <= APC_LEVEL; DISPATCH_LEVEL only with a zero
   Timeout. Source: WDK: KeRemoveQueue. */
NTKERNELAPI PLIST_ENTRY NTAPI KeRemoveQueue(PRKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout);

/** Takes all entries off a queue that nobody waits for any more, and all threads: the first entry, which the others
   follow in a ring without a head, or NULL. IRQL: <= DISPATCH_LEVEL (unverified). Source: WDK: KeRundownQueue. */
NTKERNELAPI PLIST_ENTRY NTAPI KeRundownQueue(PRKQUEUE Queue);

/** Initializes an APC for Thread. NormalRoutine NULL: a special kernel APC, of KernelRoutine alone, at APC_LEVEL; else
   a normal one, whose KernelRoutine runs first and whose NormalRoutine follows at PASSIVE_LEVEL. RundownRoutine (may be
   NULL) runs instead if the thread ends before. Environment: OriginalApcEnvironment. IRQL: <= DISPATCH_LEVEL
   (unverified). Source: exported by ntoskrnl.exe, in no public header. */
NTKERNELAPI VOID NTAPI KeInitializeApc(PRKAPC Apc, PRKTHREAD Thread, KAPC_ENVIRONMENT Environment,
                                       PKKERNEL_ROUTINE KernelRoutine, PKRUNDOWN_ROUTINE RundownRoutine,
                                       PKNORMAL_ROUTINE NormalRoutine, KPROCESSOR_MODE ApcMode, PVOID NormalContext);

/** Queues an APC to its thread; FALSE when it is queued already or the thread ends. A kernel APC runs when the thread's
   IRQL is below APC_LEVEL, and its regions and mutexes allow it, and takes it out of a wait for that long. A user APC
   ends an alertable wait in UserMode with STATUS_USER_APC. Increment: as in KeSetEvent. IRQL: <= DISPATCH_LEVEL.
   Source: exported by ntoskrnl.exe, in no public header. Differs: a thread that runs takes it at its next call of the
   kernel. */
NTKERNELAPI BOOLEAN NTAPI KeInsertQueueApc(PRKAPC Apc, PVOID SystemArgument1, PVOID SystemArgument2,
                                           KPRIORITY Increment);

/** Takes an APC off its queue; FALSE when it is not queued. IRQL: <= DISPATCH_LEVEL. Source: exported by ntoskrnl.exe,
   in no public header. */
NTKERNELAPI BOOLEAN NTAPI KeRemoveQueueApc(PRKAPC Apc);

/** Ends an alertable wait of Thread with STATUS_ALERTED, or makes its next one end so; whether it was alerted already.
   AlertMode KernelMode ends waits in either mode. IRQL: <= DISPATCH_LEVEL. Source: exported by ntoskrnl.exe, in no
   public header. */
NTKERNELAPI BOOLEAN NTAPI KeAlertThread(PKTHREAD Thread, KPROCESSOR_MODE AlertMode);

/** Whether the calling thread is alerted, which it then no longer is. IRQL: <= DISPATCH_LEVEL. Source: exported by
   ntoskrnl.exe, in no public header. */
NTKERNELAPI BOOLEAN NTAPI KeTestAlertThread(KPROCESSOR_MODE AlertMode);

/** Makes a device queue empty and its device not busy. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeInitializeDeviceQueue.
 */
/** Makes a device queue empty and its device not busy. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeInitializeDeviceQueue.
 */
NTKERNELAPI VOID NTAPI KeInitializeDeviceQueue(PKDEVICE_QUEUE DeviceQueue);

/** Puts an entry at the end of a busy device's queue and returns TRUE; a device that was not busy becomes busy, the
   entry is not queued, and FALSE tells the caller to begin with it. IRQL: DISPATCH_LEVEL; lower is accepted here.
   Source: WDK: KeInsertDeviceQueue. */
NTKERNELAPI BOOLEAN NTAPI KeInsertDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry);

/** KeInsertDeviceQueue that keeps the queue in the order of the keys, lowest first; behind entries of the same key.
   IRQL: as KeInsertDeviceQueue. Source: WDK: KeInsertByKeyDeviceQueue. */
NTKERNELAPI BOOLEAN NTAPI KeInsertByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry,
                                                   ULONG SortKey);

/** Takes the first entry of a busy device's queue; when the queue is empty the device is not busy any more and the
   result is NULL. IRQL: as KeInsertDeviceQueue. Source: WDK: KeRemoveDeviceQueue. */
NTKERNELAPI PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveDeviceQueue(PKDEVICE_QUEUE DeviceQueue);

/** KeRemoveDeviceQueue for the first entry whose key is SortKey or higher, or, if all are lower, the first of all.
   IRQL: as KeInsertDeviceQueue. Source: WDK: KeRemoveByKeyDeviceQueue. */
NTKERNELAPI PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueue(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey);

/** KeRemoveByKeyDeviceQueue for a device that need not be busy; NULL when it is not. IRQL: as KeInsertDeviceQueue.
   Source: wdm.h (the page says no more than the name). */
NTKERNELAPI PKDEVICE_QUEUE_ENTRY NTAPI KeRemoveByKeyDeviceQueueIfBusy(PKDEVICE_QUEUE DeviceQueue, ULONG SortKey);

/** Takes an entry out of a queue; FALSE when it is not queued. The device stays busy. IRQL: <= DISPATCH_LEVEL. Source:
   WDK: KeRemoveEntryDeviceQueue. */
NTKERNELAPI BOOLEAN NTAPI KeRemoveEntryDeviceQueue(PKDEVICE_QUEUE DeviceQueue, PKDEVICE_QUEUE_ENTRY DeviceQueueEntry);

#ifdef __cplusplus
}
#endif

#endif
