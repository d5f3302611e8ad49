#include "ntemu/vf/deadlock.h"

#include <algorithm>
#include <deque>
#include <string_view>

#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/blocking.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ps/ps.h"
#include "ntemu/vf/verified.h"
#include "ntemu/vf/wait_search.h"

namespace ntemu::vf {
namespace {

constexpr size_t kMostReported = 64;

struct Reports {
  base::Mutex mutex;
  std::deque<Cycle> cycles NTEMU_GUARDED_BY(mutex);
};

Reports &reports() {
  static Reports *all = new Reports;
  return *all;
}

// Runs with every thread in place, asleep or not as it is.
template <class Body>
void with_all_threads(const Body &body) {
  ps::with_threads([&](LIST_ENTRY &head) {
    std::vector<ETHREAD *> threads;
    for (LIST_ENTRY *entry = head.Flink; entry != &head; entry = entry->Flink)
      threads.push_back(&ke::ethread(CONTAINING_RECORD(entry, KTHREAD, ThreadListEntry)));
    WaitSearch search(threads);
    ke::DispatcherLock lock;
    body(search, threads);
  });
}

Cycle find_alone(ETHREAD &thread) {
  const std::vector<ETHREAD *> threads{&thread};
  WaitSearch search(threads);
  ke::DispatcherLock lock;
  return search.find(thread);
}

bool is_alone(ETHREAD &thread) {
  const uint32_t own = thread.wanted.counted ? 1 : 0;
  if (ke::blocked_holders.load() > own || ke::every_wait_concerns.load()) return false;
  ke::DispatcherLock lock;
  return !(ke::load_word(thread.Tcb.Header) & ke::kHasWaiters) && !WaitSearch::awaits_thread(thread);
}

Cycle find(ETHREAD &thread) {
  if (is_alone(thread)) return find_alone(thread);
  Cycle cycle;
  with_all_threads([&](WaitSearch &search, const auto &) { cycle = search.find(thread); });
  return cycle;
}

bool is_part_of(const CycleThread &thread, const Cycle &cycle) {
  return std::any_of(cycle.begin(), cycle.end(), [&](const CycleThread &each) {
    return each.thread == thread.thread && each.id == thread.id && each.wait == thread.wait;
  });
}

bool are_same(const Cycle &a, const Cycle &b) {
  return a.size() == b.size() &&
         std::all_of(a.begin(), a.end(), [&](const CycleThread &thread) { return is_part_of(thread, b); });
}

// The log takes one line at a time; the mutex keeps those of a report together.
void report(const Cycle &cycle) {
  base::Guard guard(reports().mutex);
  std::deque<Cycle> &cycles = reports().cycles;
  if (std::any_of(cycles.begin(), cycles.end(), [&](const Cycle &each) { return are_same(each, cycle); })) return;
  if (cycles.size() == kMostReported) cycles.pop_front();
  cycles.push_back(cycle);
  for (const std::string &line : describe(cycle)) base::log(base::Level::kError, "deadlock", std::string_view(line));
}

// What the report leaves to be done: nothing is alive here that has a destructor when the bugcheck leaves.
struct Closing {
  bool stops = false;
  bool alone = false;
  const void *lock = nullptr;
};

__attribute__((noinline)) Closing report_cycle(ETHREAD &thread) {
  const Cycle cycle = find(thread);
  if (cycle.empty()) return {};
  const auto own = std::find_if(cycle.begin(), cycle.end(), [&](const auto &each) { return each.thread == &thread; });
  const bool stops = is_certain(cycle) && (options_at(own->wants.site) & kDeadlock);
  report(cycle);
  return {stops, cycle.size() == 1, own->wants.lock};
}

void look(ETHREAD &thread) {
  if (ke::leaving.load()) return;
  const Closing closing = report_cycle(thread);
  if (!closing.stops) return;
  if (!thread.wanted.spins.exchange(false) && !ke::abandon_wait(thread)) return;
  ke::count_out(thread);
  thread.wanted.lock = nullptr;
  violation(closing.alone ? 0x1000 : 0x1001, reinterpret_cast<ULONG_PTR>(closing.lock));
}

}  // namespace

std::string (*describe_site)(const void *address) = [](const void *address) { return ldr::symbolize(address); };

bool is_certain(const Cycle &cycle) {
  return std::none_of(cycle.begin(), cycle.end(),
                      [](const auto &each) { return std::string_view(each.wants.type) == kEventType; });
}

void boot_deadlocks() {
  base::Guard guard(reports().mutex);
  reports().cycles.clear();
  ke::blocked_holders = 0;  // threads that left the machine before it in the middle of a wait
  ke::thread_blocks.store(look, std::memory_order_release);
}

std::vector<Cycle> wait_cycles() {
  std::vector<Cycle> cycles;
  if (ke::leaving.load()) return cycles;
  with_all_threads([&](WaitSearch &search, const std::vector<ETHREAD *> &threads) {
    for (ETHREAD *thread : threads) {
      Cycle cycle = search.find(*thread);
      if (cycle.empty()) continue;
      if (std::any_of(cycles.begin(), cycles.end(), [&](const Cycle &each) { return are_same(each, cycle); })) continue;
      cycles.push_back(std::move(cycle));
    }
  });
  return cycles;
}

std::vector<Cycle> reported_cycles() {
  base::Guard guard(reports().mutex);
  return {reports().cycles.begin(), reports().cycles.end()};
}

}  // namespace ntemu::vf
