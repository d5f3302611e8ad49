// Opening and closing devices that are no volumes: what their drivers are told, and when.
#include "ntemu/base/log.h"
#include "ntemu/io/file.h"
#include "ntemu/io/irp.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

using OpenDevice = DeviceDriverTest;
using CloseDevice = DeviceDriverTest;

TEST_F(OpenDevice, SendsACreateWithWhatTheCallerSaid) {
  struct {
    UCHAR major;
    PDEVICE_OBJECT device, file_device;
    CHAR locations, current;
    ULONG options, full_options, ea;
    ACCESS_MASK access;
    USHORT attributes, share;
    LONGLONG allocation;
    std::u16string name;
    PETHREAD thread;
    bool named_file;
  } seen{};
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT device, PIRP irp) {
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    const auto &create = location->Parameters.Create;
    seen = {.major = location->MajorFunction,
            .device = device,
            .file_device = location->FileObject->DeviceObject,
            .locations = irp->StackCount,
            .current = irp->CurrentLocation,
            .options = create.Options,
            .full_options = create.SecurityContext->FullCreateOptions,
            .ea = create.EaLength,
            .access = create.SecurityContext->DesiredAccess,
            .attributes = create.FileAttributes,
            .share = create.ShareAccess,
            .allocation = irp->Overlay.AllocationSize.QuadPart,
            .name = std::u16string(base::view(location->FileObject->FileName)),
            .thread = irp->Tail.Overlay.Thread,
            .named_file = location->FileObject->RelatedFileObject == nullptr};
    return complete(irp, STATUS_SUCCESS, FILE_CREATED);
  });
  start();
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample\\one\\Two");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE handle;
  IO_STATUS_BLOCK io_status{};
  LARGE_INTEGER size{};
  size.QuadPart = 4711;
  ASSERT_EQ(
      ZwCreateFile(&handle, GENERIC_WRITE, &attributes, &io_status, &size, FILE_ATTRIBUTE_HIDDEN, FILE_SHARE_DELETE,
                   FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0),
      STATUS_SUCCESS);
  EXPECT_EQ(io_status.Status, STATUS_SUCCESS);
  EXPECT_EQ(io_status.Information, ULONG_PTR{FILE_CREATED});
  EXPECT_EQ(seen.major, IRP_MJ_CREATE);
  EXPECT_EQ(seen.device, routines.device);
  EXPECT_EQ(seen.file_device, routines.device);
  EXPECT_EQ(seen.locations, 1);
  EXPECT_EQ(seen.current, 1);
  EXPECT_EQ(seen.options, FILE_OVERWRITE_IF << 24 | FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT);
  EXPECT_EQ(seen.full_options, ULONG{FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT});
  EXPECT_EQ(seen.ea, 0u);
  EXPECT_EQ(seen.access, ACCESS_MASK{FILE_GENERIC_WRITE});
  EXPECT_EQ(seen.attributes, FILE_ATTRIBUTE_HIDDEN);
  EXPECT_EQ(seen.share, FILE_SHARE_DELETE);
  EXPECT_EQ(seen.allocation, 4711);
  EXPECT_EQ(seen.name, u"\\one\\Two");
  EXPECT_EQ(seen.thread, PsGetCurrentThread());
  EXPECT_TRUE(seen.named_file);
  EXPECT_EQ(ZwClose(handle), STATUS_SUCCESS);
}

TEST_F(OpenDevice, ByLinkAndByItsOwnName) {
  std::vector<std::u16string> names;
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
    names.emplace_back(base::view(IoGetCurrentIrpStackLocation(irp)->FileObject->FileName));
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  ASSERT_EQ(ob::create_symbolic_link(u"\\??\\SampleLink", u"\\Device\\Sample"), STATUS_SUCCESS);
  for (const char16_t *path :
       {u"\\Device\\Sample", u"\\??\\SampleLink", u"\\DosDevices\\samplelink\\deep\\er", u"\\device\\SAMPLE\\"}) {
    HANDLE handle;
    ASSERT_EQ(open(path, &handle), STATUS_SUCCESS);
    ZwClose(handle);
  }
  EXPECT_EQ(names, (std::vector<std::u16string>{u"", u"", u"\\deep\\er", u"\\"}));
}

TEST_F(OpenDevice, RelativeToAnotherFileOfIt) {
  PFILE_OBJECT related = nullptr;
  std::u16string name;
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    related = file->RelatedFileObject;
    name = base::view(file->FileName);
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  HANDLE parent, child;
  ASSERT_EQ(open(u"\\Device\\Sample\\folder", &parent), STATUS_SUCCESS);
  ASSERT_EQ(open(u"file.txt", &child, parent), STATUS_SUCCESS);
  EXPECT_EQ(name, u"file.txt");
  const auto body = ob::reference_by_handle(parent, 0, &io::file_type, KernelMode);
  ASSERT_TRUE(body);
  EXPECT_EQ(related, *body);
  ob::dereference(*body);
  const auto opened = ob::reference_by_handle(child, 0, &io::file_type, KernelMode);
  EXPECT_EQ(static_cast<PFILE_OBJECT>(*opened)->RelatedFileObject, nullptr) << "valid during the create alone";
  ob::dereference(*opened);
  ZwClose(child);
  ZwClose(parent);
}

TEST_F(OpenDevice, CountsItsFiles) {
  start();
  HANDLE first, second;
  ASSERT_EQ(open(u"\\Device\\Sample", &first), STATUS_SUCCESS);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  ASSERT_EQ(open(u"\\Device\\Sample", &second), STATUS_SUCCESS);
  EXPECT_EQ(routines.device->ReferenceCount, 2);
  ZwClose(first);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  ZwClose(second);
  EXPECT_EQ(routines.device->ReferenceCount, 0);
}

TEST_F(OpenDevice, ARefusedCreateIsTheLastTheDriverHears) {
  int others = 0;
  on(IRP_MJ_CREATE, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_TOO_LATE); });
  for (const int major : {IRP_MJ_CLEANUP, IRP_MJ_CLOSE}) {
    on(major, [&](PDEVICE_OBJECT, PIRP irp) {
      ++others;
      return complete(irp, STATUS_SUCCESS);
    });
  }
  start();
  const size_t handles = ob::open_handles();
  HANDLE handle;
  EXPECT_EQ(open(u"\\Device\\Sample", &handle), STATUS_TOO_LATE);
  EXPECT_EQ(others, 0);
  EXPECT_EQ(ob::open_handles(), handles);
  EXPECT_EQ(routines.device->ReferenceCount, 0);
  EXPECT_EQ(io::unload_driver(driver), STATUS_SUCCESS);
}

TEST_F(OpenDevice, PendingIsWaitedFor) {
  KEVENT arrived;
  KeInitializeEvent(&arrived, NotificationEvent, FALSE);
  std::atomic<PIRP> held{nullptr};
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    held = irp;
    KeSetEvent(&arrived, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
  });
  start();
  for (const NTSTATUS status : {STATUS_SUCCESS, STATUS_DEVICE_BUSY, STATUS_IO_TIMEOUT}) {
    NTSTATUS result = STATUS_UNSUCCESSFUL;
    HANDLE handle = nullptr;
    SystemThread opener([&] { result = open(u"\\Device\\Sample", &handle); });
    wait(&arrived);
    KeClearEvent(&arrived);
    SystemThread completer([&] { complete(held, status, FILE_OPENED); });
    opener.join();
    EXPECT_EQ(result, status);
    if (NT_SUCCESS(result)) ZwClose(handle);
    EXPECT_EQ(routines.device->ReferenceCount, 0);
  }
}

TEST_F(OpenDevice, ThatIsNeverAnsweredEndsWithTheMachine) {
  static KEVENT arrived;
  KeInitializeEvent(&arrived, NotificationEvent, FALSE);
  on(IRP_MJ_CREATE, [](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    KeSetEvent(&arrived, IO_NO_INCREMENT, FALSE);
    return STATUS_PENDING;
  });
  start();
  static NTSTATUS result;
  result = STATUS_PENDING;
  const auto opener = [](PVOID) -> VOID {
    HANDLE handle;
    result = open(u"\\Device\\Sample\\with a long name", &handle);
  };
  HANDLE thread;
  ASSERT_EQ(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, opener, nullptr),
            STATUS_SUCCESS);
  wait(&arrived);
  EXPECT_EQ(machine().wait_for_rest(std::nullopt), Rest::kWaiting);
  EXPECT_TRUE(machine().shut_down());
  EXPECT_EQ(result, STATUS_SYSTEM_SHUTDOWN);
}

TEST_F(OpenDevice, ARoutineThatForgetsToCompleteIsTold) {
  std::string text;
  PIRP forgotten = nullptr;
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    forgotten = irp;
    return STATUS_UNSUCCESSFUL;
  });
  start();
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  HANDLE handle;
  EXPECT_EQ(open(u"\\Device\\Sample", &handle), STATUS_UNSUCCESSFUL);
  base::set_log_sink(nullptr);
  EXPECT_NE(text.find("without completing"), std::string::npos) << text;
  complete(forgotten, STATUS_SUCCESS);  // too late, and harmless
}

TEST_F(OpenDevice, ExclusiveTakesOneFileAtATime) {
  routines.exclusive = TRUE;
  start();
  HANDLE first, second;
  ASSERT_EQ(open(u"\\Device\\Sample\\one", &first), STATUS_SUCCESS);
  EXPECT_EQ(open(u"\\Device\\Sample", &second), STATUS_ACCESS_DENIED);
  EXPECT_EQ(open(u"\\Device\\Sample\\two", &second), STATUS_ACCESS_DENIED) << "whatever the trailing name";
  ASSERT_EQ(open(u"two", &second, first), STATUS_SUCCESS) << "relative opens are the driver's to refuse";
  ZwClose(second);
  ZwClose(first);
  ASSERT_EQ(open(u"\\Device\\Sample", &second), STATUS_SUCCESS);
  ZwClose(second);
}

TEST_F(OpenDevice, OnlyFilesAreOpenedThere) {
  int creates = 0;
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
    ++creates;
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  UNICODE_STRING name = base::to_unicode_string(u"\\Device\\Sample\\key");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
  HANDLE key;
  EXPECT_EQ(ZwOpenKey(&key, KEY_READ, &attributes), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(creates, 0);
}

TEST_F(CloseDevice, CleanupAtTheLastHandleCloseAtTheLastReference) {
  std::vector<UCHAR> seen;
  PFILE_OBJECT file = nullptr;
  for (const int major : {IRP_MJ_CLEANUP, IRP_MJ_CLOSE}) {
    on(major, [&](PDEVICE_OBJECT device, PIRP irp) {
      seen.push_back(IoGetCurrentIrpStackLocation(irp)->MajorFunction);
      EXPECT_EQ(device, routines.device);
      EXPECT_EQ(IoGetCurrentIrpStackLocation(irp)->FileObject, file);
      return complete(irp, STATUS_SUCCESS);
    });
  }
  start();
  HANDLE first, second;
  ASSERT_EQ(open(u"\\Device\\Sample", &first), STATUS_SUCCESS);
  PVOID body;
  ASSERT_EQ(ObReferenceObjectByHandle(first, 0, *IoFileObjectType, KernelMode, &body, nullptr), STATUS_SUCCESS);
  file = static_cast<PFILE_OBJECT>(body);
  ASSERT_EQ(
      ObOpenObjectByPointer(file, OBJ_KERNEL_HANDLE, nullptr, GENERIC_READ, *IoFileObjectType, KernelMode, &second),
      STATUS_SUCCESS);
  ZwClose(first);
  EXPECT_TRUE(seen.empty());
  ZwClose(second);
  EXPECT_EQ(seen, std::vector<UCHAR>{IRP_MJ_CLEANUP});
  EXPECT_TRUE(file->Flags & FO_CLEANUP_COMPLETE);
  EXPECT_EQ(routines.device->ReferenceCount, 1);
  ObDereferenceObject(file);
  EXPECT_EQ(seen, (std::vector<UCHAR>{IRP_MJ_CLEANUP, IRP_MJ_CLOSE}));
  EXPECT_EQ(routines.device->ReferenceCount, 0);
}

TEST_F(CloseDevice, ADeletedDeviceStaysUntilThen) {
  start();
  HANDLE handle, other;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  PDEVICE_OBJECT device = routines.device;
  ObReferenceObject(device);
  IoDeleteDevice(device);
  EXPECT_FALSE(exists(u"\\Device\\Sample", io::device_type));
  EXPECT_EQ(open(u"later", &other, handle), STATUS_NO_SUCH_DEVICE);
  EXPECT_EQ(driver->DeviceObject, device) << "its driver cannot go yet";
  ZwClose(handle);
  EXPECT_EQ(driver->DeviceObject, nullptr);
  EXPECT_EQ(ob::reference_count(device), 1);
  ObDereferenceObject(device);
}

TEST_F(CloseDevice, HandlesLeftAtTheMachinesEndAskNoDriver) {
  int calls = 0;
  for (const int major : {IRP_MJ_CLEANUP, IRP_MJ_CLOSE}) {
    on(major, [&](PDEVICE_OBJECT, PIRP irp) {
      ++calls;
      return complete(irp, STATUS_SUCCESS);
    });
  }
  start();
  HANDLE handle;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  io::delete_driver(driver);  // as the machine does
  EXPECT_TRUE(machine().shut_down());
  EXPECT_EQ(calls, 0);
}

using IofCompleteRequest = DeviceDriverTest;

TEST_F(IofCompleteRequest, TwiceStopsTheMachine) {
  ke::Bugcheck stop{};
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT, PIRP irp) {
    irp->CurrentLocation = static_cast<CHAR>(irp->StackCount + 2);
    stop = ke::catch_bugcheck([&] { ::IofCompleteRequest(irp, IO_NO_INCREMENT); });
    EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(irp));
    irp->CurrentLocation = irp->StackCount;
    return complete(irp, STATUS_SUCCESS);
  });
  start();
  HANDLE handle;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  EXPECT_EQ(stop.code, 0x44u);
  ZwClose(handle);
}

// A driver that sends an IRP on: a lower device of the same driver with a stack of two.
TEST_F(IofCompleteRequest, RunsCompletionRoutinesUpwards) {
  static std::vector<std::string> order;
  order.clear();
  PDEVICE_OBJECT lower = nullptr;
  const PIO_COMPLETION_ROUTINE routine = [](PDEVICE_OBJECT device, PIRP irp, PVOID context) -> NTSTATUS {
    order.push_back(device == context ? "completion" : "wrong device");
    if (irp->PendingReturned) IoMarkIrpPending(irp);
    return STATUS_CONTINUE_COMPLETION;
  };
  on(IRP_MJ_CREATE, [&](PDEVICE_OBJECT device, PIRP irp) {
    if (device == lower) {
      order.push_back("lower");
      return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    }
    order.push_back("upper");
    IoCopyCurrentIrpStackLocationToNext(irp);
    IoSetCompletionRoutine(irp, routine, device, TRUE, TRUE, TRUE);
    return IofCallDriver(lower, irp);
  });
  start();
  ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &lower), STATUS_SUCCESS);
  HANDLE handle;
  routines.device->StackSize = 2;
  ASSERT_EQ(open(u"\\Device\\Sample", &handle), STATUS_SUCCESS);
  ZwClose(handle);
  EXPECT_EQ(order, (std::vector<std::string>{"upper", "lower", "completion"}));
}

TEST_F(IofCompleteRequest, AndIofCallDriverStopsWithoutALocation) {
  start();
  PIRP irp = io::make_irp(routines.device, nullptr, IRP_MJ_CREATE, 0);
  irp->CurrentLocation = 1;
  const auto stop = ke::catch_bugcheck([&] { IofCallDriver(routines.device, irp); });
  EXPECT_EQ(stop.code, 0x35u);
  EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(irp));
  io::drop_irp(irp);
}

}  // namespace
}  // namespace ntemu::test
