// Threads by handle: information about them, and alerts.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ob/open.h"
#include "ntemu/ps/priority.h"
#include "ntemu/ps/process.h"

using namespace ntemu;

namespace {

Result<ob::Ref<ETHREAD>> thread_of(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode) {
  return ob::referenced<ETHREAD>(handle, access, **PsThreadType, mode);
}

// -2 to 2, or one that goes to the end of the class.
bool is_base_increment(LONG increment) {
  constexpr LONG kMost = 2, kSaturating = (HIGH_PRIORITY + 1) / 2;
  return (increment >= -kMost && increment <= kMost) || increment >= kSaturating || increment <= -kSaturating;
}

NTSTATUS set_information(HANDLE handle, THREADINFOCLASS information_class, const void *information, ULONG length,
                         KPROCESSOR_MODE mode) {
  if (information_class != ThreadPriority && information_class != ThreadBasePriority) return STATUS_INVALID_INFO_CLASS;
  if (length < sizeof(KPRIORITY)) return STATUS_INFO_LENGTH_MISMATCH;
  LONG value;
  std::memcpy(&value, information, sizeof value);
  const bool valid =
      information_class == ThreadPriority ? value > LOW_PRIORITY && value <= HIGH_PRIORITY : is_base_increment(value);
  if (!valid) return STATUS_INVALID_PARAMETER;
  const auto thread = thread_of(handle, THREAD_SET_INFORMATION, mode);
  if (!thread) return thread.status();
  if (information_class == ThreadPriority) {
    ps::set_priority((*thread)->Tcb, value);
  } else {
    ps::set_base_priority((*thread)->Tcb, value);
  }
  return STATUS_SUCCESS;
}

THREAD_BASIC_INFORMATION basic_information(const ETHREAD &thread) {
  THREAD_BASIC_INFORMATION basic{};
  basic.ExitStatus = __atomic_load_n(&thread.ExitStatus, __ATOMIC_ACQUIRE);
  basic.TebBaseAddress = thread.Tcb.Teb;
  basic.ClientId = thread.Cid;
  basic.AffinityMask = KeQueryActiveProcessors();
  basic.Priority = static_cast<UCHAR>(__atomic_load_n(&thread.Tcb.Priority, __ATOMIC_RELAXED));
  basic.BasePriority = __atomic_load_n(&thread.Tcb.BasePriority, __ATOMIC_RELAXED) - ps::kBasePriority;
  return basic;
}

KERNEL_USER_TIMES times(const ETHREAD &thread) {
  KERNEL_USER_TIMES times{};
  times.CreateTime = thread.CreateTime;
  times.ExitTime.QuadPart = __atomic_load_n(&thread.ExitTime.QuadPart, __ATOMIC_RELAXED);
  times.KernelTime.QuadPart = ps::processor_time(thread);
  return times;
}

template <class Information>
NTSTATUS store(const Information &value, PVOID buffer, PULONG return_length) {
  std::memcpy(buffer, &value, sizeof value);
  if (return_length) *return_length = sizeof value;
  return STATUS_SUCCESS;
}

// 0 for a class that there is not.
ULONG size_of(THREADINFOCLASS information_class) {
  switch (information_class) {
    case ThreadBasicInformation:
      return sizeof(THREAD_BASIC_INFORMATION);
    case ThreadTimes:
      return sizeof(KERNEL_USER_TIMES);
    case ThreadQuerySetWin32StartAddress:
      return sizeof(PVOID);
    case ThreadIsTerminated:
      return sizeof(ULONG);
    default:
      return 0;
  }
}

}  // namespace

NTSTATUS ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
                                ULONG ThreadInformationLength) {
  NT_ENTER(ZwSetInformationThread, ThreadHandle, ThreadInformationClass, ThreadInformation, ThreadInformationLength);
  return set_information(ThreadHandle, ThreadInformationClass, ThreadInformation, ThreadInformationLength, KernelMode);
}

NTSTATUS NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
                                ULONG ThreadInformationLength) {
  NT_ENTER(NtSetInformationThread, ThreadHandle, ThreadInformationClass, ThreadInformation, ThreadInformationLength);
  return set_information(ThreadHandle, ThreadInformationClass, ThreadInformation, ThreadInformationLength,
                         ke::previous_mode());
}

NTSTATUS ZwQueryInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass, PVOID ThreadInformation,
                                  ULONG ThreadInformationLength, PULONG ReturnLength) {
  NT_ENTER(ZwQueryInformationThread, ThreadHandle, ThreadInformationClass, ThreadInformation, ThreadInformationLength,
           ReturnLength);
  const ULONG size = size_of(ThreadInformationClass);
  if (size == 0) return STATUS_INVALID_INFO_CLASS;
  if (ThreadInformationLength != size) return STATUS_INFO_LENGTH_MISMATCH;
  const auto reference = thread_of(ThreadHandle, THREAD_QUERY_INFORMATION, KernelMode);
  if (!reference) return reference.status();
  const ETHREAD &thread = **reference;
  switch (ThreadInformationClass) {
    case ThreadBasicInformation:
      return store(basic_information(thread), ThreadInformation, ReturnLength);
    case ThreadTimes:
      return store(times(thread), ThreadInformation, ReturnLength);
    case ThreadQuerySetWin32StartAddress:
      return store(thread.StartAddress, ThreadInformation, ReturnLength);
    default:
      return store(ULONG{ke::signal_state(thread.Tcb.Header) != 0}, ThreadInformation, ReturnLength);
  }
}

NTSTATUS ZwAlertThread(HANDLE ThreadHandle) {
  NT_ENTER(ZwAlertThread, ThreadHandle);
  const auto thread = thread_of(ThreadHandle, THREAD_ALERT, KernelMode);
  if (!thread) return thread.status();
  KeAlertThread(&(*thread)->Tcb, KernelMode);
  return STATUS_SUCCESS;
}

NTSTATUS ZwTestAlert() {
  NT_ENTER(ZwTestAlert);
  return KeTestAlertThread(KernelMode) ? STATUS_ALERTED : STATUS_SUCCESS;
}
