/* Kernel core: waits, events, mutexes, IRQL, APC regions, time and bugchecks. */
#ifndef NTEMU_KM_NT_KE_H
#define NTEMU_KM_NT_KE_H

#include "ke_bugcheck.h"
#include "ke_interrupt.h"
#include "ke_processor.h"
#include "ke_sync.h"
#include "ke_thread.h"
#include "ke_timer.h"
#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Initializes an event that nobody waits on. NotificationEvent: stays set and releases every waiter;
   SynchronizationEvent: releases one waiter and clears itself. State: TRUE = signaled. IRQL: any. Source: WDK:
   KeInitializeEvent. */
NTKERNELAPI VOID NTAPI KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State);

/** Signals an event, releases the waiters it satisfies and returns the previous state (nonzero = was signaled).
   Increment: priority boost for the released threads, 0-15. Wait: TRUE announces that a wait follows at once; until
   that has begun the IRQL is DISPATCH_LEVEL and the released threads do not run. IRQL: <= DISPATCH_LEVEL, with Wait
   TRUE <= APC_LEVEL. Source: WDK: KeSetEvent. Differs: Increment has no effect on who runs next; with Wait TRUE threads
   that this call has not released run on. */
NTKERNELAPI LONG NTAPI KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);

/** Makes an event not signaled. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeClearEvent. */
NTKERNELAPI VOID NTAPI KeClearEvent(PRKEVENT Event);

/** Makes an event not signaled and returns the previous state (nonzero = was signaled). IRQL: <= DISPATCH_LEVEL.
    Source: WDK: KeResetEvent. */
NTKERNELAPI LONG NTAPI KeResetEvent(PRKEVENT Event);

/** Returns an event's state (nonzero = signaled), which may have changed by the time the caller looks at it. IRQL: any
    (unverified above DISPATCH_LEVEL). Source: WDK: KeReadStateEvent. */
NTKERNELAPI LONG NTAPI KeReadStateEvent(PRKEVENT Event);

/** Initializes a free mutex (SignalState 1) whose ownership disables normal kernel APCs. Level: ignored, pass 0.
    IRQL: any. Source: WDK: KeInitializeMutex. */
NTKERNELAPI VOID NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level);

/** Gives up one acquisition of a mutex and returns the state before the call; 0 means the mutex is now free, negative
   that the caller still owns it. Wait: as in KeSetEvent. Raises STATUS_MUTANT_NOT_OWNED when the caller is not the
   owner, STATUS_ABANDONED when, besides, the mutex was abandoned. IRQL: <= DISPATCH_LEVEL, with Wait TRUE <= APC_LEVEL.
    Source: WDK: KeReleaseMutex (which calls the first status STATUS_MUTEX_NOT_OWNED, a name that no header has). */
NTKERNELAPI LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait);

/** Returns a mutex's state: 1 = free (signaled), 0 or less = owned. IRQL: <= DISPATCH_LEVEL. Source: WDK:
 * KeReadStateMutex. */
NTKERNELAPI LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex);

/** Waits until Object (event, mutex, semaphore, timer, thread...) is signaled and takes what its kind gives the waiter:
   a mutex is owned, a synchronization event cleared. Timeout: 100 ns units; negative relative, positive absolute since
   1601, 0 polls, NULL waits forever. WaitMode: a mutex wait must be KernelMode. Returns STATUS_SUCCESS; STATUS_TIMEOUT
   when the time ran out; STATUS_ALERTED or STATUS_USER_APC when an alertable or user-mode wait was interrupted;
   STATUS_ABANDONED when the mutex's owner had died; all pass NT_SUCCESS. Raises STATUS_MUTANT_LIMIT_EXCEEDED when a
   mutex is acquired past MINLONG. Alignment of Object: 8. IRQL: <= APC_LEVEL; DISPATCH_LEVEL only with a zero Timeout,
   else bugcheck. Source: WDK: KeWaitForSingleObject. */
NTKERNELAPI NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode,
                                                 BOOLEAN Alertable, PLARGE_INTEGER Timeout);
#define KeWaitForMutexObject KeWaitForSingleObject

/** Suspends the calling thread for Interval (100 ns units; negative relative, positive absolute since 1601). Returns
    STATUS_SUCCESS when the time has passed, STATUS_ALERTED or STATUS_USER_APC when an alertable or user-mode delay was
    interrupted. IRQL: <= APC_LEVEL. Source: WDK: KeDelayExecutionThread. */
NTKERNELAPI NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval);

/** Disables normal kernel APCs for the calling thread until the matching KeLeaveCriticalRegion; nests.
    IRQL: <= APC_LEVEL. Source: WDK: KeEnterCriticalRegion. */
NTKERNELAPI VOID NTAPI KeEnterCriticalRegion(VOID);

/** Undoes one KeEnterCriticalRegion and delivers APCs that waited for it. An unmatched call leaves a positive count,
   which is found when the thread exits (bugcheck 0x20) or its work item returns (0x1). IRQL: <= APC_LEVEL. Source: WDK:
    KeLeaveCriticalRegion. */
NTKERNELAPI VOID NTAPI KeLeaveCriticalRegion(VOID);

/** Disables all kernel APCs, special ones too, for the calling thread until the matching KeLeaveGuardedRegion; nests.
    IRQL: <= APC_LEVEL. Source: WDK: KeEnterGuardedRegion. */
NTKERNELAPI VOID NTAPI KeEnterGuardedRegion(VOID);

/** Undoes one KeEnterGuardedRegion and delivers APCs that waited for it. IRQL: <= APC_LEVEL. Source: WDK:
    KeLeaveGuardedRegion. */
NTKERNELAPI VOID NTAPI KeLeaveGuardedRegion(VOID);

/** Returns TRUE when normal kernel APCs are disabled: inside a critical or guarded region or while owning a mutex.
    IRQL: <= DISPATCH_LEVEL. Source: WDK: KeAreApcsDisabled. */
NTKERNELAPI BOOLEAN NTAPI KeAreApcsDisabled(VOID);

/** Returns TRUE when special kernel APCs are disabled too: inside a guarded region or at IRQL >= APC_LEVEL.
    IRQL: <= DISPATCH_LEVEL. Source: WDK: KeAreAllApcsDisabled. */
NTKERNELAPI BOOLEAN NTAPI KeAreAllApcsDisabled(VOID);

/** Returns the calling thread. IRQL: any (unverified above DISPATCH_LEVEL). Source: WDK: KeGetCurrentThread.
    Differs: an exported function; the WDK reads gs:[188h] inline. */
NTKERNELAPI PKTHREAD NTAPI KeGetCurrentThread(VOID);

/** Stores the system time (100 ns since 1601, UTC). IRQL: any. Source: WDK: KeQuerySystemTime. Differs: the time of the
   call, not of the last clock tick; an exported function, where the WDK reads the shared user data page inline. */
NTKERNELAPI VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime);

/** Stores the system time (100 ns since 1601, UTC) to the resolution of the clock. IRQL: any. Source: WDK:
    KeQuerySystemTimePrecise. */
NTKERNELAPI VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);

/** Returns the time since boot (100 ns); setting the system time does not change it. IRQL: any. Source: WDK:
   KeQueryInterruptTime. Differs: the time of the call, not of the last clock tick; an exported function, where the WDK
   reads the shared user data page inline. */
NTKERNELAPI ULONGLONG NTAPI KeQueryInterruptTime(VOID);

/** Returns a monotonic counter and, unless PerformanceFrequency is NULL, stores its ticks per second. IRQL: any.
   Source: WDK: KeQueryPerformanceCounter. */
NTKERNELAPI LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency);

/** Stores the number of clock ticks since boot; one tick is KeQueryTimeIncrement long. IRQL: any. Source: WDK:
    KeQueryTickCount. Differs: an exported function; the WDK reads the shared user data page inline. */
NTKERNELAPI VOID NTAPI KeQueryTickCount(PLARGE_INTEGER TickCount);

/** Returns the length of a clock tick (100 ns units). IRQL: any. Source: WDK: KeQueryTimeIncrement. */
NTKERNELAPI ULONG NTAPI KeQueryTimeIncrement(VOID);

/** Stops the machine with a code and four zero parameters; never returns. IRQL: any. Source: WDK: KeBugCheck. */
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI KeBugCheck(ULONG BugCheckCode);

/** Stops the machine with a code and four parameters; never returns. IRQL: any. Source: WDK: KeBugCheckEx.
    Differs: ends the process after the report instead of the computer. */
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
                                                      ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3,
                                                      ULONG_PTR BugCheckParameter4);

#ifdef __cplusplus
}
#endif

#endif
