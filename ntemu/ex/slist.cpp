// Sequenced singly linked lists. The header's low word holds the depth and a sequence that every change moves on, its
// high word the first entry; both change in one 16-byte compare-and-swap, so that an entry which was taken and pushed
// again meanwhile is noticed. Pop reads Next of an entry that another thread may own by then, and may have freed: the
// compare-and-swap then fails and the value is thrown away, so it may be anything, or the page may be gone.
#include "ntemu/ex/slist.h"

#include "ntemu/api/enter.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ke/bugcheck.h"

#ifdef NTEMU_TSAN
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(address) ((void)0)
#define __tsan_release(address) ((void)0)
#endif

extern "C" {
ntemu::ex::NextRead ntemu_slist_next(PSLIST_ENTRY entry);
extern const char ExpInterlockedPopEntrySListFault;
extern const char ExpInterlockedPopEntrySListResume;
}

namespace ntemu::ex {
namespace {

constexpr ULONG64 kDepth = 0xffff;
constexpr ULONG64 kSequence = 0x10000;
constexpr ULONG64 kReserved = 0xf;

// The two words are read one after the other: only a compare-and-swap tells that they belong together.
SLIST_HEADER read(const SLIST_HEADER &header) {
  SLIST_HEADER seen;
  seen.Alignment = __atomic_load_n(&header.Alignment, __ATOMIC_ACQUIRE);
  seen.Region = __atomic_load_n(&header.Region, __ATOMIC_ACQUIRE);
  return seen;
}

PSLIST_ENTRY first_of(const SLIST_HEADER &seen) { return reinterpret_cast<PSLIST_ENTRY>(seen.Region & ~kReserved); }

// ThreadSanitizer does not see the instruction: what it orders is told by hand.
bool exchange_if(SLIST_HEADER &header, const SLIST_HEADER &seen, ULONG64 depth, PSLIST_ENTRY first) {
  const ULONG64 counts = (depth & kDepth) | ((seen.Alignment & ~kDepth) + kSequence);
  LONG64 comparand[2] = {static_cast<LONG64>(seen.Alignment), static_cast<LONG64>(seen.Region)};
  __tsan_release(&header);
  const bool done = InterlockedCompareExchange128(reinterpret_cast<LONG64 *>(&header), reinterpret_cast<LONG64>(first),
                                                  static_cast<LONG64>(counts), comparand);
  if (done) __tsan_acquire(&header);
  return done;
}

bool same(const SLIST_HEADER &a, const SLIST_HEADER &b) { return a.Alignment == b.Alignment && a.Region == b.Region; }

void require_aligned(const void *address) {
  if (reinterpret_cast<ULONG_PTR>(address) % MEMORY_ALLOCATION_ALIGNMENT)
    ke::raise_status(STATUS_DATATYPE_MISALIGNMENT);
}

}  // namespace

PSLIST_ENTRY push(SLIST_HEADER &header, PSLIST_ENTRY entry) {
  require_aligned(entry);
  for (;;) {
    const SLIST_HEADER seen = read(header);
    __atomic_store_n(&entry->Next, first_of(seen), __ATOMIC_RELAXED);
    if (exchange_if(header, seen, seen.Alignment + 1, entry)) return first_of(seen);
  }
}

NextRead read_next(PSLIST_ENTRY entry) { return ntemu_slist_next(entry); }

PSLIST_ENTRY pop(SLIST_HEADER &header) {
  for (;;) {
    const SLIST_HEADER seen = read(header);
    const PSLIST_ENTRY entry = first_of(seen);
    if (!entry) return nullptr;
    const NextRead behind = read_next(entry);
    if (!behind.readable) {
      // Still the first entry: a damaged list. Now the fault is the machine's.
      if (same(seen, read(header))) (void)*static_cast<PSLIST_ENTRY const volatile *>(&entry->Next);
      continue;
    }
    if (exchange_if(header, seen, seen.Alignment - 1, behind.next)) return entry;
  }
}

PSLIST_ENTRY flush(SLIST_HEADER &header) {
  for (;;) {
    const SLIST_HEADER seen = read(header);
    if (!first_of(seen)) return nullptr;
    if (exchange_if(header, seen, 0, nullptr)) return first_of(seen);
  }
}

bool step_over_slist_fault(ULONG_PTR &instruction) {
  if (instruction != reinterpret_cast<ULONG_PTR>(&ExpInterlockedPopEntrySListFault)) return false;
  instruction = reinterpret_cast<ULONG_PTR>(&ExpInterlockedPopEntrySListResume);
  return true;
}

}  // namespace ntemu::ex

using namespace ntemu;

VOID InitializeSListHead(PSLIST_HEADER SListHead) {
  NT_ENTER(InitializeSListHead, SListHead);
  ex::require_aligned(SListHead);
  __atomic_store_n(&SListHead->Alignment, ULONG64{0}, __ATOMIC_RELAXED);
  __atomic_store_n(&SListHead->Region, ULONG64{0}, __ATOMIC_RELAXED);
}

PSLIST_ENTRY ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry) {
  NT_ENTER(ExpInterlockedPushEntrySList, ListHead, ListEntry);
  return ex::push(*ListHead, ListEntry);
}

PSLIST_ENTRY ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead) {
  NT_ENTER(ExpInterlockedPopEntrySList, ListHead);
  return ex::pop(*ListHead);
}

PSLIST_ENTRY ExpInterlockedFlushSList(PSLIST_HEADER ListHead) {
  NT_ENTER(ExpInterlockedFlushSList, ListHead);
  return ex::flush(*ListHead);
}

USHORT ExQueryDepthSList(PSLIST_HEADER SListHead) {
  NT_ENTER(ExQueryDepthSList, SListHead);
  return ex::depth(*SListHead);
}

PSLIST_ENTRY FirstEntrySList(const SLIST_HEADER *SListHead) {
  NT_ENTER(FirstEntrySList, SListHead);
  return ex::first_of(ex::read(*SListHead));
}
