/* Everything a file system driver sees; the same declarations as ntddk.h. */
#ifndef NTEMU_KM_NTIFS_H
#define NTEMU_KM_NTIFS_H

#include "ntddk.h"

#endif
