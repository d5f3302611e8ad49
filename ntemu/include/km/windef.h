/* Basic Windows types, which are those of ntdef.h. */
#ifndef NTEMU_KM_WINDEF_H
#define NTEMU_KM_WINDEF_H

#include "ntdef.h"

#endif
