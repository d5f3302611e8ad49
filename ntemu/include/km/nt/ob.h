/* Object manager types. */
#ifndef NTEMU_KM_NT_OB_H
#define NTEMU_KM_NT_OB_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _OBJECT_TYPE *POBJECT_TYPE;
typedef struct _ACCESS_STATE *PACCESS_STATE;

typedef struct _OBJECT_NAME_INFORMATION {
  UNICODE_STRING Name;
} OBJECT_NAME_INFORMATION, *POBJECT_NAME_INFORMATION;
NTEMU_ASSERT_SIZE(OBJECT_NAME_INFORMATION, 0x10);

typedef struct _OBJECT_HANDLE_INFORMATION {
  ULONG HandleAttributes;
  ACCESS_MASK GrantedAccess;
} OBJECT_HANDLE_INFORMATION, *POBJECT_HANDLE_INFORMATION;
NTEMU_ASSERT_SIZE(OBJECT_HANDLE_INFORMATION, 8);

typedef ULONG OB_OPERATION;
#define OB_OPERATION_HANDLE_CREATE 0x00000001
#define OB_OPERATION_HANDLE_DUPLICATE 0x00000002
#define OB_FLT_REGISTRATION_VERSION 0x0100

typedef struct _OB_PRE_CREATE_HANDLE_INFORMATION {
  ACCESS_MASK DesiredAccess;
  ACCESS_MASK OriginalDesiredAccess;
} OB_PRE_CREATE_HANDLE_INFORMATION, *POB_PRE_CREATE_HANDLE_INFORMATION;

typedef struct _OB_PRE_DUPLICATE_HANDLE_INFORMATION {
  ACCESS_MASK DesiredAccess;
  ACCESS_MASK OriginalDesiredAccess;
  PVOID SourceProcess;
  PVOID TargetProcess;
} OB_PRE_DUPLICATE_HANDLE_INFORMATION, *POB_PRE_DUPLICATE_HANDLE_INFORMATION;

typedef union _OB_PRE_OPERATION_PARAMETERS {
  OB_PRE_CREATE_HANDLE_INFORMATION CreateHandleInformation;
  OB_PRE_DUPLICATE_HANDLE_INFORMATION DuplicateHandleInformation;
} OB_PRE_OPERATION_PARAMETERS, *POB_PRE_OPERATION_PARAMETERS;

typedef struct _OB_PRE_OPERATION_INFORMATION {
  OB_OPERATION Operation;
  union {
    ULONG Flags;
    struct {
      ULONG KernelHandle : 1;
      ULONG Reserved : 31;
    };
  };
  PVOID Object;
  POBJECT_TYPE ObjectType;
  PVOID CallContext;
  POB_PRE_OPERATION_PARAMETERS Parameters;
} OB_PRE_OPERATION_INFORMATION, *POB_PRE_OPERATION_INFORMATION;
NTEMU_ASSERT_SIZE(OB_PRE_OPERATION_INFORMATION, 0x28);

typedef enum _OB_PREOP_CALLBACK_STATUS { OB_PREOP_SUCCESS } OB_PREOP_CALLBACK_STATUS, *POB_PREOP_CALLBACK_STATUS;
typedef OB_PREOP_CALLBACK_STATUS(NTAPI *POB_PRE_OPERATION_CALLBACK)(PVOID RegistrationContext,
                                                                    POB_PRE_OPERATION_INFORMATION OperationInformation);
typedef VOID(NTAPI *POB_POST_OPERATION_CALLBACK)(PVOID RegistrationContext, PVOID OperationInformation);

typedef struct _OB_OPERATION_REGISTRATION {
  POBJECT_TYPE *ObjectType;
  OB_OPERATION Operations;
  POB_PRE_OPERATION_CALLBACK PreOperation;
  POB_POST_OPERATION_CALLBACK PostOperation;
} OB_OPERATION_REGISTRATION, *POB_OPERATION_REGISTRATION;
NTEMU_ASSERT_SIZE(OB_OPERATION_REGISTRATION, 0x20);

typedef struct _OB_CALLBACK_REGISTRATION {
  USHORT Version;
  USHORT OperationRegistrationCount;
  UNICODE_STRING Altitude;
  PVOID RegistrationContext;
  OB_OPERATION_REGISTRATION *OperationRegistration;
} OB_CALLBACK_REGISTRATION, *POB_CALLBACK_REGISTRATION;
NTEMU_ASSERT_SIZE(OB_CALLBACK_REGISTRATION, 0x28);

/** Turns a handle into a referenced object. ObjectType: NULL accepts any. HandleInformation: optional. Returns
    STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, and for AccessMode UserMode STATUS_ACCESS_DENIED when the handle
    lacks a right of DesiredAccess; *Object is then NULL. IRQL: PASSIVE_LEVEL. Source: WDK: ObReferenceObjectByHandle.
 */
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                     KPROCESSOR_MODE AccessMode, PVOID *Object,
                                                     POBJECT_HANDLE_INFORMATION HandleInformation);

/** Adds a reference to an object of ObjectType (NULL: any), without an access check. Returns
    STATUS_OBJECT_TYPE_MISMATCH. IRQL: <= DISPATCH_LEVEL. Source: WDK: ObReferenceObjectByPointer. */
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                      KPROCESSOR_MODE AccessMode);

/** Finds an object by its full name and adds a reference; *Object is NULL on failure. Returns:
    as ZwOpenEvent. IRQL: PASSIVE_LEVEL. Source: exported by ntoskrnl, undocumented. */
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                                   PACCESS_STATE AccessState, ACCESS_MASK DesiredAccess,
                                                   POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                                   PVOID ParseContext, PVOID *Object);

/** Adds a reference; drivers call it as ObReferenceObject. Returns the new count, good for debugging only. A count that
    was not positive is bugcheck 0x18. IRQL: <= DISPATCH_LEVEL. Source: WDK: ObReferenceObject. */
NTKERNELAPI LONG_PTR FASTCALL ObfReferenceObject(PVOID Object);
#define ObReferenceObject(Object) ObfReferenceObject(Object)

/** Gives back a reference; the last one deletes the object. Drivers call it as ObDereferenceObject. Returns the count
    that is left, good for debugging only. One reference too few is bugcheck 0x18. IRQL: <= DISPATCH_LEVEL. Source: WDK:
    ObDereferenceObject. */
NTKERNELAPI LONG_PTR FASTCALL ObfDereferenceObject(PVOID Object);
#define ObDereferenceObject(Object) ObfDereferenceObject(Object)

/** Adds a reference unless the object is being deleted; returns whether it did. IRQL: <= DISPATCH_LEVEL. Source:
   exported by ntoskrnl, undocumented. */
NTKERNELAPI BOOLEAN FASTCALL ObReferenceObjectSafe(PVOID Object);

/** Gives back a reference, leaving the deletion to another thread, so that the caller's locks do not matter. IRQL: <=
    DISPATCH_LEVEL. Source: WDK: ObDereferenceObjectDeferDelete. */
NTKERNELAPI VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object);

/** Opens a handle to an object. HandleAttributes: OBJ_KERNEL_HANDLE and the like. Returns STATUS_INVALID_PARAMETER for
    unknown attributes, STATUS_OBJECT_TYPE_MISMATCH, STATUS_INSUFFICIENT_RESOURCES; *Handle is then NULL. IRQL:
    PASSIVE_LEVEL. Source: WDK: ObOpenObjectByPointer. */
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
                                                 ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                                 KPROCESSOR_MODE AccessMode, PHANDLE Handle);

/** Opens an object by its name; *Handle is NULL on failure. Returns: as ZwOpenEvent. IRQL: PASSIVE_LEVEL. Source:
    exported by ntoskrnl, undocumented. */
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByName(POBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE ObjectType,
                                              KPROCESSOR_MODE AccessMode, PACCESS_STATE PassedAccessState,
                                              ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle);

/** Stores an object's full name, terminated, behind the structure that points to it; an object without one gets an
   empty string. ReturnLength: the bytes needed. Returns STATUS_INFO_LENGTH_MISMATCH when Length is less. IRQL:
   PASSIVE_LEVEL. Source: WDK: ObQueryNameString. */
NTKERNELAPI NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length,
                                             PULONG ReturnLength);

/** Closes a handle as a caller of PreviousMode, which as UserMode cannot name kernel handles. Returns
    STATUS_INVALID_HANDLE, STATUS_HANDLE_NOT_CLOSABLE when it is protected. IRQL: PASSIVE_LEVEL. Source: WDK:
    ObCloseHandle. */
NTKERNELAPI NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);

/** Lets a permanent object's name go with its last handle, at once if none is open. IRQL: <= APC_LEVEL. Source: WDK:
    ZwMakeTemporaryObject. */
NTKERNELAPI VOID NTAPI ObMakeTemporaryObject(PVOID Object);

/** Returns an object's type. IRQL: <= DISPATCH_LEVEL. Source: WDK: ObGetObjectType. */
NTKERNELAPI POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object);

NTKERNELAPI NTSTATUS NTAPI ObRegisterCallbacks(POB_CALLBACK_REGISTRATION CallbackRegistration,
                                               PVOID *RegistrationHandle);
NTKERNELAPI VOID NTAPI ObUnRegisterCallbacks(PVOID RegistrationHandle);
NTKERNELAPI USHORT NTAPI ObGetFilterVersion(VOID);

/* A driver passes *PsThreadType and so on where an object type is asked for. */
extern NTKERNELAPI POBJECT_TYPE *IoFileObjectType;
extern NTKERNELAPI POBJECT_TYPE *IoDriverObjectType;
extern NTKERNELAPI POBJECT_TYPE *IoDeviceObjectType;
extern NTKERNELAPI POBJECT_TYPE *ExEventObjectType;
extern NTKERNELAPI POBJECT_TYPE *ExSemaphoreObjectType;
extern NTKERNELAPI POBJECT_TYPE *PsThreadType;
extern NTKERNELAPI POBJECT_TYPE *PsProcessType;
extern NTKERNELAPI POBJECT_TYPE *MmSectionObjectType;

#ifdef __cplusplus
}
#endif

#endif
