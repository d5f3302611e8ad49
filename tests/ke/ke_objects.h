// Dispatcher objects that are ready when they are declared, and waits for several of them.
#pragma once

#include <initializer_list>
#include <vector>

#include "tests/support/stress.h"

namespace ntemu::test {

struct Event : KEVENT {
  explicit Event(EVENT_TYPE type = SynchronizationEvent, bool set = false) { KeInitializeEvent(this, type, set); }
  LONG set(KPRIORITY increment = 0, BOOLEAN wait = FALSE) { return KeSetEvent(this, increment, wait); }
  LONG state() { return KeReadStateEvent(this); }
};

struct Semaphore : KSEMAPHORE {
  explicit Semaphore(LONG count = 0, LONG limit = MAXLONG) { KeInitializeSemaphore(this, count, limit); }
  LONG release(LONG adjustment = 1) { return KeReleaseSemaphore(this, 0, adjustment, FALSE); }
  LONG state() { return KeReadStateSemaphore(this); }
};

struct Mutex : KMUTEX {
  Mutex() { KeInitializeMutex(this, 0); }
  LONG release() { return KeReleaseMutex(this, FALSE); }
  LONG state() { return KeReadStateMutex(this); }
};

// Unlike a mutex it lets its owner's APCs come, and may be abandoned.
struct Mutant : KMUTANT {
  explicit Mutant(bool owned = false) { KeInitializeMutant(this, owned); }
  LONG release(BOOLEAN abandoned = FALSE) { return KeReleaseMutant(this, MUTANT_INCREMENT, abandoned, FALSE); }
  LONG state() { return KeReadStateMutex(this); }
};

struct Queue : KQUEUE {
  explicit Queue(ULONG running = 1) { KeInitializeQueue(this, running); }
  ~Queue() { KeRundownQueue(this); }  // the test's own thread may be one of its threads
  LONG insert(LIST_ENTRY &entry) { return KeInsertQueue(this, &entry); }
  PLIST_ENTRY remove(PLARGE_INTEGER timeout = nullptr, KPROCESSOR_MODE mode = KernelMode) {
    return KeRemoveQueue(this, mode, timeout);
  }
};

// Like a vector, but without anything to be destroyed: a wait that raises is left by a jump.
class Objects {
 public:
  Objects() = default;
  Objects(std::initializer_list<void *> objects) {
    for (void *object : objects) push_back(object);
  }
  Objects(size_t count, void *object) {
    while (count_ < count) push_back(object);
  }
  void push_back(void *object) { all_[count_++] = object; }
  size_t size() const { return count_; }
  void **data() { return all_; }
  void *&operator[](size_t i) { return all_[i]; }

 private:
  void *all_[MAXIMUM_WAIT_OBJECTS + 1] = {};
  size_t count_ = 0;
};

inline NTSTATUS wait_many(WAIT_TYPE type, Objects objects, PLARGE_INTEGER timeout = nullptr,
                          KPROCESSOR_MODE mode = KernelMode, BOOLEAN alertable = FALSE) {
  KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
  return KeWaitForMultipleObjects(static_cast<ULONG>(objects.size()), objects.data(), type, Executive, mode, alertable,
                                  timeout, blocks);
}
inline NTSTATUS wait_any(Objects objects, PLARGE_INTEGER timeout = nullptr) {
  return wait_many(WaitAny, std::move(objects), timeout);
}
inline NTSTATUS wait_all(Objects objects, PLARGE_INTEGER timeout = nullptr) {
  return wait_many(WaitAll, std::move(objects), timeout);
}
inline NTSTATUS poll_any(Objects objects) {
  LARGE_INTEGER now{};
  return wait_any(std::move(objects), &now);
}
inline NTSTATUS poll_all(Objects objects) {
  LARGE_INTEGER now{};
  return wait_all(std::move(objects), &now);
}

inline bool has_waiters(const DISPATCHER_HEADER &header) {
  return !IsListEmpty(&header.WaitListHead) || (ke::load_word(header) & ke::kHasWaiters);
}

// Threads that run one body, each with its number.
class Crowd {
 public:
  Crowd(int size, std::function<void(int)> body) {
    for (int i = 0; i < size; ++i) threads_.push_back(std::make_unique<SystemThread>([body, i] { body(i); }));
  }
  SystemThread &operator[](int i) { return *threads_[static_cast<size_t>(i)]; }
  void await_blocked() {
    for (auto &thread : threads_) thread->await_blocked();
  }
  void join() {
    for (auto &thread : threads_) thread->join();
  }

 private:
  std::vector<std::unique_ptr<SystemThread>> threads_;
};

}  // namespace ntemu::test
