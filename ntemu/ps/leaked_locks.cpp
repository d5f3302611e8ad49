#include "ntemu/ps/leaked_locks.h"

#include <algorithm>

#include "ntemu/base/log.h"
#include "ntemu/base/peek.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ps/exit.h"

namespace ntemu::ps {
namespace {

using base::read_memory;

// A lock may lie in memory that is gone, and another thread may have released it in the owner's name.
bool owns(const ETHREAD &thread, const void *resource) {
  ERESOURCE copy;
  if (!read_memory(resource, copy)) return false;
  const auto id = reinterpret_cast<ERESOURCE_THREAD>(&thread);
  if (copy.ActiveEntries == 0) return false;
  if (copy.OwnerEntry.OwnerThread == id) return true;
  OWNER_ENTRY entry;
  if (!copy.OwnerTable || !read_memory(copy.OwnerTable, entry)) return false;
  const ULONG size = std::min<ULONG>(entry.TableSize, 4096);
  for (ULONG i = 1; i < size && read_memory(copy.OwnerTable + i, entry); ++i) {
    if (entry.OwnerThread == id) return true;
  }
  return false;
}

// The first 8 bytes: a push lock's bit 0; a fast mutex's bit 0 the other way round.
bool is_locked(const ke::HeldLock &held) {
  const ex::PinnedBuffer pinned(held.lock);  // a push lock may lie in paged pool
  ULONG_PTR word;
  if (!read_memory(held.lock, word)) return false;
  const bool push_lock =
      held.kind() == ke::LockKind::kPushLockExclusive || held.kind() == ke::LockKind::kPushLockShared;
  return push_lock == ((word & 1) != 0);
}

}  // namespace

void report_held_locks(const ETHREAD &thread) {
  const auto id = reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread);
  for (uint32_t i = 0; i < thread.held.known(); ++i) {
    const ke::HeldLock &held = thread.held[i];
    base::log(base::Level::kError, "ps", "thread {}{} ends and holds {} {}, acquired at {}{}", id,
              ke::describe_address(thread.StartAddress), name_of(held.kind()), fmt::ptr(held.lock),
              fmt::ptr(held.site()), ke::describe_address(held.site()));
  }
}

void check_leaked_locks(ETHREAD &thread) {
  const auto address = reinterpret_cast<ULONG_PTR>(&thread);
  for (uint32_t i = 0; i < thread.held.known(); ++i) {
    const ke::HeldLock &held = thread.held[i];
    switch (held.kind()) {
      case ke::LockKind::kPushLockExclusive:
      case ke::LockKind::kPushLockShared:
      case ke::LockKind::kFastMutex:
      case ke::LockKind::kGuardedMutex: {
        if (!is_locked(held)) break;
        report_held_locks(thread);
        UCHAR(&entry)[0x60] = thread.LockEntries[0];
        // Where KLOCK_ENTRY has its lock; offset unverified.
        *reinterpret_cast<const void **>(entry + 0x20) = held.lock;
        ke::bugcheck(0x153, address, reinterpret_cast<ULONG_PTR>(entry), 1, reinterpret_cast<ULONG_PTR>(held.lock));
      }
      case ke::LockKind::kResourceExclusive:
      case ke::LockKind::kResourceShared:
        if (!owns(thread, held.lock)) break;
        report_held_locks(thread);
        ke::bugcheck(0x13C, address, 1, 1, 0);
      default:
        break;
    }
  }
}

}  // namespace ntemu::ps
