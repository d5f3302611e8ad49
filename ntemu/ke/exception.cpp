#include "ntemu/ke/exception.h"

extern "C" {
__attribute__((visibility("default"))) EXCEPTION_RECORD KiExceptionRecord = {};
__attribute__((visibility("default"))) CONTEXT KiContextRecord = {};
__attribute__((visibility("default"))) KTRAP_FRAME KiTrapFrame = {};
}

namespace ntemu::ke {
namespace {

constexpr ULONG kContextAmd64Full = 0x10000B;

ULONG64 get(const ucontext_t &trap, int which) { return static_cast<ULONG64>(trap.uc_mcontext.gregs[which]); }

// CS, GS, FS and SS, 16 bits each.
USHORT segment(const ucontext_t &trap, int which) { return static_cast<USHORT>(get(trap, REG_CSGSFS) >> (16 * which)); }

void fill(CONTEXT &to, const ucontext_t &trap) {
  to = {};
  to.ContextFlags = kContextAmd64Full;
  to.SegCs = segment(trap, 0);
  to.SegGs = segment(trap, 1);
  to.SegFs = segment(trap, 2);
  to.SegSs = segment(trap, 3);
  to.EFlags = static_cast<ULONG>(get(trap, REG_EFL));
  constexpr struct {
    ULONG64 CONTEXT::*field;
    int from;
  } kRegisters[] = {{&CONTEXT::Rax, REG_RAX}, {&CONTEXT::Rcx, REG_RCX}, {&CONTEXT::Rdx, REG_RDX},
                    {&CONTEXT::Rbx, REG_RBX}, {&CONTEXT::Rsp, REG_RSP}, {&CONTEXT::Rbp, REG_RBP},
                    {&CONTEXT::Rsi, REG_RSI}, {&CONTEXT::Rdi, REG_RDI}, {&CONTEXT::R8, REG_R8},
                    {&CONTEXT::R9, REG_R9},   {&CONTEXT::R10, REG_R10}, {&CONTEXT::R11, REG_R11},
                    {&CONTEXT::R12, REG_R12}, {&CONTEXT::R13, REG_R13}, {&CONTEXT::R14, REG_R14},
                    {&CONTEXT::R15, REG_R15}, {&CONTEXT::Rip, REG_RIP}};
  for (const auto &[field, from] : kRegisters) to.*field = get(trap, from);
}

void fill(KTRAP_FRAME &to, const ucontext_t &trap, ULONG_PTR fault) {
  to = {};
  constexpr struct {
    ULONG64 KTRAP_FRAME::*field;
    int from;
  } kRegisters[] = {{&KTRAP_FRAME::Rax, REG_RAX}, {&KTRAP_FRAME::Rcx, REG_RCX},      {&KTRAP_FRAME::Rdx, REG_RDX},
                    {&KTRAP_FRAME::R8, REG_R8},   {&KTRAP_FRAME::R9, REG_R9},        {&KTRAP_FRAME::R10, REG_R10},
                    {&KTRAP_FRAME::R11, REG_R11}, {&KTRAP_FRAME::Rbx, REG_RBX},      {&KTRAP_FRAME::Rdi, REG_RDI},
                    {&KTRAP_FRAME::Rsi, REG_RSI}, {&KTRAP_FRAME::Rbp, REG_RBP},      {&KTRAP_FRAME::Rip, REG_RIP},
                    {&KTRAP_FRAME::Rsp, REG_RSP}, {&KTRAP_FRAME::ErrorCode, REG_ERR}};
  for (const auto &[field, from] : kRegisters) to.*field = get(trap, from);
  to.FaultAddress = fault;
  to.SegCs = segment(trap, 0);
  to.SegSs = segment(trap, 3);
  to.EFlags = static_cast<ULONG>(get(trap, REG_EFL));
}

}  // namespace

void record_exception(NTSTATUS status, const ucontext_t &trap, ULONG_PTR fault) {
  fill(KiContextRecord, trap);
  fill(KiTrapFrame, trap, fault);
  KiExceptionRecord = {};
  KiExceptionRecord.ExceptionCode = status;
  KiExceptionRecord.ExceptionAddress = reinterpret_cast<PVOID>(instruction_of(trap));
  if (status != STATUS_ACCESS_VIOLATION) return;
  KiExceptionRecord.NumberParameters = 2;
  KiExceptionRecord.ExceptionInformation[0] = (get(trap, REG_ERR) & 2) != 0    ? 1
                                              : (get(trap, REG_ERR) & 16) != 0 ? 8
                                                                               : 0;
  KiExceptionRecord.ExceptionInformation[1] = fault;
}

}  // namespace ntemu::ke
