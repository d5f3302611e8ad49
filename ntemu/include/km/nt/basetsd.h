/* Scalar types, calling conventions, annotations and the macros of ntdef.h: the ground under every other header. */
#ifndef NTEMU_KM_NT_BASETSD_H
#define NTEMU_KM_NT_BASETSD_H

#if !defined(__x86_64__)
#error "ntemu builds drivers for x86-64 only"
#endif

#include <stdarg.h>
#include <stddef.h>

/* Target and version macros that driver sources test. A driver may predefine the version macros. */
#ifdef NTEMU_DRIVER_BUILD
#ifndef _AMD64_
#define _AMD64_ 1
#endif
#ifndef _WIN64
#define _WIN64 1
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif
#endif
#ifndef NTDDI_WIN10_CO
#define NTDDI_WIN2K 0x05000000
#define NTDDI_WINXP 0x05010000
#define NTDDI_VISTA 0x06000000
#define NTDDI_WIN7 0x06010000
#define NTDDI_WIN8 0x06020000
#define NTDDI_WINBLUE 0x06030000
#define NTDDI_WIN10 0x0A000000
#define NTDDI_WIN10_RS1 0x0A000002
#define NTDDI_WIN10_RS5 0x0A000006
#define NTDDI_WIN10_VB 0x0A000008
#define NTDDI_WIN10_CO 0x0A00000B
#define NTDDI_WIN11_NI 0x0A00000C
#endif
#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN11_NI
#endif
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#ifndef DBG
#define DBG 0
#endif

/* Microsoft keywords that gcc lacks; clang has them with -fms-extensions. */
#ifndef __clang__
#ifndef __int64
#define __int64 long long
#define __int32 int
#define __int16 short
#define __int8 char
#endif
#ifndef __declspec
#define __declspec(attribute) NTEMU_DECLSPEC_##attribute
#define NTEMU_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#define NTEMU_DECLSPEC_noreturn __attribute__((noreturn))
#define NTEMU_DECLSPEC_noinline __attribute__((noinline))
#define NTEMU_DECLSPEC_deprecated __attribute__((deprecated))
#define NTEMU_DECLSPEC_selectany __attribute__((weak))
#define NTEMU_DECLSPEC_restrict __attribute__((malloc))
#define NTEMU_DECLSPEC_dllexport __attribute__((visibility("default")))
#define NTEMU_DECLSPEC_dllimport
#define NTEMU_DECLSPEC_nothrow __attribute__((nothrow))
#define NTEMU_DECLSPEC_novtable
#define NTEMU_DECLSPEC_thread __thread
#define NTEMU_DECLSPEC_allocate(segment) __attribute__((section(segment)))
#define NTEMU_DECLSPEC_code_seg(segment)
#define NTEMU_DECLSPEC_uuid(text)
#endif
#define __cdecl
#define __stdcall
#define __fastcall
#define __vectorcall
#define __pragma(text)
#ifndef __forceinline
#define __forceinline inline __attribute__((always_inline))
#endif
#define __unaligned
#define __w64
#endif
#ifndef __ptr64
#define __ptr64
#define __ptr32
#endif

#define NTAPI
#define FASTCALL
#define CALLBACK
#define WINAPI
#define NTKERNELAPI __attribute__((visibility("default")))
#define NTSYSAPI NTKERNELAPI
#define NTHALAPI NTKERNELAPI
#define NTSYSCALLAPI NTKERNELAPI
#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT __attribute__((visibility("default")))
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define DECLSPEC_NOINLINE __attribute__((noinline))
#define DECLSPEC_SELECTANY __attribute__((weak))
#define DECLSPEC_DEPRECATED
#define DECLSPEC_NOVTABLE
#define DECLSPEC_RESTRICT
#define DECLSPEC_UUID(text)
#ifdef __cplusplus
#define EXTERN_C extern "C"
#define EXTERN_C_START extern "C" {
#define EXTERN_C_END }
#else
#define EXTERN_C extern
#define EXTERN_C_START
#define EXTERN_C_END
#endif
#ifdef __cplusplus
#define FORCEINLINE inline __attribute__((always_inline))
#define CFORCEINLINE FORCEINLINE
#else
#define FORCEINLINE static inline __attribute__((always_inline, unused))
#define CFORCEINLINE FORCEINLINE
#endif
#define NTEMU_PRINTF(format_index, first_argument)
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64

#define C_ASSERT_JOIN_(a, b) a##b
#define C_ASSERT_JOIN(a, b) C_ASSERT_JOIN_(a, b)
#define C_ASSERT(e) typedef char C_ASSERT_JOIN(ntemu_c_assert_, __COUNTER__)[(e) ? 1 : -1] __attribute__((unused))
#ifdef __cplusplus
#define NTEMU_ASSERT_LAYOUT(expression) static_assert(expression, #expression)
#else
#define NTEMU_ASSERT_LAYOUT(expression) _Static_assert(expression, #expression)
#endif
#define NTEMU_ASSERT_SIZE(type, bytes) NTEMU_ASSERT_LAYOUT(sizeof(type) == (bytes))
#define NTEMU_ASSERT_OFFSET(type, field, bytes) NTEMU_ASSERT_LAYOUT(__builtin_offsetof(type, field) == (bytes))

/* Scalars. LONG is 32 bits wide, as on Windows. */
#ifndef VOID
#define VOID void
#endif
typedef char CHAR, CCHAR, *PCHAR, *PCCHAR, *PSTR, *LPSTR, *PSZ, *PNZCH;
typedef const char *PCSTR, *LPCSTR, *PCSZ, *PCNZCH, *PCCH, *LPCCH;
typedef signed char SCHAR, *PSCHAR, INT8, *PINT8;
typedef unsigned char UCHAR, *PUCHAR, BYTE, *PBYTE, UINT8, *PUINT8, BOOLEAN, *PBOOLEAN, KIRQL, *PKIRQL;
typedef const UCHAR *PCUCHAR;
typedef short SHORT, *PSHORT, CSHORT, *PCSHORT, INT16, *PINT16;
typedef unsigned short USHORT, *PUSHORT, WORD, *PWORD, UINT16, *PUINT16;
typedef int LONG, *PLONG, INT, *PINT, INT32, *PINT32, LONG32, *PLONG32, BOOL, *PBOOL, KPRIORITY;
typedef unsigned int ULONG, *PULONG, UINT, *PUINT, DWORD, *PDWORD, UINT32, *PUINT32, ULONG32, *PULONG32, LOGICAL,
    *PLOGICAL;
typedef const ULONG *PCULONG;
typedef long long LONGLONG, *PLONGLONG, LONG64, *PLONG64, INT64, *PINT64, LONG_PTR, *PLONG_PTR, INT_PTR, *PINT_PTR;
typedef unsigned long long ULONGLONG, *PULONGLONG, DWORDLONG, *PDWORDLONG, ULONG64, *PULONG64, DWORD64, *PDWORD64,
    UINT64, *PUINT64, ULONG_PTR, *PULONG_PTR, UINT_PTR, *PUINT_PTR, DWORD_PTR, *PDWORD_PTR, KAFFINITY, *PKAFFINITY,
    KSPIN_LOCK, *PKSPIN_LOCK;
/* As size_t, so that pointers to the two mix as they do on Windows. */
typedef __SIZE_TYPE__ SIZE_T, *PSIZE_T;
typedef __PTRDIFF_TYPE__ SSIZE_T, *PSSIZE_T;
typedef float FLOAT;
typedef double DOUBLE;
typedef void *PVOID, *LPVOID, *HANDLE, **PHANDLE;
typedef const void *PCVOID, *LPCVOID;
typedef LONG NTSTATUS, *PNTSTATUS, HRESULT;
typedef const NTSTATUS *PCNTSTATUS;
typedef ULONG ACCESS_MASK, *PACCESS_MASK, DEVICE_TYPE, LCID, *PLCID;
typedef CCHAR KPROCESSOR_MODE;
typedef LONGLONG USN;

/* WCHAR is 16 bits wide: wchar_t where that is (-fshort-wchar, as ntcc passes), else char16_t. */
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#elif defined(__cplusplus)
typedef char16_t WCHAR;
#else
typedef __CHAR16_TYPE__ WCHAR;
#endif
typedef WCHAR *PWCHAR, *LPWCH, *PWCH, *LPWSTR, *PWSTR, *PNZWCH, **PZPWSTR;
typedef const WCHAR *LPCWCH, *PCWCH, *LPCWSTR, *PCWSTR, *PCNZWCH;

#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#ifndef NULL
#ifdef __cplusplus
#define NULL 0
#else
#define NULL ((void *)0)
#endif
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef IN
#define IN
#define OUT
#define OPTIONAL
#endif
#ifndef UNALIGNED
#define UNALIGNED
#endif
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(variable) ((void)(variable))
#define ARGUMENT_PRESENT(argument) ((argument) != NULL)
#define ANSI_NULL ((CHAR)0)
#define UNICODE_NULL ((WCHAR)0)
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffffU
#define MAXLONG 0x7fffffff
#define MINLONG ((LONG)0x80000000)
#define MAXLONGLONG 0x7fffffffffffffffLL
#define MAXULONG_PTR (~((ULONG_PTR)0))

typedef union _LARGE_INTEGER {
  struct {
    ULONG LowPart;
    LONG HighPart;
  };
  struct {
    ULONG LowPart;
    LONG HighPart;
  } u;
  LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
  struct {
    ULONG LowPart;
    ULONG HighPart;
  };
  struct {
    ULONG LowPart;
    ULONG HighPart;
  } u;
  ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LIST_ENTRY {
  struct _LIST_ENTRY *Flink;
  struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
  struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct _UNICODE_STRING {
  USHORT Length;        /* bytes in use */
  USHORT MaximumLength; /* bytes allocated */
  PWCH Buffer;          /* not necessarily terminated */
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
  USHORT Length;
  USHORT MaximumLength;
  PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING, UTF8_STRING, *PUTF8_STRING;
typedef const STRING *PCANSI_STRING, *PCSTRING, *PCOEM_STRING;

typedef struct _GUID {
  ULONG Data1;
  USHORT Data2;
  USHORT Data3;
  UCHAR Data4[8];
} GUID, *LPGUID;
typedef const GUID *LPCGUID;

typedef struct _OBJECT_ATTRIBUTES {
  ULONG Length;
  HANDLE RootDirectory;
  PUNICODE_STRING ObjectName;
  ULONG Attributes;
  PVOID SecurityDescriptor;
  PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef const OBJECT_ATTRIBUTES *PCOBJECT_ATTRIBUTES;

NTEMU_ASSERT_SIZE(LONG, 4);
NTEMU_ASSERT_SIZE(WCHAR, 2);
NTEMU_ASSERT_SIZE(LARGE_INTEGER, 8);
NTEMU_ASSERT_SIZE(UNICODE_STRING, 0x10);
NTEMU_ASSERT_OFFSET(UNICODE_STRING, Buffer, 8);
NTEMU_ASSERT_SIZE(OBJECT_ATTRIBUTES, 0x30);
NTEMU_ASSERT_OFFSET(OBJECT_ATTRIBUTES, Attributes, 0x18);

#define OBJ_PROTECT_CLOSE 0x00000001
#define OBJ_INHERIT 0x00000002
#define OBJ_PERMANENT 0x00000010
#define OBJ_EXCLUSIVE 0x00000020
#define OBJ_CASE_INSENSITIVE 0x00000040
#define OBJ_OPENIF 0x00000080
#define OBJ_OPENLINK 0x00000100
#define OBJ_KERNEL_HANDLE 0x00000200
#define OBJ_FORCE_ACCESS_CHECK 0x00000400
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 0x00000800
#define OBJ_DONT_REPARSE 0x00001000
#define OBJ_VALID_ATTRIBUTES 0x00001FF2

#define InitializeObjectAttributes(p, n, a, r, s) \
  do {                                            \
    (p)->Length = sizeof(OBJECT_ATTRIBUTES);      \
    (p)->RootDirectory = (r);                     \
    (p)->Attributes = (a);                        \
    (p)->ObjectName = (n);                        \
    (p)->SecurityDescriptor = (s);                \
    (p)->SecurityQualityOfService = NULL;         \
  } while (0)

#ifndef CONTAINING_RECORD
#define CONTAINING_RECORD(address, type, field) ((type *)((PCHAR)(address) - __builtin_offsetof(type, field)))
#endif
#ifndef FIELD_OFFSET
#define FIELD_OFFSET(type, field) ((LONG) __builtin_offsetof(type, field))
#define UFIELD_OFFSET(type, field) ((ULONG) __builtin_offsetof(type, field))
#endif
#define RTL_FIELD_SIZE(type, field) (sizeof(((type *)0)->field))
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (FIELD_OFFSET(type, field) + RTL_FIELD_SIZE(type, field))
#define RTL_NUMBER_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ARRAYSIZE(array) RTL_NUMBER_OF(array)
#define _ARRAYSIZE(array) RTL_NUMBER_OF(array)
#define FlagOn(flags, single) ((flags) & (single))
#define BooleanFlagOn(flags, single) ((BOOLEAN)(((flags) & (single)) != 0))
#define SetFlag(flags, single) ((flags) |= (single))
#define ClearFlag(flags, single) ((flags) &= ~(single))

#define NT_SUCCESS(status) (((NTSTATUS)(status)) >= 0)
#define NT_INFORMATION(status) ((((ULONG)(status)) >> 30) == 1)
#define NT_WARNING(status) ((((ULONG)(status)) >> 30) == 2)
#define NT_ERROR(status) ((((ULONG)(status)) >> 30) == 3)

/* GUIDs. DEFINE_GUID declares, and after INITGUID it defines. */
#ifndef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
  EXTERN_C const GUID DECLSPEC_SELECTANY name;                       \
  EXTERN_C const GUID DECLSPEC_SELECTANY name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) EXTERN_C const GUID name
#endif
#endif
#ifdef __cplusplus
#define IsEqualGUID(a, b) (!__builtin_memcmp(&(a), &(b), sizeof(GUID)))
#else
#define IsEqualGUID(a, b) (!__builtin_memcmp((a), (b), sizeof(GUID)))
#endif

/* 64-bit arithmetic and conversions between handles, pointers and integers. */
#define Int32x32To64(a, b) ((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b) ((ULONGLONG)(ULONG)(a) * (ULONGLONG)(ULONG)(b))
#define LongToHandle(value) ((HANDLE)(LONG_PTR)(value))
#define ULongToHandle(value) ((HANDLE)(ULONG_PTR)(value))
#define HandleToLong(handle) ((LONG)(LONG_PTR)(handle))
#define HandleToULong(handle) ((ULONG)(ULONG_PTR)(handle))
#define HandleToUlong(handle) ((ULONG)(ULONG_PTR)(handle))
#define PtrToLong(pointer) ((LONG)(LONG_PTR)(pointer))
#define PtrToUlong(pointer) ((ULONG)(ULONG_PTR)(pointer))
#define LongToPtr(value) ((PVOID)(LONG_PTR)(value))
#define ULongToPtr(value) ((PVOID)(ULONG_PTR)(value))
#define UlongToPtr(value) ((PVOID)(ULONG_PTR)(value))

/* Only in C drivers: in C++ they would break the standard library, as they do on Windows. */
#if defined(NTEMU_DRIVER_BUILD) && !defined(__cplusplus)
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#endif

#endif
