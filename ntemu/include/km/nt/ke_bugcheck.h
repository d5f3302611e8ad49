/* What drivers add to the end of a machine: callbacks that run when a bugcheck has stopped it. */
#ifndef NTEMU_KM_NT_KE_BUGCHECK_H
#define NTEMU_KM_NT_KE_BUGCHECK_H

#include "ke_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* KBUGCHECK_CALLBACK_RECORD.State and KBUGCHECK_REASON_CALLBACK_RECORD.State. Source: wdm.h. */
typedef enum _KBUGCHECK_BUFFER_DUMP_STATE {
  BufferEmpty,
  BufferInserted,
  BufferStarted,
  BufferFinished,
  BufferIncomplete
} KBUGCHECK_BUFFER_DUMP_STATE;

typedef VOID NTAPI KBUGCHECK_CALLBACK_ROUTINE(PVOID Buffer, ULONG Length);
typedef KBUGCHECK_CALLBACK_ROUTINE *PKBUGCHECK_CALLBACK_ROUTINE;

typedef struct _KBUGCHECK_CALLBACK_RECORD {
  LIST_ENTRY Entry;
  PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine;
  PVOID Buffer;
  ULONG Length;
  PUCHAR Component;
  ULONG_PTR Checksum;
  UCHAR State;
} KBUGCHECK_CALLBACK_RECORD, *PKBUGCHECK_CALLBACK_RECORD;
NTEMU_ASSERT_SIZE(KBUGCHECK_CALLBACK_RECORD, 0x40);

typedef enum _KBUGCHECK_CALLBACK_REASON {
  KbCallbackInvalid,
  KbCallbackReserved1,
  KbCallbackSecondaryDumpData,
  KbCallbackDumpIo,
  KbCallbackAddPages,
  KbCallbackSecondaryMultiPartDumpData,
  KbCallbackRemovePages,
  KbCallbackTriageDumpData
} KBUGCHECK_CALLBACK_REASON;

typedef VOID NTAPI KBUGCHECK_REASON_CALLBACK_ROUTINE(KBUGCHECK_CALLBACK_REASON Reason,
                                                     struct _KBUGCHECK_REASON_CALLBACK_RECORD *Record,
                                                     PVOID ReasonSpecificData, ULONG ReasonSpecificDataLength);
typedef KBUGCHECK_REASON_CALLBACK_ROUTINE *PKBUGCHECK_REASON_CALLBACK_ROUTINE;

typedef struct _KBUGCHECK_REASON_CALLBACK_RECORD {
  LIST_ENTRY Entry;
  PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine;
  PUCHAR Component;
  ULONG_PTR Checksum;
  KBUGCHECK_CALLBACK_REASON Reason;
  UCHAR State;
} KBUGCHECK_REASON_CALLBACK_RECORD, *PKBUGCHECK_REASON_CALLBACK_RECORD;
NTEMU_ASSERT_SIZE(KBUGCHECK_REASON_CALLBACK_RECORD, 0x30);

/* What a KbCallbackSecondaryDumpData callback is given, and fills in. */
typedef struct _KBUGCHECK_SECONDARY_DUMP_DATA {
  PVOID InBuffer;
  ULONG InBufferLength;
  ULONG MaximumAllowed; /* bytes */
  GUID Guid;
  PVOID OutBuffer; /* InBuffer, or memory of its own that stays; NULL: nothing to add */
  ULONG OutBufferLength;
} KBUGCHECK_SECONDARY_DUMP_DATA, *PKBUGCHECK_SECONDARY_DUMP_DATA;

#define KeInitializeCallbackRecord(CallbackRecord) ((CallbackRecord)->State = BufferEmpty)

/** Registers a routine that a bugcheck calls, at HIGH_LEVEL and with every other thread stopped, with Buffer and
   Length; it may touch resident memory alone, and call nothing that waits or takes a lock. FALSE when the record is
   registered already. Record and Buffer have to be resident; Component is the name that a report shows. IRQL: any.
    Source: WDK: KeRegisterBugCheckCallback. */
NTKERNELAPI BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                                     PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                                     ULONG Length, PUCHAR Component);

/** Takes the record out again; FALSE when it is not registered. IRQL: any. Source: WDK: KeDeregisterBugCheckCallback.
 */
NTKERNELAPI BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord);

/** Registers a routine for one part of a bugcheck's work. KbCallbackSecondaryDumpData adds a block of at most a page to
    the dump; KbCallbackAddPages and KbCallbackRemovePages are called once (a dump has every page anyway).
    KbCallbackDumpIo is never called. FALSE when the record is registered already. IRQL: any.
    Source: WDK: KeRegisterBugCheckReasonCallback. Differs: multi-part and triage data are not asked for. */
NTKERNELAPI BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                                           PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                                           KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component);

/** Takes the record out again; FALSE when it is not registered. IRQL: any.
    Source: WDK: KeDeregisterBugCheckReasonCallback. */
NTKERNELAPI BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord);

#ifdef __cplusplus
}
#endif

#endif
