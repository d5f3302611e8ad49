#include "ntemu/include/ntemu/testing/context.h"

#include <gtest/gtest.h>

#include "ntemu/ke/wait.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"
#include "ntemu/testing/quiet.h"

namespace ntemu::testing {
namespace {

bool has_ended(PETHREAD thread) {
  const Quiet quiet;
  LARGE_INTEGER now{};
  return KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, &now) == STATUS_SUCCESS;
}

VOID run_body(PVOID context) { (*static_cast<std::function<void()> *>(context))(); }

}  // namespace

namespace detail {

RaisedIrql::RaisedIrql(KIRQL irql) {
  const Quiet quiet;
  KeRaiseIrql(irql, &before_);
}

RaisedIrql::~RaisedIrql() {
  const Quiet quiet;
  KeLowerIrql(before_);
}

}  // namespace detail

struct SystemThread::State {
  std::function<void()> body;
  ETHREAD *thread = nullptr;
};

SystemThread::SystemThread(std::function<void()> body) : state_(std::make_unique<State>()) {
  const Quiet quiet;
  state_->body = std::move(body);
  HANDLE handle;
  const NTSTATUS status =
      PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, run_body, &state_->body);
  if (!NT_SUCCESS(status)) throw std::runtime_error("no system thread for the test");
  state_->thread = static_cast<ETHREAD *>(*ob::reference_by_handle(handle, 0, *PsThreadType, KernelMode));
  ZwClose(handle);
}

SystemThread::~SystemThread() {
  join();
  const Quiet quiet;
  ob::dereference(state_->thread);
}

PETHREAD SystemThread::get() const { return state_->thread; }

void SystemThread::join() {
  const Quiet quiet;
  KeWaitForSingleObject(state_->thread, Executive, KernelMode, FALSE, nullptr);
}

bool SystemThread::ended() const { return has_ended(state_->thread); }

void RunInSystemThread(const std::function<void()> &body) { SystemThread(body).join(); }

void WaitUntilBlocked(PETHREAD thread) {
  ke::rest_watchers.fetch_add(1);
  for (;;) {
    const uint32_t seen = ke::rest_count.load();
    if (ke::is_asleep(*thread) || has_ended(thread)) break;
    base::wait_word(ke::rest_count, seen);
  }
  ke::rest_watchers.fetch_sub(1);
}

}  // namespace ntemu::testing
