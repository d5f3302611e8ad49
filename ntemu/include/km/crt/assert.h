/* assert: prints through the runtime and breaks, unless NDEBUG. Meant to be included repeatedly. */
#include "crtdefs.h"
#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression) ((expression) ? (void)0 : nt_assert_failed(#expression, __FILE__, __LINE__))
#endif
#ifndef NTEMU_KM_CRT_ASSERT_H
#define NTEMU_KM_CRT_ASSERT_H
NTEMU_CRT_BEGIN
void nt_assert_failed(const char *expression, const char *file, int line);
NTEMU_CRT_END
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
#endif
