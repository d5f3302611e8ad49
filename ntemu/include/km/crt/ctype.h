/* Character classes (ASCII, the "C" locale) and their wide counterparts. */
#ifndef NTEMU_KM_CRT_CTYPE_H
#define NTEMU_KM_CRT_CTYPE_H

#include "crtdefs.h"
#include "wctype.h"

NTEMU_CRT_BEGIN
int isalpha(int character) NTEMU_CRT_NAME(isalpha);
int isdigit(int character) NTEMU_CRT_NAME(isdigit);
int islower(int character) NTEMU_CRT_NAME(islower);
int isupper(int character) NTEMU_CRT_NAME(isupper);
int isspace(int character) NTEMU_CRT_NAME(isspace);
int isalnum(int character) NTEMU_CRT_NAME(isalnum);
int ispunct(int character) NTEMU_CRT_NAME(ispunct);
int iscntrl(int character) NTEMU_CRT_NAME(iscntrl);
int isgraph(int character) NTEMU_CRT_NAME(isgraph);
int isprint(int character) NTEMU_CRT_NAME(isprint);
int isxdigit(int character) NTEMU_CRT_NAME(isxdigit);
int isblank(int character) NTEMU_CRT_NAME(isblank);
int toupper(int character) NTEMU_CRT_NAME(toupper);
int tolower(int character) NTEMU_CRT_NAME(tolower);
NTEMU_CRT_END

#define _toupper(c) ((c) - 'a' + 'A')
#define _tolower(c) ((c) - 'A' + 'a')
#define __isascii(c) ((unsigned)(c) < 0x80)
#define __toascii(c) ((c)&0x7f)
#define isascii __isascii
#define toascii __toascii

#endif
