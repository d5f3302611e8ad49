/* Limits of integer types. A Windows long is 32 bits; a plain long in a driver built here is not, so LONG_MAX is that
 * of LONG. */
#ifndef NTEMU_KM_CRT_LIMITS_H
#define NTEMU_KM_CRT_LIMITS_H

#include "crtdefs.h"

#define CHAR_BIT 8
#define SCHAR_MIN (-128)
#define SCHAR_MAX 127
#define UCHAR_MAX 0xff
#define CHAR_MIN SCHAR_MIN
#define CHAR_MAX SCHAR_MAX
#define MB_LEN_MAX 5
#define SHRT_MIN (-32768)
#define SHRT_MAX 32767
#define USHRT_MAX 0xffff
#define INT_MIN (-2147483647 - 1)
#define INT_MAX 2147483647
#define UINT_MAX 0xffffffffU
#define LONG_MIN (-2147483647 - 1)
#define LONG_MAX 2147483647
#define ULONG_MAX 0xffffffffU
#define LLONG_MAX 9223372036854775807LL
#define LLONG_MIN (-LLONG_MAX - 1)
#define ULLONG_MAX 0xffffffffffffffffULL
#ifndef SIZE_MAX
#define SIZE_MAX 0xffffffffffffffffULL
#endif

#endif
