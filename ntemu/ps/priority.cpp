// Priorities, processor time and modes of threads.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ps/priority.h"

using namespace ntemu;

namespace {

constexpr LONG kSaturating = (HIGH_PRIORITY + 1) / 2;

// A narrow range: a thread that spins for a lock must not starve the one that holds it.
int nice_value(KPRIORITY priority) {
  return priority < LOW_REALTIME_PRIORITY ? (ps::kBasePriority - priority) * 5 / 7
                                          : -5 - (priority - LOW_REALTIME_PRIORITY) / 3;
}

void tell_host(const KTHREAD &thread, KPRIORITY priority) {
  const auto &all = reinterpret_cast<const ETHREAD &>(thread);
  if (!all.governed || all.host_id == 0 || !ps::host_takes_priorities()) return;
  setpriority(PRIO_PROCESS, static_cast<id_t>(all.host_id), nice_value(priority));
}

}  // namespace

namespace ntemu::ps {

bool host_takes_priorities() {
  static const bool takes = [] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (syscall(SYS_capget, &header, data) == 0 && data[0].effective >> CAP_SYS_NICE & 1) return true;
    rlimit limit;
    return getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= 40;
  }();
  return takes;
}

KPRIORITY set_priority(KTHREAD &thread, KPRIORITY priority) {
  tell_host(thread, priority);
  return __atomic_exchange_n(&thread.Priority, static_cast<CHAR>(priority), __ATOMIC_RELAXED);
}

LONG set_base_priority(KTHREAD &thread, LONG increment) {
  const LONG process = kBasePriority;
  const CHAR saturation = __atomic_load_n(&thread.Saturation, __ATOMIC_RELAXED);
  const CHAR base = __atomic_load_n(&thread.BasePriority, __ATOMIC_RELAXED);
  const LONG before = saturation ? kSaturating * saturation : base - process;
  const bool saturates = increment >= kSaturating || increment <= -kSaturating;
  const bool real_time = process >= LOW_REALTIME_PRIORITY;
  const LONG lowest = real_time ? LOW_REALTIME_PRIORITY : LOW_PRIORITY + 1;
  const LONG highest = real_time ? HIGH_PRIORITY : LOW_REALTIME_PRIORITY - 1;
  const LONG wanted = saturates ? (increment > 0 ? highest : lowest) : process + increment;
  const auto priority = static_cast<CHAR>(std::clamp(wanted, lowest, highest));
  __atomic_store_n(&thread.Saturation, static_cast<CHAR>(!saturates ? 0 : increment > 0 ? 1 : -1), __ATOMIC_RELAXED);
  __atomic_store_n(&thread.BasePriority, priority, __ATOMIC_RELAXED);
  __atomic_store_n(&thread.Priority, priority, __ATOMIC_RELAXED);
  tell_host(thread, priority);
  return before;
}

base::Nt100ns processor_time(const ETHREAD &thread) {
  timespec used{};
  const clockid_t clock = thread.cpu_clock.load();
  if (clock && clock_gettime(clock, &used) == 0) return used.tv_sec * base::kNtPerSecond + used.tv_nsec / 100;
  return base::Nt100ns{__atomic_load_n(&thread.Tcb.KernelTime, __ATOMIC_RELAXED)} * ke::kTimeIncrement;
}

void record_processor_time(ETHREAD &thread) {
  const base::Nt100ns used = processor_time(thread);
  __atomic_store_n(&thread.Tcb.KernelTime, static_cast<ULONG>(used / ke::kTimeIncrement), __ATOMIC_RELAXED);
  thread.cpu_clock.store(0);  // the host may give it to another thread
}

}  // namespace ntemu::ps

KPRIORITY KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority) {
  NT_ENTER(KeSetPriorityThread, Thread, Priority);
  if (Priority <= LOW_PRIORITY || Priority > HIGH_PRIORITY) {
    const void *caller = __builtin_return_address(0);
    base::log(base::Level::kError, "ke", "{} is not a priority that the caller {}{} may set", Priority,
              fmt::ptr(caller), ke::describe_address(caller));
    // FAST_FAIL_INVALID_ARG
    ke::bugcheck(0x139, 5, reinterpret_cast<ULONG_PTR>(Thread), static_cast<ULONG_PTR>(Priority));
  }
  return ps::set_priority(*Thread, Priority);
}

KPRIORITY KeQueryPriorityThread(PKTHREAD Thread) {
  NT_ENTER(KeQueryPriorityThread, Thread);
  return __atomic_load_n(&Thread->Priority, __ATOMIC_RELAXED);
}

LONG KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment) {
  NT_ENTER(KeSetBasePriorityThread, Thread, Increment);
  return ps::set_base_priority(*Thread, Increment);
}

ULONG KeQueryRuntimeThread(PKTHREAD Thread, PULONG UserTime) {
  NT_ENTER(KeQueryRuntimeThread, Thread, UserTime);
  *UserTime = Thread->UserTime;
  return static_cast<ULONG>(ps::processor_time(ke::ethread(Thread)) / ke::kTimeIncrement);
}

KPROCESSOR_MODE KeGetPreviousMode() {
  NT_ENTER(KeGetPreviousMode);
  return ke::previous_mode();
}

KPROCESSOR_MODE ExGetPreviousMode() {
  NT_ENTER(ExGetPreviousMode);
  return ke::previous_mode();
}
