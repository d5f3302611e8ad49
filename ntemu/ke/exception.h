// What a trap leaves for a debugger: EXCEPTION_RECORD, CONTEXT and KTRAP_FRAME as far as Linux tells the registers.
#pragma once

#include <ucontext.h>

#include "ntifs.h"

// Source: winnt.h, wdm.h (x64).
typedef struct _EXCEPTION_RECORD {
  NTSTATUS ExceptionCode;
  ULONG ExceptionFlags;
  struct _EXCEPTION_RECORD *ExceptionRecord;
  PVOID ExceptionAddress;
  ULONG NumberParameters;
  ULONG_PTR ExceptionInformation[15];
} EXCEPTION_RECORD;
NTEMU_ASSERT_SIZE(EXCEPTION_RECORD, 0x98);

typedef struct _CONTEXT {
  ULONG64 P1Home, P2Home, P3Home, P4Home, P5Home, P6Home;
  ULONG ContextFlags, MxCsr;
  USHORT SegCs, SegDs, SegEs, SegFs, SegGs, SegSs;
  ULONG EFlags;
  ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
  ULONG64 Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15, Rip;
  UCHAR Rest[0x4d0 - 0x100];
} CONTEXT;
NTEMU_ASSERT_OFFSET(CONTEXT, Rax, 0x78);
NTEMU_ASSERT_OFFSET(CONTEXT, Rip, 0xf8);
NTEMU_ASSERT_SIZE(CONTEXT, 0x4d0);

// Offsets unverified beyond those that debuggers show.
typedef struct _KTRAP_FRAME {
  UCHAR Spare000[0x30];
  ULONG64 Rax, Rcx, Rdx, R8, R9, R10, R11;
  UCHAR Spare068[0xd0 - 0x68];
  ULONG64 FaultAddress;
  UCHAR Spare0d8[0x140 - 0xd8];
  ULONG64 Rbx, Rdi, Rsi, Rbp, ErrorCode, Rip;
  USHORT SegCs, SegCsFill[3];
  ULONG EFlags, EFlagsFill;
  ULONG64 Rsp;
  USHORT SegSs, SegSsFill[3];
} KTRAP_FRAME;
NTEMU_ASSERT_OFFSET(KTRAP_FRAME, Rbp, 0x158);
NTEMU_ASSERT_OFFSET(KTRAP_FRAME, Rip, 0x168);
NTEMU_ASSERT_OFFSET(KTRAP_FRAME, Rsp, 0x180);
NTEMU_ASSERT_SIZE(KTRAP_FRAME, 0x190);

extern "C" {
// Of the exception that ended the machine, or of the one that was raised last.
extern EXCEPTION_RECORD KiExceptionRecord;
extern CONTEXT KiContextRecord;
extern KTRAP_FRAME KiTrapFrame;
}

namespace ntemu::ke {

// Fills the three in; `fault` is the address that was touched.
void record_exception(NTSTATUS status, const ucontext_t &trap, ULONG_PTR fault);

inline ULONG_PTR instruction_of(const ucontext_t &trap) {
  return static_cast<ULONG_PTR>(trap.uc_mcontext.gregs[REG_RIP]);
}

}  // namespace ntemu::ke
