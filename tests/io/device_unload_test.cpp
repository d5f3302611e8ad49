// Unloading while the driver's devices are open, and what is left when threads or devices stay behind.
#include <thread>

#include "ntemu/io/file.h"
#include "ntemu/ldr/image.h"
#include "tests/io/device_fixture.h"
#include "tests/io/lifecycle_fixture.h"

namespace ntemu::test {
namespace {

using DeferredUnload = DeviceDriverTest;

TEST_F(DeferredUnload, RunsAtTheLastCloseOfTheLastFile) {
  static KEVENT done;
  static PDRIVER_OBJECT told;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  io::driver_unloaded = [](PDRIVER_OBJECT driver_object) {
    told = driver_object;
    KeSetEvent(&done, IO_NO_INCREMENT, FALSE);
  };
  start();
  HANDLE first, second, late;
  ASSERT_EQ(open(u"\\Device\\Sample", &first), STATUS_SUCCESS);
  ASSERT_EQ(open(u"\\Device\\Sample", &second), STATUS_SUCCESS);
  EXPECT_EQ(io::unload_driver(driver), STATUS_PENDING);
  EXPECT_EQ(open(u"\\Device\\Sample", &late), STATUS_NO_SUCH_DEVICE);
  EXPECT_EQ(open(u"more", &late, first), STATUS_NO_SUCH_DEVICE);
  EXPECT_TRUE(driver->Flags & DRVO_UNLOAD_INVOKED);
  ZwClose(first);
  EXPECT_EQ(routines.unloads, 0);
  EXPECT_EQ(poll(&done), STATUS_TIMEOUT);
  ZwClose(second);
  wait(&done);
  EXPECT_EQ(routines.unloads, 1);
  EXPECT_EQ(told, driver);
  EXPECT_FALSE(exists(u"\\Driver\\Sample", io::driver_type));
  EXPECT_FALSE(exists(u"\\Device\\Sample", io::device_type));
}

TEST_F(DeferredUnload, DevicesMadeMeanwhileCannotBeOpened) {
  static KEVENT done;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  io::driver_unloaded = [](PDRIVER_OBJECT) { KeSetEvent(&done, IO_NO_INCREMENT, FALSE); };
  start();
  HANDLE first, late;
  ASSERT_EQ(open(u"\\Device\\Sample", &first), STATUS_SUCCESS);
  ASSERT_EQ(io::unload_driver(driver), STATUS_PENDING);
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Late");
  PDEVICE_OBJECT device;
  ASSERT_EQ(IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device), STATUS_SUCCESS);
  device->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
  EXPECT_EQ(open(u"\\Device\\Late", &late), STATUS_NO_SUCH_DEVICE);
  IoDeleteDevice(device);
  ZwClose(first);
  wait(&done);
  EXPECT_EQ(routines.unloads, 1);
}

// The driver's own routines must not run once DriverUnload has begun.
TEST_F(DeferredUnload, HappensOnceWhileManyOpenAndClose) {
  static KEVENT done;
  KeInitializeEvent(&done, NotificationEvent, FALSE);
  io::driver_unloaded = [](PDRIVER_OBJECT) { KeSetEvent(&done, IO_NO_INCREMENT, FALSE); };
  std::atomic<int> opened{0}, closed{0}, after{0};
  const auto check = [&] {
    if (routines.unloads > 0) ++after;
  };
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
    check();
    ++opened;
    return complete(irp, STATUS_SUCCESS);
  });
  on(IRP_MJ_CLEANUP, [&](PDEVICE_OBJECT, PIRP irp) {
    check();
    return complete(irp, STATUS_SUCCESS);
  });
  on(IRP_MJ_CLOSE, [&](PDEVICE_OBJECT, PIRP irp) {
    check();
    ++closed;
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  KEVENT busy;
  KeInitializeEvent(&busy, NotificationEvent, FALSE);
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int round = 0;; ++round) {
        HANDLE handle;
        const NTSTATUS status = open(u"\\Device\\Sample\\x", &handle);
        if (status == STATUS_NO_SUCH_DEVICE || status == STATUS_OBJECT_PATH_NOT_FOUND) break;
        ASSERT_EQ(status, STATUS_SUCCESS);
        ASSERT_EQ(ZwClose(handle), STATUS_SUCCESS);
        if (round == 20) KeSetEvent(&busy, IO_NO_INCREMENT, FALSE);
      }
    });
  }
  wait(&busy);
  const NTSTATUS status = io::unload_driver(driver);
  if (status == STATUS_PENDING) {
    wait(&done);
  } else {
    EXPECT_EQ(status, STATUS_SUCCESS);
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(routines.unloads, 1);
  EXPECT_EQ(after, 0);
  EXPECT_EQ(opened, closed);
  EXPECT_FALSE(exists(u"\\Driver\\Sample", io::driver_type));
}

class LifecycleUnload : public LifecycleTest {
 protected:
  static size_t loaded_images() {
    size_t count = 0;
    for (LIST_ENTRY *at = PsLoadedModuleList.Flink; at != &PsLoadedModuleList; at = at->Flink) ++count;
    return count;
  }
};

TEST_F(LifecycleUnload, WaitsForTheDevicesFiles) {
  share(u"Device");
  ASSERT_TRUE(load("Device"));
  const HANDLE handle = open_device();
  auto unloaded = machine().unload("Device");
  ASSERT_TRUE(unloaded);
  EXPECT_TRUE(unloaded->pending);
  EXPECT_EQ(machine().driver_state("Device"), DriverState::kUnloading);
  EXPECT_EQ(machine().drivers(), std::vector<std::string>{"Device"});
  EXPECT_EQ(machine().unload("Device").error().status, STATUS_DELETE_PENDING);
  EXPECT_EQ(load("Device").error().status, STATUS_IMAGE_ALREADY_LOADED);
  EXPECT_EQ(shared.Unloads, 0);
  ZwClose(handle);
  await_state("Device", DriverState::kNotLoaded);
  EXPECT_EQ(shared.Unloads, 1);
  EXPECT_EQ(loaded_images(), 1u);
  ASSERT_TRUE(load("Device"));
}

TEST_F(LifecycleUnload, PendingEndsWithTheMachine) {
  ASSERT_TRUE(load("Device"));
  open_device();
  ASSERT_TRUE(machine().unload("Device")->pending);
  EXPECT_TRUE(machine().shut_down());
}

TEST_F(LifecycleUnload, AnOpenDeviceEndsWithTheMachine) {
  ASSERT_TRUE(load("Device"));
  open_device();
  EXPECT_TRUE(machine().shut_down());
}

TEST_F(LifecycleUnload, AnImageGoesWithItsLastThread) {
  share(u"LeaveThread");
  ASSERT_TRUE(load("LeaveThread"));
  auto unloaded = machine().unload("LeaveThread");
  ASSERT_TRUE(unloaded);
  EXPECT_EQ(unloaded->threads_left, 1u);
  EXPECT_EQ(machine().driver_state("LeaveThread"), DriverState::kNotLoaded);
  EXPECT_EQ(loaded_images(), 2u) << "the thread would return into nothing";
  ASSERT_TRUE(load("LeaveThread")) << "it does not keep the name";
  ASSERT_TRUE(machine().unload("LeaveThread"));
  EXPECT_EQ(loaded_images(), 3u);
  KeSetEvent(&shared.ThreadGate, IO_NO_INCREMENT, FALSE);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  EXPECT_EQ(machine().driver_state("LeaveThread"), DriverState::kNotLoaded);
  EXPECT_EQ(loaded_images(), 1u);
}

TEST_F(LifecycleUnload, ADeviceLeftBehindLeadsNowhere) {
  ASSERT_TRUE(load("LeaveDevice"));
  ASSERT_TRUE(machine().unload("LeaveDevice"));
  EXPECT_EQ(loaded_images(), 1u);
  const auto body = ob::open_by_path(u"\\Device\\Lifecycle", &io::device_type);
  ASSERT_TRUE(body) << "it is the driver's mistake, and stays visible";
  const PDRIVER_OBJECT driver = static_cast<PDEVICE_OBJECT>(*body)->DriverObject;
  EXPECT_EQ(driver->DriverInit, nullptr);
  EXPECT_EQ(driver->DriverUnload, nullptr);
  EXPECT_EQ(driver->DriverSection, nullptr);
  ob::dereference(*body);
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Lifecycle");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  HANDLE handle;
  IO_STATUS_BLOCK io_status;
  EXPECT_EQ(ZwOpenFile(&handle, GENERIC_READ, &attributes, &io_status, 0, 0), STATUS_NO_SUCH_DEVICE);
}

}  // namespace
}  // namespace ntemu::test
