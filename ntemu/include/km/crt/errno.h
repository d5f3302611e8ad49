/* Error codes of the _s functions; the kernel has no errno. */
#ifndef NTEMU_KM_CRT_ERRNO_H
#define NTEMU_KM_CRT_ERRNO_H

#include "crtdefs.h"

#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define EDOM 33
#define ERANGE 34
#define EILSEQ 42
#define STRUNCATE 80
#define EOVERFLOW 132

#endif
