/* A driver that calls the kernel at random, and at random wrongly; what it does follows from a seed alone. */
#pragma once
#include <ntifs.h>

#define CHAOS_TAG 'soaC'
#define PLAYERS 8
#define SETS 3
#define BLOCKS 8
#define OBJECTS 4

typedef struct _CHAOS_BLOCK {
  UCHAR *Bytes;
  SIZE_T Size;
  BOOLEAN Paged;
} CHAOS_BLOCK;

/* One of the threads, and what it alone uses. */
typedef struct _PLAYER {
  ULONG Index;
  ULONG64 Random;
  ULONG Depth;
  ULONG Rank; /* of the last lock that it took: the next one has to have a higher one */
  KIRQL OldIrql[SETS];
  KLOCK_QUEUE_HANDLE Queued[SETS];
  CHAOS_BLOCK Blocks[BLOCKS];
  KTIMER Timers[OBJECTS];
  KDPC Dpcs[OBJECTS];
  WORK_QUEUE_ITEM Items[OBJECTS];
  LONG ItemBusy[OBJECTS];
  PKTHREAD Thread;
} PLAYER;

typedef VOID STEP(PLAYER *Player);

extern ULONG64 ChaosSeed;
extern ULONG WrongRate; /* of 1000 chances to do something wrong; 0: everything is right */
extern volatile LONG Stopping;
extern PLAYER Players[PLAYERS];
extern PDEVICE_OBJECT Device;
extern PDRIVER_OBJECT Driver;
extern KEVENT Never, Events[OBJECTS];

ULONG Below(PLAYER *Player, ULONG Limit);
ULONG Pick(PLAYER *Player, const ULONG *Values, ULONG Count);
BOOLEAN Wrong(PLAYER *Player);
/* One random step that may be made where the caller is. */
VOID Step(PLAYER *Player);
/* NULL is for ever. */
PLARGE_INTEGER RandomTimeout(PLAYER *Player, PLARGE_INTEGER Timeout);
/* A routine in a thread of its own; FALSE when there is none. Unload waits for those that are not to be forgotten. */
BOOLEAN StartThread(PKSTART_ROUTINE Routine, PVOID Context, PKTHREAD *Thread);
VOID Begin(VOID);
VOID End(VOID);

VOID InitializeLocks(VOID);
VOID DeleteLocks(VOID);
STEP UseLock, UseRegion, UseIrql;

VOID InitializeSemaphores(VOID);
VOID InitializeQueues(PLAYER *Player);
VOID StopQueues(PLAYER *Player);
STEP UseTimer, UseDpc, UseWorkItem, UseIoWorkItem, UseEvent, UseSemaphore, UseWait, UseApc, UseThread, UseBroadcast;

VOID FreeBlocks(PLAYER *Player);
STEP UsePool, UseLookaside, UseList, UseMdl;

STEP UseFile, UseBadHandle, UseObject, UseKey;
VOID RegisterDispatch(PDRIVER_OBJECT DriverObject);
STEP UseDevice, UseIrp, UseControl;

VOID RemoveCallbacks(VOID);
STEP UseEnd, UseWildWrite, UseBugcheckCallback;
