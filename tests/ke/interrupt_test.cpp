#include "tests/support/processors.h"

namespace ntemu::test {
namespace {

// A driver's device: what its service routine saw.
struct Device {
  PKINTERRUPT interrupt = nullptr;
  int served = 0;
  KIRQL irql = 0;
  BOOLEAN claims = TRUE;
  PKSPIN_LOCK lock = nullptr;
  bool locked = false;
  PKDPC dpc = nullptr;

  static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context) {
    auto &self = *static_cast<Device *>(context);
    EXPECT_EQ(interrupt, self.interrupt);
    ++self.served;
    self.irql = KeGetCurrentIrql();
    if (self.lock) self.locked = !KeTestSpinLock(self.lock);
    if (self.dpc) KeInsertQueueDpc(self.dpc, nullptr, nullptr);
    return self.claims;
  }
};

class IoInterrupt : public KernelTest {
 protected:
  NTSTATUS connect(Device &device, ULONG vector = 5, KIRQL irql = 5, KIRQL synchronize = 6, BOOLEAN share = FALSE,
                   KINTERRUPT_MODE mode = LevelSensitive, KAFFINITY processors = 1) {
    return IoConnectInterrupt(&device.interrupt, Device::serve, &device, device.lock, vector, irql, synchronize, mode,
                              share, processors, FALSE);
  }
};

TEST_F(IoInterrupt, IsServedAtItsIrqlUnderItsLock) {
  KSPIN_LOCK lock = 0;
  Device device;
  device.lock = &lock;
  EXPECT_FALSE(machine().fire_interrupt(5));
  ASSERT_EQ(connect(device), STATUS_SUCCESS);
  EXPECT_TRUE(machine().fire_interrupt(5));
  EXPECT_FALSE(machine().fire_interrupt(6));
  EXPECT_EQ(device.served, 1);
  EXPECT_EQ(device.irql, 6);
  EXPECT_TRUE(device.locked);
  EXPECT_EQ(lock, 0u);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  IoDisconnectInterrupt(device.interrupt);
  EXPECT_FALSE(machine().fire_interrupt(5));
  EXPECT_EQ(device.served, 1);
}

TEST_F(IoInterrupt, ItsDpcRunsAfterIt) {
  struct Order {
    KDPC dpc;
    Device device;
    int served_before_dpc = -1;
  } order;
  KeInitializeDpc(
      &order.dpc,
      [](PKDPC, PVOID context, PVOID, PVOID) {
        auto &self = *static_cast<Order *>(context);
        self.served_before_dpc = self.device.served;
        EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
      },
      &order);
  order.device.dpc = &order.dpc;
  ASSERT_EQ(connect(order.device), STATUS_SUCCESS);
  machine().fire_interrupt(5);
  EXPECT_EQ(order.served_before_dpc, 1);
  IoDisconnectInterrupt(order.device.interrupt);
}

TEST_F(IoInterrupt, ParametersAreChecked) {
  Device device;
  EXPECT_EQ(connect(device, 5, DISPATCH_LEVEL), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(connect(device, 5, 7, 6), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(connect(device, 5, 5, HIGH_LEVEL + 1), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(connect(device, 5, 5, 5, FALSE, Latched, 0), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(IoConnectInterrupt(&device.interrupt, nullptr, nullptr, nullptr, 5, 5, 5, Latched, FALSE, 1, FALSE),
            STATUS_INVALID_PARAMETER);
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  EXPECT_EQ(ke::catch_bugcheck([&] { connect(device); }).code, 0xD1u);
  EXPECT_EQ(ke::catch_bugcheck([&] { IoDisconnectInterrupt(device.interrupt); }).code, 0xD1u);
  KeLowerIrql(old);
}

TEST_F(IoInterrupt, AVectorIsSharedOnlyIfBothWantIt) {
  Device a, b;
  ASSERT_EQ(connect(a, 5, 5, 5, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(connect(b, 5, 5, 5, FALSE), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(connect(b, 5, 5, 5, TRUE, Latched), STATUS_INVALID_PARAMETER);
  ASSERT_EQ(connect(b, 5, 5, 5, TRUE), STATUS_SUCCESS);
  // Level-sensitive: the first that claims it ends it.
  EXPECT_TRUE(machine().fire_interrupt(5));
  EXPECT_EQ(a.served, 1);
  EXPECT_EQ(b.served, 0);
  a.claims = FALSE;
  EXPECT_TRUE(machine().fire_interrupt(5));
  EXPECT_EQ(b.served, 1);
  b.claims = FALSE;
  EXPECT_FALSE(machine().fire_interrupt(5));
  IoDisconnectInterrupt(a.interrupt);
  IoDisconnectInterrupt(b.interrupt);
}

TEST_F(IoInterrupt, LatchedCallsAll) {
  Device a, b;
  ASSERT_EQ(connect(a, 5, 5, 5, TRUE, Latched), STATUS_SUCCESS);
  ASSERT_EQ(connect(b, 5, 5, 5, TRUE, Latched), STATUS_SUCCESS);
  EXPECT_TRUE(machine().fire_interrupt(5));
  EXPECT_EQ(a.served, 1);
  EXPECT_EQ(b.served, 1);
  IoDisconnectInterrupt(a.interrupt);
  IoDisconnectInterrupt(b.interrupt);
}

TEST_F(IoInterrupt, ExTakesItsParametersFromAStructure) {
  Device device;
  DEVICE_OBJECT pdo{};
  IO_CONNECT_INTERRUPT_PARAMETERS parameters{};
  parameters.Version = CONNECT_FULLY_SPECIFIED;
  auto &full = parameters.FullySpecified;
  full.InterruptObject = &device.interrupt;
  full.ServiceRoutine = Device::serve;
  full.ServiceContext = &device;
  full.SynchronizeIrql = full.Irql = 7;
  full.Vector = 9;
  full.ProcessorEnableMask = 1;
  EXPECT_EQ(IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER);
  full.PhysicalDeviceObject = &pdo;
  ASSERT_EQ(IoConnectInterruptEx(&parameters), STATUS_SUCCESS);
  EXPECT_TRUE(machine().fire_interrupt(9));
  EXPECT_EQ(device.irql, 7);
  IO_DISCONNECT_INTERRUPT_PARAMETERS end{};
  end.Version = CONNECT_FULLY_SPECIFIED;
  end.ConnectionContext.InterruptObject = device.interrupt;
  IoDisconnectInterruptEx(&end);
  EXPECT_FALSE(machine().fire_interrupt(9));
  parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
  full.Group = 1;
  EXPECT_EQ(IoConnectInterruptEx(&parameters), STATUS_INVALID_PARAMETER);
  for (const ULONG version : {ULONG{CONNECT_LINE_BASED}, ULONG{CONNECT_MESSAGE_BASED}}) {
    parameters.Version = version;
    EXPECT_EQ(IoConnectInterruptEx(&parameters), STATUS_NOT_SUPPORTED);
    EXPECT_EQ(parameters.Version, ULONG{CONNECT_FULLY_SPECIFIED});
  }
}

TEST_F(IoInterrupt, AServiceRoutineThatChangesTheIrqlIsBugcheckC8) {
  PKINTERRUPT interrupt = nullptr;
  KSPIN_LOCK lock = 0;
  const PKSERVICE_ROUTINE routine = [](PKINTERRUPT, PVOID) -> BOOLEAN {
    KfRaiseIrql(HIGH_LEVEL);
    return TRUE;
  };
  ASSERT_EQ(IoConnectInterrupt(&interrupt, routine, nullptr, &lock, 5, 5, 5, Latched, FALSE, 1, FALSE), STATUS_SUCCESS);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { machine().fire_interrupt(5); });
  EXPECT_EQ(stop.code, 0xC8u);
  EXPECT_EQ(stop.parameters[0], ULONG_PTR{HIGH_LEVEL << 16 | 5 << 8 | 3});
  EXPECT_EQ(stop.parameters[1], reinterpret_cast<ULONG_PTR>(routine));
  EXPECT_EQ(stop.parameters[2], reinterpret_cast<ULONG_PTR>(interrupt));
  KeReleaseSpinLockFromDpcLevel(&lock);
  KeLowerIrql(PASSIVE_LEVEL);
}

using KeSynchronize = IoInterrupt;

TEST_F(KeSynchronize, RunsTheRoutineAtTheInterruptsIrqlAndReturnsItsResult) {
  Device device;
  ASSERT_EQ(connect(device), STATUS_SUCCESS);
  KIRQL seen = 0;
  const auto look = [](PVOID context) -> BOOLEAN {
    *static_cast<KIRQL *>(context) = KeGetCurrentIrql();
    return TRUE;
  };
  EXPECT_TRUE(KeSynchronizeExecution(device.interrupt, look, &seen));
  EXPECT_EQ(seen, 6);
  EXPECT_FALSE(KeSynchronizeExecution(
      device.interrupt, [](PVOID) -> BOOLEAN { return FALSE; }, nullptr));
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  const KIRQL old = KeAcquireInterruptSpinLock(device.interrupt);
  EXPECT_EQ(old, PASSIVE_LEVEL);
  EXPECT_EQ(KeGetCurrentIrql(), 6);
  KeReleaseInterruptSpinLock(device.interrupt, old);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  KfRaiseIrql(HIGH_LEVEL);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeAcquireInterruptSpinLock(device.interrupt); }).code, 0x09u);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeSynchronizeExecution(device.interrupt, look, &seen); }).code, 0x09u);
  KeLowerIrql(PASSIVE_LEVEL);
  IoDisconnectInterrupt(device.interrupt);
}

class InterruptStress : public AnyCpus {};

TEST_P(InterruptStress, ExcludesItsServiceRoutine) {
  struct Shared {
    PKINTERRUPT interrupt = nullptr;
    long long counter = 0;
  } shared;
  const PKSERVICE_ROUTINE routine = [](PKINTERRUPT, PVOID context) -> BOOLEAN {
    ++static_cast<Shared *>(context)->counter;
    return TRUE;
  };
  ASSERT_EQ(IoConnectInterrupt(&shared.interrupt, routine, &shared, nullptr, 3, 3, 3, Latched, FALSE, 1, FALSE),
            STATUS_SUCCESS);
  const int kRounds = rounds(1000, 200000);
  const auto body = [&](int which) {
    for (int i = 0; i < kRounds; ++i) {
      if (which % 3 == 0) {
        EXPECT_TRUE(machine().fire_interrupt(3));
      } else if (which % 3 == 1) {
        KeSynchronizeExecution(
            shared.interrupt,
            [](PVOID context) -> BOOLEAN {
              ++static_cast<Shared *>(context)->counter;
              return TRUE;
            },
            &shared);
      } else {
        const KIRQL old = KeAcquireInterruptSpinLock(shared.interrupt);
        ++shared.counter;
        KeReleaseInterruptSpinLock(shared.interrupt, old);
      }
    }
  };
  {
    std::vector<std::unique_ptr<SystemThread>> threads;
    for (int i = 0; i < 8; ++i) threads.push_back(std::make_unique<SystemThread>([&, i] { body(i); }));
  }
  EXPECT_EQ(shared.counter, 8LL * kRounds);
  IoDisconnectInterrupt(shared.interrupt);
}

INSTANTIATE_TEST_SUITE_P(Cpus, InterruptStress, ::testing::Values(1u, 2u, 4u));

}  // namespace
}  // namespace ntemu::test
