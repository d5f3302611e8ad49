// Threads that block for good, and the locks that they block on.
#pragma once

#include <gmock/gmock.h>
#include <sched.h>
#include <mutex>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "ntemu/base/log.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"
#include "ntemu/vf/deadlock.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {

// A system thread that nobody joins: it leaves when its machine ends. Its body is kept for good.
class LostThread {
 public:
  explicit LostThread(std::function<void()> body) {
    static auto *bodies = new std::vector<std::function<void()> *>;
    bodies->push_back(new std::function<void()>(std::move(body)));
    HANDLE handle = nullptr;
    EXPECT_EQ(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, run, bodies->back()),
              STATUS_SUCCESS);
    const auto object = ob::reference_by_handle(handle, 0, *PsThreadType, KernelMode);
    ZwClose(handle);
    thread_ = static_cast<ETHREAD *>(*object);
  }
  LostThread(LostThread &&other) noexcept : thread_(std::exchange(other.thread_, nullptr)) {}
  ~LostThread() {
    if (thread_) ob::dereference(thread_);
  }
  ETHREAD &thread() const { return *thread_; }
  bool ended() const { return ke::signal_state(thread_->Tcb.Header) > 0; }
  // A cycle that it closes has been reported by then.
  bool settled() const { return ke::is_asleep(*thread_); }
  void settle() const {
    while (!settled()) sched_yield();
  }

 private:
  static VOID run(PVOID context) { (*static_cast<std::function<void()> *>(context))(); }
  ETHREAD *thread_;
};

// How a kind of lock is taken and given back.
struct LockType {
  const char *name;  // as reports call it
  void (*initialize)(void *);
  void (*acquire)(void *);
  void (*release)(void *);
};
extern const std::vector<LockType> kLockTypes;
const LockType &lock_type(const std::string &name);

// Memory of a lock is kept for good: threads of a machine that has ended may have stood in it.
template <class T>
T *lasting() {
  static std::mutex mutex;
  static auto *all = new std::vector<void *>;
  std::lock_guard guard(mutex);
  return static_cast<T *>(all->emplace_back(::operator new(sizeof(T))));
}

class AnyLock {
 public:
  explicit AnyLock(const LockType &type) : type_(&type), lock_(lasting<char[256]>()) { type_->initialize(lock_); }
  void acquire() const { type_->acquire(lock_); }
  void release() const { type_->release(lock_); }
  void *get() const { return lock_; }
  const char *name() const { return type_->name; }

 private:
  const LockType *type_;
  void *lock_;
};

// Lets threads go on together.
class Meeting {
 public:
  explicit Meeting(int count) : left_(count) {}
  void meet() {
    left_.fetch_sub(1);
    while (left_.load() > 0) sched_yield();
  }

 private:
  std::atomic<int> left_;
};

inline void await_reports(size_t count) {
  while (vf::reported_cycles().size() < count) sched_yield();
}

}  // namespace ntemu::test
