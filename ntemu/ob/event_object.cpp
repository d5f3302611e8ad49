// Events by handle and name.
#include "ntemu/api/enter.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace ntemu::ob {

_OBJECT_TYPE event_type{
    .name = u"Event",
    .valid_access = EVENT_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ | EVENT_QUERY_STATE, STANDARD_RIGHTS_WRITE | EVENT_MODIFY_STATE,
                        STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, EVENT_ALL_ACCESS},
    .dispatcher_offset = 0};

}  // namespace ntemu::ob

namespace {

POBJECT_TYPE event_type_pointer = &ob::event_type;

Result<ob::Ref<KEVENT>> event_of(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode) {
  return ob::referenced<KEVENT>(handle, access, ob::event_type, mode);
}

NTSTATUS create_event(PHANDLE handle, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, EVENT_TYPE type,
                      BOOLEAN state) {
  if (type != NotificationEvent && type != SynchronizationEvent) return STATUS_INVALID_PARAMETER;
  auto *event = static_cast<PKEVENT>(ob::create(ob::event_type, sizeof(KEVENT)));
  if (!event) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeEvent(event, type, state);
  return ob::open_new(event, access, attributes, handle);
}

NTSTATUS set_event(HANDLE handle, PLONG previous, KPROCESSOR_MODE mode) {
  const auto event = event_of(handle, EVENT_MODIFY_STATE, mode);
  if (!event) return event.status();
  const LONG before = KeSetEvent(event->get(), EVENT_INCREMENT, FALSE);
  if (previous) *previous = before;
  return STATUS_SUCCESS;
}

// The pointer stays good as long as the handle is open.
PKEVENT create_or_open(PUNICODE_STRING name, EVENT_TYPE type, PHANDLE handle) {
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, name, OBJ_OPENIF | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE opened;
  if (!NT_SUCCESS(create_event(&opened, EVENT_ALL_ACCESS, &attributes, type, TRUE))) return nullptr;
  const auto event = event_of(opened, 0, KernelMode);
  if (!event) return nullptr;
  *handle = opened;
  return event->get();
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) POBJECT_TYPE *ExEventObjectType = &event_type_pointer;
}

NTSTATUS ZwCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       EVENT_TYPE EventType, BOOLEAN InitialState) {
  NT_ENTER(ZwCreateEvent, EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
  return create_event(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
}

NTSTATUS NtCreateEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                       EVENT_TYPE EventType, BOOLEAN InitialState) {
  NT_ENTER(NtCreateEvent, EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
  return create_event(EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState);
}

NTSTATUS ZwOpenEvent(PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes) {
  NT_ENTER(ZwOpenEvent, EventHandle, DesiredAccess, ObjectAttributes);
  return ob::open_named(ob::event_type, DesiredAccess, ObjectAttributes, EventHandle);
}

NTSTATUS ZwSetEvent(HANDLE EventHandle, PLONG PreviousState) {
  NT_ENTER(ZwSetEvent, EventHandle, PreviousState);
  return set_event(EventHandle, PreviousState, KernelMode);
}

NTSTATUS NtSetEvent(HANDLE EventHandle, PLONG PreviousState) {
  NT_ENTER(NtSetEvent, EventHandle, PreviousState);
  return set_event(EventHandle, PreviousState, ke::previous_mode());
}

NTSTATUS ZwResetEvent(HANDLE EventHandle, PLONG PreviousState) {
  NT_ENTER(ZwResetEvent, EventHandle, PreviousState);
  const auto event = event_of(EventHandle, EVENT_MODIFY_STATE, KernelMode);
  if (!event) return event.status();
  const LONG before = KeResetEvent(event->get());
  if (PreviousState) *PreviousState = before;
  return STATUS_SUCCESS;
}

NTSTATUS ZwClearEvent(HANDLE EventHandle) {
  NT_ENTER(ZwClearEvent, EventHandle);
  const auto event = event_of(EventHandle, EVENT_MODIFY_STATE, KernelMode);
  if (!event) return event.status();
  KeClearEvent(event->get());
  return STATUS_SUCCESS;
}

NTSTATUS ZwPulseEvent(HANDLE EventHandle, PLONG PreviousState) {
  NT_ENTER(ZwPulseEvent, EventHandle, PreviousState);
  const auto event = event_of(EventHandle, EVENT_MODIFY_STATE, KernelMode);
  if (!event) return event.status();
  const LONG before = KePulseEvent(event->get(), EVENT_INCREMENT, FALSE);
  if (PreviousState) *PreviousState = before;
  return STATUS_SUCCESS;
}

NTSTATUS ZwQueryEvent(HANDLE EventHandle, EVENT_INFORMATION_CLASS EventInformationClass, PVOID EventInformation,
                      ULONG EventInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQueryEvent, EventHandle, EventInformationClass, EventInformation, EventInformationLength, ReturnLength);
  const NTSTATUS status = ob::check_basic_query<EVENT_BASIC_INFORMATION>(EventInformationClass, EventInformationLength);
  if (!NT_SUCCESS(status)) return status;
  const auto event = event_of(EventHandle, EVENT_QUERY_STATE, KernelMode);
  if (!event) return event.status();
  auto &information = *static_cast<PEVENT_BASIC_INFORMATION>(EventInformation);
  const ke::HeaderWord word = ke::load_word((*event)->Header);
  information.EventType = static_cast<EVENT_TYPE>(ke::type_in(word));
  information.EventState = ke::state_in(word);
  if (ReturnLength) *ReturnLength = sizeof information;
  return STATUS_SUCCESS;
}

PKEVENT IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle) {
  NT_ENTER(IoCreateNotificationEvent, EventName, EventHandle);
  return create_or_open(EventName, NotificationEvent, EventHandle);
}

PKEVENT IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle) {
  NT_ENTER(IoCreateSynchronizationEvent, EventName, EventHandle);
  return create_or_open(EventName, SynchronizationEvent, EventHandle);
}
