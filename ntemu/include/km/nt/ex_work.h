/* Work items of the system worker threads. */
#ifndef NTEMU_KM_NT_EX_WORK_H
#define NTEMU_KM_NT_EX_WORK_H

#include "ex_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a work item that is not queued. Any IRQL. A macro in the WDK, too. */
#define ExInitializeWorkItem(Item, Routine, Context) \
  do {                                               \
    (Item)->WorkerRoutine = (Routine);               \
    (Item)->Parameter = (Context);                   \
    (Item)->List.Flink = NULL;                       \
  } while (0)

/** Lets a system worker thread call the item's routine at PASSIVE_LEVEL; from then on the item is the routine's, to
   free or to queue again. QueueType: a queue below MaximumWorkQueue, or CustomPriorityWorkQueue plus a priority of 0 to
   31; higher priorities are taken first (RealTime 18, HyperCritical 15, SuperCritical 14, Critical 13, Delayed 12,
   Normal 8, Background 7). Bugcheck 0xE4 with (1, item, queue, 0) when the item is queued already, (6, item, queue, 0)
   for another queue, (7, item, queue, 0) for a NULL routine. When the routine returns: 0x39 (routine, parameter, item,
   0) if it still owns a mutex, 0xE1 (routine, IRQL, parameter, item) at a raised IRQL, 0x1 (routine, APC index, APC
   counts, 1) if its enters and leaves of critical or guarded regions do not match. IRQL: <= DISPATCH_LEVEL. Source:
   WDK: ExQueueWorkItem; Bug Check 0xE4, 0x39, 0xE1, 0x1; the priorities: Windows Internals. */
NTKERNELAPI VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

#ifdef __cplusplus
}
#endif

#endif
