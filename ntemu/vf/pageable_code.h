// What looks paged out whenever a verified driver raises its IRQL: its code in pageable sections, and paged pool that
// drivers took while they were verified (paged_access.h).
#pragma once

#include <cstddef>

#include "ntifs.h"

namespace ntemu::vf {

// Faults are given to page_in and page_in_pool from now on: nothing is trimmed before.
void begin_trimming();

// Of an image that is, or may be verified: its pageable code, whole pages. It is trimmed while kForceIrql is in force.
void note_pageable_code(void *begin, size_t bytes);
// Before the image goes.
void forget_pageable_code(const void *begin);

// A thread at `irql` has called code that may not be executable at `address`. True: it was trimmed, and is there again;
// the thread can go on. May be called by a signal handler.
bool page_in(const void *address, KIRQL irql);
bool is_pageable_code(const void *address);

}  // namespace ntemu::vf
