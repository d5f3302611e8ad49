#include "ntemu/ke/bugcheck_callback.h"

#include <csetjmp>

#include "ntemu/api/enter.h"
#include "ntemu/base/address.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ke/thread.h"

extern "C" {
// Source: the names that a debugger's !bugdump walks.
__attribute__((visibility("default")))
LIST_ENTRY KeBugCheckCallbackListHead = {&KeBugCheckCallbackListHead, &KeBugCheckCallbackListHead};
__attribute__((visibility("default")))
LIST_ENTRY KeBugCheckReasonCallbackListHead = {&KeBugCheckReasonCallbackListHead, &KeBugCheckReasonCallbackListHead};
}

namespace ntemu::ke {
namespace {

constexpr int kMost = 1000;  // a list that drivers' memory is part of may lead anywhere

base::Mutex mutex;
jmp_buf left;
bool calling = false;
CalledBack running{};

template <class Record>
bool insert(LIST_ENTRY &head, Record &record) {
  base::Guard guard(mutex);
  if (record.State == BufferInserted) return false;
  record.State = BufferInserted;
  InsertTailList(&head, &record.Entry);
  return true;
}

template <class Record>
bool remove(Record &record) {
  base::Guard guard(mutex);
  if (record.State != BufferInserted) return false;
  record.State = BufferEmpty;
  RemoveEntryList(&record.Entry);
  return true;
}

// Walks the list itself as carefully: its entries are drivers' memory.
template <class Record, class Call>
__attribute__((noinline)) bool walk(const LIST_ENTRY &head, const Call &call) {
  if (setjmp(left) != 0) return false;
  calling = true;
  const LIST_ENTRY *entry = head.Flink;
  for (int i = 0; i < kMost && entry != &head; ++i) {
    auto &record = *CONTAINING_RECORD(entry, Record, Entry);
    if (record.State == BufferInserted) call(record);
    entry = entry->Flink;
  }
  calling = false;
  return true;
}

template <class Record, class Call>
void for_each(const LIST_ENTRY &head, void (*tell)(const CalledBack &), const Call &call) {
  if (!walk<Record>(head, call) && running.routine) tell(running);
  running = {};
}

const char *name_of(PUCHAR component) { return component ? reinterpret_cast<const char *>(component) : ""; }

ULONG call_for(KBUGCHECK_REASON_CALLBACK_RECORD &record) {
  static UCHAR buffer[PAGE_SIZE];
  KBUGCHECK_SECONDARY_DUMP_DATA data{};
  data.InBuffer = buffer;
  data.InBufferLength = data.MaximumAllowed = sizeof buffer;
  const bool secondary = record.Reason == KbCallbackSecondaryDumpData;
  record.CallbackRoutine(record.Reason, &record, secondary ? &data : nullptr, secondary ? sizeof data : 0);
  return data.OutBuffer && data.OutBufferLength <= sizeof buffer ? data.OutBufferLength : 0;
}

}  // namespace

void (*go_on_ending)() = [] {};

void run_bugcheck_callbacks(void (*tell)(const CalledBack &)) {
  const auto tell_returned = [tell](ULONG added) {
    running.added = added;
    running.returned = true;
    tell(running);
    running = {};
  };
  for_each<KBUGCHECK_CALLBACK_RECORD>(KeBugCheckCallbackListHead, tell, [&](KBUGCHECK_CALLBACK_RECORD &record) {
    const auto *routine = reinterpret_cast<const void *>(record.CallbackRoutine);
    if (record.Checksum != base::address_of(routine) + base::address_of(record.Buffer) + record.Length +
                               base::address_of(record.Component))
      return;  // overwritten
    record.State = BufferStarted;
    running = {name_of(record.Component), routine, KbCallbackInvalid, 0, false};
    record.CallbackRoutine(record.Buffer, record.Length);
    record.State = BufferFinished;
    tell_returned(0);
  });
  for_each<KBUGCHECK_REASON_CALLBACK_RECORD>(
      KeBugCheckReasonCallbackListHead, tell, [&](KBUGCHECK_REASON_CALLBACK_RECORD &record) {
        const auto *routine = reinterpret_cast<const void *>(record.CallbackRoutine);
        if (record.Checksum !=
            base::address_of(routine) + static_cast<ULONG_PTR>(record.Reason) + base::address_of(record.Component))
          return;
        record.State = BufferStarted;
        running = {name_of(record.Component), routine, record.Reason, 0, false};
        const ULONG added = call_for(record);
        record.State = BufferFinished;
        tell_returned(added);
      });
}

void leave_callback() {
  if (!calling) return;
  calling = false;
  std::longjmp(left, 1);
}

}  // namespace ntemu::ke

using namespace ntemu;

BOOLEAN KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                   PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer, ULONG Length,
                                   PUCHAR Component) {
  NT_ENTER(KeRegisterBugCheckCallback, CallbackRecord, CallbackRoutine, Buffer, Length, Component);
  if (CallbackRecord->State == BufferInserted) return FALSE;
  CallbackRecord->CallbackRoutine = CallbackRoutine;
  CallbackRecord->Buffer = Buffer;
  CallbackRecord->Length = Length;
  CallbackRecord->Component = Component;
  CallbackRecord->Checksum = base::address_of(reinterpret_cast<const void *>(CallbackRoutine)) +
                             base::address_of(Buffer) + Length + base::address_of(Component);
  return ke::insert(KeBugCheckCallbackListHead, *CallbackRecord);
}

BOOLEAN KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord) {
  NT_ENTER(KeDeregisterBugCheckCallback, CallbackRecord);
  return ke::remove(*CallbackRecord);
}

BOOLEAN KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                         KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component) {
  NT_ENTER(KeRegisterBugCheckReasonCallback, CallbackRecord, CallbackRoutine, Reason, Component);
  if (CallbackRecord->State == BufferInserted || Reason <= KbCallbackReserved1 || Reason > KbCallbackTriageDumpData)
    return FALSE;
  CallbackRecord->CallbackRoutine = CallbackRoutine;
  CallbackRecord->Reason = Reason;
  CallbackRecord->Component = Component;
  CallbackRecord->Checksum = base::address_of(reinterpret_cast<const void *>(CallbackRoutine)) +
                             static_cast<ULONG_PTR>(Reason) + base::address_of(Component);
  return ke::insert(KeBugCheckReasonCallbackListHead, *CallbackRecord);
}

BOOLEAN KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord) {
  NT_ENTER(KeDeregisterBugCheckReasonCallback, CallbackRecord);
  return ke::remove(*CallbackRecord);
}
