// Blocks of the special pool that can be trimmed: their pages are inaccessible until somebody needs them, and keep what
// they hold. Functions that say so may be called by a signal handler: they take no lock, but may wait for a thread that
// is changing the block's pages.
#pragma once

#include "ntemu/ex/special_pool.h"

namespace ntemu::ex {

inline bool in_special_pool(const void *address) {
  return reinterpret_cast<uintptr_t>(address) - kSpecialPool < kSpecialPoolSize;
}

// Of a run that was just taken, and that nobody else knows yet: it can be trimmed from now on.
void make_pageable(const SpecialRun &run);
// Of a run that is freed, whose pages are pinned: it no longer can, and one pin less.
void end_paging(const SpecialRun &run);

// Whoever was paged in since the last time and is not pinned is paged out.
void trim_special_pool();
// True: whoever touches the address again finds it, unless it is trimmed again meanwhile. May be called by a signal
// handler.
bool page_in_special(const void *address);

// In the order of their use by several: pinned as often as it was pinned and not unpinned. Any address will do: only a
// block of the special pool, the whole of it, is concerned. May be called by a signal handler.
void pin_special(const void *address);
void unpin_special(const void *address);
// Whether the block is accessible at any IRQL.
bool is_pinned_special(const void *address);

// While it lives a driver's buffer is there: for system calls, which fail where an access would page in, and for what
// Windows does below DISPATCH_LEVEL.
class PinnedBuffer {
 public:
  explicit PinnedBuffer(const void *buffer) : buffer_(in_special_pool(buffer) ? buffer : nullptr) {
    if (buffer_) [[unlikely]]
      pin_special(buffer_);
  }
  ~PinnedBuffer() {
    if (buffer_) [[unlikely]]
      unpin_special(buffer_);
  }
  PinnedBuffer(const PinnedBuffer &) = delete;
  PinnedBuffer &operator=(const PinnedBuffer &) = delete;

 private:
  const void *const buffer_;
};

}  // namespace ntemu::ex
