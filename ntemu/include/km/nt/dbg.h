/* Debug output, assertions and breakpoints. */
#ifndef NTEMU_KM_NT_DBG_H
#define NTEMU_KM_NT_DBG_H

#include "ke.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DPFLTR_ERROR_LEVEL 0
#define DPFLTR_WARNING_LEVEL 1
#define DPFLTR_TRACE_LEVEL 2
#define DPFLTR_INFO_LEVEL 3
#define DPFLTR_MASK 0x80000000U

typedef enum _DPFLTR_TYPE {
  DPFLTR_SYSTEM_ID = 0,
  DPFLTR_NTFS_ID = 3,
  DPFLTR_ACPI_ID = 24,
  DPFLTR_VIDEO_ID = 27,
  DPFLTR_NTOSPNP_ID = 32,
  DPFLTR_PNPMGR_ID = 35,
  DPFLTR_FLTMGR_ID = 47,
  DPFLTR_IHVDRIVER_ID = 77,
  DPFLTR_IHVVIDEO_ID = 78,
  DPFLTR_IHVAUDIO_ID = 79,
  DPFLTR_IHVNETWORK_ID = 80,
  DPFLTR_IHVSTREAMING_ID = 81,
  DPFLTR_IHVBUS_ID = 82,
  DPFLTR_VERIFIER_ID = 93,
  DPFLTR_DEFAULT_ID = 101,
  DPFLTR_MM_ID = 102,
  DPFLTR_FILETRACE_ID = 142
} DPFLTR_TYPE;

/** Formats a message of at most 512 bytes into the debug log, under DPFLTR_DEFAULT_ID at DPFLTR_INFO_LEVEL; returns a
   status. Formats: no floating point; Unicode ones (%S %ws %wZ) only at PASSIVE_LEVEL. IRQL: any. Source:
   WDK: DbgPrint. Differs: shown by default; Windows filters this level. */
NTSYSAPI ULONG __cdecl DbgPrint(PCSTR Format, ...);

/** DbgPrint under a component (DPFLTR_*_ID) and a level: 0-31 a bit number, above that a mask. Formats, IRQL: as
   DbgPrint. Source: WDK: DbgPrintEx. */
NTSYSAPI ULONG __cdecl DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);

/** DbgPrintEx with an argument list. Source: WDK: vDbgPrintEx. */
NTSYSAPI ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, va_list arglist);

/** vDbgPrintEx that puts Prefix before the text. Source: WDK: vDbgPrintExWithPrefix. */
NTSYSAPI ULONG NTAPI vDbgPrintExWithPrefix(PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, va_list arglist);

/** Reports a failed assertion with its file and line, and MutableMessage unless NULL, then breaks in. IRQL: any
    (unverified). Source: ntdll and ntoskrnl export; the WDK's ASSERT macro. */
NTSYSAPI VOID NTAPI RtlAssert(PVOID VoidFailedAssertion, PVOID VoidFileName, ULONG LineNumber, PSTR MutableMessage);

/* A breakpoint instruction, as on Windows: without a debugger it ends the machine. */
FORCEINLINE VOID DbgBreakPoint(VOID) { __asm__ __volatile__("int3"); }

#if DBG
#define KdPrint(_x_) DbgPrint _x_
#define KdPrintEx(_x_) DbgPrintEx _x_
#define KdBreakPoint() DbgBreakPoint()
#define ASSERT(exp) ((!(exp)) ? (RtlAssert((PVOID) #exp, (PVOID)__FILE__, __LINE__, NULL), FALSE) : TRUE)
#define ASSERTMSG(msg, exp) ((!(exp)) ? (RtlAssert((PVOID) #exp, (PVOID)__FILE__, __LINE__, (PSTR)(msg)), FALSE) : TRUE)
#define RTL_SOFT_ASSERT(exp) \
  ((!(exp)) ? (DbgPrint("%s(%d): Soft assertion failed\n   Expression: %s\n", __FILE__, __LINE__, #exp), FALSE) : TRUE)
#define NT_ASSERT(exp) \
  ((!(exp)) ? (DbgPrint("Assertion failed: %s(%d): %s\n", __FILE__, __LINE__, #exp), DbgBreakPoint(), FALSE) : TRUE)
#define NT_VERIFY(exp) NT_ASSERT(exp)
#define PAGED_CODE()                                                         \
  do {                                                                       \
    if (KeGetCurrentIrql() > APC_LEVEL) {                                    \
      DbgPrint("EX: Pageable code called at IRQL %d\n", KeGetCurrentIrql()); \
      PAGED_ASSERT(FALSE);                                                   \
    }                                                                        \
  } while (0)
#define PAGED_ASSERT(exp) NT_ASSERT(exp)
#else
#define KdPrint(_x_)
#define KdPrintEx(_x_)
#define KdBreakPoint()
#define ASSERT(exp) ((void)0)
#define ASSERTMSG(msg, exp) ((void)0)
#define RTL_SOFT_ASSERT(exp) ((void)0)
#define NT_ASSERT(exp) ((void)0)
#define NT_VERIFY(exp) ((exp) ? TRUE : FALSE)
#define PAGED_CODE() ((void)0)
#define PAGED_ASSERT(exp) ((void)0)
#endif
#define NT_ASSERTMSG(msg, exp) NT_ASSERT(exp)
#define NT_ASSERT_ASSUME(exp) NT_ASSERT(exp)
#define PAGED_CODE_LOCKED() ((void)0)

#ifdef __cplusplus
}
#endif

#endif
