#include "ntemu/ps/notify.h"

#include <climits>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/policy.h"

using namespace ntemu;

namespace {

enum Kind : ULONG { kPlain, kExtended, kSubsystems, kNonSystem };

// Routines of one sort. A call takes no lock; a removal returns when no call of the routine is under way any more.
class Routines {
 public:
  static constexpr size_t kMost = 64;

  // False when there is no room, or when it must be `unique` and is there.
  bool add(void *routine, Kind kind, bool unique) {
    base::Guard guard(mutex_);
    Slot *free = nullptr;
    for (Slot &slot : slots_) {
      const void *there = slot.routine.load();
      if (unique && there == routine) return false;
      if (!there && !free) free = &slot;
    }
    if (!free) return false;
    free->kind.store(kind);
    free->routine.store(routine);
    count_.fetch_add(1);
    return true;
  }

  bool remove(void *routine) {
    Slot *found = nullptr;
    {
      base::Guard guard(mutex_);
      for (Slot &slot : slots_) {
        if (slot.routine.load() == routine && !found) found = &slot;
      }
      if (!found) return false;
      found->routine.store(kLeaving);
    }
    while (const uint32_t calls = found->calls.load()) ke::block_on(found->calls, calls);
    found->routine.store(nullptr);
    count_.fetch_sub(1);
    return true;
  }

  template <class Call>
  void each(const Call &call) {
    if (empty()) return;
    for (Slot &slot : slots_) {
      if (!slot.routine.load(std::memory_order_relaxed)) continue;
      // Counted before it is read: either the removal sees the call, or the call sees the removal.
      slot.calls.fetch_add(1);
      void *routine = slot.routine.load();
      if (routine && routine != kLeaving) call(routine, slot.kind.load());
      slot.calls.fetch_sub(1);
      if (slot.routine.load() == kLeaving) ke::wake(slot.calls, INT_MAX);
    }
  }

  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }

  void reset() {
    base::Guard guard(mutex_);
    count_ = 0;
    for (Slot &slot : slots_) slot.routine = nullptr, slot.calls = 0;
  }

 private:
  struct Slot {
    std::atomic<void *> routine{nullptr};
    std::atomic<Kind> kind{kPlain};
    std::atomic<uint32_t> calls{0};  // under way
  };
  static inline void *const kLeaving = reinterpret_cast<void *>(1);

  base::Mutex mutex_;
  std::atomic<size_t> count_{0};
  Slot slots_[kMost];
};

struct AllRoutines {
  Routines process;
  Routines thread;
  Routines image;
};

AllRoutines &all() {
  static AllRoutines *routines = new AllRoutines;
  return *routines;
}

template <class Routine>
void *address(Routine routine) {
  return reinterpret_cast<void *>(routine);
}

NTSTATUS change_process_routine(void *routine, Kind kind, BOOLEAN remove) {
  if (remove) return all().process.remove(routine) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
  return all().process.add(routine, kind, true) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

}  // namespace

namespace ntemu::ps {

void reset_notify_routines() {
  all().process.reset();
  all().thread.reset();
  all().image.reset();
}

void notify_thread(const ETHREAD &thread, bool create) {
  all().thread.each([&](void *routine, Kind kind) {
    if (kind == kNonSystem) return;  // every thread here is a system thread
    reinterpret_cast<PCREATE_THREAD_NOTIFY_ROUTINE>(routine)(thread.Cid.UniqueProcess, thread.Cid.UniqueThread, create);
  });
}

bool image_routines_exist() { return !all().image.empty(); }

void notify_image(PUNICODE_STRING full_name, void *base, size_t size) {
  all().image.each([&](void *routine, Kind) {
    IMAGE_INFO info{};
    info.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
    info.SystemModeImage = 1;
    info.ImageBase = base;
    info.ImageSize = size;
    reinterpret_cast<PLOAD_IMAGE_NOTIFY_ROUTINE>(routine)(full_name, nullptr, &info);
  });
}

}  // namespace ntemu::ps

NTSTATUS PsSetCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine) {
  NT_ENTER(PsSetCreateThreadNotifyRoutine, NotifyRoutine);
  return all().thread.add(address(NotifyRoutine), kPlain, false) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS PsSetCreateThreadNotifyRoutineEx(PSCREATETHREADNOTIFYTYPE NotifyType, PVOID NotifyInformation) {
  NT_ENTER(PsSetCreateThreadNotifyRoutineEx, NotifyType, NotifyInformation);
  if (NotifyType != PsCreateThreadNotifyNonSystem && NotifyType != PsCreateThreadNotifySubsystems)
    return STATUS_INVALID_PARAMETER;
  const Kind kind = NotifyType == PsCreateThreadNotifyNonSystem ? kNonSystem : kSubsystems;
  return all().thread.add(NotifyInformation, kind, false) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS PsRemoveCreateThreadNotifyRoutine(PCREATE_THREAD_NOTIFY_ROUTINE NotifyRoutine) {
  NT_ENTER(PsRemoveCreateThreadNotifyRoutine, NotifyRoutine);
  return all().thread.remove(address(NotifyRoutine)) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
}

NTSTATUS PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine) {
  NT_ENTER(PsSetLoadImageNotifyRoutine, NotifyRoutine);
  return all().image.add(address(NotifyRoutine), kPlain, false) ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE NotifyRoutine) {
  NT_ENTER(PsRemoveLoadImageNotifyRoutine, NotifyRoutine);
  return all().image.remove(address(NotifyRoutine)) ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
}

NTSTATUS PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove) {
  NT_ENTER(PsSetCreateProcessNotifyRoutine, NotifyRoutine, Remove);
  return change_process_routine(address(NotifyRoutine), kPlain, Remove);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx(PCREATE_PROCESS_NOTIFY_ROUTINE_EX NotifyRoutine, BOOLEAN Remove) {
  NT_ENTER(PsSetCreateProcessNotifyRoutineEx, NotifyRoutine, Remove);
  return change_process_routine(address(NotifyRoutine), kExtended, Remove);
}

NTSTATUS PsSetCreateProcessNotifyRoutineEx2(PSCREATEPROCESSNOTIFYTYPE NotifyType, PVOID NotifyInformation,
                                            BOOLEAN Remove) {
  NT_ENTER(PsSetCreateProcessNotifyRoutineEx2, NotifyType, NotifyInformation, Remove);
  if (NotifyType != PsCreateProcessNotifySubsystems) return STATUS_INVALID_PARAMETER;
  return change_process_routine(NotifyInformation, kSubsystems, Remove);
}
