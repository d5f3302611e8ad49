// A device's timer.
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

struct Ticks {
  int count = 0;
  KIRQL irql = 0xFF;
  PDEVICE_OBJECT device = nullptr;
};

class IoTimer : public FakeTimeTest {
 protected:
  IoTimer() {
    driver = *io::create_driver(u"Sample", {});
    EXPECT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
  }
  static VOID tick(PDEVICE_OBJECT device, PVOID context) {
    auto &ticks = *static_cast<Ticks *>(context);
    ticks.irql = KeGetCurrentIrql();
    ticks.device = device;
    __atomic_add_fetch(&ticks.count, 1, __ATOMIC_RELEASE);
  }
  // A second and a little, and all that it brings: timers expire in the order of their times.
  void second() {
    constexpr base::Nt100ns kStep = base::kNtPerSecond + base::kNtPerMillisecond;
    KTIMER end;
    KeInitializeTimer(&end);
    KeSetTimer(&end, relative(kStep), nullptr);
    clock.advance(kStep);
    wait(&end);
    KeFlushQueuedDpcs();
  }
  int count() { return __atomic_load_n(&ticks.count, __ATOMIC_ACQUIRE); }
  PDRIVER_OBJECT driver = nullptr;
  PDEVICE_OBJECT device = nullptr;
  Ticks ticks;
};

TEST_F(IoTimer, RunsOnceASecondWhileItIsStarted) {
  ASSERT_EQ(IoInitializeTimer(device, tick, &ticks), STATUS_SUCCESS);
  ASSERT_NE(device->Timer, nullptr);
  second();
  EXPECT_EQ(count(), 0);
  IoStartTimer(device);
  IoStartTimer(device);
  second();
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(ticks.irql, DISPATCH_LEVEL);
  EXPECT_EQ(ticks.device, device);
  second();
  EXPECT_EQ(count(), 2);
  IoStopTimer(device);
  IoStopTimer(device);
  second();
  EXPECT_EQ(count(), 2);
  IoStartTimer(device);
  second();
  EXPECT_EQ(count(), 3);
  // Another routine for the same timer.
  Ticks other;
  const PIO_TIMER timer = device->Timer;
  EXPECT_EQ(IoInitializeTimer(device, tick, &other), STATUS_SUCCESS);
  EXPECT_EQ(device->Timer, timer);
  second();
  EXPECT_EQ(count(), 3);
  EXPECT_EQ(other.count, 1);
  IoDeleteDevice(device);
  second();
  EXPECT_EQ(other.count, 1) << "it went with its device";
}

}  // namespace
}  // namespace ntemu::test
