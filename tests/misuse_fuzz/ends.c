/* What ends a machine at once, callbacks of a bugcheck that misbehave, and writes to memory that is not the driver's. */
#include "chaos.h"

static KBUGCHECK_CALLBACK_RECORD Records[OBJECTS];
static UCHAR Buffers[OBJECTS][64];
static volatile LONG Registered;
static KSPIN_LOCK CallbackLock;
static UCHAR Image[256] = {1}; /* in the middle of what the driver has of its own */

static VOID CallBack(PVOID Buffer, ULONG Length) { RtlFillMemory(Buffer, Length, 0x43); }
static VOID CallBackFaults(PVOID Buffer, ULONG Length)
{
    UNREFERENCED_PARAMETER(Length);
    *(volatile UCHAR *)((ULONG_PTR)Buffer & 0xF) = 1;
}
static VOID CallBackStops(PVOID Buffer, ULONG Length)
{
    KeBugCheckEx(0xE2, (ULONG_PTR)Buffer, Length, 0, 0);
}
static VOID CallBackLocks(PVOID Buffer, ULONG Length)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(Buffer), UNREFERENCED_PARAMETER(Length);
    KeAcquireSpinLock(&CallbackLock, &irql);
    KeReleaseSpinLock(&CallbackLock, irql);
    DbgPrint("chaos: called back\n");
}
static VOID CallBackAllocates(PVOID Buffer, ULONG Length)
{
    PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, Length, CHAOS_TAG);
    UNREFERENCED_PARAMETER(Buffer);
    if (block) ExFreePoolWithTag(block, CHAOS_TAG);
}

VOID UseBugcheckCallback(PLAYER *Player)
{
    static const PKBUGCHECK_CALLBACK_ROUTINE routines[] = {CallBack, CallBackLocks, CallBackFaults, CallBackStops,
                                                           CallBackAllocates};
    ULONG i = Below(Player, OBJECTS), routine = Wrong(Player) ? Below(Player, 5) : 0;
    if (InterlockedOr(&Registered, 1 << i) & (1 << i)) return;
    KeInitializeCallbackRecord(&Records[i]);
    KeRegisterBugCheckCallback(&Records[i], routines[routine], Buffers[i], sizeof Buffers[i], (PUCHAR) "chaos");
}

VOID RemoveCallbacks(VOID)
{
    ULONG i;
    for (i = 0; i < OBJECTS; ++i) {
        if (Registered & (1 << i)) KeDeregisterBugCheckCallback(&Records[i]);
    }
}

static ULONG Recurse(volatile ULONG *Depth)
{
    volatile ULONG deeper[64];
    deeper[0] = *Depth + 1;
    return Recurse(deeper) + deeper[0];
}

VOID UseEnd(PLAYER *Player)
{
    volatile ULONG depth = 0;
    static const ULONG codes[] = {0xE2, 0, 0x1234, 0xDEADDEAD, 0xC4, 0xFFFFFFFF};
    switch (Below(Player, 10)) {
    case 0: KeBugCheckEx(Pick(Player, codes, 6), 1, 2, 3, 4);
    case 1: ExRaiseStatus(STATUS_IN_PAGE_ERROR);
    case 2: RtlFailFast(FAST_FAIL_INVALID_ARG); break;
    case 3: *(volatile ULONG *)(ULONG_PTR)Below(Player, 16) = 1; break;
    case 4: Recurse(&depth); break;
    case 5: __asm__ volatile("ud2"); break;
    case 6: __asm__ volatile("int3"); break;
    case 7: ((VOID (*)(VOID))(ULONG_PTR)Image)(); break;
    case 8: *(volatile UCHAR *)(ULONG_PTR)UseEnd = 1; break;
    case 9: PsTerminateSystemThread(STATUS_UNSUCCESSFUL); break;
    }
}

static ULONG_PTR WildAddress(PLAYER *Player)
{
    ULONG_PTR random = (ULONG_PTR)Below(Player, 0xFFFFFFFF) << 32 | Below(Player, 0xFFFFFFFF), base;
    ULONG_PTR stack[4];
    PKTHREAD thread = Players[Below(Player, PLAYERS)].Thread;
    CHAOS_BLOCK *block = &Player->Blocks[Below(Player, BLOCKS)];
    switch (Below(Player, 20)) {
    case 0:
    case 1:
    case 2: return (ULONG_PTR)Image + random % 0x8000 - 0x4000;
    case 3:
    case 4:
    case 5: return (ULONG_PTR)&Players[0] + random % sizeof Players;
    case 6:
    case 7:
    case 8: return (block->Bytes ? (ULONG_PTR)block->Bytes : (ULONG_PTR)Device) + random % 0x10000 - 0x8000;
    case 9:
    case 10:
    case 11: return (ULONG_PTR)&PsInitialSystemProcess + random % 0x20000 - 0x10000;
    case 12:
    case 13:
    case 14:
        /* KTHREAD: StackBase is at 0x38. */
        if (!thread) return random % 0x1000;
        base = *(ULONG_PTR *)((PUCHAR)thread + 0x38);
        return base - 8 - random % 0x3000 / 8 * 8;
    case 15:
    case 16: return thread ? (ULONG_PTR)thread + random % 0x800 : random;
    case 17: return (ULONG_PTR)stack + random % 0x400;
    case 18: return random % 0x100000;
    default: return random;
    }
}

VOID UseWildWrite(PLAYER *Player)
{
    ULONG_PTR address = WildAddress(Player), length = 1 + Below(Player, 16), i;
    for (i = 0; i < length; ++i) ((volatile UCHAR *)address)[i] = (UCHAR)Below(Player, 256);
}
