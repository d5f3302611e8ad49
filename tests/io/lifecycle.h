/* What lifecycle.c shares with the test that loads it. */
#include <ntddk.h>

typedef struct _LIFECYCLE {
  KEVENT Entered;    /* set by DriverEntry */
  KEVENT Unloading;  /* set by DriverUnload */
  KEVENT Gate;       /* Slow* waits for it in DriverEntry, SlowUnload* in DriverUnload */
  KEVENT ThreadGate; /* the thread of LeaveThread* waits for it */
  volatile LONG Entries;
  volatile LONG Unloads;
} LIFECYCLE, *PLIFECYCLE;
