// Waits for objects behind handles.
#include <algorithm>
#include <array>

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ob/open.h"

using namespace ntemu;

namespace {

// What a wait on the handle waits for, and the reference that keeps it.
struct Waitable {
  ob::Ref<void> body;
  void *object = nullptr;
};

Result<Waitable> waitable(HANDLE handle, KPROCESSOR_MODE mode) {
  const auto body = ob::reference_by_handle(handle, SYNCHRONIZE, nullptr, mode);
  if (!body) return body.status();
  Waitable result{ob::Ref<void>::adopt(*body)};
  const LONG offset = ob::type_of(*body).dispatcher_offset;
  if (offset < 0) return STATUS_OBJECT_TYPE_MISMATCH;
  result.object = static_cast<char *>(*body) + offset;
  return result;
}

bool is_mutant(const Waitable &waitable) { return &ob::type_of(waitable.body.get()) == &ob::mutant_type; }

NTSTATUS wait_for(const Waitable &target, BOOLEAN alertable, PLARGE_INTEGER timeout, KPROCESSOR_MODE mode) {
  if (!is_mutant(target)) return KeWaitForSingleObject(target.object, UserRequest, mode, alertable, timeout);
  // Only a mutant raises: when its owner acquires it once too often.
  NTSTATUS status = STATUS_SUCCESS;
  const NTSTATUS raised =
      ke::catch_raise([&] { status = KeWaitForSingleObject(target.object, UserRequest, mode, alertable, timeout); });
  return raised != STATUS_SUCCESS ? raised : status;
}

NTSTATUS wait_for_handle(HANDLE handle, BOOLEAN alertable, PLARGE_INTEGER timeout, KPROCESSOR_MODE mode) {
  const auto target = waitable(handle, mode);
  return target ? wait_for(*target, alertable, timeout, mode) : target.status();
}

// Signals the object and announces the wait that follows.
NTSTATUS signal(HANDLE handle) {
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode);
  if (!body) return body.status();
  const auto target = ob::Ref<void>::adopt(*body);
  const _OBJECT_TYPE *type = &ob::type_of(*body);
  if (type == &ob::event_type) {
    KeSetEvent(static_cast<PKEVENT>(*body), EVENT_INCREMENT, TRUE);
    return STATUS_SUCCESS;
  }
  if (type == &ob::semaphore_type)
    return ke::catch_raise([&] { KeReleaseSemaphore(static_cast<PKSEMAPHORE>(*body), SEMAPHORE_INCREMENT, 1, TRUE); });
  if (type == &ob::mutant_type)
    return ke::catch_raise([&] { KeReleaseMutant(static_cast<PKMUTANT>(*body), MUTANT_INCREMENT, FALSE, TRUE); });
  return STATUS_OBJECT_TYPE_MISMATCH;
}

}  // namespace

NTSTATUS ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout) {
  NT_ENTER(ZwWaitForSingleObject, Handle, Alertable, Timeout);
  return wait_for_handle(Handle, Alertable, Timeout, KernelMode);
}

NTSTATUS NtWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout) {
  NT_ENTER(NtWaitForSingleObject, Handle, Alertable, Timeout);
  return wait_for_handle(Handle, Alertable, Timeout, ke::previous_mode());
}

NTSTATUS ZwWaitForMultipleObjects(ULONG Count, HANDLE Handles[], WAIT_TYPE WaitType, BOOLEAN Alertable,
                                  PLARGE_INTEGER Timeout) {
  NT_ENTER(ZwWaitForMultipleObjects, Count, Handles, WaitType, Alertable, Timeout);
  if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS) return STATUS_INVALID_PARAMETER_1;
  if (WaitType != WaitAny && WaitType != WaitAll) return STATUS_INVALID_PARAMETER_3;
  std::array<Waitable, MAXIMUM_WAIT_OBJECTS> targets;
  std::array<void *, MAXIMUM_WAIT_OBJECTS> objects;
  bool may_raise = false;
  for (ULONG i = 0; i < Count; ++i) {
    auto target = waitable(Handles[i], KernelMode);
    if (!target) return target.status();
    targets[i] = std::move(*target);
    objects[i] = targets[i].object;
    may_raise |= is_mutant(targets[i]);
  }
  if (WaitType == WaitAll) {  // an object cannot be taken twice at one moment
    auto sorted = objects;
    std::sort(sorted.begin(), sorted.begin() + Count);
    if (std::adjacent_find(sorted.begin(), sorted.begin() + Count) != sorted.begin() + Count)
      return STATUS_INVALID_PARAMETER_MIX;
  }
  KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
  NTSTATUS status = STATUS_SUCCESS;
  const auto wait = [&] {
    status = KeWaitForMultipleObjects(Count, objects.data(), WaitType, UserRequest, KernelMode, Alertable, Timeout,
                                      Count > THREAD_WAIT_OBJECTS ? blocks : nullptr);
  };
  if (!may_raise) {
    wait();
  } else if (const NTSTATUS raised = ke::catch_raise(wait); raised != STATUS_SUCCESS) {
    return raised;
  }
  return status;
}

NTSTATUS ZwSignalAndWaitForSingleObject(HANDLE SignalHandle, HANDLE WaitHandle, BOOLEAN Alertable,
                                        PLARGE_INTEGER Timeout) {
  NT_ENTER(ZwSignalAndWaitForSingleObject, SignalHandle, WaitHandle, Alertable, Timeout);
  const auto target = waitable(WaitHandle, KernelMode);
  if (!target) return target.status();
  const NTSTATUS status = signal(SignalHandle);
  return status == STATUS_SUCCESS ? wait_for(*target, Alertable, Timeout, KernelMode) : status;
}

NTSTATUS ZwDelayExecution(BOOLEAN Alertable, PLARGE_INTEGER DelayInterval) {
  NT_ENTER(ZwDelayExecution, Alertable, DelayInterval);
  return KeDelayExecutionThread(KernelMode, Alertable, DelayInterval);
}

NTSTATUS ZwYieldExecution() {
  NT_ENTER(ZwYieldExecution);
  LARGE_INTEGER none{};
  return KeDelayExecutionThread(KernelMode, FALSE, &none);
}
