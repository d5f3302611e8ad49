// Key objects: what a handle to a registry key refers to.
#pragma once

#include "ntemu/cm/registry.h"
#include "ntemu/ob/object.h"

namespace ntemu::cm {

struct KeyBody {
  ULONG Type;  // kKeyBodyType
  KeyId id;
};
inline constexpr ULONG kKeyBodyType = 0x6B793032;

extern _OBJECT_TYPE key_type;

// Puts \REGISTRY into the namespace.
NTSTATUS insert_root_key();
// With a reference to the key object, for any access.
Result<KeyBody *> reference_key(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode);

}  // namespace ntemu::cm
