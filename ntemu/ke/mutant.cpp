#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

VOID KeInitializeMutex(PRKMUTEX Mutex, ULONG Level) {
  NT_ENTER(KeInitializeMutex, Mutex, Level);
  Mutex->Header.Lock = 0;
  Mutex->Header.Type = kMutant;
  Mutex->Header.MutantSize = sizeof(KMUTANT) / sizeof(ULONG);
  Mutex->Header.SignalState = 1;
  InitializeListHead(&Mutex->Header.WaitListHead);
  InitializeListHead(&Mutex->MutantListEntry);
  Mutex->OwnerThread = nullptr;
  Mutex->MutantFlags = 0;
  Mutex->ApcDisable = 1;
}

LONG KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait) {
  NT_ENTER(KeReleaseMutex, Mutex, Wait);
  DISPATCHER_HEADER &header = check_object(Mutex, 1u << kMutant, __builtin_return_address(0));
  KTHREAD &thread = current().Tcb;
  NTSTATUS misuse = STATUS_SUCCESS;
  LONG previous = 0;
  {
    WakeList wakes;
    HeaderLock lock(header);
    previous = header.SignalState;
    if (Mutex->OwnerThread != &thread) {
      misuse = Mutex->MutantFlags & 1 ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED;
    } else if (++header.SignalState == 1) {
      RemoveEntryList(&Mutex->MutantListEntry);
      Mutex->OwnerThread = nullptr;
      thread.KernelApcDisable = static_cast<SHORT>(thread.KernelApcDisable + Mutex->ApcDisable);
      if (!IsListEmpty(&header.WaitListHead)) release_waiters(header, wakes);
    }
  }
  if (misuse != STATUS_SUCCESS) raise_status(misuse);
  return previous;
}

LONG KeReadStateMutex(PRKMUTEX Mutex) {
  NT_ENTER(KeReadStateMutex, Mutex);
  DISPATCHER_HEADER &header = check_object(Mutex, 1u << kMutant, __builtin_return_address(0));
  HeaderLock lock(header);
  return header.SignalState;
}
