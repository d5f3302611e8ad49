// Lists and counters under a spin lock of the driver's. Windows raises to HIGH_LEVEL meanwhile; here the word alone
// excludes others, at whatever IRQL.
#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/spin_word.h"

using namespace ntemu;
using ke::SpinGuard;

namespace {

// KERNEL_SECURITY_CHECK_FAILURE, FAST_FAIL_CORRUPT_LIST_ENTRY
void check_links(const LIST_ENTRY &entry, const void *caller) {
  if (entry.Flink->Blink != &entry || entry.Blink->Flink != &entry)
    ke::bugcheck(0x139, 3, reinterpret_cast<ULONG_PTR>(&entry), reinterpret_cast<ULONG_PTR>(caller), 0);
}

PLIST_ENTRY unless_head(PLIST_ENTRY entry, const LIST_ENTRY *head) { return entry == head ? nullptr : entry; }

}  // namespace

PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedInsertHeadList, ListHead, ListEntry, Lock);
  SpinGuard guard(*Lock);
  check_links(*ListHead, __builtin_return_address(0));
  const PLIST_ENTRY first = ListHead->Flink;
  InsertHeadList(ListHead, ListEntry);
  return unless_head(first, ListHead);
}

PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedInsertTailList, ListHead, ListEntry, Lock);
  SpinGuard guard(*Lock);
  check_links(*ListHead, __builtin_return_address(0));
  const PLIST_ENTRY last = ListHead->Blink;
  InsertTailList(ListHead, ListEntry);
  return unless_head(last, ListHead);
}

PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedRemoveHeadList, ListHead, Lock);
  SpinGuard guard(*Lock);
  const PLIST_ENTRY first = ListHead->Flink;
  check_links(*first, __builtin_return_address(0));
  if (first == ListHead) return nullptr;
  RemoveEntryList(first);
  return first;
}

PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedPushEntryList, ListHead, ListEntry, Lock);
  SpinGuard guard(*Lock);
  PushEntryList(ListHead, ListEntry);
  return ListEntry->Next;
}

PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedPopEntryList, ListHead, Lock);
  SpinGuard guard(*Lock);
  return PopEntryList(ListHead);
}

ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedAddUlong, Addend, Increment, Lock);
  SpinGuard guard(*Lock);
  return std::exchange(*Addend, *Addend + Increment);
}

LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock) {
  NT_ENTER(ExInterlockedAddLargeInteger, Addend, Increment, Lock);
  SpinGuard guard(*Lock);
  const LARGE_INTEGER before = *Addend;
  Addend->QuadPart =
      static_cast<LONGLONG>(static_cast<ULONGLONG>(before.QuadPart) + static_cast<ULONGLONG>(Increment.QuadPart));
  return before;
}
