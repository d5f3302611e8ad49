/* Doubly and singly linked lists; inline, so they cannot be mocked. */
#ifndef NTEMU_KM_NT_LIST_H
#define NTEMU_KM_NT_LIST_H

#include "basetsd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Codes of __fastfail. Source: winnt.h. */
#define FAST_FAIL_LEGACY_GS_VIOLATION 0
#define FAST_FAIL_VTGUARD_CHECK_FAILURE 1
#define FAST_FAIL_STACK_COOKIE_CHECK_FAILURE 2
#define FAST_FAIL_CORRUPT_LIST_ENTRY 3
#define FAST_FAIL_INCORRECT_STACK 4
#define FAST_FAIL_INVALID_ARG 5
#define FAST_FAIL_GS_COOKIE_INIT 6
#define FAST_FAIL_FATAL_APP_EXIT 7
#define FAST_FAIL_RANGE_CHECK_FAILURE 8
#define FAST_FAIL_UNSAFE_REGISTRY_ACCESS 9

/** Ends the machine with bugcheck 0x139 (Code, trap frame, exception record, 0), from any state. IRQL: any. Source:
   MSVC's intrinsic __fastfail. */
#define __fastfail(Code) NtemuFastFail(Code) /* also where the compiler has one built in */
static inline __attribute__((always_inline, noreturn)) VOID NtemuFastFail(unsigned int Code) {
  __asm__ volatile("int $0x29" : : "c"(Code) : "memory");
  __builtin_unreachable();
}

/** The same as __fastfail. Source: wdm.h. */
FORCEINLINE DECLSPEC_NORETURN VOID RtlFailFast(ULONG Code) { __fastfail(Code); }

/* As in the WDK, every build checks its lists unless NO_KERNEL_LIST_ENTRY_CHECKS is defined. */
#ifdef NO_KERNEL_LIST_ENTRY_CHECKS
#define NTEMU_CHECK_LIST(holds) ((void)0)
#else
#define NTEMU_CHECK_LIST(holds) (__builtin_expect(!(holds), 0) ? __fastfail(FAST_FAIL_CORRUPT_LIST_ENTRY) : (void)0)
#endif

FORCEINLINE VOID InitializeListHead(PLIST_ENTRY ListHead) { ListHead->Flink = ListHead->Blink = ListHead; }

FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead) { return (BOOLEAN)(ListHead->Flink == ListHead); }

FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry) {
  PLIST_ENTRY next = Entry->Flink;
  PLIST_ENTRY previous = Entry->Blink;
  NTEMU_CHECK_LIST(next->Blink == Entry && previous->Flink == Entry);
  previous->Flink = next;
  next->Blink = previous;
  return (BOOLEAN)(next == previous);
}

FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead) {
  PLIST_ENTRY entry = ListHead->Flink;
  RemoveEntryList(entry);
  return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead) {
  PLIST_ENTRY entry = ListHead->Blink;
  RemoveEntryList(entry);
  return entry;
}

FORCEINLINE VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry) {
  PLIST_ENTRY last = ListHead->Blink;
  NTEMU_CHECK_LIST(last->Flink == ListHead);
  Entry->Flink = ListHead;
  Entry->Blink = last;
  last->Flink = Entry;
  ListHead->Blink = Entry;
}

FORCEINLINE VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry) {
  PLIST_ENTRY first = ListHead->Flink;
  NTEMU_CHECK_LIST(first->Blink == ListHead);
  Entry->Flink = first;
  Entry->Blink = ListHead;
  first->Blink = Entry;
  ListHead->Flink = Entry;
}

/* Appends the headless ring that ListToAppend belongs to. */
FORCEINLINE VOID AppendTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListToAppend) {
  PLIST_ENTRY last = ListHead->Blink;
  PLIST_ENTRY appended_last = ListToAppend->Blink;
  NTEMU_CHECK_LIST(last->Flink == ListHead && appended_last->Flink == ListToAppend);
  last->Flink = ListToAppend;
  ListToAppend->Blink = last;
  appended_last->Flink = ListHead;
  ListHead->Blink = appended_last;
}

FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead) {
  PSINGLE_LIST_ENTRY first = ListHead->Next;
  if (first != NULL) ListHead->Next = first->Next;
  return first;
}

FORCEINLINE VOID PushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY Entry) {
  Entry->Next = ListHead->Next;
  ListHead->Next = Entry;
}

#ifdef __cplusplus
}
#endif

#endif
