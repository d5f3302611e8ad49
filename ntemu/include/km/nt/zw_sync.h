/* System services of events, mutants, semaphores and timers, of waits on handles, and of threads. */
#ifndef NTEMU_KM_NT_ZW_SYNC_H
#define NTEMU_KM_NT_ZW_SYNC_H

#include "ob.h"
#include "ps.h"
#include "se.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum _EVENT_INFORMATION_CLASS { EventBasicInformation } EVENT_INFORMATION_CLASS;
typedef enum _MUTANT_INFORMATION_CLASS { MutantBasicInformation } MUTANT_INFORMATION_CLASS;
typedef enum _SEMAPHORE_INFORMATION_CLASS { SemaphoreBasicInformation } SEMAPHORE_INFORMATION_CLASS;
typedef enum _TIMER_INFORMATION_CLASS { TimerBasicInformation } TIMER_INFORMATION_CLASS;

typedef struct _EVENT_BASIC_INFORMATION {
  EVENT_TYPE EventType;
  LONG EventState;
} EVENT_BASIC_INFORMATION, *PEVENT_BASIC_INFORMATION;
NTEMU_ASSERT_SIZE(EVENT_BASIC_INFORMATION, 8);

typedef struct _MUTANT_BASIC_INFORMATION {
  LONG CurrentCount;
  BOOLEAN OwnedByCaller;
  BOOLEAN AbandonedState;
} MUTANT_BASIC_INFORMATION, *PMUTANT_BASIC_INFORMATION;
NTEMU_ASSERT_SIZE(MUTANT_BASIC_INFORMATION, 8);

typedef struct _SEMAPHORE_BASIC_INFORMATION {
  LONG CurrentCount;
  LONG MaximumCount;
} SEMAPHORE_BASIC_INFORMATION, *PSEMAPHORE_BASIC_INFORMATION;
NTEMU_ASSERT_SIZE(SEMAPHORE_BASIC_INFORMATION, 8);

typedef struct _TIMER_BASIC_INFORMATION {
  LARGE_INTEGER RemainingTime; /* 100 ns units; not positive once it has expired */
  BOOLEAN TimerState;
} TIMER_BASIC_INFORMATION, *PTIMER_BASIC_INFORMATION;
NTEMU_ASSERT_SIZE(TIMER_BASIC_INFORMATION, 0x10);

typedef enum _THREADINFOCLASS {
  ThreadBasicInformation = 0,
  ThreadTimes = 1,
  ThreadPriority = 2,
  ThreadBasePriority = 3,
  ThreadAffinityMask = 4,
  ThreadQuerySetWin32StartAddress = 9,
  ThreadIsTerminated = 20,
  ThreadPagePriority = 24,
  ThreadPowerThrottlingState = 49
} THREADINFOCLASS;

typedef struct _THREAD_BASIC_INFORMATION {
  NTSTATUS ExitStatus; /* STATUS_PENDING while it runs */
  PVOID TebBaseAddress;
  CLIENT_ID ClientId;
  ULONG_PTR AffinityMask;
  KPRIORITY Priority;
  LONG BasePriority; /* relative to the process */
} THREAD_BASIC_INFORMATION, *PTHREAD_BASIC_INFORMATION;
NTEMU_ASSERT_SIZE(THREAD_BASIC_INFORMATION, 0x30);

typedef struct _KERNEL_USER_TIMES {
  LARGE_INTEGER CreateTime;
  LARGE_INTEGER ExitTime; /* 0 while it runs */
  LARGE_INTEGER KernelTime;
  LARGE_INTEGER UserTime;
} KERNEL_USER_TIMES, *PKERNEL_USER_TIMES;
NTEMU_ASSERT_SIZE(KERNEL_USER_TIMES, 0x20);

typedef VOID(NTAPI *PTIMER_APC_ROUTINE)(PVOID TimerContext, ULONG TimerLowValue, LONG TimerHighValue);

/** Creates an event and opens a handle to it. ObjectAttributes: optional; with a name and OBJ_OPENIF an event that has
    it is opened instead (STATUS_OBJECT_NAME_EXISTS, a success). Returns STATUS_INVALID_PARAMETER for an unknown
    EventType or attribute, STATUS_OBJECT_NAME_COLLISION when the name is taken, STATUS_OBJECT_TYPE_MISMATCH when with
    OBJ_OPENIF it is that of another type, STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_NOT_FOUND,
    STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_INSUFFICIENT_RESOURCES. IRQL: PASSIVE_LEVEL. Source: WDK: ZwCreateEvent. */
NTSYSAPI NTSTATUS NTAPI ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                      POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType, BOOLEAN InitialState);
NTSYSAPI NTSTATUS NTAPI NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                      POBJECT_ATTRIBUTES ObjectAttributes, EVENT_TYPE EventType, BOOLEAN InitialState);

/** Opens an event by name. Returns STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_TYPE_MISMATCH when the name is that of
    another type, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_INVALID_PARAMETER without
    ObjectAttributes. IRQL: PASSIVE_LEVEL. Source: WDK: ZwOpenEvent. */
NTSYSAPI NTSTATUS NTAPI ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes);

/** Sets an event, as KeSetEvent does. PreviousState: optional. Returns STATUS_INVALID_HANDLE,
    STATUS_OBJECT_TYPE_MISMATCH; NtSetEvent asks with the thread's previous mode, and in UserMode
    STATUS_ACCESS_DENIED when the handle lacks EVENT_MODIFY_STATE. A kernel-mode caller, and so every Zw service, needs
    no rights. IRQL: PASSIVE_LEVEL. Source: WDK: ZwSetEvent, ObReferenceObjectByHandle. */
NTSYSAPI NTSTATUS NTAPI ZwSetEvent(HANDLE EventHandle, PLONG PreviousState);
NTSYSAPI NTSTATUS NTAPI NtSetEvent(HANDLE EventHandle, PLONG PreviousState);

/** Clears an event and stores its state before. Returns STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL:
    PASSIVE_LEVEL. Source: WDK: KeResetEvent; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwResetEvent(HANDLE EventHandle, PLONG PreviousState);

/** Clears an event. Returns STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: WDK:
    KeClearEvent; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwClearEvent(HANDLE EventHandle);

/** Releases who waits for an event now and leaves it clear. Returns STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH.
    IRQL: PASSIVE_LEVEL. Source: Win32: PulseEvent. */
NTSYSAPI NTSTATUS NTAPI ZwPulseEvent(HANDLE EventHandle, PLONG PreviousState);

/** Stores the type and state of an event (EVENT_BASIC_INFORMATION). ReturnLength: optional. Returns
    STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH unless the length is exact, STATUS_INVALID_HANDLE,
    STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: "Windows NT/2000 Native API" headers (unverified). */
NTSYSAPI NTSTATUS NTAPI ZwQueryEvent(HANDLE EventHandle, EVENT_INFORMATION_CLASS EventInformationClass,
                                     PVOID EventInformation, ULONG EventInformationLength, PULONG ReturnLength);

/** Creates a semaphore and opens a handle to it. Names and statuses: as ZwCreateEvent, and STATUS_INVALID_PARAMETER
    unless 0 <= InitialCount <= MaximumCount and MaximumCount is positive. IRQL: PASSIVE_LEVEL. Source: Win32:
    CreateSemaphoreW; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwCreateSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                                          POBJECT_ATTRIBUTES ObjectAttributes, LONG InitialCount, LONG MaximumCount);

/** Opens a semaphore by name. Returns: as ZwOpenEvent. IRQL: PASSIVE_LEVEL. Source: Win32: OpenSemaphoreW. */
NTSYSAPI NTSTATUS NTAPI ZwOpenSemaphore(PHANDLE SemaphoreHandle, ACCESS_MASK DesiredAccess,
                                        POBJECT_ATTRIBUTES ObjectAttributes);

/** Adds ReleaseCount to a semaphore. PreviousCount: optional. Returns STATUS_SEMAPHORE_LIMIT_EXCEEDED, leaving the
   count as it is, STATUS_INVALID_PARAMETER unless ReleaseCount is positive, STATUS_INVALID_HANDLE,
    STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: WDK: KeReleaseSemaphore; Win32: ReleaseSemaphore. */
NTSYSAPI NTSTATUS NTAPI ZwReleaseSemaphore(HANDLE SemaphoreHandle, LONG ReleaseCount, PLONG PreviousCount);

/** Stores the count and limit of a semaphore (SEMAPHORE_BASIC_INFORMATION). Returns: as ZwQueryEvent. IRQL:
    PASSIVE_LEVEL. Source: as ZwQueryEvent. */
NTSYSAPI NTSTATUS NTAPI ZwQuerySemaphore(HANDLE SemaphoreHandle, SEMAPHORE_INFORMATION_CLASS SemaphoreInformationClass,
                                         PVOID SemaphoreInformation, ULONG SemaphoreInformationLength,
                                         PULONG ReturnLength);

/** Creates a mutant, a mutex that does not disable APCs, and opens a handle to it. InitialOwner: the caller owns it at
    once, unless OBJ_OPENIF opened one that was there. Names and statuses: as ZwCreateEvent. IRQL: PASSIVE_LEVEL.
   Source: Win32: CreateMutexW; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwCreateMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN InitialOwner);

/** Opens a mutant by name. Returns: as ZwOpenEvent. IRQL: PASSIVE_LEVEL. Source: Win32: OpenMutexW. */
NTSYSAPI NTSTATUS NTAPI ZwOpenMutant(PHANDLE MutantHandle, ACCESS_MASK DesiredAccess,
                                     POBJECT_ATTRIBUTES ObjectAttributes);

/** Releases a mutant once; PreviousCount, optional, gets its signal state before: 0 when it is free now. Returns
    STATUS_MUTANT_NOT_OWNED, STATUS_ABANDONED when its owner ended and nobody has acquired it since,
    STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: WDK: KeReleaseMutex; Win32:
    ReleaseMutex. */
NTSYSAPI NTSTATUS NTAPI ZwReleaseMutant(HANDLE MutantHandle, PLONG PreviousCount);

/** Stores the state of a mutant (MUTANT_BASIC_INFORMATION). Returns: as ZwQueryEvent. IRQL: PASSIVE_LEVEL. Source: as
    ZwQueryEvent. */
NTSYSAPI NTSTATUS NTAPI ZwQueryMutant(HANDLE MutantHandle, MUTANT_INFORMATION_CLASS MutantInformationClass,
                                      PVOID MutantInformation, ULONG MutantInformationLength, PULONG ReturnLength);

/** Creates a timer and opens a handle to it. Names and statuses: as ZwCreateEvent, and STATUS_INVALID_PARAMETER_4 for
   an unknown TimerType (unverified). IRQL: PASSIVE_LEVEL. Source: WDK: ZwCreateTimer. */
NTSYSAPI NTSTATUS NTAPI ZwCreateTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                                      POBJECT_ATTRIBUTES ObjectAttributes, TIMER_TYPE TimerType);

/** Opens a timer by name. Returns: as ZwOpenEvent. IRQL: PASSIVE_LEVEL. Source: WDK: ZwOpenTimer. */
NTSYSAPI NTSTATUS NTAPI ZwOpenTimer(PHANDLE TimerHandle, ACCESS_MASK DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes);

/** Starts a timer anew. DueTime: 100 ns units, negative relative, positive since 1601. Period: ms, 0 for once.
    PreviousState: optional, whether it was signaled. Returns STATUS_INVALID_PARAMETER_6 for a negative Period
    (unverified), STATUS_TIMER_RESUME_IGNORED, a success, for ResumeTimer, STATUS_NOT_SUPPORTED for TimerApcRoutine,
    STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: WDK: ZwSetTimer. */
NTSYSAPI NTSTATUS NTAPI ZwSetTimer(HANDLE TimerHandle, PLARGE_INTEGER DueTime, PTIMER_APC_ROUTINE TimerApcRoutine,
                                   PVOID TimerContext, BOOLEAN ResumeTimer, LONG Period, PBOOLEAN PreviousState);

/** Stops a timer; its state stays. CurrentState: optional, whether it is signaled. Returns STATUS_INVALID_HANDLE,
    STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: WDK: ZwCancelTimer. */
NTSYSAPI NTSTATUS NTAPI ZwCancelTimer(HANDLE TimerHandle, PBOOLEAN CurrentState);

/** Stores the state of a timer (TIMER_BASIC_INFORMATION). Returns: as ZwQueryEvent. IRQL: PASSIVE_LEVEL. Source: as
    ZwQueryEvent. */
NTSYSAPI NTSTATUS NTAPI ZwQueryTimer(HANDLE TimerHandle, TIMER_INFORMATION_CLASS TimerInformationClass,
                                     PVOID TimerInformation, ULONG TimerInformationLength, PULONG ReturnLength);

/** Waits for the object behind a handle. Timeout and results: as KeWaitForSingleObject; returns also
    STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH for what cannot be waited on, STATUS_MUTANT_LIMIT_EXCEEDED; in
    NtWaitForSingleObject with previous mode UserMode STATUS_ACCESS_DENIED without SYNCHRONIZE. IRQL: PASSIVE_LEVEL.
    Source: WDK: ZwWaitForSingleObject. */
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);
NTSYSAPI NTSTATUS NTAPI NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);

/** Waits for any or all of 1 to 64 objects behind handles. Timeout and results: as KeWaitForMultipleObjects; returns
    also STATUS_INVALID_PARAMETER_1 for Count, STATUS_INVALID_PARAMETER_3 for WaitType, STATUS_INVALID_PARAMETER_MIX
   when a wait for all names an object twice, STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL.
    Source: WDK: ZwWaitForSingleObject, KeWaitForMultipleObjects; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwWaitForMultipleObjects(ULONG Count, HANDLE Handles[], WAIT_TYPE WaitType, BOOLEAN Alertable,
                                                 PLARGE_INTEGER Timeout);

/** Sets an event, releases a mutant or a semaphore by one, and waits for another object. Returns what the wait does,
   and without a wait STATUS_MUTANT_NOT_OWNED, STATUS_SEMAPHORE_LIMIT_EXCEEDED, STATUS_OBJECT_TYPE_MISMATCH for another
    SignalHandle. IRQL: PASSIVE_LEVEL. Source: Win32: SignalObjectAndWait. */
NTSYSAPI NTSTATUS NTAPI ZwSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable,
                                                       PLARGE_INTEGER Timeout);

/** Sleeps, as KeDelayExecutionThread does. IRQL: PASSIVE_LEVEL. Source: WDK: KeDelayExecutionThread. */
NTSYSAPI NTSTATUS NTAPI ZwDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER DelayInterval);

/** Lets another thread run. IRQL: PASSIVE_LEVEL. Source: Win32: SwitchToThread. Differs: STATUS_SUCCESS also when none
    wanted to, where Windows says STATUS_NO_YIELD_PERFORMED. */
NTSYSAPI NTSTATUS NTAPI ZwYieldExecution(VOID);

/** Sets the priority (ThreadPriority: 1 to 31) or base priority (ThreadBasePriority: -2 to 2, or 16 and more either way
    for the end of the class, unverified) of a thread. Returns STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH
   for fewer than four bytes, STATUS_INVALID_PARAMETER, STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH;
    NtSetInformationThread in previous mode UserMode STATUS_ACCESS_DENIED without THREAD_SET_INFORMATION. IRQL:
    PASSIVE_LEVEL. Source: WDK: ZwSetInformationThread. */
NTSYSAPI NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                               PVOID ThreadInformation, ULONG ThreadInformationLength);
NTSYSAPI NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                               PVOID ThreadInformation, ULONG ThreadInformationLength);

/** Stores information about a thread. ReturnLength: optional. Returns STATUS_INVALID_INFO_CLASS,
    STATUS_INFO_LENGTH_MISMATCH unless the length is exact, STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH. IRQL:
    PASSIVE_LEVEL. Source: WDK: ZwQueryInformationThread; Win32: NtQueryInformationThread. */
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                                 PVOID ThreadInformation, ULONG ThreadInformationLength,
                                                 PULONG ReturnLength);

/** Ends an alertable wait of a thread with STATUS_ALERTED, or lets its next one end so. Returns STATUS_INVALID_HANDLE,
    STATUS_OBJECT_TYPE_MISMATCH. IRQL: PASSIVE_LEVEL. Source: KeAlertThread; exported, undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwAlertThread(HANDLE ThreadHandle);

/** Returns STATUS_ALERTED when the calling thread was alerted, which it then no longer is, else STATUS_SUCCESS. IRQL:
    PASSIVE_LEVEL. Source: KeTestAlertThread; undocumented. */
NTSYSAPI NTSTATUS NTAPI ZwTestAlert(VOID);

#ifdef __cplusplus
}
#endif

#endif
