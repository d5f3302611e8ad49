// What drivers attach to their driver object, and when they are called again.
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

using IoAllocateDriverObjectExtension = DeviceDriverTest;
using IoRegisterDriverReinitialization = DeviceDriverTest;
using IoRegisterShutdownNotification = DeviceDriverTest;

TEST_F(IoAllocateDriverObjectExtension, IsFoundByItsAddress) {
  start();
  static int one, other;
  PVOID memory = nullptr, second = nullptr;
  ASSERT_EQ(::IoAllocateDriverObjectExtension(driver, &one, 40, &memory), STATUS_SUCCESS);
  EXPECT_EQ(std::string(static_cast<char *>(memory), 40), std::string(40, '\0'));
  EXPECT_EQ(IoGetDriverObjectExtension(driver, &one), memory);
  EXPECT_EQ(IoGetDriverObjectExtension(driver, &other), nullptr);
  EXPECT_EQ(::IoAllocateDriverObjectExtension(driver, &one, 8, &second), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(::IoAllocateDriverObjectExtension(driver, &other, 8, &second), STATUS_SUCCESS);
  EXPECT_EQ(IoGetDriverObjectExtension(driver, &one), memory);
  EXPECT_EQ(IoGetDriverObjectExtension(driver, &other), second);
}

struct Reinit {
  std::vector<ULONG> counts;
  PETHREAD thread = nullptr;
  BOOLEAN initialized = FALSE;
} reinit;

VOID reinitialize(PDRIVER_OBJECT driver, PVOID context, ULONG count) {
  auto &seen = *static_cast<Reinit *>(context);
  seen.counts.push_back(count);
  seen.initialized = (driver->Flags & DRVO_INITIALIZED) != 0;
  seen.thread = PsGetCurrentThread();
  if (count < 3) ::IoRegisterDriverReinitialization(driver, reinitialize, context);
}

TEST_F(IoRegisterDriverReinitialization, RunsAfterDriverEntryAndAsOftenAsAsked) {
  reinit = {};
  io::DriverImage image;
  image.entry = [](PDRIVER_OBJECT object, PUNICODE_STRING) -> NTSTATUS {
    ::IoRegisterDriverReinitialization(object, reinitialize, &reinit);
    EXPECT_TRUE(object->Flags & DRVO_REINIT_REGISTERED);
    EXPECT_TRUE(reinit.counts.empty());
    return STATUS_SUCCESS;
  };
  driver = *io::create_driver(u"Again", image);
  ASSERT_EQ(io::start_driver(driver), STATUS_SUCCESS);
  EXPECT_EQ(reinit.counts, (std::vector<ULONG>{1, 2, 3}));
  EXPECT_TRUE(reinit.initialized);
  EXPECT_NE(reinit.thread, PsGetCurrentThread());
  EXPECT_FALSE(driver->Flags & DRVO_REINIT_REGISTERED);
  EXPECT_EQ(driver->DriverExtension->Count, 3u);
}

TEST_F(IoRegisterDriverReinitialization, OfAFailedDriverNeverRuns) {
  reinit = {};
  io::DriverImage image;
  image.entry = [](PDRIVER_OBJECT object, PUNICODE_STRING) -> NTSTATUS {
    ::IoRegisterDriverReinitialization(object, reinitialize, &reinit);
    return STATUS_NO_SUCH_DEVICE;
  };
  EXPECT_EQ(io::start_driver(*io::create_driver(u"Fails", image)), STATUS_NO_SUCH_DEVICE);
  EXPECT_TRUE(reinit.counts.empty());
}

TEST_F(IoRegisterShutdownNotification, TellsTheLastOneFirstWhenTheMachineEnds) {
  std::vector<PDEVICE_OBJECT> told;
  on(IRP_MJ_SHUTDOWN, [&](PDEVICE_OBJECT device, PIRP irp) {
    told.push_back(device);
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  PDEVICE_OBJECT second = nullptr, third = nullptr;
  ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &second), STATUS_SUCCESS);
  ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &third), STATUS_SUCCESS);
  for (PDEVICE_OBJECT device : {routines.device, third, second})
    EXPECT_EQ(::IoRegisterShutdownNotification(device), STATUS_SUCCESS);
  EXPECT_TRUE(second->Flags & DO_SHUTDOWN_REGISTERED);
  IoUnregisterShutdownNotification(third);
  EXPECT_FALSE(third->Flags & DO_SHUTDOWN_REGISTERED);
  const std::vector<PDEVICE_OBJECT> expected{second, routines.device};
  EXPECT_TRUE(machine().shut_down());
  EXPECT_EQ(told, expected);
}

}  // namespace
}  // namespace ntemu::test
