/* Interlocked operations: full barriers over the compiler's atomic builtins. */
#ifndef NTEMU_KM_NT_INTERLOCKED_H
#define NTEMU_KM_NT_INTERLOCKED_H

#include "basetsd.h"

#ifdef __cplusplus
extern "C" {
#endif

FORCEINLINE LONG InterlockedIncrement(LONG volatile *Addend) {
  return (LONG)__atomic_add_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedDecrement(LONG volatile *Addend) {
  return (LONG)__atomic_sub_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedExchange(LONG volatile *Target, LONG Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value) {
  return (LONG)__atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedAdd(LONG volatile *Addend, LONG Value) {
  return (LONG)__atomic_add_fetch(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedAnd(LONG volatile *Destination, LONG Value) {
  return (LONG)__atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedOr(LONG volatile *Destination, LONG Value) {
  return (LONG)__atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedXor(LONG volatile *Destination, LONG Value) {
  return (LONG)__atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG InterlockedCompareExchange(LONG volatile *Destination, LONG Exchange, LONG Comperand) {
  __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return Comperand;
}

FORCEINLINE LONG64 InterlockedIncrement64(LONG64 volatile *Addend) {
  return (LONG64)__atomic_add_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedDecrement64(LONG64 volatile *Addend) {
  return (LONG64)__atomic_sub_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedExchange64(LONG64 volatile *Target, LONG64 Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedExchangeAdd64(LONG64 volatile *Addend, LONG64 Value) {
  return (LONG64)__atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedAdd64(LONG64 volatile *Addend, LONG64 Value) {
  return (LONG64)__atomic_add_fetch(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedAnd64(LONG64 volatile *Destination, LONG64 Value) {
  return (LONG64)__atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedOr64(LONG64 volatile *Destination, LONG64 Value) {
  return (LONG64)__atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedXor64(LONG64 volatile *Destination, LONG64 Value) {
  return (LONG64)__atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE LONG64 InterlockedCompareExchange64(LONG64 volatile *Destination, LONG64 Exchange, LONG64 Comperand) {
  __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return Comperand;
}

FORCEINLINE SHORT InterlockedIncrement16(SHORT volatile *Addend) {
  return (SHORT)__atomic_add_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedDecrement16(SHORT volatile *Addend) {
  return (SHORT)__atomic_sub_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedExchange16(SHORT volatile *Target, SHORT Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedExchangeAdd16(SHORT volatile *Addend, SHORT Value) {
  return (SHORT)__atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedAdd16(SHORT volatile *Addend, SHORT Value) {
  return (SHORT)__atomic_add_fetch(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedAnd16(SHORT volatile *Destination, SHORT Value) {
  return (SHORT)__atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedOr16(SHORT volatile *Destination, SHORT Value) {
  return (SHORT)__atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedXor16(SHORT volatile *Destination, SHORT Value) {
  return (SHORT)__atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE SHORT InterlockedCompareExchange16(SHORT volatile *Destination, SHORT Exchange, SHORT Comperand) {
  __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return Comperand;
}

FORCEINLINE PVOID InterlockedExchangePointer(PVOID volatile *Target, PVOID Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE PVOID InterlockedCompareExchangePointer(PVOID volatile *Destination, PVOID Exchange, PVOID Comperand) {
  __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return Comperand;
}

/* Inline assembly because the builtin would need -mcx16 or libatomic. */
FORCEINLINE BOOLEAN InterlockedCompareExchange128(LONG64 volatile *Destination, LONG64 ExchangeHigh, LONG64 ExchangeLow,
                                                  LONG64 *ComparandResult) {
  BOOLEAN swapped;
  __asm__ __volatile__("lock cmpxchg16b %1"
                       : "=@ccz"(swapped), "+m"(*(LONG64 volatile(*)[2])Destination), "+a"(ComparandResult[0]),
                         "+d"(ComparandResult[1])
                       : "b"(ExchangeLow), "c"(ExchangeHigh)
                       : "memory");
  return swapped;
}

FORCEINLINE CHAR InterlockedExchange8(CHAR volatile *Target, CHAR Value) {
  return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE CHAR InterlockedExchangeAdd8(CHAR volatile *Addend, CHAR Value) {
  return (CHAR)__atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE CHAR InterlockedAnd8(CHAR volatile *Destination, CHAR Value) {
  return (CHAR)__atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE CHAR InterlockedOr8(CHAR volatile *Destination, CHAR Value) {
  return (CHAR)__atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE CHAR InterlockedXor8(CHAR volatile *Destination, CHAR Value) {
  return (CHAR)__atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}
FORCEINLINE ULONG InterlockedExchangeSubtract(ULONG volatile *Addend, ULONG Value) {
  return __atomic_fetch_sub(Addend, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit) {
  return (BOOLEAN)((__atomic_fetch_or(Base + (Bit >> 5), (LONG)(1U << (Bit & 31)), __ATOMIC_SEQ_CST) >> (Bit & 31)) &
                   1);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit) {
  return (BOOLEAN)((__atomic_fetch_and(Base + (Bit >> 5), (LONG) ~(1U << (Bit & 31)), __ATOMIC_SEQ_CST) >> (Bit & 31)) &
                   1);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndComplement(LONG volatile *Base, LONG Bit) {
  return (BOOLEAN)((__atomic_fetch_xor(Base + (Bit >> 5), (LONG)(1U << (Bit & 31)), __ATOMIC_SEQ_CST) >> (Bit & 31)) &
                   1);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndSet64(LONG64 volatile *Base, LONG64 Bit) {
  LONG64 mask = (LONG64)(1ULL << (Bit & 63));
  return (BOOLEAN)((__atomic_fetch_or(Base + (Bit >> 6), mask, __ATOMIC_SEQ_CST) & mask) != 0);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndReset64(LONG64 volatile *Base, LONG64 Bit) {
  LONG64 mask = (LONG64)(1ULL << (Bit & 63));
  return (BOOLEAN)((__atomic_fetch_and(Base + (Bit >> 6), ~mask, __ATOMIC_SEQ_CST) & mask) != 0);
}
FORCEINLINE BOOLEAN InterlockedBitTestAndComplement64(LONG64 volatile *Base, LONG64 Bit) {
  LONG64 mask = (LONG64)(1ULL << (Bit & 63));
  return (BOOLEAN)((__atomic_fetch_xor(Base + (Bit >> 6), mask, __ATOMIC_SEQ_CST) & mask) != 0);
}

/* The weaker forms are full barriers too, as on x64. */
#define InterlockedIncrementAcquire InterlockedIncrement
#define InterlockedIncrementRelease InterlockedIncrement
#define InterlockedIncrementNoFence InterlockedIncrement
#define InterlockedIncrementAcquire16 InterlockedIncrement16
#define InterlockedIncrementRelease16 InterlockedIncrement16
#define InterlockedIncrementNoFence16 InterlockedIncrement16
#define InterlockedIncrementAcquire64 InterlockedIncrement64
#define InterlockedIncrementRelease64 InterlockedIncrement64
#define InterlockedIncrementNoFence64 InterlockedIncrement64
#define InterlockedDecrementAcquire InterlockedDecrement
#define InterlockedDecrementRelease InterlockedDecrement
#define InterlockedDecrementNoFence InterlockedDecrement
#define InterlockedDecrementAcquire16 InterlockedDecrement16
#define InterlockedDecrementRelease16 InterlockedDecrement16
#define InterlockedDecrementNoFence16 InterlockedDecrement16
#define InterlockedDecrementAcquire64 InterlockedDecrement64
#define InterlockedDecrementRelease64 InterlockedDecrement64
#define InterlockedDecrementNoFence64 InterlockedDecrement64
#define InterlockedAddAcquire InterlockedAdd
#define InterlockedAddRelease InterlockedAdd
#define InterlockedAddNoFence InterlockedAdd
#define InterlockedAddAcquire64 InterlockedAdd64
#define InterlockedAddRelease64 InterlockedAdd64
#define InterlockedAddNoFence64 InterlockedAdd64
#define InterlockedExchangeAddAcquire InterlockedExchangeAdd
#define InterlockedExchangeAddRelease InterlockedExchangeAdd
#define InterlockedExchangeAddNoFence InterlockedExchangeAdd
#define InterlockedExchangeAddAcquire64 InterlockedExchangeAdd64
#define InterlockedExchangeAddRelease64 InterlockedExchangeAdd64
#define InterlockedExchangeAddNoFence64 InterlockedExchangeAdd64
#define InterlockedAndAcquire InterlockedAnd
#define InterlockedAndRelease InterlockedAnd
#define InterlockedAndNoFence InterlockedAnd
#define InterlockedAndAcquire64 InterlockedAnd64
#define InterlockedAndRelease64 InterlockedAnd64
#define InterlockedAndNoFence64 InterlockedAnd64
#define InterlockedOrAcquire InterlockedOr
#define InterlockedOrRelease InterlockedOr
#define InterlockedOrNoFence InterlockedOr
#define InterlockedOrAcquire64 InterlockedOr64
#define InterlockedOrRelease64 InterlockedOr64
#define InterlockedOrNoFence64 InterlockedOr64
#define InterlockedXorAcquire InterlockedXor
#define InterlockedXorRelease InterlockedXor
#define InterlockedXorNoFence InterlockedXor
#define InterlockedXorAcquire64 InterlockedXor64
#define InterlockedXorRelease64 InterlockedXor64
#define InterlockedXorNoFence64 InterlockedXor64
#define InterlockedExchangeAcquire InterlockedExchange
#define InterlockedExchangeNoFence InterlockedExchange
#define InterlockedExchangeAcquire64 InterlockedExchange64
#define InterlockedExchangeNoFence64 InterlockedExchange64
#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedCompareExchangeNoFence InterlockedCompareExchange
#define InterlockedCompareExchangeAcquire16 InterlockedCompareExchange16
#define InterlockedCompareExchangeRelease16 InterlockedCompareExchange16
#define InterlockedCompareExchangeNoFence16 InterlockedCompareExchange16
#define InterlockedCompareExchangeAcquire64 InterlockedCompareExchange64
#define InterlockedCompareExchangeRelease64 InterlockedCompareExchange64
#define InterlockedCompareExchangeNoFence64 InterlockedCompareExchange64
#define InterlockedExchangePointerAcquire InterlockedExchangePointer
#define InterlockedExchangePointerNoFence InterlockedExchangePointer
#define InterlockedCompareExchangePointerAcquire InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerRelease InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerNoFence InterlockedCompareExchangePointer
#define InterlockedIncrementSizeT(a) ((SIZE_T)InterlockedIncrement64((LONG64 volatile *)(a)))
#define InterlockedDecrementSizeT(a) ((SIZE_T)InterlockedDecrement64((LONG64 volatile *)(a)))
#define InterlockedExchangeAddSizeT(a, b) ((SIZE_T)InterlockedExchangeAdd64((LONG64 volatile *)(a), (LONG64)(b)))
#define InterlockedAddLargeStatistic(Addend, Value) ((VOID)InterlockedAdd64(&(Addend)->QuadPart, (LONG64)(Value)))

FORCEINLINE VOID MemoryBarrier(VOID) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#define KeMemoryBarrier() MemoryBarrier()
#define KeMemoryBarrierWithoutFence() __asm__ __volatile__("" ::: "memory")
#define YieldProcessor() __builtin_ia32_pause()

/* ReadAcquire64, ReadULongNoFence, WritePointerRelease and so on. Raw promises no order at all, here as much as
 * NoFence.
 */
#define NTEMU_READ_WRITE(kind, size, type)                                              \
  FORCEINLINE type Read##kind##Acquire##size(type const volatile *Source) {             \
    return __atomic_load_n(Source, __ATOMIC_ACQUIRE);                                   \
  }                                                                                     \
  FORCEINLINE type Read##kind##NoFence##size(type const volatile *Source) {             \
    return __atomic_load_n(Source, __ATOMIC_RELAXED);                                   \
  }                                                                                     \
  FORCEINLINE type Read##kind##Raw##size(type const volatile *Source) {                 \
    return __atomic_load_n(Source, __ATOMIC_RELAXED);                                   \
  }                                                                                     \
  FORCEINLINE VOID Write##kind##Release##size(type volatile *Destination, type Value) { \
    __atomic_store_n(Destination, Value, __ATOMIC_RELEASE);                             \
  }                                                                                     \
  FORCEINLINE VOID Write##kind##NoFence##size(type volatile *Destination, type Value) { \
    __atomic_store_n(Destination, Value, __ATOMIC_RELAXED);                             \
  }                                                                                     \
  FORCEINLINE VOID Write##kind##Raw##size(type volatile *Destination, type Value) {     \
    __atomic_store_n(Destination, Value, __ATOMIC_RELAXED);                             \
  }
NTEMU_READ_WRITE(, 8, CHAR)
NTEMU_READ_WRITE(, 16, SHORT)
NTEMU_READ_WRITE(, , LONG)
NTEMU_READ_WRITE(, 64, LONG64)
NTEMU_READ_WRITE(UChar, , UCHAR)
NTEMU_READ_WRITE(Boolean, , BOOLEAN)
NTEMU_READ_WRITE(UShort, , USHORT)
NTEMU_READ_WRITE(ULong, , ULONG)
NTEMU_READ_WRITE(ULong64, , ULONG64)
NTEMU_READ_WRITE(LongPtr, , LONG_PTR)
NTEMU_READ_WRITE(ULongPtr, , ULONG_PTR)
NTEMU_READ_WRITE(Pointer, , PVOID)
NTEMU_READ_WRITE(Handle, , HANDLE)
#undef NTEMU_READ_WRITE

#ifdef __cplusplus
}
#endif

#endif
