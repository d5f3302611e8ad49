#include "ntemu/machine/inspect.h"

#include <fmt/format.h>
#include <sched.h>

#include <nlohmann/json.hpp>

#include "ntemu/base/peek.h"
#include "ntemu/ex/worker.h"
#include "ntemu/ke/dispatcher.h"
#include "ntemu/ke/names.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/duration.h"
#include "ntemu/ps/ps.h"
#include "ntemu/vf/stack.h"

namespace ntemu::machine {
namespace {

using base::peek;

const char *name_in(const auto &names, UCHAR number) { return number < names.size() ? names[number] : "?"; }

WaitedObject view_object(PVOID object, UCHAR reason) {
  WaitedObject view{};
  view.address = reinterpret_cast<ULONG_PTR>(object);
  const UCHAR type = ke::type_of(*static_cast<DISPATCHER_HEADER *>(object));
  view.type = name_in(ke::kDispatcherTypeNames, type);
  if (type == ke::kMutant) {
    view.owner = reinterpret_cast<ULONG_PTR>(peek(&static_cast<KMUTANT *>(object)->OwnerThread));
  } else if (reason == WrFastMutex || reason == WrGuardedMutex) {
    auto *mutex = CONTAINING_RECORD(object, FAST_MUTEX, Event);
    view.fast_mutex = true;
    view.count = peek(&mutex->Count);
    view.contention = peek(&mutex->Contention);
    view.owner = reinterpret_cast<ULONG_PTR>(peek(&mutex->Owner));
  }
  return view;
}

ThreadView view_thread(ETHREAD &thread) {
  const KTHREAD &tcb = thread.Tcb;
  ThreadView view{};
  view.id = reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread);
  view.address = reinterpret_cast<ULONG_PTR>(&thread);
  view.kernel = thread.adopted || ex::is_worker(thread) || ke::is_dpc_thread(thread);
  view.start = thread.adopted ? "host" : ldr::symbolize(thread.StartAddress);
  if (view.start.ends_with("+0x0")) view.start.resize(view.start.size() - 4);
  const UCHAR state = ke::state_of(tcb);
  view.state = name_in(ke::kThreadStateNames, state);
  view.waiting = state == ke::kWaiting;
  view.context_switches = peek(&tcb.ContextSwitches);
  if (!view.waiting) return view;
  const UCHAR reason = peek(&tcb.WaitReason);
  view.wait_reason = wait_reason_name(reason);
  // A thread counts as asleep a moment before its registers are where a stack begins; a policy may never put them
  // there.
  for (int i = 0; i < 10000 && !peek(&tcb.KernelStack) && ke::is_asleep(thread); ++i) sched_yield();
  view.wait_site = vf::waiting_site(thread);
  view.waited = base::clock().interrupt_time() - thread.wait_began.load();
  if (const base::Deadline deadline = ke::deadline_of(thread); deadline.when != base::kForever)
    view.remaining = base::clock().left_until(deadline);
  // While the thread is seen asleep, its wait block and the object are there.
  if (const PKWAIT_BLOCK block = peek(&tcb.WaitBlockList); block && (thread.wait_word.load() & 0xff) == ke::kAsleep) {
    view.object = view_object(peek(&block->Object), reason);
  }
  return view;
}

}  // namespace

std::vector<ThreadView> threads() {
  std::vector<ThreadView> views;
  ps::for_each_thread([&](ETHREAD &thread) { views.push_back(view_thread(thread)); });
  for (ThreadView &view : views) {
    if (!view.object || !view.object->owner) continue;
    for (const ThreadView &other : views) {
      if (other.address == view.object->owner) view.object->owner_id = other.id;
    }
  }
  return views;
}

std::string to_json(const std::vector<ThreadView> &threads) {
  auto list = nlohmann::json::array();
  const auto address = [](ULONG_PTR value) { return fmt::format("{:#x}", value); };
  for (const ThreadView &thread : threads) {
    nlohmann::json row{{"id", thread.id},         {"address", address(thread.address)},
                       {"start", thread.start},   {"state", thread.state},
                       {"kernel", thread.kernel}, {"context_switches", thread.context_switches}};
    if (thread.waiting) {
      row["wait_reason"] = thread.wait_reason;
      row["wait_seconds"] = static_cast<double>(thread.waited) / base::kNtPerSecond;
      row["timeout_seconds"] = nullptr;
      if (thread.remaining) row["timeout_seconds"] = static_cast<double>(*thread.remaining) / base::kNtPerSecond;
    }
    if (thread.object) {
      nlohmann::json object{{"address", address(thread.object->address)}, {"type", thread.object->type}};
      if (thread.object->owner) {
        object["owner"] = address(thread.object->owner);
        object["owner_id"] = thread.object->owner_id;
      }
      if (thread.object->fast_mutex) {
        object["count"] = thread.object->count;
        object["contention"] = thread.object->contention;
      }
      row["object"] = std::move(object);
    }
    list.push_back(std::move(row));
  }
  return list.dump();
}

std::string describe(const ThreadView &thread) {
  std::string text = fmt::format("thread {} ({}) {}", thread.id, thread.start, thread.state);
  if (!thread.waiting) return text;
  text += fmt::format(" {} for {}", thread.wait_reason, format_duration(thread.waited));
  if (thread.remaining) text += fmt::format(", {} left", format_duration(*thread.remaining));
  if (!thread.object) return text;
  text += fmt::format(", on {} {:#x}", thread.object->fast_mutex ? "fast mutex event" : thread.object->type,
                      thread.object->address);
  if (thread.object->owner == thread.address) {
    text += ", which it owns itself";
  } else if (thread.object->owner) {
    text += fmt::format(", owned by thread {}", thread.object->owner_id);
  }
  return text;
}

const char *wait_reason_name(UCHAR reason) { return name_in(ke::kWaitReasonNames, reason); }

}  // namespace ntemu::machine
