/* Wide character classes: ASCII rules, plus letters of the basic plane that have case. */
#ifndef NTEMU_KM_CRT_WCTYPE_H
#define NTEMU_KM_CRT_WCTYPE_H

#include "crtdefs.h"

NTEMU_CRT_BEGIN
int iswalpha(wint_t character) NTEMU_CRT_NAME(iswalpha);
int iswdigit(wint_t character) NTEMU_CRT_NAME(iswdigit);
int iswlower(wint_t character) NTEMU_CRT_NAME(iswlower);
int iswupper(wint_t character) NTEMU_CRT_NAME(iswupper);
int iswspace(wint_t character) NTEMU_CRT_NAME(iswspace);
int iswalnum(wint_t character) NTEMU_CRT_NAME(iswalnum);
int iswpunct(wint_t character) NTEMU_CRT_NAME(iswpunct);
int iswcntrl(wint_t character) NTEMU_CRT_NAME(iswcntrl);
int iswgraph(wint_t character) NTEMU_CRT_NAME(iswgraph);
int iswprint(wint_t character) NTEMU_CRT_NAME(iswprint);
int iswxdigit(wint_t character) NTEMU_CRT_NAME(iswxdigit);
int iswblank(wint_t character) NTEMU_CRT_NAME(iswblank);
wint_t towupper(wint_t character) NTEMU_CRT_NAME(towupper);
wint_t towlower(wint_t character) NTEMU_CRT_NAME(towlower);
NTEMU_CRT_END

#endif
