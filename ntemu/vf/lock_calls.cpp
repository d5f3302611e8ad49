#include "ntemu/vf/lock_calls.h"

#include <algorithm>
#include <array>
#include <vector>

namespace ntemu::vf {
namespace {

using api::Id;
using ke::LockKind;
using enum LockCall::Action;

struct Row {
  Id id;
  LockCall call;
};

constexpr Row kRows[] = {
    {Id::KeInitializeMutex, {kInitialize, LockKind::kMutex}},
    {Id::KeInitializeMutant, {kInitialize, LockKind::kMutex}},
    {Id::KeReleaseMutex, {kRelease, LockKind::kMutex}},
    {Id::ExInitializeFastMutex, {kInitialize, LockKind::kFastMutex}},
    {Id::ExAcquireFastMutex, {kAcquire, LockKind::kFastMutex}},
    {Id::ExAcquireFastMutexUnsafe, {.action = kAcquire, .kind = LockKind::kFastMutex, .unsafe = true}},
    {Id::ExTryToAcquireFastMutex, {kTry, LockKind::kFastMutex}},
    {Id::ExReleaseFastMutex, {kRelease, LockKind::kFastMutex}},
    {Id::ExReleaseFastMutexUnsafe, {.action = kRelease, .kind = LockKind::kFastMutex, .unsafe = true}},
    {Id::KeInitializeGuardedMutex, {kInitialize, LockKind::kGuardedMutex}},
    {Id::KeAcquireGuardedMutex, {kAcquire, LockKind::kGuardedMutex}},
    {Id::KeAcquireGuardedMutexUnsafe, {.action = kAcquire, .kind = LockKind::kGuardedMutex, .unsafe = true}},
    {Id::KeTryToAcquireGuardedMutex, {kTry, LockKind::kGuardedMutex}},
    {Id::KeReleaseGuardedMutex, {kRelease, LockKind::kGuardedMutex}},
    {Id::KeReleaseGuardedMutexUnsafe, {.action = kRelease, .kind = LockKind::kGuardedMutex, .unsafe = true}},
    {Id::ExInitializePushLock, {kInitialize, LockKind::kPushLockExclusive}},
    {Id::ExAcquirePushLockExclusiveEx, {kAcquire, LockKind::kPushLockExclusive}},
    {Id::ExAcquirePushLockSharedEx, {kAcquire, LockKind::kPushLockShared}},
    {Id::ExTryAcquirePushLockExclusiveEx, {kTry, LockKind::kPushLockExclusive}},
    {Id::ExTryAcquirePushLockSharedEx, {kTry, LockKind::kPushLockShared}},
    {Id::ExInitializeResourceLite, {kInitialize, LockKind::kResourceExclusive}},
    {Id::ExDeleteResourceLite, {kDelete, LockKind::kResourceExclusive}},
    {Id::ExAcquireResourceExclusiveLite,
     {.action = kAcquire, .kind = LockKind::kResourceExclusive, .wait_argument = 1}},
    {Id::ExAcquireResourceSharedLite, {.action = kAcquire, .kind = LockKind::kResourceShared, .wait_argument = 1}},
    {Id::ExAcquireSharedStarveExclusive, {.action = kAcquire, .kind = LockKind::kResourceShared, .wait_argument = 1}},
    {Id::ExAcquireSharedWaitForExclusive, {.action = kAcquire, .kind = LockKind::kResourceShared, .wait_argument = 1}},
    {Id::ExEnterCriticalRegionAndAcquireResourceExclusive, {kAcquire, LockKind::kResourceExclusive}},
    {Id::ExEnterCriticalRegionAndAcquireResourceShared, {kAcquire, LockKind::kResourceShared}},
    {Id::ExEnterCriticalRegionAndAcquireSharedWaitForExclusive, {kAcquire, LockKind::kResourceShared}},
    {Id::KeInitializeSpinLock, {kInitialize, LockKind::kSpinLock}},
    {Id::KeAcquireSpinLockRaiseToDpc, {kAcquire, LockKind::kSpinLock}},
    {Id::KeAcquireSpinLockForDpc, {kAcquire, LockKind::kSpinLock}},
    {Id::KeAcquireSpinLockAtDpcLevel, {.action = kAcquire, .kind = LockKind::kSpinLock, .at_dpc = true}},
    {Id::KeTryToAcquireSpinLockAtDpcLevel, {.action = kTry, .kind = LockKind::kSpinLock, .at_dpc = true}},
    {Id::KeReleaseSpinLock, {kRelease, LockKind::kSpinLock}},
    {Id::KeReleaseSpinLockForDpc, {kRelease, LockKind::kSpinLock}},
    {Id::KeReleaseSpinLockFromDpcLevel, {kRelease, LockKind::kSpinLock}},
    {Id::KeAcquireInStackQueuedSpinLock, {kAcquire, LockKind::kSpinLock}},
    {Id::KeAcquireInStackQueuedSpinLockForDpc, {kAcquire, LockKind::kSpinLock}},
    {Id::KeAcquireInStackQueuedSpinLockAtDpcLevel, {.action = kAcquire, .kind = LockKind::kSpinLock, .at_dpc = true}},
    {Id::KeReleaseInStackQueuedSpinLock, {.action = kRelease, .kind = LockKind::kSpinLock, .handle = true}},
    {Id::KeReleaseInStackQueuedSpinLockForDpc, {.action = kRelease, .kind = LockKind::kSpinLock, .handle = true}},
    {Id::KeReleaseInStackQueuedSpinLockFromDpcLevel, {.action = kRelease, .kind = LockKind::kSpinLock, .handle = true}},
    // Of executive spin locks the word does not tell who has it: all of them count as shared.
    {Id::ExAcquireSpinLockExclusive, {kAcquire, LockKind::kSpinLockShared}},
    {Id::ExAcquireSpinLockShared, {kAcquire, LockKind::kSpinLockShared}},
    {Id::ExAcquireSpinLockExclusiveAtDpcLevel, {.action = kAcquire, .kind = LockKind::kSpinLockShared, .at_dpc = true}},
    {Id::ExAcquireSpinLockSharedAtDpcLevel, {.action = kAcquire, .kind = LockKind::kSpinLockShared, .at_dpc = true}},
    {Id::ExTryAcquireSpinLockExclusiveAtDpcLevel, {kTry, LockKind::kSpinLockShared}},
    {Id::ExTryAcquireSpinLockSharedAtDpcLevel, {kTry, LockKind::kSpinLockShared}},
    {Id::ExFreePool, {kFree, LockKind::kMutex}},
    {Id::ExFreePoolWithTag, {kFree, LockKind::kMutex}},
};

constexpr Id kOthers[] = {Id::KeWaitForSingleObject, Id::KeWaitForMultipleObjects, Id::KeInitializeEvent,
                          Id::KeSetEvent, Id::KePulseEvent};

}  // namespace

const LockCall *find_lock_call(Id id) {
  static const auto table = [] {
    std::array<const LockCall *, static_cast<size_t>(Id::kCount)> calls{};
    for (const Row &row : kRows) calls[static_cast<size_t>(row.id)] = &row.call;
    return calls;
  }();
  return table[static_cast<size_t>(id)];
}

std::span<const Id> lock_calls() {
  static const auto all = [] {
    std::vector<Id> ids(std::begin(kOthers), std::end(kOthers));
    for (const Row &row : kRows) ids.push_back(row.id);
    return ids;
  }();
  return all;
}

const char *type_name(LockKind kind) {
  switch (kind) {
    case LockKind::kMutex:
      return "Mutex";
    case LockKind::kFastMutex:
      return "FastMutex";
    case LockKind::kGuardedMutex:
      return "GuardedMutex";
    case LockKind::kPushLockExclusive:
    case LockKind::kPushLockShared:
      return "PushLock";
    case LockKind::kResourceExclusive:
    case LockKind::kResourceShared:
      return "Resource";
    case LockKind::kSpinLock:
    case LockKind::kSpinLockShared:
      return "Spinlock";
  }
  return "Lock";
}

}  // namespace ntemu::vf
