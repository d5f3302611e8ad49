#include "tests/support/kernel_test.h"

#include <climits>

#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"

namespace ntemu::test {
namespace {

std::unique_ptr<Machine> boot(MachineOptions options = {}) {
  options.trap_unloaded = false;
  auto machine = Machine::boot(std::move(options));
  EXPECT_TRUE(machine) << machine.error().text;
  return machine ? std::move(*machine) : nullptr;
}

VOID run_body(PVOID context) { (*static_cast<std::function<void()> *>(context))(); }

}  // namespace

KernelTest::KernelTest(unsigned cpus) {
  MachineOptions options;
  options.cpus = cpus;
  machine_ = boot(std::move(options));
}
KernelTest::~KernelTest() { EXPECT_TRUE(machine_->shut_down()); }

FakeTimeTest::FakeTimeTest() {
  base::set_clock(&clock);
  machine_ = boot();
}
FakeTimeTest::~FakeTimeTest() {
  EXPECT_TRUE(machine_->shut_down());
  base::set_clock(nullptr);
}

SystemThread::SystemThread(std::function<void()> body) : body_(std::move(body)) {
  EXPECT_EQ(PsCreateSystemThread(&handle_, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, run_body, &body_),
            STATUS_SUCCESS);
  const auto object = ob::reference_by_handle(handle_, 0, *PsThreadType, KernelMode);
  EXPECT_TRUE(object);
  thread_ = static_cast<ETHREAD *>(*object);
}

SystemThread::~SystemThread() {
  join();
  ob::dereference(thread_);
  ZwClose(handle_);
}

void SystemThread::join() { wait(thread_); }

bool SystemThread::ended() { return poll(thread_) == STATUS_SUCCESS; }

void SystemThread::await_blocked() {
  ke::rest_watchers.fetch_add(1);
  for (;;) {
    const uint32_t seen = ke::rest_count.load();
    if (ke::is_asleep(*thread_)) break;
    base::wait_word(ke::rest_count, seen);
  }
  ke::rest_watchers.fetch_sub(1);
}

}  // namespace ntemu::test
