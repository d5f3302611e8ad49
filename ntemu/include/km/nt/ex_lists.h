/* Sequenced lists, lists and counters under a spin lock, lookaside lists. */
#ifndef NTEMU_KM_NT_EX_LISTS_H
#define NTEMU_KM_NT_EX_LISTS_H

#include "ex_types.h"
#include "interlocked.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Makes a header an empty sequenced list. Raises STATUS_DATATYPE_MISALIGNMENT when it is not 16-aligned (unverified).
    IRQL: any. Source: WDK: ExInitializeSListHead. */
NTKERNELAPI VOID NTAPI InitializeSListHead(PSLIST_HEADER SListHead);
#define ExInitializeSListHead InitializeSListHead

/** Puts an entry in front of a sequenced list, atomically; returns the entry that was first, or NULL. Raises
   STATUS_DATATYPE_MISALIGNMENT when the entry is not 16-aligned (unverified). The depth is 16 bits and wraps. IRQL:
   any. Source: WDK: ExInterlockedPushEntrySList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);

/** Takes the first entry of a sequenced list, atomically; NULL when it is empty. It may read Next of an entry that
   another thread takes, reuses or frees meanwhile, even if its page is unmapped: what it reads then is not used. An
   entry that is still on the list must stay readable. IRQL: any. Source: WDK: ExInterlockedPopEntrySList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead);

/** Empties a sequenced list, atomically; returns the chain of its entries, or NULL. IRQL: any. Source: WDK:
   ExInterlockedFlushSList. */
NTKERNELAPI PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead);

/** Returns the number of entries on a sequenced list, modulo 65536, which may have changed by now. IRQL: any. Source:
   WDK: ExQueryDepthSList. */
NTKERNELAPI USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead);

/** Returns the first entry of a sequenced list, or NULL; another thread may take it at once. IRQL: any. Source: WDK:
   FirstEntrySList. */
NTKERNELAPI PSLIST_ENTRY NTAPI FirstEntrySList(const SLIST_HEADER *SListHead);

#define InterlockedPushEntrySList(Head, Entry) ExpInterlockedPushEntrySList(Head, Entry)
#define InterlockedPopEntrySList(Head) ExpInterlockedPopEntrySList(Head)
#define InterlockedFlushSList(Head) ExpInterlockedFlushSList(Head)
#define QueryDepthSList(Head) ExQueryDepthSList(Head)
#define ExInterlockedPushEntrySList(Head, Entry, Lock) ExpInterlockedPushEntrySList(Head, Entry)
#define ExInterlockedPopEntrySList(Head, Lock) ExpInterlockedPopEntrySList(Head)
#define ExInterlockedFlushSList(Head) ExpInterlockedFlushSList(Head)

/** Puts an entry at the front of a list, holding its spin lock; returns the entry that was first, or NULL. All access
   to the list has to go through these routines and this lock. A list whose links do not agree is bugcheck 0x139 with
   parameter 3. IRQL: any. Source: WDK: ExInterlockedInsertHeadList. Differs: the IRQL is not raised meanwhile. */
NTKERNELAPI PLIST_ENTRY FASTCALL ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                             PKSPIN_LOCK Lock);

/** Puts an entry at the end of a list, holding its spin lock; returns the entry that was last, or NULL. Otherwise as
   ExInterlockedInsertHeadList. Source: WDK: ExInterlockedInsertTailList. */
NTKERNELAPI PLIST_ENTRY FASTCALL ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
                                                             PKSPIN_LOCK Lock);

/** Takes the first entry of a list, holding its spin lock; NULL when it is empty. Otherwise as
   ExInterlockedInsertHeadList. Source: WDK: ExInterlockedRemoveHeadList. */
NTKERNELAPI PLIST_ENTRY FASTCALL ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock);

/** Puts an entry in front of a singly linked list, holding its spin lock; returns the entry that was first, or NULL.
   IRQL: any. Source: WDK: ExInterlockedPushEntryList. */
NTKERNELAPI PSINGLE_LIST_ENTRY FASTCALL ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
                                                                   PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock);

/** Takes the first entry of a singly linked list, holding its spin lock; NULL when it is empty. IRQL: any. Source: WDK:
   ExInterlockedPopEntryList. */
NTKERNELAPI PSINGLE_LIST_ENTRY FASTCALL ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock);

/** Adds to a ULONG, holding a spin lock; returns the value before. IRQL: any. Source: WDK: ExInterlockedAddUlong. */
NTKERNELAPI ULONG FASTCALL ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock);

/** Adds to a LARGE_INTEGER, holding a spin lock; returns the value before. IRQL: any. Source: WDK:
   ExInterlockedAddLargeInteger. */
NTKERNELAPI LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                             PKSPIN_LOCK Lock);

/* On a 64-bit machine these need no lock. */
#define ExInterlockedCompareExchange64(Destination, Exchange, Comperand, Lock) \
  InterlockedCompareExchange64(Destination, *(Exchange), *(Comperand))
#define ExInterlockedAddLargeStatistic(Addend, Increment) InterlockedAddLargeStatistic(Addend, Increment)

#define LOOKASIDE_MINIMUM_BLOCK_SIZE RTL_SIZEOF_THROUGH_FIELD(SLIST_ENTRY, Next)
#define EX_MAXIMUM_LOOKASIDE_DEPTH_BASE 256
#define EX_MAXIMUM_LOOKASIDE_DEPTH_LIMIT 1024
#define EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL 0x00000001UL
#define EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE 0x00000002UL

/*
 * Lookaside lists keep freed blocks of one size for the next allocation, up to the list's Depth: 4 at first, doubled up
 * to MaximumDepth (256) while more than a quarter of the allocations find the list empty. Differs: the depth never
 * shrinks, and whoever allocates adjusts it, where Windows scans the lists once a second; the routines are exported,
 * inline in the WDK. A list must be 16-aligned.
 */

/** Makes a lookaside list for nonpaged blocks. Allocate and Free: NULL for ExAllocatePoolWithTag and ExFreePool. Flags:
   0 or POOL_NX_ALLOCATION, POOL_RAISE_IF_ALLOCATION_FAILURE; they are part of the pool type that Allocate gets. Size:
   at least LOOKASIDE_MINIMUM_BLOCK_SIZE. Depth: ignored, pass 0. IRQL: <= DISPATCH_LEVEL. Source: WDK:
   ExInitializeNPagedLookasideList. */
NTKERNELAPI VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                                       PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                                       USHORT Depth);

/** Gives back a lookaside list's blocks and forgets the list. IRQL: <= DISPATCH_LEVEL. Source: WDK:
   ExDeleteNPagedLookasideList. */
NTKERNELAPI VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);

/** Takes a block from a lookaside list, or from its Allocate routine when the list is empty; NULL when that fails.
   IRQL: <= DISPATCH_LEVEL. Source: WDK: ExAllocateFromNPagedLookasideList. */
NTKERNELAPI PVOID NTAPI ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);

/** Gives a block back to a lookaside list, or to its Free routine when the list is full. IRQL: <= DISPATCH_LEVEL.
   Source: WDK: ExFreeToNPagedLookasideList. */
NTKERNELAPI VOID NTAPI ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry);

/** ExInitializeNPagedLookasideList for paged blocks. IRQL: <= APC_LEVEL. Source: WDK: ExInitializePagedLookasideList.
 */
NTKERNELAPI VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                                      PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag,
                                                      USHORT Depth);

/** ExDeleteNPagedLookasideList for paged blocks. IRQL: <= APC_LEVEL. Source: WDK: ExDeletePagedLookasideList. */
NTKERNELAPI VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);

/** ExAllocateFromNPagedLookasideList for paged blocks. IRQL: <= APC_LEVEL. Source: WDK:
   ExAllocateFromPagedLookasideList. */
NTKERNELAPI PVOID NTAPI ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);

/** ExFreeToNPagedLookasideList for paged blocks. IRQL: <= APC_LEVEL. Source: WDK: ExFreeToPagedLookasideList. */
NTKERNELAPI VOID NTAPI ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry);

/** Makes a lookaside list whose routines get the list as a context. Flags: 0; EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL,
   with which Allocate gets POOL_RAISE_IF_ALLOCATION_FAILURE in its pool type; or, with an Allocate routine only,
   EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE (POOL_QUOTA_FAIL_INSTEAD_OF_RAISE). Depth: ignored, pass 0.
   STATUS_INVALID_PARAMETER_4 when PoolType is no POOL_TYPE (which further bits pass is unverified),
   STATUS_INVALID_PARAMETER_5 when Flags is none of these. IRQL: <= DISPATCH_LEVEL. Source: WDK:
   ExInitializeLookasideListEx. */
NTKERNELAPI NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                                       PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG Flags,
                                                       SIZE_T Size, ULONG Tag, USHORT Depth);

/** Gives back a lookaside list's blocks and forgets the list. IRQL: <= DISPATCH_LEVEL, <= APC_LEVEL for paged blocks.
   Source: WDK: ExDeleteLookasideListEx. */
NTKERNELAPI VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);

/** Gives back the blocks that a lookaside list keeps. IRQL: as ExDeleteLookasideListEx. Source: WDK:
   ExFlushLookasideListEx. */
NTKERNELAPI VOID NTAPI ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);

/** Takes a block from a lookaside list, or from its Allocate routine when the list is empty; NULL when that fails, or
   an exception with the flag RAISE_ON_FAIL. IRQL: as ExDeleteLookasideListEx. Source: WDK:
   ExAllocateFromLookasideListEx. */
NTKERNELAPI PVOID NTAPI ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside);

/** Gives a block back to a lookaside list, or to its Free routine when the list is full. IRQL: as
   ExDeleteLookasideListEx. Source: WDK: ExFreeToLookasideListEx. */
NTKERNELAPI VOID NTAPI ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry);

#ifdef __cplusplus
}
#endif

#endif
