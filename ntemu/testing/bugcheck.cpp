#include "ntemu/include/ntemu/testing/bugcheck.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <ostream>

#include "ntemu/ex/worker.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/wait.h"
#include "ntemu/machine/stop.h"
#include "ntemu/testing/quiet.h"

namespace ntemu::testing {
namespace {

struct Taken {
  std::mutex mutex;
  std::optional<Bugcheck> first;
  bool since_machine = false;  // since the last machine began
};
Taken &taken() {
  static Taken *the_taken = new Taken;
  return *the_taken;
}

void note(const ke::Stop &stop) {
  Bugcheck bugcheck;
  bugcheck.code = stop.check.code;
  std::copy_n(stop.check.parameters, 4, bugcheck.parameters.begin());
  bugcheck.at = machine::describe_fault_site(stop);
  std::lock_guard guard(taken().mutex);
  if (!taken().first) taken().first = std::move(bugcheck);
  taken().since_machine = true;
}

// A host's thread other than the test's has nowhere to go: its bugcheck is told as ever.
void take(const ke::Stop &stop) {
  if (!stop.thread || !stop.thread->exit_point) return;
  note(stop);
  if (stop.thread->irql > PASSIVE_LEVEL) KeLowerIrql(PASSIVE_LEVEL);
  ex::leave_work();
  ke::leave(*stop.thread);
}

}  // namespace

void PrintTo(const Bugcheck &bugcheck, std::ostream *out) {
  if (bugcheck.code == 0) {
    *out << "no bugcheck";
    return;
  }
  ke::Bugcheck check{bugcheck.code, {}};
  std::copy(bugcheck.parameters.begin(), bugcheck.parameters.end(), check.parameters);
  *out << "bugcheck " << machine::describe_check(check);
  if (!bugcheck.at.empty()) *out << "\n  at " << bugcheck.at;
}

Bugcheck RunToBugcheck(const std::function<void()> &body) {
  ETHREAD &thread = ke::current();
  const KIRQL irql = thread.irql;
  const ULONG apcs = thread.Tcb.CombinedApcDisable;
  {
    std::lock_guard guard(taken().mutex);
    taken().first.reset();
  }
  const auto before = ke::take_stop;
  ke::take_stop = take;
  const ke::Bugcheck own = ke::catch_bugcheck(body, note);
  ke::take_stop = before;
  if (own.code != 0) {
    if (thread.irql > irql) KeLowerIrql(irql);
    thread.Tcb.CombinedApcDisable = apcs;
  }
  std::lock_guard guard(taken().mutex);
  return taken().first.value_or(Bugcheck());
}

namespace detail {

bool bugcheck_taken() {
  std::lock_guard guard(taken().mutex);
  return taken().since_machine;
}
void forget_bugcheck() {
  std::lock_guard guard(taken().mutex);
  taken().since_machine = false;
}

}  // namespace detail
}  // namespace ntemu::testing
