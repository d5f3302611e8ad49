/* Results of exception filters. */
#ifndef NTEMU_KM_CRT_EXCPT_H
#define NTEMU_KM_CRT_EXCPT_H

#include "crtdefs.h"

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

#endif
