/* Timers that the system allocates, the clock's resolution, and local time. */
#ifndef NTEMU_KM_NT_EX_TIMER_H
#define NTEMU_KM_NT_EX_TIMER_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _EX_TIMER *PEX_TIMER;

#define EX_TIMER_HIGH_RESOLUTION 4
#define EX_TIMER_NO_WAKE 8
#define EX_TIMER_NOTIFICATION ((ULONG)1 << 31)
#define EX_TIMER_UNLIMITED_TOLERANCE ((LONGLONG)-1)

typedef VOID NTAPI EXT_CALLBACK(PEX_TIMER Timer, PVOID Context);
typedef EXT_CALLBACK *PEXT_CALLBACK;
typedef VOID NTAPI EXT_DELETE_CALLBACK(PVOID Context);
typedef EXT_DELETE_CALLBACK *PEXT_DELETE_CALLBACK;

typedef struct _EXT_SET_PARAMETERS_V0 {
  ULONG Version;
  ULONG Reserved;
  LONGLONG NoWakeTolerance; /* 100 ns units, or EX_TIMER_UNLIMITED_TOLERANCE */
} EXT_SET_PARAMETERS, *PEXT_SET_PARAMETERS, KT2_SET_PARAMETERS, *PKT2_SET_PARAMETERS;

typedef PVOID EXT_CANCEL_PARAMETERS, *PEXT_CANCEL_PARAMETERS;

typedef struct _EXT_DELETE_PARAMETERS {
  ULONG Version;
  ULONG Reserved;
  PEXT_DELETE_CALLBACK DeleteCallback;
  PVOID DeleteContext;
} EXT_DELETE_PARAMETERS, *PEXT_DELETE_PARAMETERS;

/** Allocates a timer that is not set; a wait takes it as a KTIMER. Callback: NULL, or called at DISPATCH_LEVEL each
   time the timer expires. Attributes: EX_TIMER_NOTIFICATION for a notification instead of a synchronization timer, and
   EX_TIMER_HIGH_RESOLUTION or EX_TIMER_NO_WAKE, both of which are a bugcheck (0xC7: code unverified). NULL when there
   is no memory. IRQL: <= DISPATCH_LEVEL. Source: WDK: ExAllocateTimer. Differs: every timer is as exact as the host's
   clock. */
NTKERNELAPI PEX_TIMER NTAPI ExAllocateTimer(PEXT_CALLBACK Callback, PVOID CallbackContext, ULONG Attributes);

/** Sets a timer to expire at DueTime (100 ns units; negative relative, otherwise since 1601) and then every Period
   (100 ns units; 0 never again). Parameters: NULL, or from ExInitializeSetTimerParameters; a negative NoWakeTolerance
   other than EX_TIMER_UNLIMITED_TOLERANCE is a bugcheck (0xC7: code unverified). Returns TRUE when the timer was set
   already: it is cancelled first. FALSE, without effect, on a timer that was given to ExDeleteTimer.
   IRQL: <= DISPATCH_LEVEL. Source: WDK: ExSetTimer, Deleting a System-Allocated Timer Object. */
NTKERNELAPI BOOLEAN NTAPI ExSetTimer(PEX_TIMER Timer, LONGLONG DueTime, LONGLONG Period,
                                     PEXT_SET_PARAMETERS Parameters);

/** Cancels a timer and returns whether it was set; a callback that has begun goes on. Parameters: NULL.
   IRQL: <= DISPATCH_LEVEL. Source: WDK: ExCancelTimer. */
NTKERNELAPI BOOLEAN NTAPI ExCancelTimer(PEX_TIMER Timer, PEXT_CANCEL_PARAMETERS Parameters);

/** Deletes a timer once it is not set and no callback runs; from now on it cannot be set. Cancel: TRUE cancels it,
   FALSE lets it expire once more. Wait: TRUE returns after the deletion and needs Cancel TRUE (else bugcheck 0xC7: code
   unverified) and IRQL <= APC_LEVEL. Parameters: NULL, or from ExInitializeDeleteTimerParameters; its DeleteCallback
   runs at <= DISPATCH_LEVEL when the timer is deleted. Returns whether the timer was set and cancelled; FALSE, without
   effect, when it is being deleted already. IRQL: <= DISPATCH_LEVEL with Wait FALSE. Source: WDK: ExDeleteTimer,
   Deleting a System-Allocated Timer Object. */
NTKERNELAPI BOOLEAN NTAPI ExDeleteTimer(PEX_TIMER Timer, BOOLEAN Cancel, BOOLEAN Wait,
                                        PEXT_DELETE_PARAMETERS Parameters);

/** Reports the clock's tick: the longest, the shortest and the current one (100 ns units). IRQL: any. Source: WDK:
   ExQueryTimerResolution. */
NTKERNELAPI VOID NTAPI ExQueryTimerResolution(PULONG MaximumTime, PULONG MinimumTime, PULONG CurrentTime);

/** Asks for a tick of DesiredTime (100 ns units), or gives one such request back (SetResolution FALSE); the last one
   given back restores the default. Returns the tick that holds now, which is the shortest asked for.
   IRQL: <= APC_LEVEL. Source: WDK: ExSetTimerResolution. Differs: timers do not depend on it. */
NTKERNELAPI ULONG NTAPI ExSetTimerResolution(ULONG DesiredTime, BOOLEAN SetResolution);

/** Converts system time to local time, or back, with the bias of the time zone that holds now, whatever the date.
   IRQL: any. Source: WDK: ExSystemTimeToLocalTime, ExLocalTimeToSystemTime. */
NTKERNELAPI VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime);
NTKERNELAPI VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime);

/* Inline in the WDK, too. */
static inline VOID ExInitializeSetTimerParameters(PEXT_SET_PARAMETERS Parameters) {
  Parameters->Version = 0;
  Parameters->Reserved = 0;
  Parameters->NoWakeTolerance = 0;
}
static inline VOID ExInitializeDeleteTimerParameters(PEXT_DELETE_PARAMETERS Parameters) {
  Parameters->Version = 0;
  Parameters->Reserved = 0;
  Parameters->DeleteCallback = NULL;
  Parameters->DeleteContext = NULL;
}

#ifdef __cplusplus
}
#endif

#endif
