// driver/ioctl.c, asked as its header says.
#include <atomic>
#include <vector>

#include "ntemu/base/utf.h"
#include "ntemu/io/file.h"
#include "ntemu/io/irp_buffers.h"
#include "tests/support/kernel_test.h"
// It expects its includer to have included the WDK.
#include "driver/ioctl.h"

namespace ntemu::test {
namespace {

class IoctlSample : public KernelTest {
 protected:
  IoctlSample() {
    EXPECT_TRUE(machine().load(DRIVERS "/ioctl.sys", {.service = "ioctl"}));
    handle = open(FILE_SYNCHRONOUS_IO_NONALERT);
  }
  ~IoctlSample() override {
    if (handle) close(handle);
    EXPECT_TRUE(machine().unload("ioctl"));
  }
  static void close(HANDLE &file) {
    EXPECT_EQ(ZwClose(file), STATUS_SUCCESS);
    file = nullptr;
  }
  static HANDLE open(ULONG options) {
    UNICODE_STRING name = base::to_unicode_string(u"\\DosDevices\\NtemuIoctl");
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE file = nullptr;
    IO_STATUS_BLOCK status;
    EXPECT_EQ(ZwOpenFile(&file, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, &attributes, &status, 0, options),
              STATUS_SUCCESS);
    return file;
  }
  NTSTATUS control(ULONG code, const void *input, ULONG input_length, void *output, ULONG output_length) {
    return control(handle, io_status, code, input, input_length, output, output_length);
  }
  static NTSTATUS control(HANDLE file, IO_STATUS_BLOCK &status, ULONG code, const void *input, ULONG input_length,
                          void *output, ULONG output_length) {
    return ZwDeviceIoControlFile(file, nullptr, nullptr, nullptr, &status, code, const_cast<void *>(input),
                                 input_length, output, output_length);
  }
  NTSTATUS write(const void *data, ULONG length) {
    return ZwWriteFile(handle, nullptr, nullptr, nullptr, &io_status, const_cast<void *>(data), length, nullptr,
                       nullptr);
  }
  NTSTATUS read(void *data, ULONG length) {
    return ZwReadFile(handle, nullptr, nullptr, nullptr, &io_status, data, length, nullptr, nullptr);
  }
  IOCTL_STATISTICS statistics() {
    IOCTL_STATISTICS answer{};
    EXPECT_EQ(control(IOCTL_NTEMU_STATISTICS, nullptr, 0, &answer, sizeof(answer)), STATUS_SUCCESS);
    EXPECT_EQ(io_status.Information, sizeof(answer));
    return answer;
  }
  HANDLE handle = nullptr;
  IO_STATUS_BLOCK io_status{};
};

TEST_F(IoctlSample, KeepsAMessage) {
  char text[8] = "......";
  EXPECT_EQ(read(text, 8), STATUS_END_OF_FILE) << "there is none";
  EXPECT_EQ(write("first one", 9), STATUS_SUCCESS);
  EXPECT_EQ(write("second", 6), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 6u);
  EXPECT_EQ(read(text, 8), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 6u);
  EXPECT_EQ(std::string(text, 6), "second");
  EXPECT_EQ(read(text, 2), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 2u);
  EXPECT_EQ(read(nullptr, 0), STATUS_SUCCESS);
  char large[IOCTL_MESSAGE_MAXIMUM + 1] = {};
  EXPECT_EQ(write(large, sizeof(large)), STATUS_INVALID_BUFFER_SIZE);
  EXPECT_EQ(write(large, 0), STATUS_INVALID_BUFFER_SIZE);
  EXPECT_EQ(statistics().MessageLength, 6u);
  EXPECT_EQ(write(large, IOCTL_MESSAGE_MAXIMUM), STATUS_SUCCESS);
}

TEST_F(IoctlSample, AnswersEachMethod) {
  char text[8] = {};
  EXPECT_EQ(control(IOCTL_NTEMU_UPPERCASE, "a[Zz{9", 6, text, 8), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 6u);
  EXPECT_STREQ(text, "A[ZZ{9");
  EXPECT_EQ(control(IOCTL_NTEMU_UPPERCASE, "abc", 3, text, 2), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(control(IOCTL_NTEMU_FILL, "x", 1, text, 4), STATUS_SUCCESS);
  EXPECT_STREQ(text, "xxxx{9");
  EXPECT_EQ(control(IOCTL_NTEMU_FILL, "xy", 2, text, 4), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(control(IOCTL_NTEMU_FILL, "x", 1, nullptr, 0), STATUS_BUFFER_TOO_SMALL);
  char message[] = "direct";
  EXPECT_EQ(control(IOCTL_NTEMU_SET_MESSAGE, nullptr, 0, message, 6), STATUS_SUCCESS);
  EXPECT_EQ(read(text, 8), STATUS_SUCCESS);
  EXPECT_EQ(std::string(text, io_status.Information), "direct");
  EXPECT_EQ(control(IOCTL_NTEMU_SET_MESSAGE, nullptr, 0, nullptr, 0), STATUS_INVALID_BUFFER_SIZE);
  EXPECT_EQ(control(IOCTL_NTEMU_REVERSE, "abc", 3, text, 3), STATUS_SUCCESS);
  EXPECT_EQ(std::string(text, 3), "cba");
  EXPECT_EQ(control(IOCTL_NTEMU_REVERSE, "abc", 3, text, 4), STATUS_INVALID_BUFFER_SIZE);
  EXPECT_EQ(control(IOCTL_NTEMU_STATISTICS, nullptr, 0, text, 8), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(control(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x8FF, METHOD_BUFFERED, FILE_ANY_ACCESS), nullptr, 0, nullptr, 0),
            STATUS_INVALID_DEVICE_REQUEST);
  EXPECT_EQ(control(IOCTL_NTEMU_WAIT, nullptr, 0, text, 2), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(control(IOCTL_NTEMU_WAKE, text, 2, nullptr, 0), STATUS_INVALID_PARAMETER);
  const IOCTL_STATISTICS counted = statistics();
  EXPECT_EQ(counted.Opens, 1);
  EXPECT_EQ(counted.Reads, 1);
  EXPECT_EQ(counted.Writes, 0);
  EXPECT_EQ(counted.Controls, 14);
}

TEST_F(IoctlSample, WaitsUntilItIsWoken) {
  HANDLE waiting = open(0);
  IO_STATUS_BLOCK answers[2]{};
  ULONG values[2]{}, value = 7;
  EXPECT_EQ(control(IOCTL_NTEMU_WAKE, &value, sizeof(value), nullptr, 0), STATUS_NOT_FOUND);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(control(waiting, answers[i], IOCTL_NTEMU_WAIT, nullptr, 0, &values[i], sizeof(ULONG)), STATUS_PENDING);
  }
  EXPECT_EQ(statistics().Waiting, 2);
  EXPECT_EQ(control(IOCTL_NTEMU_WAKE, &value, sizeof(value), nullptr, 0), STATUS_SUCCESS);
  EXPECT_EQ(values[0], 7u) << "who waits longest is the first";
  EXPECT_EQ(answers[0].Information, sizeof(ULONG));
  EXPECT_EQ(statistics().Waiting, 1);
  close(handle);
  handle = open(FILE_SYNCHRONOUS_IO_NONALERT);
  EXPECT_EQ(statistics().Waiting, 1) << "another file's close does not concern it";
  close(waiting);
  EXPECT_EQ(answers[1].Status, STATUS_CANCELLED);
  EXPECT_EQ(statistics().Waiting, 0);
}

TEST_F(IoctlSample, IsCancelledWhenTheWaitingThreadEnds) {
  HANDLE waiting = open(0);
  IO_STATUS_BLOCK answer{};
  ULONG value;
  SystemThread sender([&] {
    EXPECT_EQ(control(waiting, answer, IOCTL_NTEMU_WAIT, nullptr, 0, &value, sizeof(ULONG)), STATUS_PENDING);
  });
  sender.join();
  EXPECT_EQ(answer.Status, STATUS_CANCELLED);
  EXPECT_EQ(statistics().Waiting, 0);
  close(waiting);
}

// The end of a thread cancels what another thread is about to complete.
TEST_F(IoctlSample, StressOfThreadsThatEndWhileTheyAreWoken) {
  struct Request {
    IO_STATUS_BLOCK answer{};
    ULONG value = 0;
  };
  HANDLE waiting = open(0);
  std::atomic<int> running{2};
  const auto send = [&] {
    for (int round = 0; round < rounds(30, 1000); ++round) {
      std::vector<Request> requests(4);
      SystemThread sender([&] {
        for (Request &each : requests) {
          EXPECT_EQ(control(waiting, each.answer, IOCTL_NTEMU_WAIT, nullptr, 0, &each.value, sizeof(ULONG)),
                    STATUS_PENDING);
        }
      });
      sender.join();
      for (const Request &each : requests) {
        const bool woken = NT_SUCCESS(each.answer.Status);
        EXPECT_TRUE(woken || each.answer.Status == STATUS_CANCELLED);
        EXPECT_EQ(each.value, woken ? 7u : 0u);
      }
    }
    --running;
  };
  SystemThread first(send), second(send);
  ULONG value = 7;
  while (running > 0) control(IOCTL_NTEMU_WAKE, &value, sizeof(value), nullptr, 0);
  first.join();
  second.join();
  EXPECT_EQ(statistics().Waiting, 0);
  close(waiting);
}

TEST_F(IoctlSample, TrustsNoAddressesOfUserMode) {
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\NtemuIoctl");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
  HANDLE user;
  ASSERT_EQ(ZwOpenFile(&user, FILE_READ_DATA | SYNCHRONIZE, &attributes, &io_status, 0, FILE_SYNCHRONOUS_IO_NONALERT),
            STATUS_SUCCESS);
  char text[3] = {};
  EXPECT_EQ(io::control_file(user, nullptr, &io_status, IRP_MJ_DEVICE_CONTROL, IOCTL_NTEMU_REVERSE, {text, 3, text, 3},
                             UserMode),
            STATUS_ACCESS_DENIED);
  close(user);
}

}  // namespace
}  // namespace ntemu::test
