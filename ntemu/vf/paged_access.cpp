#include "ntemu/vf/paged_access.h"

#include <array>
#include <utility>

#include "ntemu/api/kernel_image.h"
#include "ntemu/base/address.h"
#include "ntemu/base/log.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/ke/thread.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Id;

// The arguments that an API touches while its caller's IRQL is in force, one bit each; not those that it only keeps.
struct Touches {
  UCHAR reads = 0, writes = 0;
};

const Touches &touches_of(Id id) {
  static const auto *all = [] {
    auto *each = new std::array<Touches, static_cast<size_t>(Id::kCount)>{};
    const auto add = [&](Touches touches, std::initializer_list<Id> ids) {
      for (const Id one : ids) (*each)[static_cast<size_t>(one)] = touches;
    };
    add({0, 1}, {Id::KeSetEvent, Id::KeClearEvent, Id::KeResetEvent, Id::KeInitializeEvent, Id::KeInitializeDpc,
                 Id::KeInitializeTimer, Id::KeInitializeTimerEx, Id::KeInitializeSemaphore, Id::KeReleaseSemaphore,
                 Id::KeSetTimer, Id::KeSetTimerEx, Id::KeCancelTimer, Id::KeInsertQueueDpc, Id::KeRemoveQueueDpc,
                 Id::KeAcquireSpinLockAtDpcLevel, Id::KeReleaseSpinLockFromDpcLevel, Id::KeReleaseSpinLock,
                 Id::KeAcquireSpinLockRaiseToDpc, Id::KeWaitForSingleObject});
    add({0, 3}, {Id::ExInterlockedInsertHeadList, Id::ExInterlockedInsertTailList});
    add({0, 1}, {Id::ExInterlockedRemoveHeadList});
    add({1, 0}, {Id::KeReadStateEvent, Id::KeReadStateSemaphore, Id::KeReadStateTimer});
    add({2, 1}, {Id::RtlInitUnicodeString, Id::RtlCopyUnicodeString});
    add({3, 0}, {Id::RtlCompareUnicodeString, Id::RtlEqualUnicodeString});
    return each;
  }();
  return (*all)[static_cast<size_t>(id)];
}

bool is_paged_pool(const void *address, bool may_lock) {
  if (ex::in_special_pool(address)) {
    const ex::SpecialRun *run = ex::find_special(address);
    return run && run->block.paged && run->state.load() == ex::SpecialRun::kTaken && address < run->guard();
  }
  const ex::PoolLook look = ex::look_at_pool(address, may_lock);
  return (look.what == ex::PoolLook::kBlock || look.what == ex::PoolLook::kInside) && look.block.paged;
}

void check_place(const api::Call &call, ULONG) {
  constexpr ULONG_PTR kFirstAddress = 0x10000;
  const auto *object = reinterpret_cast<const void *>(call.arguments[0]);
  if (base::address_of(object) < kFirstAddress || is_paged_pool(object, true))
    report(call, "an object to synchronize with lies in pageable memory, or in none", 0xE1, base::address_of(object));
}

// The pages are touched before they are locked.
void check_lock(const api::Call &call, ULONG) {
  const KIRQL irql = ke::current().irql;
  if (irql < DISPATCH_LEVEL) return;
  auto *mdl = reinterpret_cast<PMDL>(call.arguments[0]);
  if (const void *buffer = MmGetMdlVirtualAddress(mdl); is_paged_pool(buffer, true) && !ex::is_pinned_special(buffer))
    report_bugcheck(call, "paged pool is to be locked", 0xD1, base::address_of(buffer), irql, 0,
                    base::address_of(call.caller));
}

}  // namespace

// Source: the page of Force IRQL Checking.
void add_placement_checks() {
  add_call_check(Id::MmProbeAndLockPages, kForceIrql, check_lock, Stage::kRule);
  for (const Id id :
       {Id::KeInitializeEvent, Id::KeInitializeMutex, Id::KeInitializeSemaphore, Id::KeInitializeTimer,
        Id::KeInitializeTimerEx, Id::KeInitializeSpinLock, Id::ExInitializeFastMutex, Id::ExInitializeResourceLite})
    add_call_check(id, kForceIrql, check_place, Stage::kRule);
}

void check_paged_arguments(const api::Call &call) {
  const KIRQL irql = ke::current().irql;
  if (irql < DISPATCH_LEVEL) return;
  const Touches &touches = touches_of(call.id);
  for (int i = 0; i < 8; ++i) {
    const bool writes = touches.writes >> i & 1;
    if (!writes && !(touches.reads >> i & 1)) continue;
    const auto *address = reinterpret_cast<const void *>(call.arguments[i]);
    if (!is_paged_pool(address, true) || ex::is_pinned_special(address)) continue;
    base::log(base::Level::kError, "verifier", "{} is given paged pool at {}, at IRQL {}: {}", api::entry(call.id).name,
              fmt::ptr(address), irql, ex::describe_site(call.caller));
    ke::bugcheck(0xD1, base::address_of(address), irql, writes, base::address_of(call.caller));
  }
}

bool page_in_pool(const void *address, KIRQL irql) {
  if (!ex::in_special_pool(address)) return false;
  const ex::SpecialRun *run = ex::find_special(address);
  return run && !(irql >= DISPATCH_LEVEL && (options_at(run->block.site) & kForceIrql)) && ex::page_in_special(address);
}

std::optional<ke::Bugcheck> explain_paged_fault(const void *address, bool write, const void *ip, KIRQL irql) {
  // A driver holds no lock of the kernel's where it faults; the kernel may.
  const bool kernel = api::is_kernel_code(ip);
  if (irql < DISPATCH_LEVEL || !is_paged_pool(address, !kernel)) return std::nullopt;
  const ULONG_PTR access = write ? 1 : address == ip ? 8 : 0;
  return ke::Bugcheck{kernel ? 0xAu : 0xD1u, {base::address_of(address), irql, access, base::address_of(ip)}};
}

}  // namespace ntemu::vf
