/* Basic NT types and annotations. */
#ifndef NTEMU_KM_NTDEF_H
#define NTEMU_KM_NTDEF_H

#include "nt/basetsd.h"
#include "nt/sal.h"

#endif
