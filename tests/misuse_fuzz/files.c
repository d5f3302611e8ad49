/* Files, registry keys, objects and their handles. */
#include "chaos.h"

#define FOLDER L"\\DosDevices\\C:\\chaos\\"

static NTSTATUS Open(PUNICODE_STRING Name, ACCESS_MASK Access, ULONG Disposition, ULONG Options, PHANDLE File)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK status;
    InitializeObjectAttributes(&attributes, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    return ZwCreateFile(File, Access, &attributes, &status, NULL, FILE_ATTRIBUTE_NORMAL,
                        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, Disposition, Options, NULL, 0);
}

static VOID NameFile(PLAYER *Player, WCHAR Letter, PWCHAR Text, ULONG Length, PUNICODE_STRING Name)
{
    static const WCHAR odd[] = {L'*', L'?', L'\\', L':', L'.', L' ', 0, 0xD800, L'/'};
    WCHAR last = Wrong(Player) ? odd[Below(Player, RTL_NUMBER_OF(odd))] : Letter;
    swprintf(Text, FOLDER L"%u_%u%c", Player->Index, Below(Player, 4), last);
    UNREFERENCED_PARAMETER(Length);
    RtlInitUnicodeString(Name, Text);
    if (Wrong(Player)) Name->Length |= 1;
}

static VOID Rename(PLAYER *Player, HANDLE File)
{
    struct {
        FILE_RENAME_INFORMATION Information;
        WCHAR Space[80];
    } rename;
    WCHAR text[80];
    UNICODE_STRING name;
    IO_STATUS_BLOCK status;
    NameFile(Player, L'r', text, RTL_NUMBER_OF(text), &name);
    RtlZeroMemory(&rename, sizeof rename);
    rename.Information.ReplaceIfExists = (BOOLEAN)Below(Player, 2);
    rename.Information.FileNameLength = Wrong(Player) ? Below(Player, 400) : name.Length;
    RtlCopyMemory(rename.Information.FileName, text, name.Length);
    ZwSetInformationFile(File, &status, &rename.Information, sizeof rename, FileRenameInformation);
}

VOID UseFile(PLAYER *Player)
{
    static const ULONG dispositions[] = {FILE_OPEN, FILE_OPEN_IF, FILE_OVERWRITE_IF, FILE_SUPERSEDE, FILE_CREATE, 77};
    WCHAR text[80];
    UCHAR bytes[700];
    UNICODE_STRING name;
    HANDLE file;
    IO_STATUS_BLOCK status;
    LARGE_INTEGER offset;
    FILE_DISPOSITION_INFORMATION disposition = {TRUE};
    ULONG disposition_kind = Pick(Player, dispositions, Wrong(Player) ? 6 : 5), i;
    NameFile(Player, L'f', text, RTL_NUMBER_OF(text), &name);
    if (!NT_SUCCESS(Open(&name, GENERIC_READ | GENERIC_WRITE | DELETE, disposition_kind,
                         FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, &file)))
        return;
    RtlFillMemory(bytes, sizeof bytes, (UCHAR)Player->Index);
    for (i = Below(Player, 4); i > 0; --i) {
        offset.QuadPart = Wrong(Player) ? -(LONGLONG)Below(Player, 5) : (LONGLONG)Below(Player, 3000);
        switch (Below(Player, 5)) {
        case 0: ZwWriteFile(file, NULL, NULL, NULL, &status, bytes, sizeof bytes, &offset, NULL); break;
        case 1: ZwReadFile(file, NULL, NULL, NULL, &status, bytes, sizeof bytes, &offset, NULL); break;
        case 2: Rename(Player, file); break;
        case 3:
            ZwSetInformationFile(file, &status, &disposition, sizeof disposition, FileDispositionInformation);
            break;
        case 4: Step(Player); break;
        }
        if (Wrong(Player)) ZwReadFile(file, NULL, NULL, NULL, &status, NULL, 100, &offset, NULL);
    }
    if (!Wrong(Player)) ZwClose(file);
    if (Wrong(Player)) ZwClose(file);
    if (Wrong(Player)) ZwWriteFile(file, NULL, NULL, NULL, &status, bytes, sizeof bytes, NULL, NULL);
}

VOID UseBadHandle(PLAYER *Player)
{
    static const LONG_PTR handles[] = {0, -1, -2, 3, 0x12345678, (LONG_PTR)0x8000000000000000, (LONG_PTR)0xFFFFFFFF80000004};
    HANDLE handle = (HANDLE)handles[Below(Player, RTL_NUMBER_OF(handles))];
    IO_STATUS_BLOCK status;
    UCHAR bytes[16];
    PVOID object;
    LARGE_INTEGER none = {.QuadPart = 0};
    switch (Below(Player, 6)) {
    case 0: ZwClose(handle); break;
    case 1: ZwReadFile(handle, NULL, NULL, NULL, &status, bytes, sizeof bytes, NULL, NULL); break;
    case 2: ZwWaitForSingleObject(handle, FALSE, &none); break;
    case 3: ZwSetEvent(handle, NULL); break;
    case 4:
        if (NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, NULL)))
            ObDereferenceObject(object);
        break;
    case 5: ZwSetInformationFile(handle, &status, bytes, sizeof bytes, FileRenameInformation); break;
    }
}

VOID UseObject(PLAYER *Player)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    WCHAR text[40];
    HANDLE event;
    PVOID object;
    LARGE_INTEGER timeout;
    swprintf(text, L"\\BaseNamedObjects\\chaos%u", Below(Player, 4));
    RtlInitUnicodeString(&name, text);
    InitializeObjectAttributes(&attributes, Below(Player, 2) ? &name : NULL, OBJ_KERNEL_HANDLE | OBJ_OPENIF, NULL, NULL);
    if (!NT_SUCCESS(ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, SynchronizationEvent, FALSE))) return;
    if (Below(Player, 2)) ZwSetEvent(event, NULL);
    ZwWaitForSingleObject(event, FALSE, RandomTimeout(Player, &timeout));
    if (NT_SUCCESS(ObReferenceObjectByHandle(event, EVENT_ALL_ACCESS, Wrong(Player) ? *PsThreadType : *ExEventObjectType,
                                             KernelMode, &object, NULL))) {
        KeSetEvent(object, IO_NO_INCREMENT, FALSE);
        Step(Player);
        if (!Wrong(Player)) ObDereferenceObject(object);
        if (Wrong(Player)) ObDereferenceObject(object);
    }
    if (!Wrong(Player)) ZwClose(event);
    if (Wrong(Player)) ZwClose(event);
}

VOID UseKey(PLAYER *Player)
{
    static UNICODE_STRING path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\CurrentControlSet\\Control");
    static UNICODE_STRING wrong_path = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\..\\\\*");
    static UNICODE_STRING value = RTL_CONSTANT_STRING(L"Start");
    OBJECT_ATTRIBUTES attributes;
    UCHAR bytes[64];
    ULONG length;
    HANDLE key;
    InitializeObjectAttributes(&attributes, Wrong(Player) ? &wrong_path : &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
                               NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes))) return;
    ZwQueryValueKey(key, &value, KeyValuePartialInformation, bytes, Wrong(Player) ? 1 : sizeof bytes, &length);
    if (!Wrong(Player)) ZwClose(key);
    if (Wrong(Player)) ZwClose(key);
}
