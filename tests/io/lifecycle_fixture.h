// A machine with the lifecycle driver: services by name, and what the driver shares with the test.
#pragma once

#include <thread>

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
  LIFECYCLE shared{};
};

}  // namespace ntemu::test
