// System threads: an ETHREAD over a pthread with a kernel stack of its own.
#include "ntemu/ps/thread.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ntemu/api/enter.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/pages.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ex/ex.h"
#include "ntemu/ex/worker.h"
#include "ntemu/ke/apc.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ke/policy.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/queue.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ob/open.h"
#include "ntemu/ps/exit.h"
#include "ntemu/ps/notify.h"
#include "ntemu/ps/priority.h"
#include "ntemu/ps/process.h"
#include "ntemu/ps/ps.h"
#include "ntemu/ps/reaper.h"

using namespace ntemu;
using namespace ntemu::ps;

namespace {

// A thread keeps a reference to its own object until its host's thread has been joined.
void stop_if_alive(void *body) {
  if (static_cast<ETHREAD *>(body)->stack_pages)
    ke::bugcheck(0x18, reinterpret_cast<ULONG_PTR>(*PsThreadType), reinterpret_cast<ULONG_PTR>(body), 2, 0);
}

_OBJECT_TYPE thread_type{
    .name = u"Thread",
    .valid_access = THREAD_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE, THREAD_ALL_ACCESS},
    .dispatcher_offset = 0,
    .on_delete = stop_if_alive,
    .on_last_handle_closed = nullptr};
POBJECT_TYPE thread_type_pointer = &thread_type;

}  // namespace

extern "C" {
__attribute__((visibility("default"))) POBJECT_TYPE *PsThreadType = &thread_type_pointer;
}

namespace ntemu::ps {
namespace {

// The default, and what sanitizers need on top: their frames are several times larger.
#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)
constexpr size_t kStackBytes = 4 * kDefaultStackBytes;
#else
constexpr size_t kStackBytes = kDefaultStackBytes;
#endif
// The report of a bugcheck is made on it.
constexpr size_t kSignalStackBytes = 256 * 1024;
constexpr base::Nt100ns kStartCpuLimit = base::kNtPerMillisecond;
constexpr base::Nt100ns kStartHostLimit = base::kNtPerSecond;

struct Threads {
  base::Mutex mutex;
  size_t count NTEMU_GUARDED_BY(mutex) = 0;  // linked ETHREADs that run, or are about to, on a host thread of ours
  std::atomic<ULONG_PTR> next_id{8};
  std::atomic<uint32_t> ended{0};  // bumped at each thread's end
};

Threads &threads() {
  static Threads *all = new Threads;
  return *all;
}

ETHREAD *new_thread() {
  auto *thread = static_cast<ETHREAD *>(ob::create(thread_type, sizeof(ETHREAD)));
  if (!thread) return nullptr;
  KTHREAD &tcb = thread->Tcb;
  ke::initialize_header(tcb.Header, ke::kThreadObject, 0, 0);
  InitializeListHead(&tcb.MutantListHead);
  InitializeListHead(&thread->IrpList);
  ke::initialize_header(thread->irps_gone.Header, NotificationEvent, sizeof(KEVENT), 0);
  InitializeListHead(&tcb.ApcState.ApcListHead[KernelMode]);
  InitializeListHead(&tcb.ApcState.ApcListHead[UserMode]);
  tcb.ApcState.Process = &PsInitialSystemProcess->Pcb;
  tcb.Process = &PsInitialSystemProcess->Pcb;
  tcb.Priority = kBasePriority;
  tcb.BasePriority = kBasePriority;
  thread->ThreadPagePriority = kPagePriority;
  ke::set_state(tcb, ke::kInitialized);
  thread->CreateTime.QuadPart = base::clock().system_time();
  thread->Cid.UniqueProcess = PsInitialSystemProcess->UniqueProcessId;
  thread->Cid.UniqueThread = reinterpret_cast<HANDLE>(threads().next_id.fetch_add(4));
  thread->ExitStatus = STATUS_PENDING;
  thread->wait_deadline = base::kForever;
  return thread;
}

void link(ETHREAD &thread) {
  base::Guard guard(threads().mutex);
  InsertTailList(&PsInitialSystemProcess->Pcb.ThreadListHead, &thread.Tcb.ThreadListEntry);
  ++PsInitialSystemProcess->ActiveThreads;
  thread.linked = true;
}

// From here on the machine's end waits for the thread.
void count_in(ETHREAD &thread) {
  base::Guard guard(threads().mutex);
  thread.governed = true;
  ++threads().count;
}

void unlink(ETHREAD &thread) {
  base::Guard guard(threads().mutex);
  if (!thread.linked) return;
  RemoveEntryList(&thread.Tcb.ThreadListEntry);
  --PsInitialSystemProcess->ActiveThreads;
  if (thread.governed) --threads().count;
  thread.linked = false;
}

void mark_terminated(ETHREAD &thread) {
  ke::drop_processor(thread);
  ke::run_down_apcs(thread);
  ke::abandon_mutants(thread);
  ke::leave_queue(thread);
  __atomic_store_n(&thread.ExitTime.QuadPart, base::clock().system_time(), __ATOMIC_RELAXED);
  __atomic_fetch_or(&thread.CrossThreadFlags, ke::kTerminatedFlag, __ATOMIC_RELAXED);
  ke::set_state(thread.Tcb, ke::kTerminated);
  unlink(thread);
  ke::signal(thread.Tcb.Header, 1, IO_NO_INCREMENT);
}

__attribute__((noinline)) void PspSystemThreadStartup(ETHREAD &thread) {
  const auto routine = reinterpret_cast<PKSTART_ROUTINE>(thread.StartAddress);
  routine(thread.start_context);
  prepare_exit(thread);
  set_exit_status(thread, STATUS_SUCCESS);
}

__attribute__((noinline)) void KiStartSystemThread(ETHREAD &thread) {
  PspSystemThreadStartup(thread);
  asm volatile("");  // keeps the frame above from becoming a tail call
}

// Where a fault is told when the stack itself is used up. Sanitizers have stacks of their own for that.
void use_signal_stack([[maybe_unused]] void *pages) {
#if !defined(NTEMU_ASAN) && !defined(NTEMU_TSAN)
  const stack_t stack{.ss_sp = pages, .ss_flags = 0, .ss_size = kSignalStackBytes};
  sigaltstack(&stack, nullptr);
#endif
}

void *host_entry(void *argument) {
  auto &thread = *static_cast<ETHREAD *>(argument);
  base::current_thread_slot = &thread;
  use_signal_stack(thread.Tcb.StackBase);
  thread.host_id = gettid();
  clockid_t cpu_clock = 0;
  pthread_getcpuclockid(pthread_self(), &cpu_clock);
  thread.cpu_clock.store(cpu_clock);
  jmp_buf exit_point;
  thread.exit_point = &exit_point;
  ke::set_state(thread.Tcb, ke::kRunning);
  ke::Policy *const policy = ke::policy_for(thread);
  if (policy) policy->begin(thread);
  if (setjmp(exit_point) == 0) KiStartSystemThread(thread);
  thread.exit_point = nullptr;
  thread.raise_frame = nullptr;  // whoever wanted to catch something is not on the stack any more
  ke::end_start(thread);
  note_ending();
  record_processor_time(thread);
  if (thread.ExitStatus == STATUS_PENDING) set_exit_status(thread, STATUS_SYSTEM_SHUTDOWN);
  disown_thread_io(thread);
  mark_terminated(thread);
  threads().ended.fetch_add(1);
  base::wake_word(threads().ended, INT_MAX);
  ke::note_rest();
  if (policy) policy->end(thread);
  base::current_thread_slot = nullptr;
  reap(thread);
  return nullptr;
}

// A guard page, the stack with pthread's own data at its top, and the stack for signals: so that what a driver writes
// before a block that follows does not hit pthread's data, without which no fault can be told.
bool make_stack(ETHREAD &thread, pthread_attr_t &attributes) {
  thread.stack_bytes = base::kPageSize + kStackBytes + kSignalStackBytes;
  thread.stack_pages = base::map_pages(thread.stack_bytes);
  if (!thread.stack_pages) return false;
  mprotect(thread.stack_pages, base::kPageSize, PROT_NONE);
  char *limit = static_cast<char *>(thread.stack_pages) + base::kPageSize;
  thread.Tcb.StackLimit = limit;
  thread.Tcb.StackBase = limit + kStackBytes;
  thread.Tcb.InitialStack = thread.Tcb.StackBase;
  pthread_attr_init(&attributes);
  return pthread_attr_setstack(&attributes, limit, kStackBytes) == 0;
}

// Drivers' threads take no asynchronous signals: those are for the host's threads.
bool start_host_thread(ETHREAD &thread) {
  pthread_attr_t attributes;
  if (!make_stack(thread, attributes)) return false;
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF, ke::freeze_signal()})
    sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  if (ke::Policy *policy = ke::policy_for(thread)) policy->add(thread);
  expect_thread();
  const int error = pthread_create(&thread.host_thread, &attributes, host_entry, &thread);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) expect_none();
  return error == 0;
}

ETHREAD *adopt() {
  ETHREAD *thread = new_thread();
  if (!thread) {
    base::log(base::Level::kError, "ps", "no memory to adopt a host thread");
    std::abort();
  }
  thread->adopted = true;
  thread->host_id = gettid();
  thread->host_thread = pthread_self();
  clockid_t cpu_clock = 0;
  pthread_getcpuclockid(pthread_self(), &cpu_clock);
  thread->cpu_clock.store(cpu_clock);
  ke::set_state(thread->Tcb, ke::kRunning);
  pthread_attr_t attributes;
  void *limit = nullptr;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &limit, &bytes);
    pthread_attr_destroy(&attributes);
  }
  thread->Tcb.StackLimit = limit;
  thread->Tcb.StackBase = static_cast<char *>(limit) + bytes;
  thread->Tcb.InitialStack = thread->Tcb.StackBase;
  base::current_thread_slot = thread;
  link(*thread);
  // Runs release_host_thread when the host thread ends.
  struct Release {
    ~Release() { release_host_thread(); }
  };
  static thread_local Release release;
  (void)release;
  return thread;
}

void take_apcs(const void *caller) {
  ETHREAD *thread = base::current_thread_slot;
  if (thread && thread->apc_due.load() && is_driver_code.load()(caller)) ke::check_apcs(*thread);
}

// Only where a driver calls: frames of the kernel's own hold what they have to give back. And below DISPATCH_LEVEL:
// what goes on above ends soon, and others spin until it has.
void leave_if_nt_thread(const void *caller) {
  ETHREAD *thread = base::current_thread_slot;
  if (thread && thread->exit_point && thread->irql < DISPATCH_LEVEL && is_driver_code.load()(caller))
    ke::leave(*thread);
}

}  // namespace

constinit std::atomic<bool (*)(const void *address)> is_driver_code{[](const void *) { return false; }};

void release_host_thread() {
  ETHREAD *thread = base::current_thread_slot;
  if (!thread || !thread->adopted) return;
  record_processor_time(*thread);
  set_exit_status(*thread, STATUS_SUCCESS);
  disown_thread_io(*thread);
  mark_terminated(*thread);
  base::current_thread_slot = nullptr;
  ob::dereference(thread);
}

ETHREAD *make_thread(PKSTART_ROUTINE routine, void *context) {
  ETHREAD *thread = new_thread();
  if (!thread) return nullptr;
  thread->CrossThreadFlags |= ke::kSystemThreadFlag;
  thread->StartAddress = reinterpret_cast<PVOID>(routine);
  thread->start_context = context;
  thread->starting.store(true);
  link(*thread);
  return thread;
}

bool launch(ETHREAD &thread) {
  notify_thread(thread, true);
  ob::reference(&thread);  // the running thread's own; the reaper drops it
  count_in(thread);
  if (start_host_thread(thread)) return true;
  unlink(thread);
  free_stack(thread);
  ob::dereference(&thread);
  return false;
}

void discard(ETHREAD &thread) { unlink(thread); }

void await_first_progress(ETHREAD &thread) {
  if (ke::policy_for(ke::current())) {  // one at a time: it has made progress when the turn comes back
    if (thread.start_word.load() == 0) ke::spin(0);
    thread.starting.store(false);
    return;
  }
  for (base::Nt100ns waited = 0; waited < kStartHostLimit; waited += base::kNtPerMillisecond) {
    if (thread.start_word.load(std::memory_order_acquire) != 0) return;
    base::wait_word(thread.start_word, 0, base::kNtPerMillisecond);
    timespec used{};
    const clockid_t cpu_clock = thread.cpu_clock.load();
    if (cpu_clock && clock_gettime(cpu_clock, &used) == 0 &&
        used.tv_sec * base::kNtPerSecond + used.tv_nsec / 100 >= kStartCpuLimit) {
      break;
    }
  }
  thread.starting.store(false);
}

Result<ETHREAD *> create_thread(PKSTART_ROUTINE routine, void *context) {
  ETHREAD *thread = make_thread(routine, context);
  if (!thread) return STATUS_INSUFFICIENT_RESOURCES;
  if (launch(*thread)) return thread;
  ob::dereference(thread);
  return STATUS_INSUFFICIENT_RESOURCES;
}

void boot() {
  Threads &all = threads();
  all.next_id = 8;
  ke::leaving = false;
  reset_notify_routines();
  boot_process();
  base::adopt_thread = adopt;
  api::leave_machine = leave_if_nt_thread;
  api::take_apcs = take_apcs;
  api::schedule_point = [](api::Id id, const void *caller) {
    if (is_driver_code.load()(caller)) ke::schedule_point(id);
  };
  start_reaper();
  ex::create_worker = [] {
    const auto worker = create_thread(ExpWorkerThread, nullptr);
    if (worker) ob::dereference(*worker);
    return static_cast<bool>(worker);
  };
  ke::create_dpc_thread = [](PKSTART_ROUTINE routine, void *context) {
    const auto thread = create_thread(routine, context);
    if (thread) ob::dereference(*thread);
    return static_cast<bool>(thread);
  };
  ex::boot_worker();
}

bool stop_threads(base::Nt100ns patience) {
  Threads &all = threads();
  {
    base::Guard guard(all.mutex);
    ke::begin_leaving(PsInitialSystemProcess->Pcb.ThreadListHead);
  }
  api::hooks.fetch_or(api::kLeaving);
  for (base::Nt100ns waited = 0;; waited += base::kNtPerMillisecond) {
    const uint32_t ended = all.ended.load();
    for_each_thread([](ETHREAD &thread) {
      if (!thread.adopted) ke::kick(thread);
    });
    {
      base::Guard guard(all.mutex);
      if (all.count == 0) break;
    }
    if (waited >= patience) return false;
    base::wait_word(all.ended, ended, base::kNtPerMillisecond);
  }
  stop_reaper();
  ex::abandon_work();
  api::hooks.fetch_and(~uint32_t{api::kLeaving});
  return true;
}

void teardown() {
  release_host_thread();
  teardown_process();
}

void for_each_thread(const std::function<void(ETHREAD &)> &visit) {
  base::Guard guard(threads().mutex);
  LIST_ENTRY &head = PsInitialSystemProcess->Pcb.ThreadListHead;
  for (LIST_ENTRY *entry = head.Flink; entry != &head; entry = entry->Flink) {
    visit(*reinterpret_cast<ETHREAD *>(CONTAINING_RECORD(entry, KTHREAD, ThreadListEntry)));
  }
}

void with_threads(const std::function<void(LIST_ENTRY &)> &body) {
  base::Guard guard(threads().mutex);
  body(PsInitialSystemProcess->Pcb.ThreadListHead);
}

size_t count_threads(const void *image, size_t size) {
  size_t count = 0;
  for_each_thread([&](ETHREAD &thread) {
    const auto offset = reinterpret_cast<ULONG_PTR>(thread.StartAddress) - reinterpret_cast<ULONG_PTR>(image);
    if (thread.StartAddress && offset < size) ++count;
  });
  return count;
}

}  // namespace ntemu::ps
