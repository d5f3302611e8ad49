/* Interrupts, and routines that run on every processor. */
#ifndef NTEMU_KM_NT_KE_INTERRUPT_H
#define NTEMU_KM_NT_KE_INTERRUPT_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONNECT_FULLY_SPECIFIED 0x1
#define CONNECT_LINE_BASED 0x2
#define CONNECT_MESSAGE_BASED 0x3
#define CONNECT_FULLY_SPECIFIED_GROUP 0x4
#define CONNECT_CURRENT_VERSION 0x4

struct _DEVICE_OBJECT;
struct _IO_INTERRUPT_MESSAGE_INFO;
typedef struct _KINTERRUPT *PKINTERRUPT, *PRKINTERRUPT;
typedef enum _KINTERRUPT_MODE { LevelSensitive, Latched } KINTERRUPT_MODE;

typedef BOOLEAN NTAPI KSERVICE_ROUTINE(struct _KINTERRUPT *Interrupt, PVOID ServiceContext);
typedef KSERVICE_ROUTINE *PKSERVICE_ROUTINE;
typedef BOOLEAN NTAPI KMESSAGE_SERVICE_ROUTINE(struct _KINTERRUPT *Interrupt, PVOID ServiceContext, ULONG MessageID);
typedef KMESSAGE_SERVICE_ROUTINE *PKMESSAGE_SERVICE_ROUTINE;
typedef BOOLEAN NTAPI KSYNCHRONIZE_ROUTINE(PVOID SynchronizeContext);
typedef KSYNCHRONIZE_ROUTINE *PKSYNCHRONIZE_ROUTINE;
typedef ULONG_PTR NTAPI KIPI_BROADCAST_WORKER(ULONG_PTR Argument);
typedef KIPI_BROADCAST_WORKER *PKIPI_BROADCAST_WORKER;

typedef struct _IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS {
  struct _DEVICE_OBJECT *PhysicalDeviceObject;
  PKINTERRUPT *InterruptObject;
  PKSERVICE_ROUTINE ServiceRoutine;
  PVOID ServiceContext;
  PKSPIN_LOCK SpinLock;
  KIRQL SynchronizeIrql;
  BOOLEAN FloatingSave;
  BOOLEAN ShareVector;
  ULONG Vector;
  KIRQL Irql;
  KINTERRUPT_MODE InterruptMode;
  KAFFINITY ProcessorEnableMask;
  USHORT Group;
} IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS, *PIO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS;

typedef struct _IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS {
  struct _DEVICE_OBJECT *PhysicalDeviceObject;
  PKINTERRUPT *InterruptObject;
  PKSERVICE_ROUTINE ServiceRoutine;
  PVOID ServiceContext;
  PKSPIN_LOCK SpinLock;
  KIRQL SynchronizeIrql;
  BOOLEAN FloatingSave;
} IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS, *PIO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS;

typedef struct _IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS {
  struct _DEVICE_OBJECT *PhysicalDeviceObject;
  union {
    PVOID *Generic;
    struct _IO_INTERRUPT_MESSAGE_INFO **InterruptMessageTable;
    PKINTERRUPT *InterruptObject;
  } ConnectionContext;
  PKMESSAGE_SERVICE_ROUTINE MessageServiceRoutine;
  PVOID ServiceContext;
  PKSPIN_LOCK SpinLock;
  KIRQL SynchronizeIrql;
  BOOLEAN FloatingSave;
  PKSERVICE_ROUTINE FallBackServiceRoutine;
} IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS, *PIO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS;

typedef struct _IO_CONNECT_INTERRUPT_PARAMETERS {
  ULONG Version;
  union {
    IO_CONNECT_INTERRUPT_FULLY_SPECIFIED_PARAMETERS FullySpecified;
    IO_CONNECT_INTERRUPT_LINE_BASED_PARAMETERS LineBased;
    IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS MessageBased;
  };
} IO_CONNECT_INTERRUPT_PARAMETERS, *PIO_CONNECT_INTERRUPT_PARAMETERS;

typedef struct _IO_DISCONNECT_INTERRUPT_PARAMETERS {
  ULONG Version;
  union {
    PVOID Generic;
    PKINTERRUPT InterruptObject;
    struct _IO_INTERRUPT_MESSAGE_INFO *InterruptMessageTable;
  } ConnectionContext;
} IO_DISCONNECT_INTERRUPT_PARAMETERS, *PIO_DISCONNECT_INTERRUPT_PARAMETERS;

/** Connects a service routine to an interrupt vector: from now on it is called at SynchronizeIrql, holding SpinLock (a
   lock of the interrupt's own when NULL), whenever the vector is fired. Irql: the device's, above DISPATCH_LEVEL and
   not above SynchronizeIrql. Returns STATUS_SUCCESS; STATUS_INVALID_PARAMETER when the levels or the processors make no
   sense, or the vector is taken and not shared by both. IRQL: PASSIVE_LEVEL. Source: WDK: IoConnectInterrupt. Differs:
   there are no devices; the host fires a vector (Machine::fire_interrupt), on any processor, once a thread has one. */
NTKERNELAPI NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT *InterruptObject, PKSERVICE_ROUTINE ServiceRoutine,
                                              PVOID ServiceContext, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql,
                                              KIRQL SynchronizeIrql, KINTERRUPT_MODE InterruptMode, BOOLEAN ShareVector,
                                              KAFFINITY ProcessorEnableMask, BOOLEAN FloatingSave);

/** Takes a service routine off its vector, and returns when no call of it is left. IRQL: PASSIVE_LEVEL. Source: WDK:
    IoDisconnectInterrupt. */
NTKERNELAPI VOID NTAPI IoDisconnectInterrupt(PKINTERRUPT InterruptObject);

/** IoConnectInterrupt with its parameters in a structure: Version CONNECT_FULLY_SPECIFIED or ..._GROUP. For the
   versions that ask for a device's own interrupts it returns STATUS_NOT_SUPPORTED and sets Version to
   CONNECT_FULLY_SPECIFIED. IRQL: PASSIVE_LEVEL. Source: WDK: IoConnectInterruptEx. */
NTKERNELAPI NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS Parameters);

/** Takes off what IoConnectInterruptEx connected. IRQL: PASSIVE_LEVEL. Source: WDK: IoDisconnectInterruptEx. */
NTKERNELAPI VOID NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS Parameters);

/** Runs a routine at an interrupt's SynchronizeIrql and under its lock, so that the service routine does not run
   meanwhile, and returns what it returned. IRQL: <= SynchronizeIrql, else bugcheck 0x9. Source: WDK:
   KeSynchronizeExecution. */
NTKERNELAPI BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE SynchronizeRoutine,
                                                 PVOID SynchronizeContext);

/** Raises the IRQL to an interrupt's SynchronizeIrql, acquires its lock and returns the old IRQL. IRQL: <=
   SynchronizeIrql, else bugcheck 0x9. Source: WDK: KeAcquireInterruptSpinLock. */
NTKERNELAPI KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt);

/** Releases an interrupt's lock and lowers the IRQL. IRQL: SynchronizeIrql. Source: WDK: KeReleaseInterruptSpinLock. */
NTKERNELAPI VOID NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT Interrupt, KIRQL OldIrql);

/** Runs Routine on every processor at DISPATCH_LEVEL, and returns when each of them has called KeSignalCallDpcDone.
   Routine is called as by a DPC, with what KeSignalCallDpcDone and KeSignalCallDpcSynchronize take as its system
   arguments. IRQL: <= APC_LEVEL. Source: unverified (declared without a page; used by published drivers). */
NTKERNELAPI VOID NTAPI KeGenericCallDpc(PKDEFERRED_ROUTINE Routine, PVOID Context);

/** Says that a routine of KeGenericCallDpc is done on its processor. IRQL: DISPATCH_LEVEL. Source: as above. */
NTKERNELAPI VOID NTAPI KeSignalCallDpcDone(PVOID SystemArgument1);

/** Waits until the routine of KeGenericCallDpc has come here on every processor; TRUE for the last one only
    (unverified which). IRQL: DISPATCH_LEVEL. Source: as above. */
NTKERNELAPI LOGICAL NTAPI KeSignalCallDpcSynchronize(PVOID SystemArgument2);

/** Runs a function on every processor at once at IPI_LEVEL, and returns the caller's result when all have returned.
   IRQL: < IPI_LEVEL, else bugcheck 0xA. Source: WDK: KeIpiGenericCall. Differs: a processor takes part when its thread
   lowers its IRQL below DISPATCH_LEVEL; Windows interrupts it. */
NTKERNELAPI ULONG_PTR NTAPI KeIpiGenericCall(PKIPI_BROADCAST_WORKER BroadcastFunction, ULONG_PTR Context);

#ifdef __cplusplus
}
#endif

#endif
