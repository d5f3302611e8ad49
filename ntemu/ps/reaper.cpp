#include "ntemu/ps/reaper.h"

#include <climits>
#include <utility>

#include "ntemu/base/pages.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/leaked_locks.h"

namespace ntemu::ps {
namespace {

struct Reaper {
  std::atomic<ETHREAD *> ended{nullptr};  // linked by next_to_reap; their stacks are in use until they are joined
  std::atomic<uint32_t> word{0};
  std::atomic<bool> stops{false};
  std::atomic<size_t> to_join{0};   // host threads that are started and not joined yet
  std::atomic<uint32_t> ending{0};  // threads that have ended, or are about to be seen so
  std::atomic<uint32_t> freed{0};   // of these, those that left nothing
  pthread_t thread;
};

Reaper &reaper() {
  static Reaper *the_reaper = new Reaper;
  return *the_reaper;
}

void ring() {
  reaper().word.fetch_add(1);
  base::wake_word(reaper().word);
}

void free_thread(ETHREAD *thread) {
  free_stack(*thread);
  ob::dereference(thread);
}

// While the machine ends an ETHREAD and its stack stay until the last thread has been joined: another that still runs
// may use an object there.
void *run(void *) {
  Reaper &self = reaper();
  ETHREAD *kept = nullptr;
  for (;;) {
    const uint32_t seen = self.word.load();
    ETHREAD *thread = self.ended.exchange(nullptr);
    // A thread leaves the thread list a moment before it comes here.
    if (!thread && self.stops.load() && self.to_join.load() == 0) break;
    if (!thread) base::wait_word(self.word, seen);
    while (thread) {
      ETHREAD *next = thread->next_to_reap;
      pthread_join(thread->host_thread, nullptr);
      self.to_join.fetch_sub(1);
      if (ke::leaving.load()) {
        thread->next_to_reap = std::exchange(kept, thread);
      } else {
        if (thread->held.count() > 0) check_leaked_locks(*thread);
        free_thread(thread);
      }
      thread = next;
      self.freed.fetch_add(1);
      base::wake_word(self.freed, INT_MAX);
    }
  }
  while (kept) free_thread(std::exchange(kept, kept->next_to_reap));
  return nullptr;
}

}  // namespace

void start_reaper() {
  reaper().stops = false;
  pthread_create(&reaper().thread, nullptr, run, nullptr);
}

void expect_thread() { reaper().to_join.fetch_add(1); }

void expect_none() {
  reaper().to_join.fetch_sub(1);
  ring();
}

void reap(ETHREAD &thread) {
  ETHREAD *head = reaper().ended.load();
  do {
    thread.next_to_reap = head;
  } while (!reaper().ended.compare_exchange_weak(head, &thread));
  ring();
}

void note_ending() { reaper().ending.fetch_add(1); }

void await_ended_threads() {
  const uint32_t target = reaper().ending.load();
  for (;;) {
    const uint32_t freed = reaper().freed.load();
    if (static_cast<int32_t>(freed - target) >= 0) return;
    base::wait_word(reaper().freed, freed);
  }
}

void stop_reaper() {
  reaper().stops = true;
  ring();
  pthread_join(reaper().thread, nullptr);
}

void free_stack(ETHREAD &thread) {
  if (thread.stack_pages) base::unmap_pages(thread.stack_pages, thread.stack_bytes);
  thread.stack_pages = nullptr;
}

}  // namespace ntemu::ps
