/* Executive resources, rundown protection, executive spin locks, work items. */
/* Executive resources, rundown protection, executive spin locks, lookaside and interlocked lists. */
#ifndef NTEMU_KM_NT_EX_SYNC_H
#define NTEMU_KM_NT_EX_SYNC_H

#include "ex_callback.h"
#include "ex_lists.h"
#include "ex_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Waits for a fast mutex and takes it without raising the IRQL. Caller: at APC_LEVEL, or in a critical region. Not
    recursive. OldIrql is left as it was. IRQL: <= APC_LEVEL. Source: WDK: ExAcquireFastMutexUnsafe. */
NTKERNELAPI VOID FASTCALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex);

/** Releases a fast mutex taken by ExAcquireFastMutexUnsafe, without changing the IRQL. IRQL: <= APC_LEVEL. Source: WDK:
    ExReleaseFastMutexUnsafe. */
NTKERNELAPI VOID FASTCALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex);

/** Initializes a resource that nobody owns and links it into the system's list; returns STATUS_SUCCESS. Memory:
    nonpaged, 8-aligned, not initialized twice. IRQL: <= APC_LEVEL. Source: WDK: ExInitializeResourceLite. */
NTKERNELAPI NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource);

/** Makes an initialized resource as new: no owners, no waiters, all counts zero; returns STATUS_SUCCESS. Caller: nobody
    owns it or waits for it. IRQL: <= APC_LEVEL. Source: WDK: ExReinitializeResourceLite. */
NTKERNELAPI NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource);

/** Unlinks a resource from the system's list and frees its owner table; returns STATUS_SUCCESS. Caller: nobody owns it
    or waits for it. IRQL: <= APC_LEVEL. Source: WDK: ExDeleteResourceLite. */
NTKERNELAPI NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource);

/** Takes a resource exclusively; TRUE when the caller owns it. The exclusive owner acquires it recursively; a shared
    owner waits for itself. Wait: FALSE returns FALSE where TRUE would wait. Normal kernel APCs are disabled from before
    the acquire until after the release. IRQL: <= APC_LEVEL. Source: WDK: ExAcquireResourceExclusiveLite. */
NTKERNELAPI BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait);

/** Takes a resource shared; an owner acquires it recursively, in the way in which it owns it; others wait behind an
    exclusive owner and behind threads that wait for exclusive access. Wait, APCs, IRQL: as
    ExAcquireResourceExclusiveLite. Source: WDK: ExAcquireResourceSharedLite. */
NTKERNELAPI BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait);

/** Takes a resource shared as ExAcquireResourceSharedLite does, but ahead of threads that wait for exclusive access.
    Wait, APCs, IRQL: as ExAcquireResourceExclusiveLite. Source: WDK: ExAcquireSharedStarveExclusive. */
NTKERNELAPI BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait);

/** Takes a resource shared as ExAcquireResourceSharedLite does, but behind threads that wait for exclusive access even
    when the caller is a shared owner: then another thread has to release on its behalf. Wait, APCs, IRQL: as
    ExAcquireResourceExclusiveLite. Source: WDK: ExAcquireSharedWaitForExclusive. */
NTKERNELAPI BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait);

/** Releases one acquisition of the calling thread. After the last one of an exclusive owner all who wait for shared
    access get it, or else the first who waits for exclusive access; after the last shared owner's the other way round.
    A resource that the thread does not own is bugcheck 0xE3. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExReleaseResourceLite. */
NTKERNELAPI VOID FASTCALL ExReleaseResourceLite(PERESOURCE Resource);

/** Releases one acquisition of the given owner: a thread, or what ExSetResourceOwnerPointer set. No such owner is
    bugcheck 0xE3. IRQL: <= DISPATCH_LEVEL. Source: WDK: ExReleaseResourceForThreadLite. */
NTKERNELAPI VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId);

/** Turns the caller's exclusive access into shared access, which all who wait for shared access get too. Caller: the
    exclusive owner; another is bugcheck 0xE3 (unverified). IRQL: <= APC_LEVEL. Source: WDK:
    ExConvertExclusiveToSharedLite. */
NTKERNELAPI VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource);

#define FLAG_OWNER_POINTER_IS_THREAD 1

/** Makes OwnerPointer, whose two lowest bits are ones, the owner in place of the calling thread, all its acquisitions
    together; only ExReleaseResourceForThreadLite releases them. A thread that is no owner gets bugcheck 0xE3
    (unverified). IRQL: <= DISPATCH_LEVEL. Source: WDK: ExSetResourceOwnerPointer. */
NTKERNELAPI VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer);

/** Does the same as ExSetResourceOwnerPointer. Flags: 0 or FLAG_OWNER_POINTER_IS_THREAD. IRQL: <= DISPATCH_LEVEL.
    Source: WDK: ExSetResourceOwnerPointerEx. Differs: no owner's priority is boosted, so Flags change nothing. */
NTKERNELAPI VOID NTAPI ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG Flags);

/** Returns whether the calling thread owns a resource exclusively. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExIsResourceAcquiredExclusiveLite. */
NTKERNELAPI BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource);

/** Returns how many times the calling thread has acquired a resource, in either way. IRQL: <= DISPATCH_LEVEL. Source:
    WDK: ExIsResourceAcquiredSharedLite. */
NTKERNELAPI ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource);
#define ExIsResourceAcquiredLite ExIsResourceAcquiredSharedLite

/** Returns how many threads wait for exclusive access to a resource. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExGetExclusiveWaiterCount. */
NTKERNELAPI ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource);

/** Returns how many threads wait for shared access to a resource. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExGetSharedWaiterCount. */
NTKERNELAPI ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource);

/** Enters a critical region and takes a resource exclusively, waiting for it. Returns a pointer of no use to drivers:
    here NULL. IRQL: <= APC_LEVEL. Source: WDK: ExEnterCriticalRegionAndAcquireResourceExclusive. */
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource);

/** Enters a critical region and takes a resource as ExAcquireResourceSharedLite does. Returns NULL, as
    ExEnterCriticalRegionAndAcquireResourceExclusive. IRQL: <= APC_LEVEL. Source: WDK:
    ExEnterCriticalRegionAndAcquireResourceShared. */
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource);

/** Enters a critical region and takes a resource as ExAcquireSharedWaitForExclusive does. Returns NULL, as
    ExEnterCriticalRegionAndAcquireResourceExclusive. IRQL: <= APC_LEVEL. Source: WDK:
    ExEnterCriticalRegionAndAcquireSharedWaitForExclusive. */
NTKERNELAPI PVOID NTAPI ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(PERESOURCE Resource);

/** Releases a resource as ExReleaseResourceLite does and leaves the critical region. IRQL: <= APC_LEVEL. Source: WDK:
    ExReleaseResourceAndLeaveCriticalRegion. */
NTKERNELAPI VOID FASTCALL ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource);

/** Keeps the owners of a resource from being boosted by those who wait. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExDisableResourceBoostLite. Differs: nobody is boosted anyway. */
NTKERNELAPI VOID NTAPI ExDisableResourceBoostLite(PERESOURCE Resource);
#define ExGetCurrentResourceThread() ((ERESOURCE_THREAD)KeGetCurrentThread())

/** Initializes rundown protection without users. IRQL: any. Source: WDK: ExInitializeRundownProtection. */
NTKERNELAPI VOID FASTCALL ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef);

/** Makes rundown protection as new for another object. Caller: ExWaitForRundownProtectionRelease has returned.
    IRQL: <= APC_LEVEL. Source: WDK: ExReInitializeRundownProtection. */
NTKERNELAPI VOID FASTCALL ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef);

/** Adds a user of the object; FALSE, and none, once its rundown has begun. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExAcquireRundownProtection. */
NTKERNELAPI BOOLEAN FASTCALL ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef);

/** Adds Count users of the object; FALSE, and none, once its rundown has begun. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExAcquireRundownProtectionEx. */
NTKERNELAPI BOOLEAN FASTCALL ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count);

/** Takes away a user of the object; the last one ends its rundown. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExReleaseRundownProtection. */
NTKERNELAPI VOID FASTCALL ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef);

/** Takes away Count users of the object; the last one ends its rundown. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExReleaseRundownProtectionEx. */
NTKERNELAPI VOID FASTCALL ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count);

/** Begins the rundown of the object and waits until it has no users; returns at once when it is already run down.
    IRQL: <= APC_LEVEL. Source: WDK: ExWaitForRundownProtectionRelease. Differs: during a rundown that another thread
    has begun it waits for the end of that (Windows: unverified). */
NTKERNELAPI VOID FASTCALL ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef);

/** Marks the object as run down. Caller: ExWaitForRundownProtectionRelease has returned. IRQL: <= APC_LEVEL. Source:
    WDK: ExRundownCompleted. */
NTKERNELAPI VOID FASTCALL ExRundownCompleted(PEX_RUNDOWN_REF RunRef);

/** Returns how many bytes ExInitializeRundownProtectionCacheAware wants. IRQL: <= APC_LEVEL. Source: WDK:
    ExSizeOfRundownProtectionCacheAware. */
NTKERNELAPI SIZE_T NTAPI ExSizeOfRundownProtectionCacheAware(VOID);

/** Initializes cache-aware rundown protection in the caller's memory. RunRefSize: what
    ExSizeOfRundownProtectionCacheAware returned. IRQL: <= APC_LEVEL. Source: WDK:
    ExInitializeRundownProtectionCacheAware. Differs: one count, not one for each processor; so it is for all that
    follow. */
NTKERNELAPI VOID NTAPI ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                               SIZE_T RunRefSize);

/** Allocates and initializes cache-aware rundown protection; NULL without memory. IRQL: <= APC_LEVEL. Source: WDK:
    ExAllocateCacheAwareRundownProtection. */
NTKERNELAPI PEX_RUNDOWN_REF_CACHE_AWARE NTAPI ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType, ULONG PoolTag);

/** Frees what ExAllocateCacheAwareRundownProtection returned. IRQL: <= APC_LEVEL. Source: WDK:
    ExFreeCacheAwareRundownProtection. */
NTKERNELAPI VOID NTAPI ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Does what ExAcquireRundownProtection does. IRQL: <= DISPATCH_LEVEL. Source: WDK:
 * ExAcquireRundownProtectionCacheAware.
 */
NTKERNELAPI BOOLEAN FASTCALL ExAcquireRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Does what ExAcquireRundownProtectionEx does. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExAcquireRundownProtectionCacheAwareEx. */
NTKERNELAPI BOOLEAN FASTCALL ExAcquireRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                                    ULONG Count);

/** Does what ExReleaseRundownProtection does. IRQL: <= DISPATCH_LEVEL. Source: WDK:
 * ExReleaseRundownProtectionCacheAware.
 */
NTKERNELAPI VOID FASTCALL ExReleaseRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Does what ExReleaseRundownProtectionEx does. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ExReleaseRundownProtectionCacheAwareEx. */
NTKERNELAPI VOID FASTCALL ExReleaseRundownProtectionCacheAwareEx(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware,
                                                                 ULONG Count);

/** Does what ExWaitForRundownProtectionRelease does. IRQL: <= APC_LEVEL. Source: WDK:
    ExWaitForRundownProtectionReleaseCacheAware. */
NTKERNELAPI VOID FASTCALL ExWaitForRundownProtectionReleaseCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Does what ExReInitializeRundownProtection does. IRQL: <= APC_LEVEL. Source: WDK:
    ExReInitializeRundownProtectionCacheAware. */
NTKERNELAPI VOID FASTCALL ExReInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Does what ExRundownCompleted does. IRQL: <= APC_LEVEL. Source: WDK: ExRundownCompletedCacheAware. */
NTKERNELAPI VOID FASTCALL ExRundownCompletedCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRefCacheAware);

/** Raises the IRQL to DISPATCH_LEVEL and takes a spin lock exclusively, ahead of readers that come later; returns the
   IRQL from before. Not recursive. IRQL: <= DISPATCH_LEVEL. Source: WDK: ExAcquireSpinLockExclusive. */
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock);

/** Raises the IRQL to DISPATCH_LEVEL and takes a spin lock shared; returns the IRQL from before. IRQL: <=
   DISPATCH_LEVEL. Source: WDK: ExAcquireSpinLockShared. */
NTKERNELAPI KIRQL NTAPI ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock);

/** Takes a spin lock exclusively, ahead of readers that come later. IRQL: >= DISPATCH_LEVEL. Source: WDK:
    ExAcquireSpinLockExclusiveAtDpcLevel. */
NTKERNELAPI VOID NTAPI ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Takes a spin lock shared. IRQL: >= DISPATCH_LEVEL. Source: WDK: ExAcquireSpinLockSharedAtDpcLevel. */
NTKERNELAPI VOID NTAPI ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Takes a spin lock exclusively if nobody holds it; returns whether it did. IRQL: >= DISPATCH_LEVEL. Source: public
    header wdm.h, undocumented. */
NTKERNELAPI LOGICAL NTAPI ExTryAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Takes a spin lock shared if no writer holds it or waits for it; returns whether it did. IRQL: >= DISPATCH_LEVEL.
    Source: public header wdm.h, undocumented. */
NTKERNELAPI LOGICAL NTAPI ExTryAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Releases a spin lock that is held exclusively, and lowers the IRQL to OldIrql. IRQL: DISPATCH_LEVEL. Source: WDK:
    ExReleaseSpinLockExclusive. */
NTKERNELAPI VOID NTAPI ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql);

/** Releases a spin lock that is held shared, and lowers the IRQL to OldIrql. IRQL: DISPATCH_LEVEL. Source: WDK:
    ExReleaseSpinLockShared. */
NTKERNELAPI VOID NTAPI ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql);

/** Releases a spin lock that is held exclusively. IRQL: >= DISPATCH_LEVEL. Source: WDK:
    ExReleaseSpinLockExclusiveFromDpcLevel. */
NTKERNELAPI VOID NTAPI ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Releases a spin lock that is held shared. IRQL: >= DISPATCH_LEVEL. Source: WDK: ExReleaseSpinLockSharedFromDpcLevel.
 */
NTKERNELAPI VOID NTAPI ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock);

/** Turns the caller's shared hold into an exclusive one when it is the only reader and no writer waits; otherwise
   returns FALSE and the lock is still held shared. IRQL: DISPATCH_LEVEL. Source: WDK:
   ExTryConvertSharedSpinLockExclusive. */
NTKERNELAPI LOGICAL NTAPI ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock);

/** Returns whether the calling thread came from user mode: KernelMode for a system thread. IRQL: <= DISPATCH_LEVEL.
    Source: WDK: ExGetPreviousMode. */
NTKERNELAPI KPROCESSOR_MODE NTAPI ExGetPreviousMode(VOID);

NTKERNELAPI PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
NTKERNELAPI PVOID NTAPI ExAllocatePoolQuotaZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
NTKERNELAPI PVOID NTAPI ExAllocatePoolQuotaUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                                      EX_POOL_PRIORITY Priority);
NTKERNELAPI PVOID NTAPI ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                                        PCPOOL_EXTENDED_PARAMETER ExtendedParameters, ULONG ExtendedParametersCount);
NTKERNELAPI NTSTATUS NTAPI ExUuidCreate(GUID *Uuid);
NTKERNELAPI BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG ProcessorFeature);
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI ExRaiseAccessViolation(VOID);
NTKERNELAPI DECLSPEC_NORETURN VOID NTAPI ExRaiseDatatypeMisalignment(VOID);
NTKERNELAPI VOID NTAPI ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment);
NTKERNELAPI VOID NTAPI ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment);

#ifdef __cplusplus
}
#endif

#endif
