/* Pool blocks, lookaside lists, linked lists and MDLs, and what goes wrong with them. */
#include "chaos.h"

static VOID FreeBlock(CHAOS_BLOCK *Block)
{
    ExFreePoolWithTag(Block->Bytes, CHAOS_TAG);
    Block->Bytes = NULL;
}

VOID FreeBlocks(PLAYER *Player)
{
    ULONG i;
    for (i = 0; i < BLOCKS; ++i) {
        if (Player->Blocks[i].Bytes) FreeBlock(&Player->Blocks[i]);
    }
}

static VOID Allocate(PLAYER *Player, CHAOS_BLOCK *Block)
{
    static const ULONG limits[] = {8, 64, 500, 4096, 20000, 70000};
    Block->Paged = KeGetCurrentIrql() < DISPATCH_LEVEL && Below(Player, 2);
    Block->Size = Wrong(Player) ? Below(Player, 3) * 1000000000ull : 1 + Below(Player, Pick(Player, limits, 6));
    if (Below(Player, 2))
        Block->Bytes = ExAllocatePool2(Block->Paged ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED, Block->Size, CHAOS_TAG);
    else
        Block->Bytes = ExAllocatePoolWithTag(Block->Paged ? PagedPool : NonPagedPoolNx, Block->Size, CHAOS_TAG);
    if (Block->Bytes && Block->Size < 100000) RtlFillMemory(Block->Bytes, Block->Size, 0x5A);
}

/* Within the block's own pages, or those right beside it. */
static VOID Damage(PLAYER *Player, CHAOS_BLOCK *Block)
{
    volatile UCHAR *bytes = Block->Bytes;
    SIZE_T size = Block->Size, offset = Below(Player, (ULONG)size), length = 1 + Below(Player, 24), i;
    switch (Below(Player, 8)) {
    case 0:
        FreeBlock(Block);
        ExFreePoolWithTag((PVOID)bytes, CHAOS_TAG);
        break;
    case 1:
        for (i = 0; i < length; ++i) bytes[size + i] = 0x41;
        break;
    case 2:
        for (i = 1; i <= length; ++i) bytes[-(LONG_PTR)i] = 0x41;
        break;
    case 3:
        FreeBlock(Block);
        bytes[offset] = 0x41;
        break;
    case 4:
        FreeBlock(Block);
        if (bytes[offset] == 0x42) DbgPrint("chaos: read\n");
        break;
    case 5:
        ExFreePoolWithTag((PVOID)bytes, 'rehO');
        Block->Bytes = NULL;
        break;
    case 6: Block->Bytes = NULL; break;
    case 7:
        ExFreePoolWithTag((PVOID)(bytes + 16), CHAOS_TAG);
        break;
    }
}

VOID UsePool(PLAYER *Player)
{
    CHAOS_BLOCK *block = &Player->Blocks[Below(Player, BLOCKS)];
    if (!block->Bytes) {
        Allocate(Player, block);
        return;
    }
    if (block->Paged && KeGetCurrentIrql() >= DISPATCH_LEVEL && !Wrong(Player)) return;
    if (Wrong(Player)) {
        Damage(Player, block);
        return;
    }
    if (block->Size < 100000) RtlFillMemory(block->Bytes, block->Size, (UCHAR)Below(Player, 256));
    if (Below(Player, 2)) FreeBlock(block);
}

VOID UseLookaside(PLAYER *Player)
{
    NPAGED_LOOKASIDE_LIST *list;
    PVOID first, second;
    list = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof *list, CHAOS_TAG);
    if (!list) return;
    ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 96, CHAOS_TAG, 0);
    first = ExAllocateFromNPagedLookasideList(list);
    second = ExAllocateFromNPagedLookasideList(list);
    if (second) ExFreeToNPagedLookasideList(list, second);
    if (first) ExFreeToNPagedLookasideList(list, first);
    if (first && Wrong(Player)) ExFreeToNPagedLookasideList(list, first);
    if (first && Wrong(Player)) RtlFillMemory(first, 96, 0x41);
    if (!Wrong(Player)) ExDeleteNPagedLookasideList(list);
    ExFreePoolWithTag(list, CHAOS_TAG);
}

VOID UseList(PLAYER *Player)
{
    LIST_ENTRY head, entries[4];
    ULONG i, wrong = Wrong(Player) ? 1 + Below(Player, 4) : 0;
    InitializeListHead(&head);
    for (i = 0; i < 4; ++i) Below(Player, 2) ? InsertTailList(&head, &entries[i]) : InsertHeadList(&head, &entries[i]);
    if (wrong == 1) entries[1].Flink = &entries[1];
    if (wrong == 2) head.Blink = &entries[2];
    if (wrong == 3) entries[0].Blink = NULL;
    if (wrong == 4) RemoveEntryList(&entries[3]);
    RemoveEntryList(&entries[Below(Player, 4)]);
    while (!IsListEmpty(&head)) RemoveHeadList(&head);
}

VOID UseMdl(PLAYER *Player)
{
    CHAOS_BLOCK *block = &Player->Blocks[Below(Player, BLOCKS)];
    PMDL mdl;
    volatile UCHAR *mapped;
    if (!block->Bytes || (block->Paged && !Wrong(Player)) || block->Size > 100000) return;
    mdl = IoAllocateMdl(block->Bytes, (ULONG)block->Size, FALSE, FALSE, NULL);
    if (!mdl) return;
    if (!Wrong(Player)) MmBuildMdlForNonPagedPool(mdl);
    if (Wrong(Player)) MmUnlockPages(mdl);
    mapped = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);
    if (mapped) mapped[Below(Player, (ULONG)block->Size)] = 0x5B;
    IoFreeMdl(mdl);
    if (Wrong(Player)) IoFreeMdl(mdl);
}
