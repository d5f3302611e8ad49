/* Compiler intrinsics of MSVC. Privileged ones (__readcr8, __readgsqword, __readmsr) do not exist here. */
#ifndef NTEMU_KM_CRT_INTRIN_H
#define NTEMU_KM_CRT_INTRIN_H

#include "crtdefs.h"

/* Macros over functions of our own: clang has some of the Microsoft names as built-ins that must not be redeclared. */
#define NTEMU_INTRINSIC static inline __attribute__((always_inline, unused))
#define NTEMU_INTERLOCKED(suffix, type)                                                           \
  NTEMU_INTRINSIC type ntemu_increment##suffix(type volatile *p) {                                \
    return __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_decrement##suffix(type volatile *p) {                                \
    return __atomic_sub_fetch(p, 1, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_exchange##suffix(type volatile *p, type v) {                         \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                           \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_exchange_add##suffix(type volatile *p, type v) {                     \
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_and##suffix(type volatile *p, type v) {                              \
    return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_or##suffix(type volatile *p, type v) {                               \
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                             \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_xor##suffix(type volatile *p, type v) {                              \
    return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                            \
  }                                                                                               \
  NTEMU_INTRINSIC type ntemu_compare_exchange##suffix(type volatile *p, type v, type comparand) { \
    __atomic_compare_exchange_n(p, &comparand, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);         \
    return comparand;                                                                             \
  }
NTEMU_INTERLOCKED(8, char)
NTEMU_INTERLOCKED(16, short)
NTEMU_INTERLOCKED(32, int)
NTEMU_INTERLOCKED(64, long long)

#define _InterlockedExchange8 ntemu_exchange8
#define _InterlockedExchangeAdd8 ntemu_exchange_add8
#define _InterlockedAnd8 ntemu_and8
#define _InterlockedOr8 ntemu_or8
#define _InterlockedXor8 ntemu_xor8
#define _InterlockedCompareExchange8 ntemu_compare_exchange8
#define _InterlockedIncrement16 ntemu_increment16
#define _InterlockedDecrement16 ntemu_decrement16
#define _InterlockedExchange16 ntemu_exchange16
#define _InterlockedExchangeAdd16 ntemu_exchange_add16
#define _InterlockedAnd16 ntemu_and16
#define _InterlockedOr16 ntemu_or16
#define _InterlockedXor16 ntemu_xor16
#define _InterlockedCompareExchange16 ntemu_compare_exchange16
#define _InterlockedIncrement ntemu_increment32
#define _InterlockedDecrement ntemu_decrement32
#define _InterlockedExchange ntemu_exchange32
#define _InterlockedExchangeAdd ntemu_exchange_add32
#define _InterlockedAnd ntemu_and32
#define _InterlockedOr ntemu_or32
#define _InterlockedXor ntemu_xor32
#define _InterlockedCompareExchange ntemu_compare_exchange32
#define _InterlockedIncrement64 ntemu_increment64
#define _InterlockedDecrement64 ntemu_decrement64
#define _InterlockedExchange64 ntemu_exchange64
#define _InterlockedExchangeAdd64 ntemu_exchange_add64
#define _InterlockedAnd64 ntemu_and64
#define _InterlockedOr64 ntemu_or64
#define _InterlockedXor64 ntemu_xor64
#define _InterlockedCompareExchange64 ntemu_compare_exchange64

NTEMU_INTRINSIC void *ntemu_exchange_pointer(void *volatile *p, void *v) {
  return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}
NTEMU_INTRINSIC void *ntemu_compare_exchange_pointer(void *volatile *p, void *v, void *comparand) {
  __atomic_compare_exchange_n(p, &comparand, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}
NTEMU_INTRINSIC unsigned char ntemu_bit_test_and_set(int volatile *p, int bit) {
  return (unsigned char)((__atomic_fetch_or(p + (bit >> 5), (int)(1U << (bit & 31)), __ATOMIC_SEQ_CST) >> (bit & 31)) &
                         1);
}
NTEMU_INTRINSIC unsigned char ntemu_bit_test_and_reset(int volatile *p, int bit) {
  return (
      unsigned char)((__atomic_fetch_and(p + (bit >> 5), (int)~(1U << (bit & 31)), __ATOMIC_SEQ_CST) >> (bit & 31)) &
                     1);
}
#define _InterlockedExchangePointer ntemu_exchange_pointer
#define _InterlockedCompareExchangePointer ntemu_compare_exchange_pointer
#define _interlockedbittestandset ntemu_bit_test_and_set
#define _interlockedbittestandreset ntemu_bit_test_and_reset

NTEMU_INTRINSIC unsigned char ntemu_scan_forward(unsigned int *index, unsigned long long mask) {
  if (mask == 0) {
    return 0;
  }
  *index = (unsigned int)__builtin_ctzll(mask);
  return 1;
}
NTEMU_INTRINSIC unsigned char ntemu_scan_reverse(unsigned int *index, unsigned long long mask) {
  if (mask == 0) {
    return 0;
  }
  *index = 63U - (unsigned int)__builtin_clzll(mask);
  return 1;
}
#define _BitScanForward(index, mask) ntemu_scan_forward((index), (unsigned int)(mask))
#define _BitScanReverse(index, mask) ntemu_scan_reverse((index), (unsigned int)(mask))
#define _BitScanForward64 ntemu_scan_forward
#define _BitScanReverse64 ntemu_scan_reverse
#define __popcnt(value) ((unsigned int)__builtin_popcount(value))
#define __popcnt64(value) ((unsigned long long)__builtin_popcountll(value))

#define _byteswap_ushort(value) __builtin_bswap16((unsigned short)(value))
#define _byteswap_ulong(value) __builtin_bswap32((unsigned int)(value))
#define _byteswap_uint64(value) __builtin_bswap64((unsigned long long)(value))

NTEMU_INTRINSIC unsigned int ntemu_rotl32(unsigned int value, int shift) {
  return (value << (shift & 31)) | (value >> (-shift & 31));
}
NTEMU_INTRINSIC unsigned long long ntemu_rotl64(unsigned long long value, int shift) {
  return (value << (shift & 63)) | (value >> (-shift & 63));
}
#define _rotl ntemu_rotl32
#define _rotr(value, shift) ntemu_rotl32((value), -(shift))
#define _rotl64 ntemu_rotl64
#define _rotr64(value, shift) ntemu_rotl64((value), -(shift))

#define _ReadWriteBarrier() __asm__ __volatile__("" : : : "memory")
#define _ReadBarrier() _ReadWriteBarrier()
#define _WriteBarrier() _ReadWriteBarrier()
#define __faststorefence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
/* The compiler's own vector headers define these; include those first where both are wanted. */
#if !defined(_XMMINTRIN_H_INCLUDED) && !defined(__XMMINTRIN_H)
#define _mm_pause() __builtin_ia32_pause()
#define _mm_sfence() __builtin_ia32_sfence()
#define _mm_lfence() __builtin_ia32_lfence()
#define _mm_mfence() __builtin_ia32_mfence()
#endif
#ifndef __clang__
#define __debugbreak() __asm__ __volatile__("int3" : : : "memory")
#define __nop() __asm__ __volatile__("nop")
#endif
#ifndef __rdtsc
#define __rdtsc() __builtin_ia32_rdtsc()
#endif
#define _ReturnAddress() __builtin_return_address(0)
#define _AddressOfReturnAddress() ((void *)((char *)__builtin_frame_address(0) + 8))
#define __stosb(destination, value, count) ((void)__builtin_memset((destination), (value), (count)))
#define __movsb(destination, source, count) ((void)__builtin_memmove((destination), (source), (count)))

NTEMU_INTRINSIC unsigned long long ntemu_umulh(unsigned long long a, unsigned long long b) {
  return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
NTEMU_INTRINSIC unsigned long long ntemu_umul128(unsigned long long a, unsigned long long b, unsigned long long *high) {
  *high = ntemu_umulh(a, b);
  return a * b;
}
#define __umulh ntemu_umulh
#define _umul128 ntemu_umul128

NTEMU_INTRINSIC void ntemu_cpuid(int registers[4], int leaf, int subleaf) {
  __asm__ __volatile__("cpuid"
                       : "=a"(registers[0]), "=b"(registers[1]), "=c"(registers[2]), "=d"(registers[3])
                       : "a"(leaf), "c"(subleaf));
}
#define __cpuid(registers, leaf) ntemu_cpuid((registers), (leaf), 0)
#define __cpuidex ntemu_cpuid

#endif
