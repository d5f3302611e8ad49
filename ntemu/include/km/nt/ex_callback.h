/* Callback objects. */
#ifndef NTEMU_KM_NT_EX_CALLBACK_H
#define NTEMU_KM_NT_EX_CALLBACK_H

#include "basetsd.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _CALLBACK_OBJECT CALLBACK_OBJECT, *PCALLBACK_OBJECT;

typedef VOID NTAPI CALLBACK_FUNCTION(PVOID CallbackContext, PVOID Argument1, PVOID Argument2);
typedef CALLBACK_FUNCTION *PCALLBACK_FUNCTION;

/** Opens the callback object of a name, e.g. \Callback\Foo, or with Create makes it; the result is a reference.
   AllowMultipleCallbacks: for a new object, whether more than one routine may be registered. A name without
   OBJ_PERMANENT is gone when this returns, and cannot be opened again (unverified). STATUS_UNSUCCESSFUL without a name;
   STATUS_OBJECT_NAME_NOT_FOUND when there is none and Create is FALSE; STATUS_OBJECT_TYPE_MISMATCH when the name is
   another kind's; STATUS_OBJECT_PATH_NOT_FOUND. IRQL: <= APC_LEVEL. Source: WDK: ExCreateCallback. Differs: the
   system's own objects SetSystemTime, PowerState and ProcessorAdd exist but are never notified. */
NTKERNELAPI NTSTATUS NTAPI ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes,
                                            BOOLEAN Create, BOOLEAN AllowMultipleCallbacks);

/** Registers a routine with a callback object, which stays referenced until ExUnregisterCallback; the result is what
   that takes. NULL when memory is short, or when another is registered and the object allows one only. IRQL:
   <= APC_LEVEL. Source: WDK: ExRegisterCallback. */
NTKERNELAPI PVOID NTAPI ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction,
                                           PVOID CallbackContext);

/** Takes back a registration; returns when its routine runs nowhere any more, so the routine itself must not call this.
   IRQL: <= APC_LEVEL. Source: WDK: ExUnregisterCallback (that it waits is unverified). */
NTKERNELAPI VOID NTAPI ExUnregisterCallback(PVOID CallbackRegistration);

/** Calls the routines registered with a callback object, in the order of registration, at the caller's IRQL and with no
   lock held. IRQL: <= DISPATCH_LEVEL. Source: WDK: ExNotifyCallback. */
NTKERNELAPI VOID NTAPI ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2);

#ifdef __cplusplus
}
#endif

#endif
