// Where a driver's code runs: at which IRQL, in which thread; and waiting for a thread without a sleep.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>

#include "ntifs.h"

namespace ntemu::testing {

// Runs `body` at this IRQL on the calling thread, and returns what it returns.
template <class Body>
auto RunAt(KIRQL irql, Body &&body);

// Runs `body` in a system thread of the machine and returns when that has ended.
void RunInSystemThread(const std::function<void()> &body);

// A system thread that runs `body`; joined at the latest when it is destroyed.
class SystemThread {
 public:
  explicit SystemThread(std::function<void()> body);
  ~SystemThread();
  SystemThread(const SystemThread &) = delete;
  SystemThread &operator=(const SystemThread &) = delete;
  PETHREAD get() const;
  void join();
  bool ended() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Returns when the thread is asleep in a wait, or has ended.
void WaitUntilBlocked(PETHREAD thread);
inline void WaitUntilBlocked(const SystemThread &thread) { WaitUntilBlocked(thread.get()); }

namespace detail {

class RaisedIrql {
 public:
  explicit RaisedIrql(KIRQL irql);
  ~RaisedIrql();
  RaisedIrql(const RaisedIrql &) = delete;
  RaisedIrql &operator=(const RaisedIrql &) = delete;

 private:
  KIRQL before_;
};

}  // namespace detail

template <class Body>
auto RunAt(KIRQL irql, Body &&body) {
  const detail::RaisedIrql raised(irql);
  return body();
}

}  // namespace ntemu::testing
