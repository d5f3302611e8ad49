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

#ifdef __cplusplus
}
#endif

#endif
