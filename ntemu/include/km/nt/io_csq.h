/* Cancellation of IRPs, and cancel-safe queues of them. */
#ifndef NTEMU_KM_NT_IO_CSQ_H
#define NTEMU_KM_NT_IO_CSQ_H

#include "irp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Marks an IRP as canceled and calls its cancel routine, if it has one, which is thereby taken from it; returns
   whether it had. The routine runs at DISPATCH_LEVEL with the cancel spin lock held, and releases it with
   Irp->CancelIrql. An IRP that has been completed is bugcheck CANCEL_STATE_IN_COMPLETED_IRP (0x48). IRQL: <=
   DISPATCH_LEVEL. Source: WDK: IoCancelIrp. */
NTKERNELAPI BOOLEAN NTAPI IoCancelIrp(PIRP Irp);

/** Takes the system's cancel spin lock and raises the IRQL to DISPATCH_LEVEL; *Irql is the one before. IRQL:
   <= DISPATCH_LEVEL. Source: WDK: IoAcquireCancelSpinLock. */
NTKERNELAPI VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql);

/** Releases the system's cancel spin lock and lowers the IRQL to Irql. IRQL: DISPATCH_LEVEL. Source: WDK:
   IoReleaseCancelSpinLock. */
NTKERNELAPI VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql);

#define IO_TYPE_CSQ_IRP_CONTEXT 1
#define IO_TYPE_CSQ 2
#define IO_TYPE_CSQ_EX 3

struct _IO_CSQ;

/* What names an IRP to IoCsqRemoveIrp; the driver's, which keeps it until the IRP is off the queue. */
typedef struct _IO_CSQ_IRP_CONTEXT {
  ULONG Type;
  struct _IRP *Irp;
  struct _IO_CSQ *Csq;
} IO_CSQ_IRP_CONTEXT, *PIO_CSQ_IRP_CONTEXT;
NTEMU_ASSERT_SIZE(IO_CSQ_IRP_CONTEXT, 0x18);
NTEMU_ASSERT_OFFSET(IO_CSQ_IRP_CONTEXT, Irp, 8);

typedef VOID NTAPI IO_CSQ_INSERT_IRP(struct _IO_CSQ *Csq, PIRP Irp);
typedef IO_CSQ_INSERT_IRP *PIO_CSQ_INSERT_IRP;
typedef NTSTATUS NTAPI IO_CSQ_INSERT_IRP_EX(struct _IO_CSQ *Csq, PIRP Irp, PVOID InsertContext);
typedef IO_CSQ_INSERT_IRP_EX *PIO_CSQ_INSERT_IRP_EX;
typedef VOID NTAPI IO_CSQ_REMOVE_IRP(struct _IO_CSQ *Csq, PIRP Irp);
typedef IO_CSQ_REMOVE_IRP *PIO_CSQ_REMOVE_IRP;
typedef PIRP NTAPI IO_CSQ_PEEK_NEXT_IRP(struct _IO_CSQ *Csq, PIRP Irp, PVOID PeekContext);
typedef IO_CSQ_PEEK_NEXT_IRP *PIO_CSQ_PEEK_NEXT_IRP;
typedef VOID NTAPI IO_CSQ_ACQUIRE_LOCK(struct _IO_CSQ *Csq, PKIRQL Irql);
typedef IO_CSQ_ACQUIRE_LOCK *PIO_CSQ_ACQUIRE_LOCK;
typedef VOID NTAPI IO_CSQ_RELEASE_LOCK(struct _IO_CSQ *Csq, KIRQL Irql);
typedef IO_CSQ_RELEASE_LOCK *PIO_CSQ_RELEASE_LOCK;
typedef VOID NTAPI IO_CSQ_COMPLETE_CANCELED_IRP(struct _IO_CSQ *Csq, PIRP Irp);
typedef IO_CSQ_COMPLETE_CANCELED_IRP *PIO_CSQ_COMPLETE_CANCELED_IRP;

typedef struct _IO_CSQ {
  ULONG Type;
  PIO_CSQ_INSERT_IRP CsqInsertIrp; /* with IO_TYPE_CSQ_EX a PIO_CSQ_INSERT_IRP_EX */
  PIO_CSQ_REMOVE_IRP CsqRemoveIrp;
  PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp;
  PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock;
  PIO_CSQ_RELEASE_LOCK CsqReleaseLock;
  PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp;
  PVOID ReservePointer;
} IO_CSQ, *PIO_CSQ;
NTEMU_ASSERT_SIZE(IO_CSQ, 0x40);
NTEMU_ASSERT_OFFSET(IO_CSQ, CsqInsertIrp, 8);
NTEMU_ASSERT_OFFSET(IO_CSQ, CsqCompleteCanceledIrp, 0x30);

/*
 * A cancel-safe queue is the driver's queue and lock, behind the routines of an IO_CSQ; these functions add the
 * cancellation. They use Irp->Tail.Overlay.DriverContext[3].
 */

/** Makes a cancel-safe queue of a driver's routines; STATUS_SUCCESS. IRQL: any. Source: WDK: IoCsqInitialize. */
NTKERNELAPI NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP CsqInsertIrp,
                                           PIO_CSQ_REMOVE_IRP CsqRemoveIrp, PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                           PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                           PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp);

/** IoCsqInitialize with an insert routine that gets a context and may refuse the IRP; STATUS_SUCCESS. IRQL: any.
   Source: WDK: IoCsqInitializeEx. */
NTKERNELAPI NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Csq, PIO_CSQ_INSERT_IRP_EX CsqInsertIrp,
                                             PIO_CSQ_REMOVE_IRP CsqRemoveIrp, PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp,
                                             PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock, PIO_CSQ_RELEASE_LOCK CsqReleaseLock,
                                             PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp);

/** Marks an IRP pending and queues it. One that is canceled goes to CsqCompleteCanceledIrp instead. Context: NULL, or
   what IoCsqRemoveIrp will take. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoCsqInsertIrp. */
NTKERNELAPI VOID NTAPI IoCsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context);

/** IoCsqInsertIrp that returns what the CsqInsertIrpEx routine returns, and passes InsertContext to it; an error means
   that the IRP is neither queued nor pending. STATUS_SUCCESS for a queue of IoCsqInitialize, and for an IRP that was
   canceled before. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoCsqInsertIrpEx. */
NTKERNELAPI NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Csq, PIRP Irp, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext);

/** Takes a certain IRP off the queue; NULL when it has been canceled or taken. Context is the driver's again. IRQL:
   <= DISPATCH_LEVEL. Source: WDK: IoCsqRemoveIrp. */
NTKERNELAPI PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Csq, PIO_CSQ_IRP_CONTEXT Context);

/** Takes the first IRP that CsqPeekNextIrp finds for PeekContext and that is not being canceled; NULL when there is
   none. IRQL: <= DISPATCH_LEVEL. Source: WDK: IoCsqRemoveNextIrp. */
NTKERNELAPI PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Csq, PVOID PeekContext);

#ifdef __cplusplus
}
#endif

#endif
