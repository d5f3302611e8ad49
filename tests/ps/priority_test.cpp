#include <sys/resource.h>

#include "ntemu/ps/priority.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using KeSetPriorityThread = KernelTest;
using KeSetBasePriorityThread = KernelTest;
using KeQueryRuntimeThread = KernelTest;
using KeGetPreviousMode = KernelTest;

TEST_F(KeSetPriorityThread, ReturnsThePriorityBefore) {
  SystemThread thread([] {
    KTHREAD &self = *KeGetCurrentThread();
    EXPECT_EQ(KeQueryPriorityThread(&self), 8);
    EXPECT_EQ(::KeSetPriorityThread(&self, LOW_REALTIME_PRIORITY), 8);
    EXPECT_EQ(::KeSetPriorityThread(&self, HIGH_PRIORITY), LOW_REALTIME_PRIORITY);
    EXPECT_EQ(::KeSetPriorityThread(&self, 1), HIGH_PRIORITY);
    EXPECT_EQ(KeQueryPriorityThread(&self), 1);
    EXPECT_EQ(self.Priority, 1);
    EXPECT_EQ(self.BasePriority, 8);
  });
}

TEST_F(KeSetPriorityThread, IsANiceValueWhereTheHostTakesIt) {
  SystemThread thread([] {
    KTHREAD &self = *KeGetCurrentThread();
    const int before = getpriority(PRIO_PROCESS, 0);
    ::KeSetPriorityThread(&self, 15);
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), ps::host_takes_priorities() ? -5 : before);
    ::KeSetPriorityThread(&self, 1);
    EXPECT_EQ(getpriority(PRIO_PROCESS, 0), ps::host_takes_priorities() ? 5 : before);
  });
}

TEST_F(KeSetPriorityThread, ReservedPrioritiesStopTheMachine) {
  for (const KPRIORITY priority : {-1, 0, 32}) {
    const auto stop = ke::catch_bugcheck([&] { ::KeSetPriorityThread(KeGetCurrentThread(), priority); });
    EXPECT_EQ(stop.code, 0x139u);
    EXPECT_EQ(stop.parameters[0], 5u);
  }
  EXPECT_EQ(KeQueryPriorityThread(KeGetCurrentThread()), 8);
}

TEST_F(KeSetBasePriorityThread, IsRelativeToTheProcessAndReturnsTheIncrementBefore) {
  SystemThread thread([] {
    KTHREAD &self = *KeGetCurrentThread();
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 2), 0);
    EXPECT_EQ(self.BasePriority, 10);
    EXPECT_EQ(KeQueryPriorityThread(&self), 10);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, -3), 2);
    EXPECT_EQ(self.BasePriority, 5);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 0), -3);
  });
}

TEST_F(KeSetBasePriorityThread, StaysInTheClassOfTheProcess) {
  SystemThread thread([] {
    KTHREAD &self = *KeGetCurrentThread();
    ::KeSetBasePriorityThread(&self, 12);
    EXPECT_EQ(self.BasePriority, 15);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, -12), 7);
    EXPECT_EQ(self.BasePriority, 1);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 0), -7);
  });
}

TEST_F(KeSetBasePriorityThread, SaturatesFromSixteenOn) {
  SystemThread thread([] {
    KTHREAD &self = *KeGetCurrentThread();
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 16), 0);
    EXPECT_EQ(self.BasePriority, 15);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, -100), 16);
    EXPECT_EQ(self.BasePriority, 1);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 0), -16);
    EXPECT_EQ(self.BasePriority, 8);
    EXPECT_EQ(::KeSetBasePriorityThread(&self, 0), 0);
  });
}

TEST_F(KeQueryRuntimeThread, CountsTicksThatStayWhenTheThreadHasEnded) {
  SystemThread thread([] {
    ULONG user = 1;
    while (::KeQueryRuntimeThread(KeGetCurrentThread(), &user) < 2) {
    }
    EXPECT_EQ(user, 0u);
  });
  thread.join();
  ULONG user = 1;
  const ULONG ticks = ::KeQueryRuntimeThread(&thread.tcb(), &user);
  EXPECT_GE(ticks, 2u);
  EXPECT_EQ(thread.tcb().KernelTime, ticks);
  EXPECT_EQ(user, 0u);
}

TEST_F(KeGetPreviousMode, IsKernelModeOfASystemThread) {
  SystemThread thread([] {
    EXPECT_EQ(::KeGetPreviousMode(), KernelMode);
    EXPECT_EQ(ExGetPreviousMode(), KernelMode);
  });
  KeGetCurrentThread()->PreviousMode = UserMode;
  EXPECT_EQ(::KeGetPreviousMode(), UserMode);
  EXPECT_EQ(ExGetPreviousMode(), UserMode);
  KeGetCurrentThread()->PreviousMode = KernelMode;
}

}  // namespace
}  // namespace ntemu::test
