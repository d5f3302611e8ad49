// A scheduler policy for tests: one system thread at a time, the next one's turn at every point; time passes only when
// all of them wait for it.
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>

#include "ntemu/ke/policy.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {

class RoundRobin final : public ke::Policy {
 public:
  // `clock` is advanced when every thread waits and some wait for a time.
  explicit RoundRobin(base::FakeClock &clock) : clock_(clock) {}
  void add(ETHREAD &thread) override;
  void begin(ETHREAD &thread) override;
  void end(ETHREAD &thread) override;
  void block(ETHREAD &thread, std::atomic<uint32_t> &word, uint32_t expected, base::Deadline deadline) override;
  void wake(std::atomic<uint32_t> &word) override;
  void yield(ETHREAD &thread) override;
  void point(ETHREAD &thread, api::Id) override { yield(thread); }

  unsigned blocks() const { return blocks_.load(); }
  unsigned turns() const { return turns_.load(); }

 private:
  struct Place {
    ETHREAD *thread;
    std::atomic<uint32_t> *word = nullptr;  // what it blocks on
    base::Deadline deadline;
    std::condition_variable turn;
  };
  using Lock = std::unique_lock<std::mutex>;
  Place &place_of(ETHREAD &thread);
  void pass_on(Place *from);
  void await_turn(Lock &lock, Place &place);

  base::FakeClock &clock_;
  std::mutex mutex_;
  std::list<Place> ring_;
  Place *running_ = nullptr;
  std::atomic<uint32_t> never_{0};  // what an ended thread blocks on
  std::atomic<unsigned> blocks_{0}, turns_{0};
};

// A machine in memory whose system threads it governs. The test's own code counts as a driver's.
class PolicyTest : public ::testing::Test {
 protected:
  explicit PolicyTest(unsigned cpus = 2);
  ~PolicyTest() override;
  base::FakeClock clock;
  RoundRobin policy{clock};

 private:
  std::unique_ptr<Machine> machine_;
};

}  // namespace ntemu::test
