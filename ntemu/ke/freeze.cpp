#include "ntemu/ke/freeze.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iterator>

#include "ntemu/base/peek.h"
#include "ntemu/ke/freeze_task.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ke {

std::atomic<uint32_t> world{0};

namespace {

constexpr size_t kMostThreads = 1 << 14;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kPatience = 2000 * kMillisecond;      // for all threads to answer
constexpr int64_t kSuspicion = 10 * kMillisecond;       // after that, and again, who will not answer is looked for
constexpr int64_t kSleepPatience = 250 * kMillisecond;  // for those that sleep in the host's kernel
constexpr int64_t kOwnerPatience = 2500 * kMillisecond;
constexpr int kPasses = 4;  // a thread that was not stopped yet may have made another

// FrozenThread.answer: the freeze's `world` above these.
enum Answer : uint32_t { kAsked = 0, kAnswering = 1, kAnswered = 2 };
constexpr uint32_t kAnswerBits = 2;

struct ListedThread {
  pid_t id;
  const ETHREAD *thread;
  bool waiting;
  uint64_t thread_pointer;
};

struct Tables {
  FrozenThread threads[kMostThreads];
  ListedThread listed[kMostThreads];
  char entries[32 << 10];
};

std::atomic<Tables *> the_tables{nullptr};
std::atomic<pid_t> owner{0};
std::atomic<uint32_t> answers{0};

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 * kMillisecond + time.tv_nsec;
}

void futex_wait(std::atomic<uint32_t> &word, uint32_t expected, int64_t nanoseconds) {
  const timespec limit{nanoseconds / (1000 * kMillisecond), nanoseconds % (1000 * kMillisecond)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nanoseconds < 0 ? nullptr : &limit, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t> &word) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX); }

uint32_t in_freeze(uint32_t freeze, Answer answer) { return freeze << kAnswerBits | answer; }

// Not memcpy, which sanitizers look into.
void copy(const void *from, void *to, size_t bytes) {
  asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(bytes) : : "memory");
}

// The signal carries the freeze and the thread's place in the table; one that comes late finds neither.
// ThreadSanitizer keeps a signal back until after the freeze that it belongs to, and would take it for a race.
__attribute__((no_sanitize("thread"))) void on_freeze(int, siginfo_t *info, void *raw) {
  const int saved = errno;
  Tables *tables = the_tables.load();
  const auto value = reinterpret_cast<uintptr_t>(info->si_value.sival_ptr);
  const auto freeze = static_cast<uint32_t>(value >> 32);
  const size_t index = value & UINT32_MAX;
  if (info->si_code != SI_QUEUE || info->si_pid != getpid() || !tables || index >= kMostThreads) return;
  FrozenThread &self = tables->threads[index];
  uint32_t asked = in_freeze(freeze, kAsked);
  if (!self.answer.compare_exchange_strong(asked, in_freeze(freeze, kAnswering))) return;
  const auto &context = *static_cast<ucontext_t *>(raw);
  copy(context.uc_mcontext.gregs, self.registers, sizeof self.registers);
  self.has_registers = true;
  if (context.uc_mcontext.fpregs) {
    copy(context.uc_mcontext.fpregs, self.floating, sizeof self.floating);
    self.has_floating = true;
  }
  asm("movq %%fs:0, %0" : "=r"(self.thread_pointer));
  self.answer.store(in_freeze(freeze, kAnswered), std::memory_order_release);
  answers.fetch_add(1);
  futex_wake(answers);
  while (world.load() == freeze) futex_wait(world, freeze, -1);
  errno = saved;
}

// Whoever is the first to freeze makes the tables and takes the signal, for good: one may come late.
Tables *prepare() {
  if (Tables *made = the_tables.load()) return made;
  void *pages =
      mmap(nullptr, sizeof(Tables), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  auto *tables = static_cast<Tables *>(pages);
  the_tables.store(tables);
  struct sigaction action {};
  action.sa_sigaction = on_freeze;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  // All of them, the C library's own too, so that one that has not left the handler yet is not taken for deaf.
  std::memset(&action.sa_mask, 0xff, sizeof action.sa_mask);
  sigaction(freeze_signal(), &action, nullptr);
  return tables;
}

bool take_ownership() {
  const pid_t self = static_cast<pid_t>(syscall(SYS_gettid));
  for (const int64_t end = now() + kOwnerPatience; now() < end; sched_yield()) {
    pid_t nobody = 0;
    if (owner.compare_exchange_strong(nobody, self)) return true;
    if (nobody == self) return false;
  }
  return false;
}

const uint64_t *kernel_stack_of(const ETHREAD &thread) {
  return reinterpret_cast<const uint64_t *>(const_cast<void *const *>(&thread.Tcb.KernelStack));
}

// The list may change under the look, and what is on it may go: it is read as a debugger reads it. Whoever is missed is
// taken for a thread that runs.
size_t read_list(const LIST_ENTRY *list, ListedThread *listed) {
  LIST_ENTRY head;
  size_t count = 0;
  if (!list || !base::read_memory(list, head)) return 0;
  for (const LIST_ENTRY *entry = head.Flink; entry != list && count < kMostThreads; ++count) {
    const auto *thread = reinterpret_cast<const ETHREAD *>(CONTAINING_RECORD(entry, KTHREAD, ThreadListEntry));
    LIST_ENTRY links;
    uint64_t stack = 0;
    pthread_t pointer;
    ListedThread &each = listed[count];
    if (!base::read_memory(entry, links) || !base::read_memory(&thread->host_id, each.id) ||
        !base::read_memory(&thread->host_thread, pointer) || !base::read_memory(kernel_stack_of(*thread), stack))
      break;
    each.thread = thread;
    each.waiting = stack != 0;
    each.thread_pointer = pointer;
    entry = links.Flink;
  }
  return count;
}

class Freezing {
 public:
  Freezing(Tables &tables, const LIST_ENTRY *list, const ucontext_t &self)
      : tables_(tables), freeze_(world.fetch_add(1) + 1), self_(static_cast<pid_t>(syscall(SYS_gettid))) {
    // Who leaves KiSwapContext stores to KernelStack and then looks at `world`; here it is the other way round. The
    // addition above is a full barrier on x86-64.
    listed_ = read_list(list, tables_.listed);
    FrozenThread &first = *add(self_);
    first.stopped = Stopped::kSelf;
    std::memcpy(first.registers, self.uc_mcontext.gregs, sizeof first.registers);
    first.has_registers = true;
    asm("movq %%fs:0, %0" : "=r"(first.thread_pointer));
    if (const ListedThread *own = find(self_)) first.thread = own->thread;
  }

  void run(FrozenWorld &frozen) {
    const int64_t end = now() + kPatience;
    for (int pass = 0; pass < kPasses && ask_new_threads(); ++pass) await_answers(end);
    frozen = {tables_.threads, count_, 0};
    for (size_t i = 1; i < count_; ++i) settle(tables_.threads[i], end, frozen.running);
  }

 private:
  // A place that no handler of an earlier freeze is still writing to; null when there is none left.
  FrozenThread *add(pid_t id) {
    while (count_ < kMostThreads) {
      FrozenThread &place = tables_.threads[count_++];
      const uint32_t before = place.answer.load();
      const bool busy = (before & ((1u << kAnswerBits) - 1)) == kAnswering;
      place.id = busy ? 0 : id;
      place.stopped = Stopped::kGone;
      if (busy) continue;
      place.has_registers = place.has_floating = false;
      place.thread = nullptr;
      place.thread_pointer = 0;
      return &place;
    }
    return nullptr;
  }

  const ListedThread *find(pid_t id) const {
    for (size_t i = 0; i < listed_; ++i) {
      if (tables_.listed[i].id == id) return &tables_.listed[i];
    }
    return nullptr;
  }

  bool is_known(pid_t id) const {
    for (size_t i = 0; i < count_; ++i) {
      if (tables_.threads[i].id == id) return true;
    }
    return false;
  }

  bool ask(pid_t id) {
    if (id == self_ || is_known(id)) return false;
    FrozenThread *place = add(id);
    if (!place) return false;
    if (const ListedThread *listed = find(id)) {
      place->thread = listed->thread;
      place->thread_pointer = listed->thread_pointer;
      if (listed->waiting) {
        place->stopped = Stopped::kByWaiting;
        return true;
      }
    }
    place->stopped = Stopped::kBySignal;
    place->answer.store(in_freeze(freeze_, kAsked));
    siginfo_t info{};
    info.si_signo = freeze_signal();
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    const auto index = static_cast<uint64_t>(place - tables_.threads);
    info.si_value.sival_ptr = reinterpret_cast<void *>(uint64_t{freeze_} << 32 | index);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), id, freeze_signal(), &info) != 0)
      place->stopped = errno == ESRCH ? Stopped::kGone : Stopped::kNot;
    return true;
  }

  // False when there is none. Without a /proc, those on the list have to do.
  bool ask_new_threads() {
    bool any = false;
    const auto take = [&](pid_t id) { any |= ask(id); };
    if (!for_each_task(tables_.entries, sizeof tables_.entries, take)) {
      for (size_t i = 0; i < listed_; ++i) take(tables_.listed[i].id);
    }
    return any;
  }

  bool has_answered(const FrozenThread &thread) const {
    return thread.answer.load(std::memory_order_acquire) == in_freeze(freeze_, kAnswered);
  }

  size_t count_pending() const {
    size_t pending = 0;
    for (size_t i = 1; i < count_; ++i)
      pending += tables_.threads[i].stopped == Stopped::kBySignal && !has_answered(tables_.threads[i]);
    return pending;
  }

  void await_answers(int64_t end) {
    const int64_t began = now();
    int64_t look = began + kSuspicion;
    for (;;) {
      const uint32_t seen = answers.load();
      if (count_pending() == 0) return;
      const int64_t time = now();
      if (time >= end) return;
      if (time >= look) {
        give_up_on_the_deaf(time - began >= kSleepPatience);
        look = time + kSuspicion;
        continue;
      }
      futex_wait(answers, seen, std::min(look, end) - time);
    }
  }

  void give_up_on_the_deaf(bool also_sleepers) {
    for (size_t i = 1; i < count_; ++i) {
      FrozenThread &thread = tables_.threads[i];
      if (thread.stopped != Stopped::kBySignal || has_answered(thread)) continue;
      if (syscall(SYS_tgkill, getpid(), thread.id, 0) != 0) {
        thread.stopped = Stopped::kGone;
        continue;
      }
      const TaskStatus status = status_of_task(thread.id, freeze_signal());
      if (status.blocks_signal || (also_sleepers && status.uninterruptible)) thread.stopped = Stopped::kNot;
    }
  }

  void settle(FrozenThread &thread, int64_t end, size_t &running) {
    if (thread.stopped == Stopped::kByWaiting) take_saved_registers(thread, end);
    if (thread.stopped == Stopped::kBySignal && !has_answered(thread)) thread.stopped = Stopped::kNot;
    if (thread.stopped == Stopped::kNot) {
      thread.has_registers = thread.has_floating = false;
      ++running;
    }
  }

  // One that has been woken is on its way to where it stops: there it saves its registers again.
  static void take_saved_registers(FrozenThread &thread, int64_t end) {
    SavedRegisters saved;
    do {
      uint64_t stack = 0;
      if (base::read_memory(kernel_stack_of(*thread.thread), stack) && stack &&
          base::read_memory(reinterpret_cast<const SavedRegisters *>(stack), saved)) {
        saved.give(stack, thread.registers);
        thread.has_registers = true;
        return;
      }
      sched_yield();
    } while (now() < end);
    thread.stopped = Stopped::kNot;
  }

  Tables &tables_;
  const uint32_t freeze_;
  const pid_t self_;
  size_t count_ = 0;
  size_t listed_ = 0;
};

}  // namespace

bool freeze_world(const LIST_ENTRY *list, const ucontext_t &self, FrozenWorld &frozen) {
  if (!take_ownership()) return false;
  Tables *tables = prepare();
  if (!tables) {
    owner.store(0);
    return false;
  }
  Freezing(*tables, list, self).run(frozen);
  return true;
}

void thaw_world() {
  world.fetch_add(1);
  futex_wake(world);
  owner.store(0);
}

}  // namespace ntemu::ke
