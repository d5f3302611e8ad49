// Deferred procedure calls: what the processors do with their queues.
#pragma once

#include "ntemu/ke/processor.h"

namespace ntemu::ke {

enum DpcKind : UCHAR { kDpcObject = 19, kThreadedDpcObject = 26 };

// A DPC is queued to the processor that its holder, at DISPATCH_LEVEL, has to run or to hand to the DPC thread.
inline bool has_dpcs(const Processor &processor) {
  return __atomic_load_n(&processor.Dpcs[0].DpcQueueDepth, __ATOMIC_ACQUIRE) != 0 ||
         processor.threaded_due.load(std::memory_order_acquire);
}
// On its holder's thread, at DISPATCH_LEVEL: until none is left.
void run_dpcs(ETHREAD &thread, Processor &processor);
void forget_dpcs(Processor &processor);

}  // namespace ntemu::ke
