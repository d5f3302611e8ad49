#include "ntemu/vf/delay.h"

#include <sched.h>
#include <time.h>

#include "ntemu/ke/policy.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Id;

std::atomic<uint64_t> the_seed{0}, made{0}, seeds{0};
thread_local uint64_t calls = 0, calls_of_seed = 0;

// splitmix64's last step.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

void delay(const api::Call &call, ULONG) {
  const ETHREAD &thread = ke::current();
  if (const uint64_t seeding = seeds.load(std::memory_order_relaxed); calls_of_seed != seeding) {
    calls_of_seed = seeding;
    calls = 0;
  }
  const uint64_t random = mix(the_seed.load(std::memory_order_relaxed) ^ mix(address_of(thread.Cid.UniqueThread)) ^
                              mix(static_cast<uint64_t>(call.id) << 48 ^ ++calls));
  if (random % 4 != 0) return;
  made.fetch_add(1, std::memory_order_relaxed);
  if (ke::policy_for(thread)) {  // it decides who runs meanwhile
    ke::schedule_point(call.id);
  } else if (thread.irql >= DISPATCH_LEVEL || random & 4) {
    sched_yield();
  } else {
    constexpr long kMost = 100'000;
    const timespec moment{0, static_cast<long>(random >> 32) % kMost};
    nanosleep(&moment, nullptr);
  }
}

}  // namespace

void set_delay_seed(uint64_t seed) {
  the_seed = seed;
  made = 0;
  ++seeds;
}
uint64_t delay_seed() { return the_seed; }
uint64_t delays() { return made; }

void add_delays() {
  for (const Id id : {Id::KeWaitForSingleObject,
                      Id::KeWaitForMultipleObjects,
                      Id::KeSetEvent,
                      Id::KeResetEvent,
                      Id::KeClearEvent,
                      Id::KePulseEvent,
                      Id::KeReleaseMutex,
                      Id::KeReleaseSemaphore,
                      Id::KeSetTimer,
                      Id::KeSetTimerEx,
                      Id::KeCancelTimer,
                      Id::KeInsertQueueDpc,
                      Id::KeAcquireSpinLockRaiseToDpc,
                      Id::KeReleaseSpinLock,
                      Id::KeAcquireSpinLockAtDpcLevel,
                      Id::KeReleaseSpinLockFromDpcLevel,
                      Id::KeAcquireInStackQueuedSpinLock,
                      Id::KeReleaseInStackQueuedSpinLock,
                      Id::ExAcquireFastMutex,
                      Id::ExTryToAcquireFastMutex,
                      Id::ExReleaseFastMutex,
                      Id::KeAcquireGuardedMutex,
                      Id::KeReleaseGuardedMutex,
                      Id::ExAcquirePushLockExclusiveEx,
                      Id::ExAcquirePushLockSharedEx,
                      Id::ExReleasePushLockExclusiveEx,
                      Id::ExReleasePushLockSharedEx,
                      Id::ExAcquireResourceExclusiveLite,
                      Id::ExAcquireResourceSharedLite,
                      Id::ExReleaseResourceLite,
                      Id::ExAcquireRundownProtection,
                      Id::ExReleaseRundownProtection,
                      Id::IoQueueWorkItem,
                      Id::ExQueueWorkItem,
                      Id::IofCallDriver,
                      Id::IofCompleteRequest,
                      Id::IoCancelIrp,
                      Id::PsCreateSystemThread,
                      Id::ZwSetEvent,
                      Id::ZwWaitForSingleObject,
                      Id::KeInsertQueue,
                      Id::KeRemoveQueue})
    add_call_check(id, kDelayFuzzing, delay, Stage::kRule);
}

}  // namespace ntemu::vf
