// Callback objects: drivers register routines with a named object, and whoever has the object calls them all. They are
// the executive's, but stand here because they are objects with names.
#include "ntemu/ob/callback.h"

#include "ntemu/api/enter.h"
#include "ntemu/ke/spin_word.h"
#include "ntemu/ob/header.h"

using namespace ntemu;
using ke::SpinGuard;

// Opaque to drivers.
struct _CALLBACK_OBJECT {
  KSPIN_LOCK Lock;
  LIST_ENTRY RegisteredCallbacks;
  BOOLEAN AllowMultipleCallbacks;
};

namespace {

constexpr ULONG kRegistrationTag = 0x52624343;  // shows as CCbR

// Guarded by the object's lock. A registration that runs, or that somebody waits for, stays on the list.
struct Registration {
  LIST_ENTRY link;
  PCALLBACK_OBJECT object;  // a reference
  PCALLBACK_FUNCTION function;
  PVOID context;
  ULONG running;
  bool leaving;
  KEVENT idle;  // set by the last that ran, when it leaves
};

void initialize(CALLBACK_OBJECT &object, BOOLEAN allow_multiple) {
  InitializeListHead(&object.RegisteredCallbacks);
  object.AllowMultipleCallbacks = allow_multiple;
}

// The next one behind `link` to call, which runs from now on, or nullptr.
Registration *begin_next(CALLBACK_OBJECT &object, PLIST_ENTRY link) {
  while ((link = link->Flink) != &object.RegisteredCallbacks) {
    auto *registration = CONTAINING_RECORD(link, Registration, link);
    if (registration->leaving) continue;
    ++registration->running;
    return registration;
  }
  return nullptr;
}

_OBJECT_TYPE callback_type{.name = u"Callback",
                           .valid_access = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1,
                           .generic_mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE | 1, STANDARD_RIGHTS_EXECUTE,
                                               STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1}};

PCALLBACK_OBJECT create(BOOLEAN allow_multiple) {
  auto *object = static_cast<PCALLBACK_OBJECT>(ob::create(callback_type, sizeof(CALLBACK_OBJECT)));
  if (object) initialize(*object, allow_multiple);
  return object;
}

Result<void *> create_named(const OBJECT_ATTRIBUTES &attributes, BOOLEAN allow_multiple) {
  const PCALLBACK_OBJECT object = create(allow_multiple);
  if (!object) return STATUS_INSUFFICIENT_RESOURCES;
  OBJECT_ATTRIBUTES open_if = attributes;
  open_if.Attributes |= OBJ_OPENIF;  // another may create it just now
  const auto inserted = ob::insert(object, open_if);
  ob::dereference(object);
  // Windows closes the handle that it made, and a name that is not permanent goes with it.
  if (inserted) ob::remove_temporary_name(*inserted);
  return inserted;
}

}  // namespace

namespace ntemu::ob {

void boot_callbacks() {
  for (const char16_t *path : {u"\\Callback\\SetSystemTime", u"\\Callback\\PowerState", u"\\Callback\\ProcessorAdd"}) {
    const PCALLBACK_OBJECT object = ::create(TRUE);
    if (!object) return;
    insert_name(object, path);
    dereference(object);
  }
}

}  // namespace ntemu::ob

NTSTATUS ExCreateCallback(PCALLBACK_OBJECT *CallbackObject, POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN Create,
                          BOOLEAN AllowMultipleCallbacks) {
  NT_ENTER(ExCreateCallback, CallbackObject, ObjectAttributes, Create, AllowMultipleCallbacks);
  *CallbackObject = nullptr;
  if (!ObjectAttributes->ObjectName || ObjectAttributes->ObjectName->Length == 0) return STATUS_UNSUCCESSFUL;
  ob::OpenRequest request;
  auto found = ob::open_by_name(*ObjectAttributes, &callback_type, request);
  if (!found && Create) found = create_named(*ObjectAttributes, AllowMultipleCallbacks);
  if (!found) return found.status();
  *CallbackObject = static_cast<PCALLBACK_OBJECT>(*found);
  return STATUS_SUCCESS;
}

PVOID ExRegisterCallback(PCALLBACK_OBJECT CallbackObject, PCALLBACK_FUNCTION CallbackFunction, PVOID CallbackContext) {
  NT_ENTER(ExRegisterCallback, CallbackObject, CallbackFunction, CallbackContext);
  auto *registration =
      static_cast<Registration *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Registration), kRegistrationTag));
  if (!registration) return nullptr;
  registration->object = CallbackObject;
  registration->function = CallbackFunction;
  registration->context = CallbackContext;
  KeInitializeEvent(&registration->idle, NotificationEvent, FALSE);
  {
    SpinGuard guard(CallbackObject->Lock);
    if (CallbackObject->AllowMultipleCallbacks || IsListEmpty(&CallbackObject->RegisteredCallbacks)) {
      InsertTailList(&CallbackObject->RegisteredCallbacks, &registration->link);
      ob::reference(CallbackObject);
      return registration;
    }
  }
  ExFreePoolWithTag(registration, kRegistrationTag);
  return nullptr;
}

VOID ExUnregisterCallback(PVOID CallbackRegistration) {
  NT_ENTER(ExUnregisterCallback, CallbackRegistration);
  auto *registration = static_cast<Registration *>(CallbackRegistration);
  CALLBACK_OBJECT &object = *registration->object;
  bool runs;
  {
    SpinGuard guard(object.Lock);
    registration->leaving = true;
    runs = registration->running != 0;
    if (!runs) RemoveEntryList(&registration->link);
  }
  if (runs) {
    KeWaitForSingleObject(&registration->idle, Executive, KernelMode, FALSE, nullptr);
    SpinGuard guard(object.Lock);
    RemoveEntryList(&registration->link);
  }
  ExFreePoolWithTag(registration, kRegistrationTag);
  ob::dereference(&object);
}

VOID ExNotifyCallback(PVOID CallbackObject, PVOID Argument1, PVOID Argument2) {
  NT_ENTER(ExNotifyCallback, CallbackObject, Argument1, Argument2);
  CALLBACK_OBJECT &object = *static_cast<PCALLBACK_OBJECT>(CallbackObject);
  Registration *registration;
  {
    SpinGuard guard(object.Lock);
    registration = begin_next(object, &object.RegisteredCallbacks);
  }
  while (registration) {
    registration->function(registration->context, Argument1, Argument2);
    Registration *next;
    bool last;
    {
      SpinGuard guard(object.Lock);
      next = begin_next(object, &registration->link);
      last = --registration->running == 0 && registration->leaving;
    }
    if (last) KeSetEvent(&registration->idle, IO_NO_INCREMENT, FALSE);  // the registration is gone from here on
    registration = next;
  }
}
