// Handles to objects that may have a name: what the Create and Open services of every type have in common.
#pragma once

#include "ntemu/ke/thread.h"
#include "ntemu/ob/object.h"

namespace ntemu::ob {

// Opens a handle to a new object, under the name in `attributes` if there is one; takes over the caller's reference.
// STATUS_OBJECT_NAME_EXISTS: with OBJ_OPENIF the handle is that of the object which has the name.
NTSTATUS open_new(void *body, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, HANDLE *handle);
NTSTATUS open_named(const _OBJECT_TYPE &type, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, HANDLE *handle);

template <class Body>
Result<Ref<Body>> referenced(HANDLE handle, ACCESS_MASK access, const _OBJECT_TYPE &type, KPROCESSOR_MODE mode) {
  const auto body = reference_by_handle(handle, access, &type, mode);
  if (!body) return body.status();
  return Ref<Body>::adopt(static_cast<Body *>(*body));
}

// Whether a query is for class 0, the only one that the synchronization objects have, and of the right size.
template <class Information>
NTSTATUS check_basic_query(ULONG information_class, ULONG length) {
  if (information_class != 0) return STATUS_INVALID_INFO_CLASS;
  return length == sizeof(Information) ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}

extern _OBJECT_TYPE event_type;
extern _OBJECT_TYPE mutant_type;
extern _OBJECT_TYPE semaphore_type;
extern _OBJECT_TYPE timer_type;

}  // namespace ntemu::ob
