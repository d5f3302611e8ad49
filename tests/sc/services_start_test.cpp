// Starting and stopping: images, statuses, states that others see, dependencies.
#include <thread>

#include "tests/sc/services_fixture.h"

namespace ntemu::test {
namespace {

using namespace machine;

using ServicesStart = ServicesTest;
using ServicesStop = ServicesTest;
using ServicesDepend = ServicesTest;

TEST_F(ServicesStart, FollowsTheDriver) {
  EXPECT_EQ(start(u"Plain"), kErrorServiceDoesNotExist);
  EXPECT_EQ(stop(u"Plain"), kErrorServiceDoesNotExist);
  ASSERT_EQ(create(u"Plain"), 0u);
  EXPECT_EQ(state(u"Plain"), ServiceState::kStopped);
  EXPECT_EQ(stop(u"Plain"), kErrorServiceNotActive);
  const auto started = services.start(u"PLAIN");
  ASSERT_TRUE(started);
  EXPECT_EQ(started->name, u"Plain");
  EXPECT_EQ(started->state, ServiceState::kRunning);
  EXPECT_TRUE(started->stoppable);
  EXPECT_EQ(started->exit_code, 0u);
  EXPECT_TRUE(exists(u"\\Driver\\Plain", io::driver_type));
  EXPECT_EQ(start(u"Plain"), kErrorServiceAlreadyRunning);
  const auto stopped = services.stop(u"Plain");
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->state, ServiceState::kStopped);
  EXPECT_EQ(stopped->note, "");
  EXPECT_EQ(exit_code(u"Plain"), 0u);
  EXPECT_EQ(stop(u"Plain"), kErrorServiceNotActive);
  EXPECT_EQ(start(u"Plain"), 0u);
}

TEST_F(ServicesStart, FileSystemDriversHaveADirectoryOfTheirOwn) {
  ASSERT_EQ(create(u"Plain", {.type = cm::kFileSystemDriver}), 0u);
  ASSERT_EQ(start(u"Plain"), 0u);
  EXPECT_TRUE(exists(u"\\FileSystem\\Plain", io::driver_type));
}

// Every form of an image's path, in any case, through the volume.
TEST_F(ServicesStart, ReadsTheImageThroughTheVolume) {
  ASSERT_FALSE(machine().make_directory("Windows\\System32\\drivers"));
  put_file(u"C:\\Windows\\System32\\drivers\\Lifecycle.sys", DRIVERS "/lifecycle.sys");
  put_file(u"C:\\Windows\\System32\\drivers\\Plain9.sys", DRIVERS "/lifecycle.sys");
  int number = 0;
  for (const char16_t *path :
       {u"C:\\Windows\\System32\\drivers\\Lifecycle.sys", u"c:\\WINDOWS\\system32\\DRIVERS\\lifecycle.SYS",
        u"\\??\\C:\\Windows\\System32\\drivers\\Lifecycle.sys", u"\\SystemRoot\\system32\\drivers\\lifecycle.sys",
        u"%SystemRoot%\\System32\\drivers\\lifecycle.sys", u"System32\\Drivers\\Lifecycle.sys"}) {
    const std::u16string name = u"Plain" + std::u16string(1, static_cast<char16_t>(u'0' + number++));
    ASSERT_EQ(create(name, {.image_path = path}), 0u);
    EXPECT_EQ(start(name), 0u) << base::to_utf8(path);
    EXPECT_EQ(stop(name), 0u);
  }
  EXPECT_EQ(cm::create_service(u"Plain9", {}), STATUS_SUCCESS);
  EXPECT_EQ(start(u"Plain9"), 0u) << "without ImagePath: System32\\drivers";
}

TEST_F(ServicesStart, SaysWhatIsWrongWithTheImage) {
  ASSERT_FALSE(machine().make_directory("Drivers"));
  put_bytes(u"C:\\Drivers\\text.sys", "not an image\n");
  put_bytes(u"C:\\Drivers\\empty.sys", "");
  const std::pair<const char16_t *, uint32_t> rows[] = {
      {u"C:\\Drivers\\missing.sys", 2}, {u"C:\\Nowhere\\missing.sys", 3},
      {u"Q:\\missing.sys", 3},          {u"C:\\Drivers", 5},
      {u"C:\\Drivers\\text.sys", 193},  {u"/nonexistent/x.sys", 3},
      {u"" DRIVERS "/missing.sys", 2},  {u"C:\\Drivers\\text.sys\\below", 3},
      {u"C:\\Drivers\\a|b.sys", 123}};
  int number = 0;
  for (const auto &[path, error] : rows) {
    const std::u16string name = u"Image" + std::u16string(1, static_cast<char16_t>(u'0' + number++));
    ASSERT_EQ(create(name, {.image_path = path}), 0u) << "only the start looks";
    EXPECT_EQ(start(name), error) << base::to_utf8(path);
    EXPECT_EQ(state(name), ServiceState::kStopped);
    EXPECT_EQ(exit_code(name), error);
  }
  ASSERT_EQ(create(u"Empty", {.image_path = u"C:\\Drivers\\empty.sys"}), 0u);
  EXPECT_NE(start(u"Empty"), 0u);
}

// What a service controller makes of DriverEntry's status.
TEST_F(ServicesStart, AFailedDriverEntryLeavesItsCode) {
  const std::pair<NTSTATUS, uint32_t> rows[] = {{STATUS_UNSUCCESSFUL, 31},
                                                {STATUS_NOT_IMPLEMENTED, 1},
                                                {STATUS_ACCESS_VIOLATION, 998},
                                                {STATUS_INVALID_PARAMETER, 87},
                                                {STATUS_NO_SUCH_DEVICE, 433},
                                                {STATUS_NO_SUCH_FILE, 2},
                                                {STATUS_INVALID_DEVICE_REQUEST, 1},
                                                {STATUS_NO_MEMORY, 8},
                                                {STATUS_ACCESS_DENIED, 5},
                                                {STATUS_OBJECT_NAME_INVALID, 123},
                                                {STATUS_OBJECT_NAME_NOT_FOUND, 2},
                                                {STATUS_OBJECT_NAME_COLLISION, 183},
                                                {STATUS_OBJECT_PATH_NOT_FOUND, 3},
                                                {STATUS_SHARING_VIOLATION, 32},
                                                {STATUS_PROCEDURE_NOT_FOUND, 127},
                                                {STATUS_INVALID_IMAGE_FORMAT, 193},
                                                {STATUS_INSUFFICIENT_RESOURCES, 1450},
                                                {STATUS_DEVICE_NOT_READY, 21},
                                                {STATUS_NOT_SUPPORTED, 50},
                                                {STATUS_DLL_NOT_FOUND, 126},
                                                {STATUS_ENTRYPOINT_NOT_FOUND, 127},
                                                {STATUS_NOT_FOUND, 1168},
                                                {STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, 127},
                                                {STATUS_DRIVER_UNABLE_TO_LOAD, 2001},
                                                {STATUS_FAILED_DRIVER_ENTRY, 647},
                                                {STATUS_DRIVER_BLOCKED, 1275},
                                                {STATUS_INVALID_IMAGE_HASH, 577},
                                                {STATUS_IMAGE_ALREADY_LOADED, 1056},
                                                {static_cast<NTSTATUS>(0xC000CAFE), 317},
                                                {static_cast<NTSTATUS>(0xE0000042), 0xE0000042}};
  ASSERT_EQ(create(u"Test", {.image_path = kStatusDriver}), 0u);
  const auto key = cm::open_key(key_path(u"Test"));
  for (const auto &[status, error] : rows) {
    ASSERT_EQ(cm::set_dword(*key, u"Status", static_cast<ULONG>(status)), STATUS_SUCCESS);
    const auto started = services.start(u"Test");
    ASSERT_FALSE(started) << std::hex << status;
    EXPECT_EQ(started.error().error, error) << std::hex << status;
    EXPECT_EQ(started.error().status, status);
    EXPECT_EQ(started.error().function, "StartService");
    EXPECT_EQ(state(u"Test"), ServiceState::kStopped);
    EXPECT_EQ(exit_code(u"Test"), error);
  }
  for (const NTSTATUS success : {STATUS_SUCCESS, NTSTATUS{STATUS_PENDING}, static_cast<NTSTATUS>(0x80000005)}) {
    ASSERT_EQ(cm::set_dword(*key, u"Status", static_cast<ULONG>(success)), STATUS_SUCCESS);
    // Warnings have the sign of errors: NT_SUCCESS is what counts.
    EXPECT_EQ(start(u"Test") == 0, NT_SUCCESS(success)) << std::hex << success;
    (void)services.stop(u"Test");
  }
}

TEST_F(ServicesStart, OthersSeeItPending) {
  share(u"Slow");
  ASSERT_EQ(create(u"Slow"), 0u);
  std::thread client([&] { EXPECT_EQ(start(u"Slow"), 0u); });
  EXPECT_EQ(wait(&shared.Entered), STATUS_SUCCESS);
  EXPECT_EQ(state(u"Slow"), ServiceState::kStartPending);
  EXPECT_EQ(start(u"Slow"), kErrorServiceAlreadyRunning);
  EXPECT_EQ(stop(u"Slow"), kErrorServiceCannotAcceptControl);
  EXPECT_EQ(code(services.remove(u"Slow")), 0u);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  client.join();
  EXPECT_EQ(state(u"Slow"), ServiceState::kRunning);
  EXPECT_EQ(stop(u"Slow"), 0u);
  EXPECT_FALSE(has_key(u"Slow")) << "it was deleted meanwhile";
}

TEST_F(ServicesStart, DeletedMeanwhileAndFailedItIsGone) {
  share(u"Test");
  ASSERT_EQ(create(u"Test", {.image_path = kStatusDriver}), 0u);
  ASSERT_EQ(cm::set_dword(*cm::open_key(key_path(u"Test")), u"Status", static_cast<ULONG>(STATUS_UNSUCCESSFUL)),
            STATUS_SUCCESS);
  std::thread client([&] { EXPECT_EQ(start(u"Test"), 31u); });
  EXPECT_EQ(wait(&shared.Entered), STATUS_SUCCESS);
  EXPECT_EQ(code(services.remove(u"Test")), 0u);
  EXPECT_TRUE(has_key(u"Test"));
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  client.join();
  EXPECT_FALSE(has_key(u"Test"));
}

TEST_F(ServicesStart, ManyClientsStartOneOnce) {
  share(u"Plain");
  ASSERT_EQ(create(u"Plain"), 0u);
  for (int round = 0; round < rounds(20, 200); ++round) {
    std::atomic<int> succeeded{0}, refused{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i)
      clients.emplace_back([&] {
        const uint32_t error = start(u"Plain");
        succeeded += error == 0;
        refused += error == kErrorServiceAlreadyRunning;
      });
    for (std::thread &client : clients) client.join();
    EXPECT_EQ(succeeded, 1);
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(stop(u"Plain"), 0u);
  }
  EXPECT_EQ(shared.Entries, shared.Unloads);
}

TEST_F(ServicesStop, NeedsADriverUnload) {
  ASSERT_EQ(create(u"NoUnload"), 0u);
  ASSERT_EQ(start(u"NoUnload"), 0u);
  EXPECT_EQ(stop(u"NoUnload"), kErrorInvalidServiceControl);
  const auto status = services.query(u"NoUnload");
  EXPECT_EQ(status->state, ServiceState::kRunning);
  EXPECT_FALSE(status->stoppable);
}

TEST_F(ServicesStop, OtherControlsAreRefused) {
  constexpr uint32_t kStop = 1, kPause = 2, kContinue = 3, kInterrogate = 4, kOwn = 128;
  ASSERT_EQ(create(u"Plain"), 0u);
  for (const uint32_t control : {kStop, kPause, kInterrogate})
    EXPECT_EQ(code(services.control(u"Plain", control)), kErrorServiceNotActive);
  ASSERT_EQ(start(u"Plain"), 0u);
  for (const uint32_t control : {kPause, kContinue, kOwn})
    EXPECT_EQ(code(services.control(u"Plain", control)), kErrorInvalidServiceControl);
  EXPECT_EQ(services.control(u"Plain", kInterrogate)->state, ServiceState::kRunning);
  EXPECT_EQ(services.control(u"Plain", kStop)->state, ServiceState::kStopped);
  EXPECT_EQ(code(services.control(u"Missing", kPause)), kErrorServiceDoesNotExist);
}

TEST_F(ServicesStop, OthersSeeItPending) {
  share(u"SlowUnload");
  ASSERT_EQ(create(u"SlowUnload"), 0u);
  ASSERT_EQ(start(u"SlowUnload"), 0u);
  std::thread client([&] { EXPECT_EQ(stop(u"SlowUnload"), 0u); });
  EXPECT_EQ(wait(&shared.Unloading), STATUS_SUCCESS);
  EXPECT_EQ(state(u"SlowUnload"), ServiceState::kStopPending);
  EXPECT_EQ(start(u"SlowUnload"), kErrorServiceAlreadyRunning);
  EXPECT_EQ(stop(u"SlowUnload"), kErrorServiceCannotAcceptControl);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  client.join();
  EXPECT_EQ(state(u"SlowUnload"), ServiceState::kStopped);
}

TEST_F(ServicesStop, SaysWhenThreadsAreLeft) {
  share(u"LeaveThread");
  ASSERT_EQ(create(u"LeaveThread"), 0u);
  ASSERT_EQ(start(u"LeaveThread"), 0u);
  const auto stopped = services.stop(u"LeaveThread");
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->state, ServiceState::kStopped);
  EXPECT_EQ(stopped->note.substr(0, 38), "1 of the driver's threads still runs: ");
  EXPECT_EQ(start(u"LeaveThread"), 0u) << "another copy of the image";
  KeSetEvent(&shared.ThreadGate, IO_NO_INCREMENT, FALSE);
  ASSERT_EQ(machine().wait_for_rest(std::nullopt), Rest::kDone);
  EXPECT_EQ(services.stop(u"LeaveThread")->note, "");
}

TEST_F(ServicesStop, OpenDevicesPutItOff) {
  share(u"Device");
  ASSERT_EQ(create(u"Device"), 0u);
  ASSERT_EQ(start(u"Device"), 0u);
  const HANDLE handle = open_device();
  const auto stopped = services.stop(u"Device");
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->state, ServiceState::kStopPending);
  EXPECT_EQ(stopped->note, "devices of the driver are open: DriverUnload runs when the last handle to them is closed");
  EXPECT_EQ(start(u"Device"), kErrorServiceAlreadyRunning);
  EXPECT_EQ(stop(u"Device"), kErrorServiceCannotAcceptControl);
  EXPECT_EQ(code(services.remove(u"Device")), 0u);
  EXPECT_TRUE(has_key(u"Device"));
  ZwClose(handle);
  // Nobody has to ask for it.
  EXPECT_TRUE(machine().wait_until([&] { return !has_key(u"Device"); }, std::nullopt));
  EXPECT_EQ(shared.Unloads, 1);
}

TEST_F(ServicesStop, AnUnloadThatIsPutOffEndsWithTheMachine) {
  ASSERT_EQ(create(u"Device"), 0u);
  ASSERT_EQ(start(u"Device"), 0u);
  open_device();
  ASSERT_EQ(stop(u"Device"), 0u);
  EXPECT_EQ(code(services.remove(u"Device")), 0u);
  EXPECT_TRUE(machine().shut_down());
}

TEST_F(ServicesDepend, StartsWhatIsNeededFirst) {
  ASSERT_EQ(create(u"Plain1", {.depends = {u"Plain2", u"Plain3"}}), 0u);
  ASSERT_EQ(create(u"Plain2", {.depends = {u"Plain3"}}), 0u);
  ASSERT_EQ(create(u"Plain3"), 0u);
  ASSERT_EQ(start(u"Plain1"), 0u);
  for (const char16_t *name : {u"Plain1", u"Plain2", u"Plain3"}) EXPECT_EQ(state(name), ServiceState::kRunning);
  EXPECT_EQ(stop(u"Plain3"), kErrorDependentServicesRunning);
  EXPECT_EQ(stop(u"Plain2"), kErrorDependentServicesRunning);
  EXPECT_EQ(stop(u"Plain1"), 0u);
  EXPECT_EQ(stop(u"Plain3"), kErrorDependentServicesRunning);
  EXPECT_EQ(stop(u"Plain2"), 0u);
  EXPECT_EQ(stop(u"Plain3"), 0u);
}

TEST_F(ServicesDepend, MissingOrFailingOnesFailIt) {
  ASSERT_EQ(create(u"Plain", {.depends = {u"Missing"}}), 0u);
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyDeleted);
  EXPECT_EQ(exit_code(u"Plain"), kErrorServiceDependencyDeleted);
  ASSERT_EQ(create(u"Missing", {.image_path = u"C:\\missing.sys"}), 0u);
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyFail);
  EXPECT_EQ(exit_code(u"Missing"), 2u);
  EXPECT_EQ(code(services.config(u"Missing", {.start = cm::kDisabled, .image_path = kLifecycle})), 0u);
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyFail);
  EXPECT_EQ(code(services.config(u"Missing", {.start = cm::kDemandStart})), 0u);
  EXPECT_EQ(start(u"Plain"), 0u);
  EXPECT_EQ(stop(u"Plain"), 0u);
  EXPECT_EQ(code(services.remove(u"Missing")), 0u);  // it runs: marked
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyDeleted);
}

TEST_F(ServicesDepend, AGroupCountsWhenOneOfItRuns) {
  ASSERT_EQ(create(u"Plain", {.depends_groups = {u"G"}}), 0u);
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyFail) << "nobody is in it (unverified)";
  ASSERT_EQ(create(u"Broken", {.image_path = u"C:\\missing.sys", .group = u"g"}), 0u);
  EXPECT_EQ(start(u"Plain"), kErrorServiceDependencyFail);
  ASSERT_EQ(create(u"Plain1", {.group = u"G"}), 0u);
  ASSERT_EQ(create(u"Plain2", {.group = u"G"}), 0u);
  EXPECT_EQ(start(u"Plain"), 0u);
  EXPECT_EQ(state(u"Plain2"), ServiceState::kRunning) << "all of it are tried";
  EXPECT_EQ(stop(u"Plain1"), 0u) << "another one is left";
  EXPECT_EQ(stop(u"Plain2"), kErrorDependentServicesRunning);
}

TEST_F(ServicesDepend, WaitsForAStartByAnotherClient) {
  share(u"Slow");
  ASSERT_EQ(create(u"Slow"), 0u);
  ASSERT_EQ(create(u"Plain", {.depends = {u"Slow"}}), 0u);
  std::thread first([&] { EXPECT_EQ(start(u"Slow"), 0u); });
  EXPECT_EQ(wait(&shared.Entered), STATUS_SUCCESS);
  std::thread second([&] { EXPECT_EQ(start(u"Plain"), 0u); });
  while (state(u"Plain") == ServiceState::kStopped) std::this_thread::yield();
  EXPECT_EQ(state(u"Plain"), ServiceState::kStartPending);
  KeSetEvent(&shared.Gate, IO_NO_INCREMENT, FALSE);
  first.join();
  second.join();
  EXPECT_EQ(shared.Entries, 1);
}

}  // namespace
}  // namespace ntemu::test
