#include "ntemu/ob/open.h"

#include "ntemu/ob/directory.h"

namespace ntemu::ob {
namespace {

void take_back(HANDLE handle) {
  protect_handle(handle, false);
  close_handle(handle);
}

}  // namespace

NTSTATUS open_new(void *body, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, HANDLE *handle) {
  const Ref<void> fresh = Ref<void>::adopt(body);
  const ULONG flags = attributes ? attributes->Attributes : 0;
  // The handle comes first: while it is open, nobody else's last handle takes the name away.
  const auto own = create_handle(body, access, flags);
  if (!own) return own.status();
  NTSTATUS status = STATUS_SUCCESS;
  while (attributes) {
    const auto in_place = insert(body, *attributes);
    status = in_place.status();
    if (!in_place) break;
    const Ref<void> found = Ref<void>::adopt(*in_place);
    if (found.get() == body) break;
    const auto other = create_handle(found.get(), access, flags);
    status = other ? STATUS_OBJECT_NAME_EXISTS : other.status();
    if (other && !has_name(found.get())) {  // its last handle was closed just now: the name is free again
      take_back(*other);
      continue;
    }
    take_back(*own);
    if (other) *handle = *other;
    return status;
  }
  if (NT_SUCCESS(status)) {
    *handle = *own;
  } else {
    take_back(*own);
  }
  return status;
}

NTSTATUS open_named(const _OBJECT_TYPE &type, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attributes, HANDLE *handle) {
  if (!attributes) return STATUS_INVALID_PARAMETER;
  for (;;) {
    OpenRequest request{.access = access};
    const auto body = open_by_name(*attributes, &type, request);
    if (!body) return body.status();
    const Ref<void> found = Ref<void>::adopt(*body);
    const auto opened = create_handle(found.get(), access, attributes->Attributes);
    if (!opened) return opened.status();
    if (has_name(found.get())) {
      *handle = *opened;
      return STATUS_SUCCESS;
    }
    take_back(*opened);
  }
}

}  // namespace ntemu::ob
