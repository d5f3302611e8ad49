// Paged pool at DISPATCH_LEVEL: touching it there is an error even while no page is out.
#pragma once

#include <optional>

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"

namespace ntemu::vf {

// Of kForceIrql: 0xD1 (address, IRQL, 0 read or 1 write, caller) when the kernel, at DISPATCH_LEVEL or above, would
// touch a block of paged pool that the driver passes to it.
void check_paged_arguments(const api::Call &call);

// Of kForceIrql: 0xC4/E1 (address) when the driver initializes an object that the kernel touches at DISPATCH_LEVEL in
// paged pool, or where no memory of a driver's is; 0xD1 when it locks pages of paged pool at DISPATCH_LEVEL or above.
void add_placement_checks();

// A thread at `irql` has touched what may be a trimmed block of paged pool. True: it can go on. May be called by a
// signal handler.
bool page_in_pool(const void *address, KIRQL irql);

// What a fault at `irql` in a block of paged pool means: 0xD1, or 0xA of the kernel's own code (address, IRQL, 0 read,
// 1 write or 8 execute, ip). Nothing below DISPATCH_LEVEL, and where there is no such block. May be called by a signal
// handler.
std::optional<ke::Bugcheck> explain_paged_fault(const void *address, bool write, const void *ip, KIRQL irql);

}  // namespace ntemu::vf
