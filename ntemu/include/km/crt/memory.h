/* Memory functions. */
#ifndef NTEMU_KM_CRT_MEMORY_H
#define NTEMU_KM_CRT_MEMORY_H

#include "crtdefs.h"

/* Compilers emit calls to these four by themselves, so they keep their names; ntcc links their bodies into each driver.
 */
NTEMU_CRT_BEGIN
void *memcpy(void *destination, const void *source, size_t count);
void *memmove(void *destination, const void *source, size_t count);
void *memset(void *destination, int value, size_t count);
int memcmp(const void *first, const void *second, size_t count);
NTEMU_CRT_END

NTEMU_CRT_BEGIN
void *memchr(const void *buffer, int value, size_t count) NTEMU_CRT_NAME(memchr);
int _memicmp(const void *first, const void *second, size_t count) NTEMU_CRT_NAME(_memicmp);
/* EINVAL for NULL, ERANGE when count exceeds size; the destination is then zeroed (memcpy_s only). */
errno_t memcpy_s(void *destination, size_t size, const void *source, size_t count) NTEMU_CRT_NAME(memcpy_s);
errno_t memmove_s(void *destination, size_t size, const void *source, size_t count) NTEMU_CRT_NAME(memmove_s);
NTEMU_CRT_END

#endif
