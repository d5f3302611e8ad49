/* Executive: fast mutexes, push locks and raising statuses. */
#ifndef NTEMU_KM_NT_EX_H
#define NTEMU_KM_NT_EX_H

#include "ex_sync.h"
#include "ex_timer.h"
#include "ex_types.h"
#include "ex_work.h"
#include "interlocked.h"
#include "ke.h"
#include "list.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Initializes a free fast mutex (Count 1), leaving OldIrql as it was. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExInitializeFastMutex. Differs: an exported function; inline in the WDK. */
NTKERNELAPI VOID NTAPI ExInitializeFastMutex(PFAST_MUTEX FastMutex);

/** Waits for a fast mutex, takes it and raises the IRQL to APC_LEVEL until ExReleaseFastMutex. Not recursive: the owner
    waits for itself forever. IRQL: <= APC_LEVEL; from DISPATCH_LEVEL the IRQL is not lowered. Source: WDK:
   ExAcquireFastMutex. */
NTKERNELAPI VOID FASTCALL ExAcquireFastMutex(PFAST_MUTEX FastMutex);

/** Releases a fast mutex, restores the IRQL from before the acquire and wakes a waiter. Caller: the owner, at
   APC_LEVEL. IRQL: APC_LEVEL. Source: WDK: ExReleaseFastMutex. */
NTKERNELAPI VOID FASTCALL ExReleaseFastMutex(PFAST_MUTEX FastMutex);

/** Takes a fast mutex if it is free, raising the IRQL to APC_LEVEL; returns FALSE, IRQL unchanged, if it is held.
    IRQL: <= APC_LEVEL. Source: WDK: ExTryToAcquireFastMutex. */
NTKERNELAPI BOOLEAN FASTCALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex);

/** Initializes a free push lock (value 0). IRQL: any. Source: WDK: ExInitializePushLock. */
NTKERNELAPI VOID FASTCALL ExInitializePushLock(PEX_PUSH_LOCK PushLock);

/** Waits for a push lock and takes it exclusively. Not recursive. Normal kernel APCs are disabled from before the
   acquire until after the release. Flags: 0. IRQL: <= APC_LEVEL. Source: WDK: ExAcquirePushLockExclusive. */
NTKERNELAPI VOID FASTCALL ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Takes a push lock shared, after any exclusive owner or waiter. APCs, Flags, IRQL: as ExAcquirePushLockExclusiveEx.
    Source: WDK: ExAcquirePushLockShared. */
NTKERNELAPI VOID FASTCALL ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Releases a push lock held exclusively by the calling thread; another thread's is bugcheck 0x162. Flags: 0.
    IRQL: <= APC_LEVEL. Source: WDK: ExReleasePushLockExclusive. */
NTKERNELAPI VOID FASTCALL ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Releases one shared acquisition of a push lock by the calling thread; another thread's is bugcheck 0x162. Flags: 0.
    IRQL: <= APC_LEVEL. Source: WDK: ExReleasePushLockShared. */
NTKERNELAPI VOID FASTCALL ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Releases a push lock in whichever mode the calling thread holds it; another thread's is bugcheck 0x162. Flags: 0.
    IRQL: <= APC_LEVEL. Source: exported by ntoskrnl, undocumented. */
NTKERNELAPI VOID FASTCALL ExReleasePushLockEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Takes a push lock exclusively if that needs no wait; returns whether it did. Flags: 0. IRQL: <= APC_LEVEL. Source:
    exported by ntoskrnl, undocumented. */
NTKERNELAPI BOOLEAN FASTCALL ExTryAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Takes a push lock shared if that needs no wait; returns whether it did. Flags: 0. IRQL: <= APC_LEVEL. Source:
   exported by ntoskrnl, undocumented. */
NTKERNELAPI BOOLEAN FASTCALL ExTryAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

/** Turns the caller's shared hold into an exclusive one when it is the only reader and nobody waits; otherwise returns
   FALSE and the lock is still held shared. Never waits. Flags: 0. IRQL: <= APC_LEVEL. Source: exported by ntoskrnl,
   undocumented (the exact condition is unverified). */
NTKERNELAPI BOOLEAN FASTCALL ExTryConvertPushLockSharedToExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG Flags);

#define ExAcquirePushLockExclusive(Lock) ExAcquirePushLockExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExAcquirePushLockShared(Lock) ExAcquirePushLockSharedEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLockExclusive(Lock) ExReleasePushLockExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLockShared(Lock) ExReleasePushLockSharedEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExReleasePushLock(Lock) ExReleasePushLockEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExTryAcquirePushLockExclusive(Lock) ExTryAcquirePushLockExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExTryAcquirePushLockShared(Lock) ExTryAcquirePushLockSharedEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)
#define ExTryConvertPushLockSharedToExclusive(Lock) \
  ExTryConvertPushLockSharedToExclusiveEx(Lock, EX_DEFAULT_PUSH_LOCK_FLAGS)

/** Raises an exception with a status, which ends the machine unless a handler takes it; never returns. IRQL: any
    (<= APC_LEVEL to be handled). Source: WDK: ExRaiseStatus. Differs: `__try` does not exist in ELF builds, so no
   handler can. */
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI ExRaiseStatus(NTSTATUS Status);

#ifdef __cplusplus
}
#endif

#endif
