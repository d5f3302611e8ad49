#include "tests/bench/locks/crew.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "ntifs.h"

namespace ntemu::bench {
namespace {

using Clock = std::chrono::steady_clock;

void bind_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) std::abort();
}

}  // namespace

struct Crew::Member {
  // 0 idle, 1 to work, 2 to end; written by the owner, put back to 0 by the thread.
  std::atomic<int> order{0};
  unsigned index;
  int core = -1;
  const std::function<void(unsigned)> *work = nullptr;
  std::atomic<unsigned> *not_ready;
  Clock::time_point begin, end;
  PVOID thread = nullptr;

  static VOID start(PVOID context) { static_cast<Member *>(context)->live(); }

  void live() {
    // The first sign of progress, which PsCreateSystemThread waits for: order.wait is none that it can see.
    KEVENT signalled;
    KeInitializeEvent(&signalled, NotificationEvent, TRUE);
    KeWaitForSingleObject(&signalled, Executive, KernelMode, FALSE, nullptr);
    int bound = -1;
    for (;;) {
      order.wait(0);
      if (order.load() == 2) return;
      if (bound != core) bind_to(bound = core);
      not_ready->fetch_sub(1);
      while (not_ready->load() != 0) sched_yield();
      begin = Clock::now();
      (*work)(index);
      end = Clock::now();
      order.store(0);
      order.notify_all();
    }
  }
};

Crew::Crew(size_t size) {
  for (size_t i = 0; i < size; ++i) {
    auto &member = *members_.emplace_back(std::make_unique<Member>());
    member.index = static_cast<unsigned>(i);
    member.not_ready = &not_ready_;
    HANDLE handle;
    if (PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Member::start, &member) < 0 ||
        ObReferenceObjectByHandle(handle, 0, *PsThreadType, KernelMode, &member.thread, nullptr) < 0)
      std::abort();
    ZwClose(handle);
  }
}

Crew::~Crew() {
  for (const auto &member : members_) {
    member->order.store(2);
    member->order.notify_all();
    KeWaitForSingleObject(member->thread, Executive, KernelMode, FALSE, nullptr);
    ObDereferenceObject(member->thread);
  }
}

double Crew::run(std::span<const int> cores, const std::function<void(unsigned)> &work) {
  not_ready_.store(static_cast<unsigned>(cores.size()));
  for (size_t i = 0; i < cores.size(); ++i) {
    Member &member = *members_[i];
    member.core = cores[i];
    member.work = &work;
    member.order.store(1);
    member.order.notify_all();
  }
  auto begin = Clock::time_point::max(), end = Clock::time_point::min();
  for (size_t i = 0; i < cores.size(); ++i) {
    members_[i]->order.wait(1);
    begin = std::min(begin, members_[i]->begin);
    end = std::max(end, members_[i]->end);
  }
  return std::chrono::duration<double, std::nano>(end - begin).count();
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) std::abort();
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace ntemu::bench
