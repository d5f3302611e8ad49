/* The threads of a driver that one unloads once they have ended. */
#pragma once

static PKTHREAD Threads[2];

static VOID Start(PKSTART_ROUTINE Routine, ULONG Index) {
  HANDLE handle;
  if (!NT_SUCCESS(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL))) return;
  ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, (PVOID *)&Threads[Index], NULL);
  ZwClose(handle);
}

static VOID AwaitThreads(VOID) {
  ULONG i;
  for (i = 0; i < RTL_NUMBER_OF(Threads); ++i) {
    if (!Threads[i]) continue;
    KeWaitForSingleObject(Threads[i], Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Threads[i]);
  }
}
