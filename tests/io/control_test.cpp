// Device controls and flushes on the files of devices.
#include <cstring>

#include "ntemu/base/log.h"
#include "ntemu/io/file.h"
#include "ntemu/io/irp_buffers.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG code_of(ULONG method, ULONG access = FILE_ANY_ACCESS) {
  return CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, method, access);
}

class ControlTest : public DeviceDriverTest {
 protected:
  using Parameters = decltype(IO_STACK_LOCATION::Parameters.DeviceIoControl);
  // What the driver does with the request; what it returns is its status.
  using Control = std::function<NTSTATUS(PIRP, const Parameters &)>;

  void start(Control control, ULONG options = FILE_SYNCHRONOUS_IO_NONALERT) {
    for (const int major : {IRP_MJ_DEVICE_CONTROL, IRP_MJ_FILE_SYSTEM_CONTROL}) {
      on(major, [this, control](PDEVICE_OBJECT, PIRP irp) {
        const PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
        last_major = location->MajorFunction;
        last = location->Parameters.DeviceIoControl;
        mode = irp->RequestorMode;
        return control(irp, last);
      });
    }
    DeviceDriverTest::start();
    ASSERT_EQ(open(u"\\Device\\Sample", &handle, nullptr, options), STATUS_SUCCESS);
  }
  NTSTATUS control(ULONG code, void *input, ULONG input_length, void *output, ULONG output_length,
                   HANDLE event = nullptr) {
    return ZwDeviceIoControlFile(handle, event, nullptr, nullptr, &io_status, code, input, input_length, output,
                                 output_length);
  }
  HANDLE handle = nullptr;
  IO_STATUS_BLOCK io_status{};
  int last_major = -1;
  Parameters last{};
  KPROCESSOR_MODE mode = -1;
};
using ZwDeviceIoControlFile = ControlTest;
using ZwFsControlFile = ControlTest;
using ZwFlushBuffersFile = ControlTest;

TEST_F(ZwDeviceIoControlFile, BufferedSharesOneBufferOfTheLargerLength) {
  start([](PIRP irp, const Parameters &) {
    EXPECT_EQ(irp->MdlAddress, nullptr);
    auto *buffer = static_cast<char *>(irp->AssociatedIrp.SystemBuffer);
    EXPECT_EQ(std::string(buffer, 3), "in!");
    std::memcpy(buffer, "0123456789", 10);
    return complete(irp, STATUS_SUCCESS, 4);
  });
  char input[] = "in!", output[10];
  std::memset(output, '.', sizeof(output));
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), input, 3, output, 10), STATUS_SUCCESS);
  EXPECT_EQ(std::string(output, 10), "0123......") << "as many as Information says";
  EXPECT_EQ(io_status.Information, 4u);
  EXPECT_EQ(last_major, IRP_MJ_DEVICE_CONTROL);
  EXPECT_EQ(last.IoControlCode, code_of(METHOD_BUFFERED));
  EXPECT_EQ(last.InputBufferLength, 3u);
  EXPECT_EQ(last.OutputBufferLength, 10u);
  EXPECT_EQ(mode, KernelMode);
  // The input may be the longer one, and in the output's place.
  char both[12] = "in!";
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), both, 12, both, 4), STATUS_SUCCESS);
  EXPECT_EQ(std::string(both, 4), "0123");
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, BufferedWithoutBuffersHasNone) {
  start([](PIRP irp, const Parameters &) {
    EXPECT_EQ(irp->AssociatedIrp.SystemBuffer, nullptr);
    return complete(irp, STATUS_SUCCESS, 0);
  });
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, nullptr, 0), STATUS_SUCCESS);
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, BufferedCopiesWarningsBackButNoErrors) {
  NTSTATUS status = STATUS_BUFFER_OVERFLOW;
  start([&](PIRP irp, const Parameters &) {
    std::memcpy(irp->AssociatedIrp.SystemBuffer, "abcd", 4);
    return complete(irp, status, 4);
  });
  char output[4] = {'.', '.', '.', '.'};
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, output, 4), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(std::string(output, 4), "abcd");
  EXPECT_EQ(io_status.Status, STATUS_BUFFER_OVERFLOW);
  status = STATUS_BUFFER_TOO_SMALL;
  std::memset(output, '.', 4);
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, output, 4), STATUS_BUFFER_TOO_SMALL);
  EXPECT_EQ(std::string(output, 4), "....");
  EXPECT_EQ(io_status.Status, STATUS_BUFFER_OVERFLOW) << "an error leaves it alone";
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, BufferedNeverCopiesMoreThanThereIsRoomFor) {
  start([](PIRP irp, const Parameters &) {
    std::memcpy(irp->AssociatedIrp.SystemBuffer, "abcd", 4);
    return complete(irp, STATUS_SUCCESS, 100);
  });
  std::string text;
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  char output[6] = ".....";
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, output, 4), STATUS_SUCCESS);
  base::set_log_sink(nullptr);
  EXPECT_STREQ(output, "abcd.");
  EXPECT_EQ(io_status.Information, 100u);
  EXPECT_NE(text.find("Windows would copy"), std::string::npos) << text;
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, DirectHasAnMdlForTheOutputAndABufferForTheInput) {
  for (const ULONG method : {ULONG{METHOD_IN_DIRECT}, ULONG{METHOD_OUT_DIRECT}}) {
    char input[] = "in", output[8] = "1234567";
    if (!handle) {
      start([&](PIRP irp, const Parameters &parameters) {
        EXPECT_EQ(std::string(static_cast<char *>(irp->AssociatedIrp.SystemBuffer), 2), "in");
        const PMDL mdl = irp->MdlAddress;
        EXPECT_TRUE(mdl->MdlFlags & MDL_PAGES_LOCKED);
        EXPECT_EQ((mdl->MdlFlags & MDL_WRITE_OPERATION) != 0,
                  METHOD_FROM_CTL_CODE(parameters.IoControlCode) == METHOD_OUT_DIRECT);
        EXPECT_EQ(MmGetMdlByteCount(mdl), 8u);
        static_cast<char *>(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority))[0] = 'X';
        return complete(irp, STATUS_SUCCESS, 8);
      });
    }
    EXPECT_EQ(control(code_of(method), input, 2, output, 8), STATUS_SUCCESS);
    EXPECT_STREQ(output, "X234567");
  }
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, DirectOfABufferThatIsNotThereAsksNobody) {
  int calls = 0;
  start([&](PIRP irp, const Parameters &) {
    ++calls;
    return complete(irp, STATUS_SUCCESS);
  });
  EXPECT_EQ(control(code_of(METHOD_OUT_DIRECT), nullptr, 0, reinterpret_cast<void *>(0x1000), 8),
            STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(control(code_of(METHOD_OUT_DIRECT), nullptr, 0, nullptr, 0), STATUS_SUCCESS);
  EXPECT_EQ(calls, 1);
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, NeitherPassesTheAddresses) {
  char input[4], output[4];
  start([&](PIRP irp, const Parameters &parameters) {
    EXPECT_EQ(parameters.Type3InputBuffer, input);
    EXPECT_EQ(irp->UserBuffer, output);
    EXPECT_EQ(irp->AssociatedIrp.SystemBuffer, nullptr);
    return complete(irp, STATUS_SUCCESS, 4);
  });
  EXPECT_EQ(control(code_of(METHOD_NEITHER), input, 4, output, 4), STATUS_SUCCESS);
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, AsynchronouslyReturnsPendingAndSetsTheEvent) {
  PIRP held = nullptr;
  start(
      [&](PIRP irp, const Parameters &) -> NTSTATUS {
        IoMarkIrpPending(irp);
        held = irp;
        return STATUS_PENDING;
      },
      0);
  HANDLE event;
  ASSERT_EQ(ZwCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, TRUE), STATUS_SUCCESS);
  char output[4] = {};
  for (const NTSTATUS status : {STATUS_SUCCESS, STATUS_CANCELLED}) {
    ASSERT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, output, 4, event), STATUS_PENDING);
    EXPECT_EQ(held->ThreadListEntry.Flink, &PsGetCurrentThread()->IrpList) << "it is this thread's";
    LARGE_INTEGER now{};
    EXPECT_EQ(ZwWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT) << "it was cleared";
    std::memcpy(held->AssociatedIrp.SystemBuffer, "abc", 4);
    complete(held, status, 4);
    EXPECT_EQ(ZwWaitForSingleObject(event, FALSE, &now), STATUS_SUCCESS);
    EXPECT_EQ(io_status.Status, status);
    EXPECT_TRUE(IsListEmpty(&PsGetCurrentThread()->IrpList));
  }
  EXPECT_STREQ(output, "abc");
  ZwClose(event);
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, ASynchronousFileWaits) {
  std::atomic<PIRP> held{nullptr};
  KEVENT arrived;
  KeInitializeEvent(&arrived, NotificationEvent, FALSE);
  start([&](PIRP irp, const Parameters &) -> NTSTATUS {
    IoMarkIrpPending(irp);
    held = irp;
    KeSetEvent(&arrived, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
  });
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  SystemThread sender([&] { status = control(code_of(METHOD_BUFFERED), nullptr, 0, nullptr, 0); });
  wait(&arrived);
  complete(held, STATUS_DEVICE_NOT_READY);
  sender.join();
  EXPECT_EQ(status, STATUS_DEVICE_NOT_READY);
  EXPECT_EQ(io_status.Status, STATUS_DEVICE_NOT_READY) << "an error of a request that pended is told";
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, UserModeNeedsTheRightsOfTheCode) {
  start([](PIRP irp, const Parameters &) { return complete(irp, STATUS_SUCCESS); });
  const auto as_user = [&](HANDLE file, ULONG access) {
    return io::control_file(file, nullptr, &io_status, IRP_MJ_DEVICE_CONTROL, code_of(METHOD_BUFFERED, access), {},
                            UserMode);
  };
  const auto as_kernel = [&](HANDLE file, ULONG access) {
    return io::control_file(file, nullptr, &io_status, IRP_MJ_DEVICE_CONTROL, code_of(METHOD_BUFFERED, access), {},
                            KernelMode);
  };
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
  HANDLE user;
  ASSERT_EQ(ZwOpenFile(&user, FILE_READ_DATA | SYNCHRONIZE, &attributes, &io_status, 0, FILE_SYNCHRONOUS_IO_NONALERT),
            STATUS_SUCCESS);
  EXPECT_EQ(as_user(user, FILE_ANY_ACCESS), STATUS_SUCCESS);
  EXPECT_EQ(as_user(user, FILE_READ_ACCESS), STATUS_SUCCESS);
  EXPECT_EQ(mode, UserMode);
  EXPECT_EQ(as_user(user, FILE_WRITE_ACCESS), STATUS_ACCESS_DENIED);
  EXPECT_EQ(as_user(user, FILE_READ_ACCESS | FILE_WRITE_ACCESS), STATUS_ACCESS_DENIED);
  EXPECT_EQ(as_kernel(user, FILE_WRITE_ACCESS), STATUS_SUCCESS);
  ZwClose(user);
  ZwClose(handle);
}

TEST_F(ZwDeviceIoControlFile, RefusesWhatIsNoDevicesFile) {
  start([](PIRP irp, const Parameters &) { return complete(irp, STATUS_SUCCESS); });
  HANDLE file;
  ASSERT_EQ(open(u"\\??\\C:\\", &file, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  EXPECT_EQ(::ZwDeviceIoControlFile(file, nullptr, nullptr, nullptr, &io_status, code_of(METHOD_BUFFERED), nullptr, 0,
                                    nullptr, 0),
            STATUS_INVALID_DEVICE_REQUEST);
  ZwClose(file);
  ZwClose(handle);
  EXPECT_EQ(control(code_of(METHOD_BUFFERED), nullptr, 0, nullptr, 0), STATUS_INVALID_HANDLE);
}

TEST_F(ZwDeviceIoControlFile, TakesNoApcRoutine) {
  start([](PIRP irp, const Parameters &) { return complete(irp, STATUS_SUCCESS); });
  const PIO_APC_ROUTINE routine = [](PVOID, PIO_STATUS_BLOCK, ULONG) {};
  EXPECT_EQ(::ZwDeviceIoControlFile(handle, nullptr, routine, nullptr, &io_status, code_of(METHOD_BUFFERED), nullptr, 0,
                                    nullptr, 0),
            STATUS_NOT_SUPPORTED);
  ZwClose(handle);
}

TEST_F(ZwFsControlFile, IsTheSameWithItsOwnMajorFunction) {
  start([](PIRP irp, const Parameters &) { return complete(irp, STATUS_SUCCESS, 0); });
  EXPECT_EQ(
      ::ZwFsControlFile(handle, nullptr, nullptr, nullptr, &io_status, code_of(METHOD_NEITHER), nullptr, 0, nullptr, 0),
      STATUS_SUCCESS);
  EXPECT_EQ(last_major, IRP_MJ_FILE_SYSTEM_CONTROL);
  EXPECT_EQ(last.IoControlCode, code_of(METHOD_NEITHER));
  ZwClose(handle);
}

TEST_F(ZwFlushBuffersFile, AsksTheDriver) {
  int calls = 0;
  on(IRP_MJ_FLUSH_BUFFERS, [&](PDEVICE_OBJECT, PIRP irp) {
    ++calls;
    return complete(irp, STATUS_SUCCESS, 3);
  });
  start([](PIRP irp, const Parameters &) { return complete(irp, STATUS_SUCCESS); }, 0);
  EXPECT_EQ(::ZwFlushBuffersFile(handle, &io_status), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 3u);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(io::flush_file(handle, &io_status, UserMode), STATUS_INVALID_HANDLE) << "a handle of the kernel";
  ZwClose(handle);
}

TEST_F(ZwFlushBuffersFile, OfAVolumesFileSucceeds) {
  HANDLE file;
  ASSERT_EQ(open(u"\\??\\C:\\", &file, nullptr, FILE_SYNCHRONOUS_IO_NONALERT), STATUS_SUCCESS);
  EXPECT_EQ(::ZwFlushBuffersFile(file, &io_status), STATUS_SUCCESS);
  EXPECT_EQ(io_status.Status, STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, 0u);
  ZwClose(file);
}

}  // namespace
}  // namespace ntemu::test
