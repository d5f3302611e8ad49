/* System services: files, handles and registry keys. */
#ifndef NTEMU_KM_NT_ZW_H
#define NTEMU_KM_NT_ZW_H

#include "cm.h"
#include "io_types.h"
#include "zw_objects.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NtCurrentProcess() ((HANDLE)(LONG_PTR)-1)
#define ZwCurrentProcess() NtCurrentProcess()
#define NtCurrentThread() ((HANDLE)(LONG_PTR)-2)
#define ZwCurrentThread() NtCurrentThread()

/** Opens or creates a file, directory or device as CreateDisposition says; IoStatusBlock.Information gets FILE_OPENED,
    FILE_CREATED, FILE_OVERWRITTEN or FILE_SUPERSEDED. AllocationSize: bytes, optional. ShareAccess: what others may do
   meanwhile. Returns STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_NAME_INVALID and
    STATUS_OBJECT_PATH_SYNTAX_BAD for names, STATUS_OBJECT_NAME_COLLISION when it exists and must not,
   STATUS_SHARING_VIOLATION when share modes conflict, STATUS_DELETE_PENDING, STATUS_ACCESS_DENIED,
   STATUS_FILE_IS_A_DIRECTORY, STATUS_NOT_A_DIRECTORY. IRQL: PASSIVE_LEVEL, special kernel APCs enabled. Source: WDK:
   ZwCreateFile; MS-FSA. Differs: callers are trusted (previous mode kernel), so create parameters are not validated as
   for user callers. */
NTSYSAPI NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                     PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize,
                                     ULONG FileAttributes, ULONG ShareAccess, ULONG CreateDisposition,
                                     ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength);

/** Opens an existing file, directory or device: ZwCreateFile with FILE_OPEN. Returns, IRQL: as ZwCreateFile.
    Source: WDK: ZwOpenFile. */
NTSYSAPI NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                                   PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions);

/** Reads Length bytes. IoStatusBlock: Information gets the bytes moved. ByteOffset: bytes; NULL, or LowPart
   FILE_USE_FILE_POINTER_POSITION with HighPart -1, is the current position, which only synchronous handles have.
    Returns STATUS_END_OF_FILE at or past the end, STATUS_INVALID_PARAMETER when an asynchronous handle gives no offset,
    STATUS_INVALID_HANDLE, STATUS_INVALID_DEVICE_REQUEST for a directory, STATUS_FILE_LOCK_CONFLICT. IRQL:
   PASSIVE_LEVEL, special kernel APCs enabled. Source: WDK: ZwReadFile; MS-FSA. */
NTSYSAPI NTSTATUS NTAPI ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                   PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                                   PLARGE_INTEGER ByteOffset, PULONG Key);

/** Writes Length bytes. IoStatusBlock: Information gets the bytes moved. ByteOffset: bytes; NULL, or LowPart
   FILE_USE_FILE_POINTER_POSITION with HighPart -1, is the current position, which only synchronous handles have;
    LowPart FILE_WRITE_TO_END_OF_FILE with HighPart -1 appends. Returns STATUS_DISK_FULL, STATUS_INVALID_PARAMETER when
   an asynchronous handle gives no offset, STATUS_INVALID_HANDLE, STATUS_INVALID_DEVICE_REQUEST for a directory,
   STATUS_FILE_LOCK_CONFLICT. IRQL: PASSIVE_LEVEL, special kernel APCs enabled. Source: WDK: ZwWriteFile; MS-FSA. */
NTSYSAPI NTSTATUS NTAPI ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                                    PLARGE_INTEGER ByteOffset, PULONG Key);

/** Changes a file: rename, deletion, end of file, position, times and attributes, as FileInformationClass says. Length:
   bytes. Returns STATUS_INFO_LENGTH_MISMATCH for a short buffer, STATUS_INVALID_INFO_CLASS; a rename
   STATUS_OBJECT_NAME_COLLISION when the target exists, STATUS_ACCESS_DENIED when it is open or read-only,
   STATUS_OBJECT_PATH_NOT_FOUND, STATUS_NOT_SAME_DEVICE; a deletion STATUS_CANNOT_DELETE (read-only),
   STATUS_DIRECTORY_NOT_EMPTY. IRQL: PASSIVE_LEVEL, special kernel APCs enabled. Source: WDK: ZwSetInformationFile;
   MS-FSA. Differs: a failed file rename leaves IoStatusBlock untouched, as seen on Windows. */
NTSYSAPI NTSTATUS NTAPI ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                             ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);

/** Stores information about an open file; IoStatusBlock.Information gets the bytes stored. Length: bytes. Returns
    STATUS_INFO_LENGTH_MISMATCH when the fixed part does not fit, STATUS_BUFFER_OVERFLOW when a name was cut,
    STATUS_INVALID_INFO_CLASS, STATUS_INVALID_HANDLE. IRQL: PASSIVE_LEVEL, special kernel APCs enabled. Source: WDK:
    ZwQueryInformationFile; MS-FSA. */
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation,
                                               ULONG Length, FILE_INFORMATION_CLASS FileInformationClass);

/** Closes a handle. Returns STATUS_INVALID_HANDLE when it is not one (under the verifier bugcheck 0x93),
    STATUS_HANDLE_NOT_CLOSABLE when it is protected. IRQL: PASSIVE_LEVEL. Source: WDK: ZwClose. */
NTSYSAPI NTSTATUS NTAPI ZwClose(HANDLE Handle);

/** Opens an existing registry key. Returns STATUS_OBJECT_NAME_NOT_FOUND when a part of the path is missing,
    STATUS_OBJECT_PATH_SYNTAX_BAD or STATUS_OBJECT_NAME_INVALID for a bad name, STATUS_ACCESS_DENIED. IRQL:
   PASSIVE_LEVEL. Source: WDK: ZwOpenKey. */
NTSYSAPI NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes);

/** Stores a registry value's type and data; ResultLength gets the bytes needed. Length: bytes. Returns
    STATUS_OBJECT_NAME_NOT_FOUND when there is no such value, STATUS_BUFFER_TOO_SMALL when even the fixed part does not
   fit (nothing is stored), STATUS_BUFFER_OVERFLOW when the data does not (the fixed part is), STATUS_INVALID_PARAMETER
   for an unknown class. IRQL: PASSIVE_LEVEL. Source: WDK: ZwQueryValueKey. */
NTSYSAPI NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                                        KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation,
                                        ULONG Length, PULONG ResultLength);

#ifdef __cplusplus
}
#endif

#endif
