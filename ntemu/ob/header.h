// What lies in front of an object's body: Windows' OBJECT_HEADER, behind its name information.
#pragma once

#include "ntemu/ob/object.h"

namespace ntemu::ob {
struct Directory;
}

typedef struct _OBJECT_HEADER_NAME_INFO {
  ntemu::ob::Directory *Directory;
  UNICODE_STRING Name;
  LONG ReferenceCount;
  ULONG Reserved;
} OBJECT_HEADER_NAME_INFO;
NTEMU_ASSERT_SIZE(OBJECT_HEADER_NAME_INFO, 0x20);

typedef struct _OBJECT_HEADER {
  LONG64 PointerCount;  // a handle counts too
  LONG64 HandleCount;
  ULONG_PTR Lock;
  UCHAR TypeIndex;  // into ObTypeIndexTable; there is no cookie to undo
  UCHAR TraceFlags;
  UCHAR InfoMask;
  UCHAR Flags;
  ULONG Reserved;
  PVOID ObjectCreateInfo;
  PVOID SecurityDescriptor;
} OBJECT_HEADER;
NTEMU_ASSERT_OFFSET(OBJECT_HEADER, TypeIndex, 0x18);
NTEMU_ASSERT_OFFSET(OBJECT_HEADER, InfoMask, 0x1A);
NTEMU_ASSERT_OFFSET(OBJECT_HEADER, SecurityDescriptor, 0x28);
NTEMU_ASSERT_SIZE(OBJECT_HEADER, 0x30);

extern "C" {
extern NTKERNELAPI POBJECT_TYPE ObTypeIndexTable[256];
extern NTKERNELAPI UCHAR ObHeaderCookie;
}

namespace ntemu::ob {

inline constexpr ULONG kValidAttributes = OBJ_VALID_ATTRIBUTES | OBJ_PROTECT_CLOSE;
inline constexpr UCHAR kNameInfoMask = 0x02;   // every object has name information, most an empty one
inline constexpr UCHAR kPermanentFlag = 0x10;  // guarded by the namespace's lock

inline OBJECT_HEADER &header_of(void *body) { return static_cast<OBJECT_HEADER *>(body)[-1]; }
inline void *body_of(OBJECT_HEADER &header) { return &header + 1; }
inline OBJECT_HEADER_NAME_INFO &name_info_of(OBJECT_HEADER &header) {
  return reinterpret_cast<OBJECT_HEADER_NAME_INFO *>(&header)[-1];
}

void count_handle(void *body);
// One handle is closed: the object's cleanup at the last one, and the reference that the handle held.
void release_handle(void *body);
// Removes the name of an object that is not permanent and has no handle.
void remove_temporary_name(void *body);

void close_all_handles();
// For debuggers: the pointers to the handle table's segments.
const void *handle_segments();
void drop_all_names();

}  // namespace ntemu::ob
