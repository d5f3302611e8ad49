// A machine with the lifecycle driver: services by name, and what the driver shares with the test.
#pragma once

#include <thread>

#include "ntemu/base/utf.h"
#include "ntemu/cm/registry.h"
#include "ntemu/io/device.h"
#include "ntemu/io/driver.h"
#include "tests/io/lifecycle.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {

class LifecycleTest : public KernelTest {
 protected:
  LifecycleTest() {
    for (PRKEVENT event : {&shared.Entered, &shared.Unloading}) KeInitializeEvent(event, SynchronizationEvent, FALSE);
    for (PRKEVENT event : {&shared.Gate, &shared.ThreadGate}) KeInitializeEvent(event, NotificationEvent, FALSE);
  }
  static std::u16string key_path(std::u16string_view service) { return cm::kServices + std::u16string(service); }
  // Writes the service's key, so that the driver finds what it shares.
  void share(std::u16string_view service) {
    const auto key = cm::create_key(key_path(service));
    const LIFECYCLE *address = &shared;
    ASSERT_TRUE(key);
    ASSERT_EQ(cm::set_value(*key, u"Shared", REG_BINARY, &address, sizeof(address)), STATUS_SUCCESS);
  }
  Outcome<std::string> load(const std::string &service, bool file_system = false) {
    return machine().load(DRIVERS "/lifecycle.sys", {.service = service, .file_system = file_system});
  }
  static bool exists(std::u16string_view path, const _OBJECT_TYPE &type) {
    const auto body = ob::open_by_path(path, &type);
    if (body) ob::dereference(*body);
    return static_cast<bool>(body);
  }
  static HANDLE open_device() {
    UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Lifecycle");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE handle = nullptr;
    IO_STATUS_BLOCK io_status;
    EXPECT_EQ(ZwOpenFile(&handle, GENERIC_READ, &attributes, &io_status, 0, 0), STATUS_SUCCESS);
    return handle;
  }
  void await_state(const char *service, DriverState state) {
    EXPECT_TRUE(machine().wait_until([&] { return machine().driver_state(service) == state; }, std::nullopt));
  }
  LIFECYCLE shared{};
};

}  // namespace ntemu::test
