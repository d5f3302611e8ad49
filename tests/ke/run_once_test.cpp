#include <atomic>
#include <vector>

#include "ntemu/ke/policy.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

PVOID context(ULONG_PTR value) { return reinterpret_cast<PVOID>(value << RTL_RUN_ONCE_CTX_RESERVED_BITS); }

class RtlRunOnce : public KernelTest {
 protected:
  RtlRunOnce() { RtlRunOnceInitialize(&once); }
  NTSTATUS begin(ULONG flags = 0) { return RtlRunOnceBeginInitialize(&once, flags, &got); }
  NTSTATUS complete(ULONG flags, PVOID value) { return RtlRunOnceComplete(&once, flags, value); }
  RTL_RUN_ONCE once{context(77)};
  PVOID got = nullptr;
};

TEST_F(RtlRunOnce, InitializeIsTheStaticInitializer) {
  RTL_RUN_ONCE fresh = RTL_RUN_ONCE_INIT;
  EXPECT_EQ(once.Value, fresh.Value);
}

TEST_F(RtlRunOnce, BeginsOnceThenGivesTheContext) {
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(complete(0, context(5)), STATUS_SUCCESS);
  EXPECT_EQ(begin(), STATUS_SUCCESS);
  EXPECT_EQ(got, context(5));
  EXPECT_EQ(RtlRunOnceBeginInitialize(&once, 0, nullptr), STATUS_SUCCESS);
}

TEST_F(RtlRunOnce, CheckOnlyNeverBegins) {
  EXPECT_EQ(begin(RTL_RUN_ONCE_CHECK_ONLY), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(begin(RTL_RUN_ONCE_CHECK_ONLY), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(complete(0, context(6)), STATUS_SUCCESS);
  EXPECT_EQ(begin(RTL_RUN_ONCE_CHECK_ONLY), STATUS_SUCCESS);
  EXPECT_EQ(got, context(6));
}

TEST_F(RtlRunOnce, AFailedInitializationIsTriedAgain) {
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(complete(RTL_RUN_ONCE_INIT_FAILED, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(complete(0, nullptr), STATUS_SUCCESS);
}

TEST_F(RtlRunOnce, ParallelInitializationsRace) {
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_PENDING);
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_PENDING);
  EXPECT_EQ(begin(RTL_RUN_ONCE_CHECK_ONLY), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(complete(RTL_RUN_ONCE_ASYNC, context(1)), STATUS_SUCCESS);
  EXPECT_EQ(complete(RTL_RUN_ONCE_ASYNC, context(2)), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_SUCCESS);
  EXPECT_EQ(got, context(1));
  EXPECT_EQ(begin(), STATUS_SUCCESS);
}

TEST_F(RtlRunOnce, TheTwoKindsDoNotMix) {
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_PENDING);
  EXPECT_EQ(begin(), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(complete(0, nullptr), STATUS_INVALID_PARAMETER_2);
  RtlRunOnceInitialize(&once);
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(complete(RTL_RUN_ONCE_ASYNC, nullptr), STATUS_INVALID_PARAMETER_2);
}

TEST_F(RtlRunOnce, RefusesWrongFlagsAndContexts) {
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_CHECK_ONLY), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(begin(RTL_RUN_ONCE_INIT_FAILED), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(complete(0, nullptr), STATUS_UNSUCCESSFUL);
  EXPECT_EQ(begin(), STATUS_PENDING);
  EXPECT_EQ(complete(RTL_RUN_ONCE_ASYNC | RTL_RUN_ONCE_INIT_FAILED, nullptr), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(complete(RTL_RUN_ONCE_CHECK_ONLY, nullptr), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(complete(RTL_RUN_ONCE_INIT_FAILED, context(1)), STATUS_INVALID_PARAMETER_3);
  EXPECT_EQ(complete(0, reinterpret_cast<PVOID>(ULONG_PTR{2})), STATUS_INVALID_PARAMETER_3);
  EXPECT_EQ(complete(0, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(complete(0, nullptr), STATUS_UNSUCCESSFUL);
}

TEST_F(RtlRunOnce, WaitersSeeTheOutcome) {
  EXPECT_EQ(begin(), STATUS_PENDING);
  SystemThread checker([&] {
    PVOID value = nullptr;
    EXPECT_EQ(RtlRunOnceBeginInitialize(&once, 0, &value), STATUS_SUCCESS);
    EXPECT_EQ(value, context(9));
  });
  checker.await_blocked();
  SystemThread another([&] { EXPECT_EQ(RtlRunOnceBeginInitialize(&once, 0, nullptr), STATUS_SUCCESS); });
  another.await_blocked();
  EXPECT_EQ(complete(0, context(9)), STATUS_SUCCESS);
  checker.join();
  another.join();
}

TEST_F(RtlRunOnce, AWaiterTakesOverAfterAFailure) {
  EXPECT_EQ(begin(), STATUS_PENDING);
  SystemThread other([&] {
    PVOID value;
    EXPECT_EQ(RtlRunOnceBeginInitialize(&once, 0, &value), STATUS_PENDING);
    EXPECT_EQ(RtlRunOnceComplete(&once, 0, context(3)), STATUS_SUCCESS);
  });
  other.await_blocked();
  EXPECT_EQ(complete(RTL_RUN_ONCE_INIT_FAILED, nullptr), STATUS_SUCCESS);
  other.join();
  EXPECT_EQ(begin(), STATUS_SUCCESS);
  EXPECT_EQ(got, context(3));
}

struct Parameter {
  ULONG result;
  PVOID value;
  int calls = 0;
  BOOLEAN apcs_disabled = FALSE;
};

ULONG NTAPI initialize(PRTL_RUN_ONCE, PVOID parameter, PVOID *value) {
  auto &the_parameter = *static_cast<Parameter *>(parameter);
  ++the_parameter.calls;
  the_parameter.apcs_disabled = KeAreApcsDisabled();
  *value = the_parameter.value;
  return the_parameter.result;
}

TEST_F(RtlRunOnce, ExecuteOnceCallsUntilItSucceeds) {
  Parameter parameter{0, context(1)};
  EXPECT_EQ(RtlRunOnceExecuteOnce(&once, initialize, &parameter, &got), STATUS_UNSUCCESSFUL);
  EXPECT_TRUE(parameter.apcs_disabled);
  parameter = {1, context(2)};
  EXPECT_EQ(RtlRunOnceExecuteOnce(&once, initialize, &parameter, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(RtlRunOnceExecuteOnce(&once, initialize, &parameter, &got), STATUS_SUCCESS);
  EXPECT_EQ(got, context(2));
  EXPECT_EQ(parameter.calls, 1);
  EXPECT_FALSE(KeAreApcsDisabled());
}

TEST_F(RtlRunOnce, ExecuteOnceReportsABadContextOrMode) {
  EXPECT_EQ(begin(RTL_RUN_ONCE_ASYNC), STATUS_PENDING);
  Parameter parameter{1, context(1)};
  EXPECT_EQ(RtlRunOnceExecuteOnce(&once, initialize, &parameter, &got), STATUS_INVALID_PARAMETER_2);
  EXPECT_EQ(parameter.calls, 0);
}

using RtlRunOnceStress = RtlRunOnce;

TEST_F(RtlRunOnceStress, OneInitializesAndAllSeeIt) {
  const int count = rounds(1000, 50000);
  struct Cell {
    RTL_RUN_ONCE once = RTL_RUN_ONCE_INIT;
    int attempts = 0;
    int value = 0;
  };
  std::vector<Cell> cells(static_cast<size_t>(count));
  std::atomic<int> errors{0};
  run_together(kStressThreads, [&](unsigned) {
    for (Cell &cell : cells) {
      const auto fill = [](PRTL_RUN_ONCE, PVOID parameter, PVOID *value) -> ULONG {
        auto &the_cell = *static_cast<Cell *>(parameter);
        ke::spin(64);                               // let others come and wait
        if (++the_cell.attempts < 3) return FALSE;  // plain: nobody else is here
        the_cell.value = 42;
        *value = parameter;
        return TRUE;
      };
      PVOID value = nullptr;
      while (RtlRunOnceExecuteOnce(&cell.once, fill, &cell, &value) != STATUS_SUCCESS) {
      }
      if (value != &cell || cell.value != 42) ++errors;
    }
  });
  EXPECT_EQ(errors, 0);
  for (const Cell &cell : cells) EXPECT_EQ(cell.attempts, 3);
}

}  // namespace
}  // namespace ntemu::test
