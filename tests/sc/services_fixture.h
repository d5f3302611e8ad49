// A machine in memory with its service controller.
#pragma once

#include <fstream>
#include <iterator>

#include "ntemu/base/utf.h"
#include "ntemu/machine/services.h"
#include "ntemu/machine/win32_error.h"
#include "tests/io/lifecycle_fixture.h"

namespace ntemu::test {

using machine::ServiceState;

constexpr char16_t kLifecycle[] = u"" DRIVERS "/lifecycle.sys";
constexpr char16_t kStatusDriver[] = u"" DRIVERS "/status_driver.sys";

class ServicesTest : public LifecycleTest {
 protected:
  // The Win32 error, 0 for success.
  static uint32_t code(const std::optional<machine::ServiceError> &error) { return error ? error->error : 0; }
  template <class T>
  static uint32_t code(const machine::ServiceOutcome<T> &outcome) {
    return outcome ? 0 : outcome.error().error;
  }

  uint32_t create(std::u16string_view name, cm::ServiceSettings settings = {}, bool tag = false) {
    if (settings.image_path.empty()) settings.image_path = kLifecycle;
    return code(services.create(name, std::move(settings), tag));
  }
  uint32_t start(std::u16string_view name) { return code(services.start(name)); }
  uint32_t stop(std::u16string_view name) { return code(services.stop(name)); }
  ServiceState state(std::u16string_view name) {
    const auto status = services.query(name);
    EXPECT_TRUE(status);
    return status ? status->state : ServiceState::kStopped;
  }
  uint32_t exit_code(std::u16string_view name) {
    const auto status = services.query(name);
    EXPECT_TRUE(status);
    return status ? status->exit_code : ~0u;
  }
  static bool has_key(std::u16string_view name) { return static_cast<bool>(cm::open_key(key_path(name))); }

  // A file of the machine's, with the bytes of one of the host's.
  static void put_file(std::u16string_view path, const std::string &source) {
    std::ifstream file(source, std::ios::binary);
    put_bytes(path, std::string(std::istreambuf_iterator<char>(file), {}));
  }
  static void put_bytes(std::u16string_view path, std::string bytes) {
    const std::u16string full = u"\\??\\" + std::u16string(path);
    UNICODE_STRING name = base::to_unicode_string(full);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE handle;
    IO_STATUS_BLOCK io;
    ASSERT_EQ(ZwCreateFile(&handle, FILE_WRITE_DATA | SYNCHRONIZE, &attributes, &io, nullptr, FILE_ATTRIBUTE_NORMAL, 0,
                           FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0),
              STATUS_SUCCESS);
    ASSERT_EQ(ZwWriteFile(handle, nullptr, nullptr, nullptr, &io, bytes.data(), static_cast<ULONG>(bytes.size()),
                          nullptr, nullptr),
              STATUS_SUCCESS);
    ZwClose(handle);
  }

  machine::Services services{machine()};
};

}  // namespace ntemu::test
