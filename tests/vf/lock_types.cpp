#include "tests/vf/deadlock_fixture.h"

namespace ntemu::test {

const std::vector<LockType> kLockTypes = {
    {"Mutex", [](void *lock) { KeInitializeMutex(static_cast<PRKMUTEX>(lock), 0); }, [](void *lock) { wait(lock); },
     [](void *lock) { KeReleaseMutex(static_cast<PRKMUTEX>(lock), FALSE); }},
    {"FastMutex", [](void *lock) { ExInitializeFastMutex(static_cast<PFAST_MUTEX>(lock)); },
     [](void *lock) { ExAcquireFastMutex(static_cast<PFAST_MUTEX>(lock)); },
     [](void *lock) { ExReleaseFastMutex(static_cast<PFAST_MUTEX>(lock)); }},
    {"GuardedMutex", [](void *lock) { KeInitializeGuardedMutex(static_cast<PKGUARDED_MUTEX>(lock)); },
     [](void *lock) { KeAcquireGuardedMutex(static_cast<PKGUARDED_MUTEX>(lock)); },
     [](void *lock) { KeReleaseGuardedMutex(static_cast<PKGUARDED_MUTEX>(lock)); }},
    {"PushLock", [](void *lock) { ExInitializePushLock(static_cast<PEX_PUSH_LOCK>(lock)); },
     [](void *lock) {
       KeEnterCriticalRegion();
       ExAcquirePushLockExclusive(static_cast<PEX_PUSH_LOCK>(lock));
     },
     [](void *lock) {
       ExReleasePushLockExclusive(static_cast<PEX_PUSH_LOCK>(lock));
       KeLeaveCriticalRegion();
     }},
    {"Resource", [](void *lock) { ExInitializeResourceLite(static_cast<PERESOURCE>(lock)); },
     [](void *lock) { ExEnterCriticalRegionAndAcquireResourceExclusive(static_cast<PERESOURCE>(lock)); },
     [](void *lock) { ExReleaseResourceAndLeaveCriticalRegion(static_cast<PERESOURCE>(lock)); }},
};

const LockType &lock_type(const std::string &name) {
  for (const LockType &type : kLockTypes) {
    if (type.name == name) return type;
  }
  std::abort();
}

}  // namespace ntemu::test
