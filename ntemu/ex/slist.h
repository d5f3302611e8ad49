// Sequenced lists without the API around them.
#pragma once

#include "ntifs.h"

namespace ntemu::ex {

// The entry that was first, or nullptr.
PSLIST_ENTRY push(SLIST_HEADER &header, PSLIST_ENTRY entry);
PSLIST_ENTRY pop(SLIST_HEADER &header);
// Takes the whole chain.
PSLIST_ENTRY flush(SLIST_HEADER &header);
inline USHORT depth(const SLIST_HEADER &header) {
  return static_cast<USHORT>(__atomic_load_n(&header.Alignment, __ATOMIC_RELAXED));
}

// Next of an entry that may be gone, page and all: then `readable` is 0.
struct NextRead {
  PSLIST_ENTRY next;
  ULONG64 readable;
};
NextRead read_next(PSLIST_ENTRY entry);

}  // namespace ntemu::ex
