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
   gets a kernel handle with DesiredAccess, to be closed with ZwClose; it and ClientId, optional, are stored before the
   thread runs. ProcessHandle: NULL for the System process, the only one. Returns STATUS_INVALID_PARAMETER without a
   StartRoutine and for OBJ_PERMANENT, OBJ_EXCLUSIVE, OBJ_OPENIF and unknown attributes, STATUS_INVALID_HANDLE and
   STATUS_OBJECT_TYPE_MISMATCH for a bad ProcessHandle, STATUS_INSUFFICIENT_RESOURCES. IRQL: PASSIVE_LEVEL; above
   APC_LEVEL the machine stops (0xD1). Source: WDK: PsCreateSystemThread. Differs: returns once the new thread has
   completed its first acquire or wait, blocked or exited (or used a millisecond of processor time), so that threads
   start in the order of creation. */
NTKERNELAPI NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                                POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle,
                                                PCLIENT_ID ClientId, NTEMU_START_ROUTINE StartRoutine,
                                                PVOID StartContext);

/** Ends the calling system thread with ExitStatus and does not return; returns STATUS_INVALID_PARAMETER when the caller
   is not a system thread. A thread that is inside a critical or guarded region or above PASSIVE_LEVEL stops the machine
   (bugcheck 0x20), else one that owns a KMUTEX (0x4000008A); the log then names the locks that it holds and where it
   took them. Other mutants become abandoned. IRQL: PASSIVE_LEVEL. Source: WDK: PsTerminateSystemThread, Bug Check 0x20,
   Bug Check 0x4000008A. */
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

#define IMAGE_ADDRESSING_MODE_32BIT 3

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

typedef enum _PSCREATETHREADNOTIFYTYPE {
  PsCreateThreadNotifyNonSystem = 0,
  PsCreateThreadNotifySubsystems = 1
} PSCREATETHREADNOTIFYTYPE;
typedef enum _PSCREATEPROCESSNOTIFYTYPE { PsCreateProcessNotifySubsystems = 0 } PSCREATEPROCESSNOTIFYTYPE;

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

/** Returns the process of a thread, without a reference. IRQL: <= DISPATCH_LEVEL. Source: exported by ntoskrnl,
    undocumented. */
NTKERNELAPI PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread);

/** Returns a process's image name, at most 14 characters, terminated: "System". IRQL: <= DISPATCH_LEVEL. Source:
    exported by ntoskrnl, undocumented. */
NTKERNELAPI PUCHAR NTAPI PsGetProcessImageFileName(PEPROCESS Process);

/** Returns when a process or thread was created, in 100 ns since 1601. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    PsGetProcessCreateTimeQuadPart; exported, undocumented. */
NTKERNELAPI LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(PEPROCESS Process);
NTKERNELAPI LONGLONG NTAPI PsGetThreadCreateTime(PETHREAD Thread);

/** Returns the status that a process or thread ended with; STATUS_PENDING as long as it runs (unverified). IRQL: <=
    DISPATCH_LEVEL. Source: WDK: PsGetProcessExitStatus, PsGetThreadExitStatus. */
NTKERNELAPI NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process);
NTKERNELAPI NTSTATUS NTAPI PsGetThreadExitStatus(PETHREAD Thread);

/** Whether a thread is a system thread: TRUE but for threads of the host that entered the kernel. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: PsIsSystemThread. */
NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);

/** Whether a thread has begun to end, or has ended. IRQL: <= DISPATCH_LEVEL. Source: WDK: PsIsThreadTerminating. */
NTKERNELAPI BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread);

/** Finds a process by its id and adds a reference. Returns STATUS_INVALID_CID when there is none. IRQL: <= APC_LEVEL.
    Source: WDK: PsLookupProcessByProcessId. */
NTKERNELAPI NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Process);

/** Finds a thread that has not ended by its id and adds a reference. Returns STATUS_INVALID_PARAMETER when there is
   none. IRQL: <= APC_LEVEL. Source: WDK: PsLookupThreadByThreadId. */
NTKERNELAPI NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD *Thread);

/** Stores the version of the system, 10.0, build 22621, and an empty service pack name; returns FALSE: not a checked
    build. Every parameter is optional. IRQL: PASSIVE_LEVEL. Source: WDK: PsGetVersion. */
NTKERNELAPI BOOLEAN NTAPI PsGetVersion(PULONG MajorVersion, PULONG MinorVersion, PULONG BuildNumber,
                                       PUNICODE_STRING CSDVersion);

/** Asks to be told of processes that are created and end, or no more; a removal waits for calls under way. Returns
    STATUS_INVALID_PARAMETER when the routine is registered already, when 64 are, and for an unknown NotifyType,
    STATUS_PROCEDURE_NOT_FOUND from a removal (unverified). IRQL: PASSIVE_LEVEL. Source: WDK:
    PsSetCreateProcessNotifyRoutine, PsSetCreateProcessNotifyRoutineEx, PsSetCreateProcessNotifyRoutineEx2. Differs: the
    System process is the only one, so that no routine is ever called; images need no integrity flag. */
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine,
                                                           BOOLEAN Remove);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine,
                                                             BOOLEAN Remove);
NTKERNELAPI NTSTATUS NTAPI PsSetCreateProcessNotifyRoutineEx2(PSCREATEPROCESSNOTIFYTYPE NotifyType,
                                                              PVOID NotifyInformation, BOOLEAN Remove);

/** Asks to be told of threads: at their creation on the creator's thread, before the new one runs, and at their end on
    the thread itself. Returns STATUS_INSUFFICIENT_RESOURCES when 64 are registered. Threads that a machine's end takes
    out of their waits are not told. IRQL: PASSIVE_LEVEL. Source: WDK: PsSetCreateThreadNotifyRoutine. */
NTKERNELAPI NTSTATUS NTAPI PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine);

/** The same for threads of one sort; PsCreateThreadNotifyNonSystem: none, for every thread here is a system thread.
    Returns also STATUS_INVALID_PARAMETER for another NotifyType (unverified). IRQL: PASSIVE_LEVEL. Source: WDK:
    PsSetCreateThreadNotifyRoutineEx. */
NTKERNELAPI NTSTATUS NTAPI PsSetCreateThreadNotifyRoutineEx(PSCREATETHREADNOTIFYTYPE NotifyType,
                                                            PVOID NotifyInformation);

/** Ends what PsSetCreateThreadNotifyRoutine asked for; returns when no call is under way. Not to be called by the
    routine itself. Returns STATUS_PROCEDURE_NOT_FOUND. IRQL: PASSIVE_LEVEL. Source: WDK:
    PsRemoveCreateThreadNotifyRoutine. */
NTKERNELAPI NTSTATUS NTAPI PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine);

/** Asks to be told of driver images: on a system worker, before DriverEntry, with ProcessId 0. Returns
    STATUS_INSUFFICIENT_RESOURCES when 64 are registered. IRQL: PASSIVE_LEVEL. Source: WDK: PsSetLoadImageNotifyRoutine,
    PLOAD_IMAGE_NOTIFY_ROUTINE. */
NTKERNELAPI NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine);

/** Ends what PsSetLoadImageNotifyRoutine asked for; returns when no call is under way. Returns
    STATUS_PROCEDURE_NOT_FOUND. IRQL: PASSIVE_LEVEL. Source: WDK: PsRemoveLoadImageNotifyRoutine. */
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
