// Fixtures for tests of the kernel's API: a fresh machine in memory per test, and threads whose blocking can be
// awaited.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>

#include "ntemu/base/clock.h"
#include "ntemu/include/ntemu/machine.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"
#include "ntifs.h"

namespace ntemu::test {

class KernelTest : public ::testing::Test {
 protected:
  explicit KernelTest(unsigned cpus = MachineOptions{}.cpus);
  ~KernelTest() override;
  Machine &machine() { return *machine_; }

 private:
  std::unique_ptr<Machine> machine_;
};

// Time stands still until the test moves it.
class FakeTimeTest : public ::testing::Test {
 protected:
  FakeTimeTest();
  ~FakeTimeTest() override;
  base::FakeClock clock;

 private:
  std::unique_ptr<Machine> machine_;
};

// A system thread that runs `body`. Its owner joins it, at the latest when it is destroyed.
class SystemThread {
 public:
  explicit SystemThread(std::function<void()> body);
  ~SystemThread();
  SystemThread(const SystemThread &) = delete;
  SystemThread &operator=(const SystemThread &) = delete;
  ETHREAD &thread() { return *thread_; }
  KTHREAD &tcb() { return thread_->Tcb; }
  void join();
  bool ended();
  // Returns when the thread is asleep in a wait.
  void await_blocked();

 private:
  std::function<void()> body_;
  ETHREAD *thread_ = nullptr;
  HANDLE handle_ = nullptr;
};

inline LARGE_INTEGER relative(base::Nt100ns duration) {
  LARGE_INTEGER timeout;
  timeout.QuadPart = -duration;
  return timeout;
}

inline NTSTATUS wait(void *object, PLARGE_INTEGER timeout = nullptr) {
  return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, timeout);
}
inline NTSTATUS poll(void *object) {
  LARGE_INTEGER now{};
  return wait(object, &now);
}

// A value that the enumeration does not have.
template <class Enum>
__attribute__((no_sanitize("enum"))) Enum no_such(int value) {
  Enum result;
  static_assert(sizeof result == sizeof value);
  std::memcpy(&result, &value, sizeof value);
  return result;
}

// More rounds where the full test run was asked for.
inline int rounds(int quick, int full) { return std::getenv("NTEMU_TEST_FULL") ? full : quick; }

}  // namespace ntemu::test
