/* Directory enumeration entries; each starts 8-aligned within the caller's buffer. */
#ifndef NTEMU_KM_NT_DIRECTORY_INFO_H
#define NTEMU_KM_NT_DIRECTORY_INFO_H

#include "basetsd.h"

#define NTEMU_DIRECTORY_ENTRY_HEAD                                  \
  ULONG NextEntryOffset; /* bytes from this entry; 0 in the last */ \
  ULONG FileIndex;                                                  \
  LARGE_INTEGER CreationTime;                                       \
  LARGE_INTEGER LastAccessTime;                                     \
  LARGE_INTEGER LastWriteTime;                                      \
  LARGE_INTEGER ChangeTime;                                         \
  LARGE_INTEGER EndOfFile;                                          \
  LARGE_INTEGER AllocationSize;                                     \
  ULONG FileAttributes;                                             \
  ULONG FileNameLength; /* bytes */

typedef struct _FILE_DIRECTORY_INFORMATION {
  NTEMU_DIRECTORY_ENTRY_HEAD
  WCHAR FileName[1];
} FILE_DIRECTORY_INFORMATION, *PFILE_DIRECTORY_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_DIRECTORY_INFORMATION, 72);
NTEMU_ASSERT_OFFSET(FILE_DIRECTORY_INFORMATION, FileName, 64);

typedef struct _FILE_FULL_DIR_INFORMATION {
  NTEMU_DIRECTORY_ENTRY_HEAD
  ULONG EaSize;
  WCHAR FileName[1];
} FILE_FULL_DIR_INFORMATION, *PFILE_FULL_DIR_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_FULL_DIR_INFORMATION, 72);
NTEMU_ASSERT_OFFSET(FILE_FULL_DIR_INFORMATION, FileName, 68);

typedef struct _FILE_ID_FULL_DIR_INFORMATION {
  NTEMU_DIRECTORY_ENTRY_HEAD
  ULONG EaSize;
  LARGE_INTEGER FileId;
  WCHAR FileName[1];
} FILE_ID_FULL_DIR_INFORMATION, *PFILE_ID_FULL_DIR_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_ID_FULL_DIR_INFORMATION, 88);
NTEMU_ASSERT_OFFSET(FILE_ID_FULL_DIR_INFORMATION, FileName, 80);

typedef struct _FILE_BOTH_DIR_INFORMATION {
  NTEMU_DIRECTORY_ENTRY_HEAD
  ULONG EaSize;
  CCHAR ShortNameLength;
  WCHAR ShortName[12];
  WCHAR FileName[1];
} FILE_BOTH_DIR_INFORMATION, *PFILE_BOTH_DIR_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_BOTH_DIR_INFORMATION, 96);
NTEMU_ASSERT_OFFSET(FILE_BOTH_DIR_INFORMATION, FileName, 94);

typedef struct _FILE_ID_BOTH_DIR_INFORMATION {
  NTEMU_DIRECTORY_ENTRY_HEAD
  ULONG EaSize;
  CCHAR ShortNameLength;
  WCHAR ShortName[12];
  LARGE_INTEGER FileId;
  WCHAR FileName[1];
} FILE_ID_BOTH_DIR_INFORMATION, *PFILE_ID_BOTH_DIR_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_ID_BOTH_DIR_INFORMATION, 112);
NTEMU_ASSERT_OFFSET(FILE_ID_BOTH_DIR_INFORMATION, FileName, 104);

typedef struct _FILE_NAMES_INFORMATION {
  ULONG NextEntryOffset;
  ULONG FileIndex;
  ULONG FileNameLength;
  WCHAR FileName[1];
} FILE_NAMES_INFORMATION, *PFILE_NAMES_INFORMATION;
NTEMU_ASSERT_SIZE(FILE_NAMES_INFORMATION, 16);
NTEMU_ASSERT_OFFSET(FILE_NAMES_INFORMATION, FileName, 12);

#endif
