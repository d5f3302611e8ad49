// Questions about addresses.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ntemu/api/enter.h"
#include "ntifs.h"

BOOLEAN MmIsAddressValid(PVOID VirtualAddress) {
  NT_ENTER(MmIsAddressValid, VirtualAddress);
  // The system call copies a signal mask in from the address before it looks at its first argument, which is invalid:
  // it changes nothing, never faults, and needs no privilege.
  const ULONG_PTR aligned = reinterpret_cast<ULONG_PTR>(VirtualAddress) & ~ULONG_PTR{7};
  if (aligned == 0) return FALSE;
  constexpr int kNoSuchOperation = ~0;
  return syscall(SYS_rt_sigprocmask, kNoSuchOperation, aligned, nullptr, sizeof(ULONG64)) == -1 && errno == EINVAL;
}
