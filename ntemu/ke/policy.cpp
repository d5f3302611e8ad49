#include "ntemu/ke/policy.h"

#include <sched.h>

#include "ntemu/api/enter.h"
#include "ntemu/ke/thread.h"

namespace ntemu::ke {
namespace {

std::atomic<Policy *> the_policy{nullptr};

}  // namespace

void schedule_point(api::Id id) {
  ETHREAD *thread = base::current_thread_slot;
  if (!thread) return;
  if (Policy *policy = policy_for(*thread)) policy->point(*thread, id);
}

void set_policy(Policy *policy) {
  the_policy.store(policy, std::memory_order_release);
  if (policy) {
    api::hooks.fetch_or(api::kSchedule);
  } else {
    api::hooks.fetch_and(~uint32_t{api::kSchedule});
  }
}

Policy *policy_for(const ETHREAD &thread) {
  Policy *policy = the_policy.load(std::memory_order_acquire);
  return policy && thread.governed ? policy : nullptr;
}

void block_on(std::atomic<uint32_t> &word, uint32_t expected, base::Deadline deadline) {
  ETHREAD *thread = base::current_thread_slot;
  if (Policy *policy = thread ? policy_for(*thread) : nullptr) return policy->block(*thread, word, expected, deadline);
  base::wait_word_until(word, expected, deadline);
}

void wake(std::atomic<uint32_t> &word, int count) {
  if (Policy *policy = the_policy.load(std::memory_order_acquire)) [[unlikely]]
    policy->wake(word);
  base::wake_word(word, count);
}

void spin(uint32_t round) {
  ETHREAD *thread = base::current_thread_slot;
  if (Policy *policy = thread ? policy_for(*thread) : nullptr) return policy->yield(*thread);
  if (round < 64) {
    __builtin_ia32_pause();
  } else {
    sched_yield();
  }
}

}  // namespace ntemu::ke
