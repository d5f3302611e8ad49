// The threads that measure: system threads of the machine, for both sides alike.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace ntemu::bench {

class Crew {
 public:
  explicit Crew(size_t size);
  ~Crew();
  Crew(const Crew &) = delete;
  Crew &operator=(const Crew &) = delete;

  // Runs work(i) on thread i, bound to the host's processor cores[i], for each of `cores`. They begin together; the
  // nanoseconds from the first's begin to the last's end.
  double run(std::span<const int> cores, const std::function<void(unsigned)> &work);

 private:
  struct Member;
  std::vector<std::unique_ptr<Member>> members_;
  std::atomic<unsigned> not_ready_{0};
};

// The processors that this process may use.
std::vector<int> usable_cores();

}  // namespace ntemu::bench
