/* Common ground of the drivers' C library: types, error codes and the binding of names to the runtime's nt_ functions.
 */
#ifndef NTEMU_KM_CRT_CRTDEFS_H
#define NTEMU_KM_CRT_CRTDEFS_H

#include <stdarg.h>
#include <stddef.h>

/* The runtime never exports a name that the host's C library has, and glibc's wide functions are 32 bits wide. */
#define NTEMU_CRT_NAME(name) __asm__("nt_" #name)
#ifdef __cplusplus
#define NTEMU_CRT_BEGIN extern "C" {
#define NTEMU_CRT_END }
#else
#define NTEMU_CRT_BEGIN
#define NTEMU_CRT_END
#endif

#ifndef __cdecl
#ifndef __clang__
#define __cdecl
#endif
#endif

typedef int errno_t;
typedef size_t rsize_t;
typedef unsigned short wint_t;
typedef unsigned short wctype_t;
#define WEOF ((wint_t)0xFFFF)

#define _TRUNCATE ((size_t)-1)
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif

#endif
