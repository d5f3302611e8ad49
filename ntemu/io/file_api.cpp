// Zw*File: drivers call these, so the caller's mode is always KernelMode.
#include "ntemu/api/enter.h"
#include "ntemu/io/file.h"
#include "ntemu/ke/bugcheck.h"

using namespace ntemu;

NTSTATUS ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                      PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
                      ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength) {
  NT_ENTER(ZwCreateFile, FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize, FileAttributes,
           ShareAccess, CreateDisposition, CreateOptions, EaBuffer, EaLength);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (EaBuffer && EaLength) return STATUS_EAS_NOT_SUPPORTED;
  io::FileCreate create{.access = DesiredAccess, .open = {}};
  create.open.share = ShareAccess;
  create.open.disposition = CreateDisposition;
  create.open.options = CreateOptions;
  create.open.attributes = FileAttributes;
  create.open.allocation = AllocationSize ? AllocationSize->QuadPart : 0;
  return io::create_file(FileHandle, ObjectAttributes, IoStatusBlock, create, KernelMode);
}

NTSTATUS ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                    PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions) {
  NT_ENTER(ZwOpenFile, FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, ShareAccess, OpenOptions);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  io::FileCreate create{.access = DesiredAccess, .open = {}};
  create.open.share = ShareAccess;
  create.open.options = OpenOptions;
  return io::create_file(FileHandle, ObjectAttributes, IoStatusBlock, create, KernelMode);
}

NTSTATUS ZwReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key) {
  NT_ENTER(ZwReadFile, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length, ByteOffset, Key);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (ApcRoutine) return STATUS_NOT_SUPPORTED;
  return io::read_file(FileHandle, Event, IoStatusBlock, Buffer, Length, ByteOffset, KernelMode);
}

NTSTATUS ZwWriteFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                     PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                     PULONG Key) {
  NT_ENTER(ZwWriteFile, FileHandle, Event, ApcRoutine, ApcContext, IoStatusBlock, Buffer, Length, ByteOffset, Key);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  if (ApcRoutine) return STATUS_NOT_SUPPORTED;
  return io::write_file(FileHandle, Event, IoStatusBlock, Buffer, Length, ByteOffset, KernelMode);
}

NTSTATUS ZwSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                              FILE_INFORMATION_CLASS FileInformationClass) {
  NT_ENTER(ZwSetInformationFile, FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  return io::set_file(FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass, KernelMode);
}

NTSTATUS ZwQueryInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                                FILE_INFORMATION_CLASS FileInformationClass) {
  NT_ENTER(ZwQueryInformationFile, FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass);
  ke::require_irql_at_most(APC_LEVEL, __builtin_return_address(0));
  return io::query_file(FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass, KernelMode);
}
