/* Everything a kernel driver sees; the same declarations as wdm.h. */
#ifndef NTEMU_KM_NTDDK_H
#define NTEMU_KM_NTDDK_H

#include "wdm.h"

#endif
