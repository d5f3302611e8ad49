/* The tables in abi/ as a C driver sees them: layouts and constants while it is compiled, bit fields when it starts. */
#include <ntifs.h>

#define LAYOUT(Structure, Size, Alignment)                     \
    NTEMU_ASSERT_LAYOUT(sizeof(Structure) == (Size));          \
    NTEMU_ASSERT_LAYOUT(__alignof__(Structure) == (Alignment));
#define FIELD(Structure, Name, Offset, Bytes)                              \
    NTEMU_ASSERT_LAYOUT(__builtin_offsetof(Structure, Name) == (Offset)); \
    NTEMU_ASSERT_LAYOUT(sizeof(((Structure *)0)->Name) == (Bytes));
#define CONSTANT(Expression, Value) NTEMU_ASSERT_LAYOUT((ULONG64)(Expression) == (ULONG64)(Value));
#define STATUS(Name, Value) NTEMU_ASSERT_LAYOUT((ULONG)STATUS_##Name == (Value));
#include "abi/constants.def"
#include "abi/executive.def"
#include "abi/io.def"
#include "abi/statuses.def"

static ULONG Checked, Wrong;

static VOID Check(PCSTR Name, const VOID *Object, SIZE_T Size, SIZE_T Offset, ULONG64 Expected)
{
    ULONG64 Raw = 0;

    RtlCopyMemory(&Raw, (const UCHAR *)Object + Offset, Size - Offset < sizeof(Raw) ? Size - Offset : sizeof(Raw));
    Checked++;
    if (Raw != Expected) {
        Wrong++;
        DbgPrint("%s is 0x%I64x, not 0x%I64x\n", Name, Raw, Expected);
    }
}

#define BITS(Structure, Name, Value, Offset, Raw)                            \
    {                                                                        \
        Structure Object;                                                    \
        RtlZeroMemory((PVOID)&Object, sizeof(Object));                       \
        Object.Name = Value;                                                 \
        Check(#Structure "." #Name, &Object, sizeof(Object), Offset, Raw);   \
    }

static DRIVER_UNLOAD Unload;
static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

DRIVER_INITIALIZE DriverEntry;
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = Unload;
#include "abi/bits.def"
    DbgPrint("%u bit fields, %u wrong\n", Checked, Wrong);
    return STATUS_SUCCESS;
}
