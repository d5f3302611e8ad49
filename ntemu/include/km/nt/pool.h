/* Kernel pool: types, flags and allocation. */
#ifndef NTEMU_KM_NT_POOL_H
#define NTEMU_KM_NT_POOL_H

#include "basetsd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A type may be combined with flags: in C++ its range has to say so. */
#ifdef __cplusplus
typedef enum _POOL_TYPE : int {
#else
typedef enum _POOL_TYPE {
#endif
  NonPagedPool = 0,
  NonPagedPoolExecute = NonPagedPool,
  PagedPool = 1,
  NonPagedPoolMustSucceed = 2,
  DontUseThisType = 3,
  NonPagedPoolCacheAligned = 4,
  PagedPoolCacheAligned = 5,
  NonPagedPoolCacheAlignedMustS = 6,
  MaxPoolType = 7,
  NonPagedPoolBase = 0,
  NonPagedPoolBaseMustSucceed = 2,
  NonPagedPoolBaseCacheAligned = 4,
  NonPagedPoolBaseCacheAlignedMustS = 6,
  NonPagedPoolSession = 32,
  PagedPoolSession = 33,
  NonPagedPoolMustSucceedSession = 34,
  DontUseThisTypeSession = 35,
  NonPagedPoolCacheAlignedSession = 36,
  PagedPoolCacheAlignedSession = 37,
  NonPagedPoolCacheAlignedMustSSession = 38,
  NonPagedPoolNx = 512,
  NonPagedPoolNxCacheAligned = 516,
  NonPagedPoolSessionNx = 544
} POOL_TYPE;

#define POOL_COLD_ALLOCATION 256
#define POOL_QUOTA_FAIL_INSTEAD_OF_RAISE 8
#define POOL_RAISE_IF_ALLOCATION_FAILURE 16
#define POOL_NX_ALLOCATION 512
#define POOL_ZERO_ALLOCATION 1024

typedef ULONG64 POOL_FLAGS;
#define POOL_FLAG_REQUIRED_START 0x0000000000000001ULL
#define POOL_FLAG_USE_QUOTA 0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED 0x0000000000000002ULL
#define POOL_FLAG_SESSION 0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED 0x0000000000000008ULL
#define POOL_FLAG_RESERVED1 0x0000000000000010ULL
#define POOL_FLAG_RAISE_ON_FAILURE 0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED 0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE 0x0000000000000080ULL
#define POOL_FLAG_PAGED 0x0000000000000100ULL
#define POOL_FLAG_RESERVED2 0x0000000000000200ULL
#define POOL_FLAG_RESERVED3 0x0000000000000400ULL
#define POOL_FLAG_REQUIRED_END 0x0000000080000000ULL
#define POOL_FLAG_OPTIONAL_START 0x0000000100000000ULL
#define POOL_FLAG_SPECIAL_POOL 0x0000000100000000ULL
#define POOL_FLAG_OPTIONAL_END 0x8000000000000000ULL

typedef enum _POOL_EXTENDED_PARAMETER_TYPE {
  PoolExtendedParameterInvalidType = 0,
  PoolExtendedParameterPriority,
  PoolExtendedParameterSecurePool,
  PoolExtendedParameterNumaNode,
  PoolExtendedParameterMax
} POOL_EXTENDED_PARAMETER_TYPE;

typedef enum _EX_POOL_PRIORITY {
  LowPoolPriority,
  LowPoolPrioritySpecialPoolOverrun = 8,
  LowPoolPrioritySpecialPoolUnderrun = 9,
  NormalPoolPriority = 16,
  NormalPoolPrioritySpecialPoolOverrun = 24,
  NormalPoolPrioritySpecialPoolUnderrun = 25,
  HighPoolPriority = 32,
  HighPoolPrioritySpecialPoolOverrun = 40,
  HighPoolPrioritySpecialPoolUnderrun = 41
} EX_POOL_PRIORITY;

typedef struct _POOL_EXTENDED_PARAMETER {
  struct {
    ULONG64 Type : 8;
    ULONG64 Optional : 1;
    ULONG64 Reserved : 55;
  };
  union {
    ULONG64 Reserved2;
    PVOID Reserved3;
    EX_POOL_PRIORITY Priority;
    PVOID SecurePoolParams;
    ULONG PreferredNode;
  };
} POOL_EXTENDED_PARAMETER, *PPOOL_EXTENDED_PARAMETER;
typedef const POOL_EXTENDED_PARAMETER *PCPOOL_EXTENDED_PARAMETER;
NTEMU_ASSERT_SIZE(POOL_EXTENDED_PARAMETER, 0x10);

#if defined(NTEMU_DRIVER_BUILD) && defined(__cplusplus) && !defined(NTEMU_NO_POOL_PROXY)
/* In C++ drivers a result converts to any pointer, as in C. It cannot go through reinterpret_cast; a driver that needs
   that defines NTEMU_NO_POOL_PROXY. Inline wrappers leave the driver's call site as the caller that the allocator sees.
 */
extern "C++" {
struct NtemuPoolPointer {
  PVOID Address;
  template <typename T>
  operator T *() const {
    return static_cast<T *>(Address);
  }
  explicit operator bool() const { return Address != nullptr; }
  friend bool operator==(NtemuPoolPointer result, decltype(nullptr)) { return result.Address == nullptr; }
  friend bool operator!=(NtemuPoolPointer result, decltype(nullptr)) { return result.Address != nullptr; }
};
}

NTKERNELAPI PVOID NtemuBindExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes,
                                           ULONG Tag) __asm__("ExAllocatePool2");
NTKERNELAPI PVOID NtemuBindExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
                                                 ULONG Tag) __asm__("ExAllocatePoolWithTag");
NTKERNELAPI PVOID NtemuBindExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) __asm__("ExAllocatePool");
NTKERNELAPI PVOID NtemuBindExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
                                              ULONG Tag) __asm__("ExAllocatePoolZero");
NTKERNELAPI PVOID NtemuBindExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
                                                       ULONG Tag) __asm__("ExAllocatePoolUninitialized");

extern "C++" {
FORCEINLINE NtemuPoolPointer ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
  return {NtemuBindExAllocatePool2(Flags, NumberOfBytes, Tag)};
}
FORCEINLINE NtemuPoolPointer ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return {NtemuBindExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag)};
}
FORCEINLINE NtemuPoolPointer ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  return {NtemuBindExAllocatePool(PoolType, NumberOfBytes)};
}
FORCEINLINE NtemuPoolPointer ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return {NtemuBindExAllocatePoolZero(PoolType, NumberOfBytes, Tag)};
}
FORCEINLINE NtemuPoolPointer ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return {NtemuBindExAllocatePoolUninitialized(PoolType, NumberOfBytes, Tag)};
}
}
#else
/** Allocates zeroed pool memory, or uninitialized with POOL_FLAG_UNINITIALIZED. Exactly one of POOL_FLAG_NON_PAGED,
    _NON_PAGED_EXECUTE and _PAGED is given. From PAGE_SIZE on the block is page-aligned; a smaller one is 16-aligned and
    never crosses a page. Returns NULL for a zero Tag, an unknown required flag or exhausted memory; with
    POOL_FLAG_RAISE_ON_FAILURE it raises STATUS_INSUFFICIENT_RESOURCES (exhausted memory) instead.
    IRQL: <= DISPATCH_LEVEL for nonpaged, <= APC_LEVEL for paged memory. Source: WDK: ExAllocatePool2. */
NTKERNELAPI PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);

/** Allocates uninitialized pool memory. Tag: up to four characters as a little-endian integer. Returns NULL when memory
   is exhausted, or raises STATUS_INSUFFICIENT_RESOURCES when PoolType has POOL_RAISE_IF_ALLOCATION_FAILURE. Alignment
   and IRQL: as ExAllocatePool2. Source: WDK: ExAllocatePoolWithTag. */
NTKERNELAPI PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);

/** ExAllocatePoolWithTag with the tag 'enoN'. Source: WDK: ExAllocatePool; the tag: `None` in pool tag lists. */
NTKERNELAPI PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);

/** ExAllocatePoolWithTag, zeroed. Source: WDK: ExAllocatePoolZero. Differs: exported here, inline in the WDK. */
NTKERNELAPI PVOID NTAPI ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);

/** ExAllocatePoolWithTag under a name that says the memory is uninitialized. Source: WDK: ExAllocatePoolUninitialized.
    Differs: exported here, inline in the WDK. */
NTKERNELAPI PVOID NTAPI ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
#endif

/** Frees a block whatever its tag. P is a block from one of the allocators, or the machine stops with bugcheck 0xC2.
    IRQL: <= DISPATCH_LEVEL, <= APC_LEVEL for paged memory. Source: WDK: ExFreePool. */
NTKERNELAPI VOID NTAPI ExFreePool(PVOID P);

/** Frees a block that was allocated under Tag; another tag is bugcheck 0xC2 with parameter 0xA, except that Tag 0
   matches any (unverified). IRQL: as ExFreePool. Source: WDK: ExFreePoolWithTag. */
NTKERNELAPI VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag);

/** ExFreePoolWithTag for a block from ExAllocatePool2 or ExAllocatePool3; parameters describe secure pool only and are
    NULL and 0 otherwise. IRQL: as ExFreePool. Source: WDK: ExFreePool2. */
NTKERNELAPI VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                                   ULONG ExtendedParametersCount);

#define DrvRtPoolNxOptIn 0x00000001
/* Chooses the pool type behind NonPagedPool on Windows; every pool here is non-executable, so it does nothing. */
FORCEINLINE VOID ExInitializeDriverRuntime(ULONG RuntimeFlags) { UNREFERENCED_PARAMETER(RuntimeFlags); }

#ifdef __cplusplus
}
#endif

#endif
