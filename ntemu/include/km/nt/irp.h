/* I/O request packets, share accounting and remove locks. */
#ifndef NTEMU_KM_NT_IRP_H
#define NTEMU_KM_NT_IRP_H

#include "io_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SL_PENDING_RETURNED 0x01
#define SL_ERROR_RETURNED 0x02
#define SL_INVOKE_ON_CANCEL 0x20
#define SL_INVOKE_ON_SUCCESS 0x40
#define SL_INVOKE_ON_ERROR 0x80

/* What a completion routine returns to let the completion go on; anything but STATUS_MORE_PROCESSING_REQUIRED does. */
#define STATUS_CONTINUE_COMPLETION STATUS_SUCCESS

#define IRP_NOCACHE 0x00000001
#define IRP_PAGING_IO 0x00000002
#define IRP_MOUNT_COMPLETION 0x00000002
#define IRP_SYNCHRONOUS_API 0x00000004
#define IRP_ASSOCIATED_IRP 0x00000008
#define IRP_BUFFERED_IO 0x00000010
#define IRP_DEALLOCATE_BUFFER 0x00000020
#define IRP_INPUT_OPERATION 0x00000040
#define IRP_SYNCHRONOUS_PAGING_IO 0x00000040
#define IRP_CREATE_OPERATION 0x00000080
#define IRP_READ_OPERATION 0x00000100
#define IRP_WRITE_OPERATION 0x00000200
#define IRP_CLOSE_OPERATION 0x00000400
#define IRP_DEFER_IO_COMPLETION 0x00000800

typedef struct DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) _IRP {
  CSHORT Type;
  USHORT Size;
  PMDL MdlAddress;
  ULONG Flags;
  union {
    struct _IRP *MasterIrp;
    volatile LONG IrpCount;
    PVOID SystemBuffer;
  } AssociatedIrp;
  LIST_ENTRY ThreadListEntry;
  IO_STATUS_BLOCK IoStatus;
  KPROCESSOR_MODE RequestorMode;
  BOOLEAN PendingReturned;
  CHAR StackCount;
  CHAR CurrentLocation;
  BOOLEAN Cancel;
  KIRQL CancelIrql;
  CCHAR ApcEnvironment;
  UCHAR AllocationFlags;
  union {
    PIO_STATUS_BLOCK UserIosb;
    PVOID IoRingContext;
  };
  PKEVENT UserEvent;
  union {
    struct {
      union {
        PIO_APC_ROUTINE UserApcRoutine;
        PVOID IssuingProcess;
      };
      union {
        PVOID UserApcContext;
        struct _IORING_OBJECT *IoRing;
      };
    } AsynchronousParameters;
    LARGE_INTEGER AllocationSize;
  } Overlay;
  volatile PDRIVER_CANCEL CancelRoutine;
  PVOID UserBuffer;
  union {
    struct {
      union {
        KDEVICE_QUEUE_ENTRY DeviceQueueEntry;
        PVOID DriverContext[4];
      };
      PETHREAD Thread;
      PCHAR AuxiliaryBuffer;
      struct {
        LIST_ENTRY ListEntry;
        union {
          struct _IO_STACK_LOCATION *CurrentStackLocation;
          ULONG PacketType;
        };
      };
      PFILE_OBJECT OriginalFileObject;
    } Overlay;
    KAPC Apc;
    PVOID CompletionKey;
  } Tail;
} IRP, *PIRP;
NTEMU_ASSERT_SIZE(IRP, 0xD0);
NTEMU_ASSERT_OFFSET(IRP, MdlAddress, 8);
NTEMU_ASSERT_OFFSET(IRP, Flags, 0x10);
NTEMU_ASSERT_OFFSET(IRP, AssociatedIrp, 0x18);
NTEMU_ASSERT_OFFSET(IRP, ThreadListEntry, 0x20);
NTEMU_ASSERT_OFFSET(IRP, IoStatus, 0x30);
NTEMU_ASSERT_OFFSET(IRP, RequestorMode, 0x40);
NTEMU_ASSERT_OFFSET(IRP, StackCount, 0x42);
NTEMU_ASSERT_OFFSET(IRP, CurrentLocation, 0x43);
NTEMU_ASSERT_OFFSET(IRP, Cancel, 0x44);
NTEMU_ASSERT_OFFSET(IRP, AllocationFlags, 0x47);
NTEMU_ASSERT_OFFSET(IRP, UserIosb, 0x48);
NTEMU_ASSERT_OFFSET(IRP, UserEvent, 0x50);
NTEMU_ASSERT_OFFSET(IRP, Overlay, 0x58);
NTEMU_ASSERT_OFFSET(IRP, CancelRoutine, 0x68);
NTEMU_ASSERT_OFFSET(IRP, UserBuffer, 0x70);
NTEMU_ASSERT_OFFSET(IRP, Tail, 0x78);
NTEMU_ASSERT_OFFSET(IRP, Tail.Overlay.Thread, 0x98);
NTEMU_ASSERT_OFFSET(IRP, Tail.Overlay.ListEntry, 0xA8);
NTEMU_ASSERT_OFFSET(IRP, Tail.Overlay.CurrentStackLocation, 0xB8);
NTEMU_ASSERT_OFFSET(IRP, Tail.Overlay.OriginalFileObject, 0xC0);

typedef struct _IO_SECURITY_CONTEXT {
  PSECURITY_QUALITY_OF_SERVICE SecurityQos;
  PACCESS_STATE AccessState;
  ACCESS_MASK DesiredAccess;
  ULONG FullCreateOptions;
} IO_SECURITY_CONTEXT, *PIO_SECURITY_CONTEXT;
NTEMU_ASSERT_SIZE(IO_SECURITY_CONTEXT, 0x18);
NTEMU_ASSERT_OFFSET(IO_SECURITY_CONTEXT, FullCreateOptions, 0x14);

typedef struct _IO_STACK_LOCATION {
  UCHAR MajorFunction;
  UCHAR MinorFunction;
  UCHAR Flags;
  UCHAR Control;
  union {
    struct {
      PIO_SECURITY_CONTEXT SecurityContext;
      ULONG Options;
      USHORT POINTER_ALIGNMENT FileAttributes;
      USHORT ShareAccess;
      ULONG POINTER_ALIGNMENT EaLength;
    } Create;
    struct {
      ULONG Length;
      ULONG POINTER_ALIGNMENT Key;
      ULONG Flags;
      LARGE_INTEGER ByteOffset;
    } Read;
    struct {
      ULONG Length;
      ULONG POINTER_ALIGNMENT Key;
      ULONG Flags;
      LARGE_INTEGER ByteOffset;
    } Write;
    struct {
      ULONG Length;
      PUNICODE_STRING FileName;
      FILE_INFORMATION_CLASS FileInformationClass;
      ULONG POINTER_ALIGNMENT FileIndex;
    } QueryDirectory;
    struct {
      ULONG Length;
      ULONG POINTER_ALIGNMENT CompletionFilter;
    } NotifyDirectory;
    struct {
      ULONG Length;
      FILE_INFORMATION_CLASS POINTER_ALIGNMENT FileInformationClass;
    } QueryFile;
    struct {
      ULONG Length;
      FILE_INFORMATION_CLASS POINTER_ALIGNMENT FileInformationClass;
      PFILE_OBJECT FileObject;
      union {
        struct {
          BOOLEAN ReplaceIfExists;
          BOOLEAN AdvanceOnly;
        };
        ULONG ClusterCount;
        HANDLE DeleteHandle;
      };
    } SetFile;
    struct {
      ULONG Length;
      PVOID EaList;
      ULONG EaListLength;
      ULONG POINTER_ALIGNMENT EaIndex;
    } QueryEa;
    struct {
      ULONG Length;
    } SetEa;
    struct {
      ULONG Length;
      ULONG POINTER_ALIGNMENT FsInformationClass; /* FS_INFORMATION_CLASS */
    } QueryVolume;
    struct {
      ULONG OutputBufferLength;
      ULONG POINTER_ALIGNMENT InputBufferLength;
      ULONG POINTER_ALIGNMENT FsControlCode;
      PVOID Type3InputBuffer;
    } FileSystemControl;
    struct {
      PLARGE_INTEGER Length;
      ULONG POINTER_ALIGNMENT Key;
      LARGE_INTEGER ByteOffset;
    } LockControl;
    struct {
      ULONG OutputBufferLength;
      ULONG POINTER_ALIGNMENT InputBufferLength;
      ULONG POINTER_ALIGNMENT IoControlCode;
      PVOID Type3InputBuffer;
    } DeviceIoControl;
    struct {
      SECURITY_INFORMATION SecurityInformation;
      ULONG POINTER_ALIGNMENT Length;
    } QuerySecurity;
    struct {
      SECURITY_INFORMATION SecurityInformation;
      PSECURITY_DESCRIPTOR SecurityDescriptor;
    } SetSecurity;
    struct {
      PVPB Vpb;
      PDEVICE_OBJECT DeviceObject;
    } MountVolume, VerifyVolume;
    struct {
      struct _SCSI_REQUEST_BLOCK *Srb;
    } Scsi;
    struct {
      const GUID *InterfaceType;
      USHORT Size;
      USHORT Version;
      PINTERFACE Interface;
      PVOID InterfaceSpecificData;
    } QueryInterface;
    struct {
      PDEVICE_CAPABILITIES Capabilities;
    } DeviceCapabilities;
    struct {
      ULONG WhichSpace;
      PVOID Buffer;
      ULONG Offset;
      ULONG POINTER_ALIGNMENT Length;
    } ReadWriteConfig;
    struct {
      BOOLEAN Lock;
    } SetLock;
    struct {
      ULONG_PTR ProviderId;
      PVOID DataPath;
      ULONG BufferSize;
      PVOID Buffer;
    } WMI;
    struct {
      PVOID Argument1;
      PVOID Argument2;
      PVOID Argument3;
      PVOID Argument4;
    } Others;
  } Parameters;
  PDEVICE_OBJECT DeviceObject;
  PFILE_OBJECT FileObject;
  PIO_COMPLETION_ROUTINE CompletionRoutine;
  PVOID Context;
} IO_STACK_LOCATION, *PIO_STACK_LOCATION;
NTEMU_ASSERT_SIZE(IO_STACK_LOCATION, 0x48);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters, 8);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.Create.FileAttributes, 0x18);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.Create.ShareAccess, 0x1A);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.Create.EaLength, 0x20);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.Read.ByteOffset, 0x18);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.SetFile.FileObject, 0x18);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode, 0x18);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Parameters.DeviceIoControl.Type3InputBuffer, 0x20);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, DeviceObject, 0x28);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, FileObject, 0x30);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, CompletionRoutine, 0x38);
NTEMU_ASSERT_OFFSET(IO_STACK_LOCATION, Context, 0x40);

typedef struct _SHARE_ACCESS {
  ULONG OpenCount;
  ULONG Readers;
  ULONG Writers;
  ULONG Deleters;
  ULONG SharedRead;
  ULONG SharedWrite;
  ULONG SharedDelete;
} SHARE_ACCESS, *PSHARE_ACCESS;
NTEMU_ASSERT_SIZE(SHARE_ACCESS, 0x1C);

typedef struct _IO_REMOVE_LOCK_COMMON_BLOCK {
  BOOLEAN Removed;
  BOOLEAN Reserved[3];
  volatile LONG IoCount;
  KEVENT RemoveEvent;
} IO_REMOVE_LOCK_COMMON_BLOCK;
NTEMU_ASSERT_SIZE(IO_REMOVE_LOCK_COMMON_BLOCK, 0x20);

typedef struct _IO_REMOVE_LOCK_DBG_BLOCK {
  LONG Signature;
  ULONG HighWatermark;
  LONGLONG MaxLockedTicks;
  LONG AllocateTag;
  LIST_ENTRY LockList;
  KSPIN_LOCK Spin;
  volatile LONG LowMemoryCount;
  ULONG Reserved1[4];
  PVOID Reserved2;
  struct _IO_REMOVE_LOCK_TRACKING_BLOCK *Blocks;
} IO_REMOVE_LOCK_DBG_BLOCK;
NTEMU_ASSERT_SIZE(IO_REMOVE_LOCK_DBG_BLOCK, 0x58);
NTEMU_ASSERT_OFFSET(IO_REMOVE_LOCK_DBG_BLOCK, Spin, 0x28);
NTEMU_ASSERT_OFFSET(IO_REMOVE_LOCK_DBG_BLOCK, Reserved2, 0x48);

typedef struct _IO_REMOVE_LOCK {
  IO_REMOVE_LOCK_COMMON_BLOCK Common;
#if DBG
  IO_REMOVE_LOCK_DBG_BLOCK Dbg;
#endif
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;
NTEMU_ASSERT_SIZE(IO_REMOVE_LOCK, DBG ? 0x78 : 0x20);

FORCEINLINE PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP Irp) { return Irp->Tail.Overlay.CurrentStackLocation; }
FORCEINLINE PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP Irp) {
  return Irp->Tail.Overlay.CurrentStackLocation - 1;
}

#ifdef __cplusplus
}
#endif

#endif
