/* Timers, and the less usual clocks. */
#ifndef NTEMU_KM_NT_KE_TIMER_H
#define NTEMU_KM_NT_KE_TIMER_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Initializes a notification timer that is neither set nor signaled. IRQL: <= DISPATCH_LEVEL. Source: WDK:
   KeInitializeTimer. */
NTKERNELAPI VOID NTAPI KeInitializeTimer(PKTIMER Timer);

/** Initializes a timer that is neither set nor signaled. NotificationTimer: stays signaled until it is set again and
   releases every waiter; SynchronizationTimer: releases one waiter and is no longer signaled then.
   IRQL: <= DISPATCH_LEVEL. Source: WDK: KeInitializeTimerEx. */
NTKERNELAPI VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);

/** Sets a timer, which is not signaled until it expires and then, if Dpc is not NULL, queues Dpc. DueTime: 100 ns
   units; negative relative, otherwise since 1601 and following every later change of the system time; one that has
   passed signals and queues before the call returns. Returns TRUE when the timer was set already: it is cancelled
   first, but a DPC that is queued runs. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeSetTimer. Differs: expires at the time
   asked for, not at the clock tick after it. */
NTKERNELAPI BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);

/** Sets a timer that, after DueTime, expires every Period milliseconds (0: never again; negative counts as 0,
   unverified) until it is cancelled; else as KeSetTimer. Periods that nobody was there for (the processors were taken,
   the host slept) are one expiration. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeSetTimerEx. */
NTKERNELAPI BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);

/** As KeSetTimerEx; the timer may expire up to TolerableDelay milliseconds late, together with others.
   IRQL: <= DISPATCH_LEVEL. Source: WDK: KeSetCoalescableTimer. Differs: makes no use of the delay. */
NTKERNELAPI BOOLEAN NTAPI KeSetCoalescableTimer(PKTIMER Timer, LARGE_INTEGER DueTime, ULONG Period,
                                                ULONG TolerableDelay, PKDPC Dpc);

/** Cancels a timer and returns whether it was set, which a periodic one is until cancelled. Whether it is signaled does
   not change, and a DPC that is queued runs. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeCancelTimer. */
NTKERNELAPI BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer);

/** Returns whether a timer is signaled. IRQL: <= DISPATCH_LEVEL. Source: WDK: KeReadStateTimer. */
NTKERNELAPI BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer);

/** Returns the time since boot (100 ns) to the resolution of the clock, and stores KeQueryPerformanceCounter's value of
   the same moment. IRQL: any. Source: WDK: KeQueryInterruptTimePrecise. */
NTKERNELAPI ULONGLONG NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp);

/** Returns the time since boot (100 ns) without the time that the system slept. IRQL: any. Source: WDK:
   KeQueryUnbiasedInterruptTime. Differs: the interrupt time does not count the host's sleep either. */
NTKERNELAPI ULONGLONG NTAPI KeQueryUnbiasedInterruptTime(VOID);

#ifdef __cplusplus
}
#endif

#endif
