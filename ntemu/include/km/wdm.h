/* Everything a Windows Driver Model driver sees. */
#ifndef NTEMU_KM_WDM_H
#define NTEMU_KM_WDM_H

#include "ntdef.h"
#include "ntstatus.h"

/* As with the WDK, drivers get its C library too; the runtime keeps the one of the host. */
#ifdef NTEMU_DRIVER_BUILD
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#endif

#include "nt/cm.h"
#include "nt/dbg.h"
#include "nt/ex.h"
#include "nt/fsrtl.h"
#include "nt/io.h"
#include "nt/ke.h"
#include "nt/mm.h"
#include "nt/ob.h"
#include "nt/ps.h"
#include "nt/rtl.h"
#include "nt/rtl_tables.h"
#include "nt/se.h"
#include "nt/zw.h"

#endif
