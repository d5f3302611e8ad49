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

/** Creates a kernel thread that runs StartRoutine(StartContext); returning from it ends the thread. ThreadHandle:
   closed by the caller with ZwClose. ProcessHandle: NULL for the system process. ClientId: optional, receives the ids.
   Returns STATUS_SUCCESS, STATUS_INVALID_HANDLE for a bad ProcessHandle, STATUS_INSUFFICIENT_RESOURCES. IRQL:
   PASSIVE_LEVEL. Source: WDK: PsCreateSystemThread. Differs: returns once the new thread has completed its first
   acquire or wait, blocked or exited (or used a millisecond of processor time), so that threads start in the order of
   creation. */
NTKERNELAPI NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                                POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                                PCLIENT_ID ClientId, NTEMU_START_ROUTINE StartRoutine,
                                                PVOID StartContext);

/** Ends the calling system thread with ExitStatus and does not return; returns STATUS_INVALID_PARAMETER when the caller
   is not a system thread. A thread that owns a mutex or is inside a critical region stops the machine (bugcheck 0x20).
    IRQL: PASSIVE_LEVEL. Source: WDK: PsTerminateSystemThread. */
NTKERNELAPI NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus);

typedef struct _PS_CREATE_NOTIFY_INFO {
  SIZE_T Size;
  union {
    ULONG Flags;
    struct {
      ULONG FileOpenNameAvailable : 1;
      ULONG IsSubsystemProcess : 1;
      ULONG Reserved : 30;
    };
  };
  HANDLE ParentProcessId;
  CLIENT_ID CreatingThreadId;
  struct _FILE_OBJECT *FileObject;
  PCUNICODE_STRING ImageFileName;
  PCUNICODE_STRING CommandLine;
  NTSTATUS CreationStatus;
} PS_CREATE_NOTIFY_INFO, *PPS_CREATE_NOTIFY_INFO;
NTEMU_ASSERT_SIZE(PS_CREATE_NOTIFY_INFO, 0x48);

typedef struct _IMAGE_INFO {
  union {
    ULONG Properties;
    struct {
      ULONG ImageAddressingMode : 8;
      ULONG SystemModeImage : 1;
      ULONG ImageMappedToAllPids : 1;
      ULONG ExtendedInfoPresent : 1;
      ULONG MachineTypeMismatch : 1;
      ULONG ImageSignatureLevel : 4;
      ULONG ImageSignatureType : 3;
      ULONG ImagePartialMap : 1;
      ULONG Reserved : 12;
    };
  };
  PVOID ImageBase;
  ULONG ImageSelector;
  SIZE_T ImageSize;
  ULONG ImageSectionNumber;
} IMAGE_INFO, *PIMAGE_INFO;
NTEMU_ASSERT_SIZE(IMAGE_INFO, 0x28);

typedef VOID(NTAPI *PCREATE_PROCESS_NOTIFY_ROUTINE)(HANDLE ParentId, HANDLE ProcessId, BOOLEAN Create);
typedef VOID(NTAPI *PCREATE_PROCESS_NOTIFY_ROUTINE_EX)(PEPROCESS Process, HANDLE ProcessId,
                                                       PPS_CREATE_NOTIFY_INFO CreateInfo);
typedef VOID(NTAPI *PCREATE_THREAD_NOTIFY_ROUTINE)(HANDLE ProcessId, HANDLE ThreadId, BOOLEAN Create);
typedef VOID(NTAPI *PLOAD_IMAGE_NOTIFY_ROUTINE)(PUNICODE_STRING FullImageName, HANDLE ProcessId, PIMAGE_INFO ImageInfo);

/** Returns the process of the calling thread: always the System process; drivers call it as PsGetCurrentProcess. IRQL:
    <= DISPATCH_LEVEL. Source: WDK: IoGetCurrentProcess. */
NTKERNELAPI PEPROCESS NTAPI IoGetCurrentProcess(VOID);
#define PsGetCurrentProcess IoGetCurrentProcess

/** Returns the calling thread, without a reference. IRQL: <= DISPATCH_LEVEL. Source: WDK: PsGetCurrentThread. */
NTKERNELAPI PETHREAD NTAPI PsGetCurrentThread(VOID);

/** Returns the id of a process or thread. IRQL: <= DISPATCH_LEVEL. Source: WDK: PsGetCurrentThreadId, PsGetThreadId. */
NTKERNELAPI HANDLE NTAPI PsGetCurrentProcessId(VOID);
NTKERNELAPI HANDLE NTAPI PsGetCurrentThreadId(VOID);
NTKERNELAPI HANDLE NTAPI PsGetThreadId(PETHREAD Thread);

NTKERNELAPI HANDLE NTAPI PsGetProcessId(PEPROCESS Process);
NTKERNELAPI HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread);
NTKERNELAPI PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread);
NTKERNELAPI PUCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process);
NTKERNELAPI LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(PEPROCESS Process);
NTKERNELAPI LONGLONG NTAPI PsGetThreadCreateTime(PETHREAD Thread);
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process);
NTKERNELAPI NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread);
NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);
NTKERNELAPI BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread);
NTKERNELAPI NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);
NTKERNELAPI NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread);
NTKERNELAPI BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                                       PUNICODE_STRING CSDVersion);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine,
                                                           BOOLEAN Remove);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine,
                                                             BOOLEAN Remove);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine);
NTKERNELAPI NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine);
NTKERNELAPI NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine);
NTKERNELAPI NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine);
extern NTKERNELAPI PEPROCESS PsInitialSystemProcess;

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
