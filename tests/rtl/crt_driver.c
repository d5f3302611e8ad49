/* Built as a driver is (16-bit wchar_t, our C library, checked copies): each function proves one binding at run time. */
#include "nt/rtl.h"
#include "ntintsafe.h"
#include "ntstrsafe.h"

#include <assert.h>
#include <intrin.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef struct _RENAME {
  HANDLE Root;
  ULONG Length;
  WCHAR Name[1];
} RENAME;

DECLSPEC_EXPORT size_t driver_wcslen(const wchar_t *text) { return wcslen(text) * sizeof(wchar_t); }

DECLSPEC_EXPORT int driver_swprintf(wchar_t *buffer, const wchar_t *name) {
  const int with_count = swprintf(buffer, 16, L"%s-%d", name, 1);
  const int without_count = swprintf(buffer + with_count, L"+%s", name);
  return with_count + without_count;
}

DECLSPEC_EXPORT int driver_sprintf(char *buffer, const UNICODE_STRING *name) { return sprintf(buffer, "%wZ %ld", name, -1); }

DECLSPEC_EXPORT NTSTATUS driver_path(wchar_t *buffer, size_t bytes, int number) {
  return RtlStringCchPrintfW(buffer, bytes / sizeof(WCHAR), L"\\DosDevices\\C:\\Temp\\file_%d.txt", number);
}

/* Says less than it gives, so that the overflow below is one for the compiler only. */
DECLSPEC_EXPORT __attribute__((alloc_size(1), noinline)) void *driver_allocate(size_t size) {
  static ULONGLONG room[8];
  void *hidden = room;
  __asm__ volatile("" : "+r"(hidden) : "r"(size) : "memory");
  return hidden;
}

/* The classic mistake: a name copied behind a structure that ends with WCHAR Name[1]. Gives the line of the bad copy. */
DECLSPEC_EXPORT int driver_overflow(const wchar_t *name, char *copied) {
  RENAME *rename = driver_allocate(sizeof(RENAME));
  rename->Length = (ULONG)(wcslen(name) * sizeof(WCHAR));
  RtlCopyMemory(rename->Name, name, 4);
  RtlCopyMemory(rename->Name, name, rename->Length);
  const int line = __LINE__ - 1;
  memcpy(copied, rename->Name, rename->Length);
  return line;
}

DECLSPEC_EXPORT int driver_intrinsics(void) {
  LONG volatile value = 41;
  ULONG index = 0;
  UNICODE_STRING name = RTL_CONSTANT_STRING(L"abc");
  assert(name.Length == 6);
  if (_InterlockedIncrement(&value) != 42 || _InterlockedCompareExchange(&value, 7, 42) != 42 || value != 7) return 1;
  if (!_BitScanReverse(&index, 0x80000000) || index != 31 || _BitScanForward(&index, 0)) return 2;
  if (_byteswap_ulong(0x12345678) != 0x78563412 || _rotl(0x80000001, 1) != 3 || _rotr(3, 1) != 0x80000001) return 3;
  if (strtoul("4294967295", NULL, 10) != ULONG_MAX || LONG_MAX != INT32_MAX || sizeof(intptr_t) != 8) return 4;
  if (towupper(L'a') != L'A' || _wcsicmp(L"ABC", L"abc") != 0 || strlen("four") != 4) return 5;
  return 0;
}
