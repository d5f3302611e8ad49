/* System threads and process identities. */
#ifndef NTEMU_KM_NT_PS_H
#define NTEMU_KM_NT_PS_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _CLIENT_ID {
  HANDLE UniqueProcess;
  HANDLE UniqueThread;
} CLIENT_ID, *PCLIENT_ID;
NTEMU_ASSERT_SIZE(CLIENT_ID, 0x10);
NTEMU_ASSERT_OFFSET(CLIENT_ID, UniqueThread, 8);

typedef VOID NTAPI KSTART_ROUTINE(PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;

/* Many drivers return NTSTATUS from a thread routine; in a C driver either form is accepted, with the same ABI. */
#if defined(NTEMU_DRIVER_BUILD) && !defined(__cplusplus)
typedef union {
  PKSTART_ROUTINE Void;
  NTSTATUS(NTAPI *Status)(PVOID StartContext);
} NTEMU_START_ROUTINE __attribute__((transparent_union));
#else
typedef PKSTART_ROUTINE NTEMU_START_ROUTINE;
#endif

NTKERNELAPI NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                                HANDLE ProcessHandle, PCLIENT_ID ClientId, NTEMU_START_ROUTINE StartRoutine,
                                                PVOID StartContext);
NTKERNELAPI NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus);

#ifdef __cplusplus
}
#endif

#if defined(NTEMU_DRIVER_BUILD) && defined(__cplusplus)
extern "C++" {
/* The C++ counterpart of the union above. */
template <typename Result>
inline NTSTATUS PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                     HANDLE ProcessHandle, PCLIENT_ID ClientId, Result (*StartRoutine)(PVOID),
                                     PVOID StartContext) {
  return PsCreateSystemThread(ThreadHandle, DesiredAccess, ObjectAttributes, ProcessHandle, ClientId,
                              reinterpret_cast<PKSTART_ROUTINE>(StartRoutine), StartContext);
}
}
#endif

#endif
