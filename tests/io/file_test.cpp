// Zw*File on a machine in memory: handles, positions, status blocks, file objects.
#include "ntemu/io/file.h"

#include <cstring>
#include <string>
#include <vector>

#include "ntemu/base/utf.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

constexpr ULONG kShareAll = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr NTSTATUS kUntouched = static_cast<NTSTATUS>(0x11111111);

LARGE_INTEGER at(LONGLONG value) {
  LARGE_INTEGER result;
  result.QuadPart = value;
  return result;
}

class Named {
 public:
  explicit Named(std::u16string_view path, HANDLE root = nullptr,
                 ULONG flags = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE)
      : path_(path), name_(base::to_unicode_string(path_)) {
    InitializeObjectAttributes(&attributes_, &name_, flags, root, nullptr);
  }
  operator POBJECT_ATTRIBUTES() { return &attributes_; }

 private:
  std::u16string path_;
  UNICODE_STRING name_;
  OBJECT_ATTRIBUTES attributes_;
};

class Files : public KernelTest {
 protected:
  ~Files() override {
    for (HANDLE each : handles_) ZwClose(each);
  }
  NTSTATUS create(std::u16string_view path, ACCESS_MASK access = FILE_ALL_ACCESS, ULONG disposition = FILE_OPEN_IF,
                  ULONG options = FILE_SYNCHRONOUS_IO_NONALERT, ULONG share = kShareAll, HANDLE root = nullptr,
                  ULONG flags = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE) {
    handle = nullptr;
    iosb = {{kUntouched}, 99};
    const NTSTATUS status = ZwCreateFile(&handle, access, Named(path, root, flags), &iosb, nullptr,
                                         FILE_ATTRIBUTE_NORMAL, share, disposition, options, nullptr, 0);
    if (NT_SUCCESS(status)) handles_.push_back(handle);
    return status;
  }
  void close(HANDLE closed) {
    std::erase(handles_, closed);
    EXPECT_EQ(ZwClose(closed), STATUS_SUCCESS);
  }
  NTSTATUS write(std::string_view text, PLARGE_INTEGER offset = nullptr) {
    iosb = {{kUntouched}, 99};
    return ZwWriteFile(handle, nullptr, nullptr, nullptr, &iosb, const_cast<char *>(text.data()),
                       static_cast<ULONG>(text.size()), offset, nullptr);
  }
  NTSTATUS read(ULONG length, PLARGE_INTEGER offset = nullptr) {
    iosb = {{kUntouched}, 99};
    data.assign(length, '?');
    const NTSTATUS status = ZwReadFile(handle, nullptr, nullptr, nullptr, &iosb, data.data(), length, offset, nullptr);
    if (NT_SUCCESS(status)) data.resize(iosb.Information);
    return status;
  }
  NTSTATUS rename(std::u16string_view name, BOOLEAN replace = FALSE, HANDLE root = nullptr, ULONG surplus = 0) {
    std::vector<char> buffer(sizeof(FILE_RENAME_INFORMATION) + name.size() * 2 + surplus);
    auto &info = *reinterpret_cast<FILE_RENAME_INFORMATION *>(buffer.data());
    info.ReplaceIfExists = replace;
    info.RootDirectory = root;
    info.FileNameLength = static_cast<ULONG>(name.size() * 2);
    std::memcpy(info.FileName, name.data(), name.size() * 2);
    iosb = {{kUntouched}, 99};
    return ZwSetInformationFile(handle, &iosb, &info, static_cast<ULONG>(buffer.size()), FileRenameInformation);
  }
  // A kernel handle is none at all to user callers.
  NTSTATUS create_for_user(std::u16string_view path, ACCESS_MASK access) {
    return create(path, access, FILE_OPEN_IF, FILE_SYNCHRONOUS_IO_NONALERT, kShareAll, nullptr, OBJ_CASE_INSENSITIVE);
  }
  template <class Info>
  Info query(FILE_INFORMATION_CLASS info_class) {
    Info info{};
    EXPECT_EQ(ZwQueryInformationFile(handle, &iosb, &info, sizeof(info), info_class), STATUS_SUCCESS);
    return info;
  }
  LONGLONG position() { return query<FILE_POSITION_INFORMATION>(FilePositionInformation).CurrentByteOffset.QuadPart; }
  ob::Ref<FILE_OBJECT> object() {
    auto body = ob::reference_by_handle(handle, 0, *IoFileObjectType, KernelMode);
    return ob::Ref<FILE_OBJECT>::adopt(static_cast<FILE_OBJECT *>(*body));
  }

  HANDLE handle = nullptr;
  IO_STATUS_BLOCK iosb{};
  std::string data;

 private:
  std::vector<HANDLE> handles_;
};

using CreateFile = Files;
using ReadWriteFile = Files;
using RenameFile = Files;
using QueryFile = Files;

TEST_F(CreateFile, StatusBlockTellsWhatHappened) {
  EXPECT_EQ(create(u"\\DosDevices\\C:\\f"), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Status, STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, ULONG_PTR{FILE_CREATED});
  EXPECT_EQ(create(u"\\??\\c:\\F"), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, ULONG_PTR{FILE_OPENED});
  EXPECT_EQ(create(u"\\Device\\HarddiskVolume1\\f", FILE_ALL_ACCESS, FILE_OVERWRITE_IF), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, ULONG_PTR{FILE_OVERWRITTEN});
}

TEST_F(CreateFile, FailureTouchesNeitherHandleNorStatusBlock) {
  EXPECT_EQ(create(u"\\??\\C:\\none", FILE_ALL_ACCESS, FILE_OPEN), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(handle, nullptr);
  EXPECT_EQ(iosb.Status, kUntouched);
  EXPECT_EQ(create(u"\\??\\C:\\none\\f"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(create(u"\\??\\Q:\\f"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(create(u"C:\\f"), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(create(u"\\??\\C:\\a:b"), STATUS_OBJECT_NAME_INVALID);
  EXPECT_EQ(create(u"\\??\\C:\\a\\\\b"), STATUS_OBJECT_NAME_INVALID);
}

TEST_F(CreateFile, KernelCallersNeedNoSynchronizeForSynchronousHandles) {
  EXPECT_EQ(create(u"\\??\\C:\\f", GENERIC_WRITE), STATUS_SUCCESS);
  HANDLE user = nullptr;
  EXPECT_EQ(io::create_file(&user, Named(u"\\??\\C:\\g"), &iosb,
                            {.access = FILE_WRITE_DATA,
                             .open = {.disposition = FILE_OPEN_IF, .options = FILE_SYNCHRONOUS_IO_NONALERT}},
                            UserMode),
            STATUS_INVALID_PARAMETER);
}

TEST_F(CreateFile, ShareModesHoldBetweenHandles) {
  EXPECT_EQ(create(u"\\??\\C:\\f", GENERIC_WRITE, FILE_OPEN_IF, 0, 0), STATUS_SUCCESS);
  const HANDLE first = handle;
  EXPECT_EQ(create(u"\\??\\C:\\f"), STATUS_SHARING_VIOLATION);
  close(first);
  EXPECT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
}

TEST_F(CreateFile, FileObjectShowsTheOpen) {
  ASSERT_EQ(create(u"\\??\\C:\\Some File", FILE_READ_DATA | DELETE, FILE_OPEN_IF,
                   FILE_SYNCHRONOUS_IO_NONALERT | FILE_WRITE_THROUGH | FILE_DELETE_ON_CLOSE, FILE_SHARE_READ),
            STATUS_SUCCESS);
  const auto file = object();
  EXPECT_EQ(file->Type, IO_TYPE_FILE);
  EXPECT_EQ(file->Size, 0xD8);
  EXPECT_EQ(base::view(file->FileName), u"\\Some File");
  EXPECT_TRUE(file->ReadAccess);
  EXPECT_FALSE(file->WriteAccess);
  EXPECT_TRUE(file->DeleteAccess);
  EXPECT_TRUE(file->SharedRead);
  EXPECT_FALSE(file->SharedWrite);
  EXPECT_FALSE(file->SharedDelete);
  EXPECT_EQ(file->Flags, ULONG{FO_SYNCHRONOUS_IO | FO_WRITE_THROUGH | FO_DELETE_ON_CLOSE | FO_HANDLE_CREATED});
  EXPECT_EQ(file->DeviceObject->DeviceType, ULONG{FILE_DEVICE_DISK_FILE_SYSTEM});
  EXPECT_EQ(file->Vpb, file->DeviceObject->Vpb);
}

TEST_F(CreateFile, RelativeToADirectoryHandle) {
  ASSERT_EQ(create(u"\\??\\C:\\d", FILE_ALL_ACCESS, FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
  const HANDLE directory = handle;
  EXPECT_EQ(create(u"f", FILE_ALL_ACCESS, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, kShareAll, directory),
            STATUS_SUCCESS);
  EXPECT_EQ(create(u"\\??\\C:\\d\\F", FILE_ALL_ACCESS, FILE_OPEN), STATUS_SUCCESS);
  EXPECT_EQ(create(u"\\f", FILE_ALL_ACCESS, FILE_OPEN, 0, kShareAll, directory), STATUS_OBJECT_NAME_INVALID);
}

TEST_F(CreateFile, ExtendedAttributesAreRefused) {
  char ea = 0;
  EXPECT_EQ(
      ZwCreateFile(&handle, FILE_ALL_ACCESS, Named(u"\\??\\C:\\f"), &iosb, nullptr, 0, 0, FILE_OPEN_IF, 0, &ea, 1),
      STATUS_EAS_NOT_SUPPORTED);
}

TEST_F(CreateFile, DeleteOnCloseHappensAtTheLastHandleNotTheLastReference) {
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_CREATE, FILE_DELETE_ON_CLOSE), STATUS_SUCCESS);
  const auto reference = object();
  close(handle);
  EXPECT_TRUE(reference->Flags & FO_CLEANUP_COMPLETE);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_OPEN), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(CreateFile, HandleLeftOpenAtShutDownIsClosed) {
  HANDLE leaked = nullptr;
  EXPECT_EQ(ZwCreateFile(&leaked, FILE_ALL_ACCESS, Named(u"\\??\\C:\\leak"), &iosb, nullptr, 0, 0, FILE_CREATE, 0,
                         nullptr, 0),
            STATUS_SUCCESS);
}

TEST_F(ReadWriteFile, SynchronousHandlesKeepAPosition) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  EXPECT_EQ(write("hello "), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, 6U);
  EXPECT_EQ(write("world"), STATUS_SUCCESS);
  EXPECT_EQ(position(), 11);
  EXPECT_EQ(read(1), STATUS_END_OF_FILE);
  EXPECT_EQ(iosb.Status, STATUS_END_OF_FILE);
  EXPECT_EQ(iosb.Information, 0U);
  LARGE_INTEGER offset = at(6);
  EXPECT_EQ(read(99, &offset), STATUS_SUCCESS);
  EXPECT_EQ(data, "world");
  EXPECT_EQ(position(), 11);
  FILE_POSITION_INFORMATION to{at(1)};
  EXPECT_EQ(ZwSetInformationFile(handle, &iosb, &to, sizeof(to), FilePositionInformation), STATUS_SUCCESS);
  EXPECT_EQ(read(4), STATUS_SUCCESS);
  EXPECT_EQ(data, "ello");
  to.CurrentByteOffset = at(-1);
  EXPECT_EQ(ZwSetInformationFile(handle, &iosb, &to, sizeof(to), FilePositionInformation), STATUS_INVALID_PARAMETER);
}

TEST_F(ReadWriteFile, SpecialOffsets) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  LARGE_INTEGER end{};
  end.HighPart = -1;
  end.LowPart = FILE_WRITE_TO_END_OF_FILE;
  LARGE_INTEGER current = end;
  current.LowPart = FILE_USE_FILE_POINTER_POSITION;
  LARGE_INTEGER start = at(0);
  EXPECT_EQ(write("abc", &start), STATUS_SUCCESS);
  EXPECT_EQ(write("x", &start), STATUS_SUCCESS);
  EXPECT_EQ(write("y", &current), STATUS_SUCCESS);
  EXPECT_EQ(write("def", &end), STATUS_SUCCESS);
  EXPECT_EQ(position(), 6);
  EXPECT_EQ(read(9, &start), STATUS_SUCCESS);
  EXPECT_EQ(data, "xycdef");
  EXPECT_EQ(read(1, &end), STATUS_INVALID_PARAMETER);
  LARGE_INTEGER negative = at(-7);
  EXPECT_EQ(write("x", &negative), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(iosb.Status, kUntouched);
  EXPECT_EQ(read(0, &start), STATUS_SUCCESS);
}

TEST_F(ReadWriteFile, AsynchronousHandlesNeedAnOffset) {
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_CREATE, 0), STATUS_SUCCESS);
  EXPECT_EQ(write("x"), STATUS_INVALID_PARAMETER);
  LARGE_INTEGER current{};
  current.HighPart = -1;
  current.LowPart = FILE_USE_FILE_POINTER_POSITION;
  EXPECT_EQ(write("x", &current), STATUS_INVALID_PARAMETER);
  LARGE_INTEGER offset = at(2);
  KeClearEvent(&object()->Event);
  EXPECT_EQ(write("abc", &offset), STATUS_SUCCESS);
  EXPECT_NE(KeReadStateEvent(&object()->Event), 0);
  EXPECT_EQ(object()->CurrentByteOffset.QuadPart, 0);
}

TEST_F(ReadWriteFile, AppendOnlyHandlesWriteAtTheEnd) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  EXPECT_EQ(write("abc"), STATUS_SUCCESS);
  const HANDLE whole = handle;
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_APPEND_DATA | SYNCHRONIZE), STATUS_SUCCESS);
  LARGE_INTEGER start = at(0);
  EXPECT_EQ(write("d", &start), STATUS_SUCCESS);
  handle = whole;
  EXPECT_EQ(read(9, &start), STATUS_SUCCESS);
  EXPECT_EQ(data, "abcd");
}

TEST_F(ReadWriteFile, RightsBindUserCallersOnly) {
  ASSERT_EQ(create_for_user(u"\\??\\C:\\f", FILE_READ_ATTRIBUTES | SYNCHRONIZE), STATUS_SUCCESS);
  EXPECT_EQ(write("x"), STATUS_SUCCESS);
  char byte = 0;
  const LARGE_INTEGER start = at(0);
  EXPECT_EQ(io::read_file(handle, nullptr, &iosb, &byte, 1, &start, UserMode), STATUS_ACCESS_DENIED);
  EXPECT_EQ(io::write_file(handle, nullptr, &iosb, &byte, 1, &start, UserMode), STATUS_ACCESS_DENIED);
  FILE_END_OF_FILE_INFORMATION end{};
  EXPECT_EQ(io::set_file(handle, &iosb, &end, sizeof(end), FileEndOfFileInformation, UserMode), STATUS_ACCESS_DENIED);
  FILE_BASIC_INFORMATION basic{};
  EXPECT_EQ(io::set_file(handle, &iosb, &basic, sizeof(basic), FileBasicInformation, UserMode), STATUS_ACCESS_DENIED);
  EXPECT_EQ(io::query_file(handle, &iosb, &basic, sizeof(basic), FileBasicInformation, UserMode), STATUS_SUCCESS);
}

TEST_F(ReadWriteFile, BadHandles) {
  handle = reinterpret_cast<HANDLE>(0x7FFF0);
  EXPECT_EQ(write("x"), STATUS_INVALID_HANDLE);
  handle = nullptr;
  EXPECT_EQ(read(1), STATUS_INVALID_HANDLE);
}

TEST_F(ReadWriteFile, CompletionRoutinesAreRefusedNotForgotten) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  const auto routine = [](PVOID, PIO_STATUS_BLOCK, ULONG) {};
  EXPECT_EQ(ZwWriteFile(handle, nullptr, routine, nullptr, &iosb, nullptr, 0, nullptr, nullptr), STATUS_NOT_SUPPORTED);
}

TEST_F(ReadWriteFile, UnbufferedHandlesNeedWholeSectors) {
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_CREATE,
                   FILE_NO_INTERMEDIATE_BUFFERING | FILE_SYNCHRONOUS_IO_NONALERT),
            STATUS_SUCCESS);
  EXPECT_EQ(write("x"), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(write(std::string(512, 'x')), STATUS_SUCCESS);
  LARGE_INTEGER odd = at(1);
  EXPECT_EQ(read(512, &odd), STATUS_INVALID_PARAMETER);
}

TEST_F(ReadWriteFile, SynchronousRequestsOfManyThreadsDoNotOverlap) {
  constexpr int kThreads = 4;
  const int each = rounds(500, 5000);
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  std::vector<std::unique_ptr<SystemThread>> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.push_back(std::make_unique<SystemThread>([this, each] {
      IO_STATUS_BLOCK own;
      char text[] = "0123456789";
      for (int n = 0; n < each; ++n) ZwWriteFile(handle, nullptr, nullptr, nullptr, &own, text, 10, nullptr, nullptr);
    }));
  }
  threads.clear();
  EXPECT_EQ(position(), 10LL * kThreads * each);
  EXPECT_EQ(query<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 10LL * kThreads * each);
  EXPECT_EQ(object()->Waiters, 0U);
  EXPECT_EQ(object()->Busy, 0U);
}

TEST_F(ReadWriteFile, ARequestWaitsForTheFileAsExecutive) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  const auto file = object();
  __atomic_store_n(&file->Busy, 1, __ATOMIC_SEQ_CST);
  SystemThread writer([this] { write("x"); });
  writer.await_blocked();
  EXPECT_EQ(writer.tcb().WaitReason, Executive);
  EXPECT_EQ(file->Waiters, 1U);
  __atomic_store_n(&file->Busy, 0, __ATOMIC_SEQ_CST);
  KeSetEvent(&file->Lock, 0, FALSE);
  writer.join();
  EXPECT_EQ(file->Waiters, 0U);
}

TEST_F(RenameFile, ToAFullPath) {
  ASSERT_EQ(create(u"\\??\\C:\\Temp2", FILE_ALL_ACCESS, FILE_OPEN_IF, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
  ASSERT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, 0), STATUS_SUCCESS);
  EXPECT_EQ(rename(u"\\DosDevices\\C:\\Temp2\\g", FALSE, nullptr, 4), STATUS_SUCCESS);
  EXPECT_EQ(iosb.Status, STATUS_SUCCESS);
  EXPECT_EQ(iosb.Information, 0U);
  close(handle);
  EXPECT_EQ(create(u"\\??\\C:\\temp2\\G", FILE_ALL_ACCESS, FILE_OPEN), STATUS_SUCCESS);
}

TEST_F(RenameFile, RelativeToADirectoryHandle) {
  ASSERT_EQ(create(u"\\??\\C:\\d", FILE_ALL_ACCESS, FILE_CREATE, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
  const HANDLE directory = handle;
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  EXPECT_EQ(rename(u"\\??\\C:\\d\\g", FALSE, directory), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(rename(u"g", FALSE, directory), STATUS_SUCCESS);
  EXPECT_EQ(create(u"\\??\\C:\\d\\g", FILE_ALL_ACCESS, FILE_OPEN), STATUS_SUCCESS);
}

TEST_F(RenameFile, MalformedBuffers) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  FILE_RENAME_INFORMATION info{};
  const auto set = [&](ULONG length) {
    return ZwSetInformationFile(handle, &iosb, &info, length, FileRenameInformation);
  };
  info.FileNameLength = 2;
  EXPECT_EQ(set(23), STATUS_INFO_LENGTH_MISMATCH);
  for (ULONG length : {0U, 1U, 6U}) {
    info.FileNameLength = length;
    EXPECT_EQ(set(24), STATUS_INVALID_PARAMETER) << length;
  }
}

TEST_F(RenameFile, ErrorsLeaveTheStatusBlockAlone) {
  ASSERT_EQ(create(u"\\??\\C:\\g"), STATUS_SUCCESS);
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  EXPECT_EQ(rename(u"g"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(iosb.Status, kUntouched);
  EXPECT_EQ(iosb.Information, 99U);
  EXPECT_EQ(rename(u"\\??\\C:\\none\\g"), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(rename(u"g", TRUE), STATUS_ACCESS_DENIED) << "the target is open";
  EXPECT_EQ(iosb.Status, kUntouched);
}

TEST_F(RenameFile, DeleteAccessBindsUserCallersOnly) {
  ASSERT_EQ(create_for_user(u"\\??\\C:\\f", GENERIC_WRITE), STATUS_SUCCESS);
  FILE_RENAME_INFORMATION info{};
  info.FileNameLength = 2;
  info.FileName[0] = u'g';
  EXPECT_EQ(io::set_file(handle, &iosb, &info, sizeof(info), FileRenameInformation, UserMode), STATUS_ACCESS_DENIED);
  EXPECT_EQ(rename(u"g"), STATUS_SUCCESS);
}

TEST_F(QueryFile, AllBringsThePartsTogether) {
  ASSERT_EQ(create(u"\\??\\C:\\f", GENERIC_READ | GENERIC_WRITE), STATUS_SUCCESS);
  ASSERT_EQ(write("abc"), STATUS_SUCCESS);
  alignas(8) char buffer[sizeof(FILE_ALL_INFORMATION) + 64];
  ASSERT_EQ(ZwQueryInformationFile(handle, &iosb, buffer, sizeof(buffer), FileAllInformation), STATUS_SUCCESS);
  const auto &all = *reinterpret_cast<FILE_ALL_INFORMATION *>(buffer);
  EXPECT_EQ(all.StandardInformation.EndOfFile.QuadPart, 3);
  EXPECT_EQ(all.AccessInformation.AccessFlags, ACCESS_MASK{FILE_GENERIC_READ | FILE_GENERIC_WRITE});
  EXPECT_EQ(all.PositionInformation.CurrentByteOffset.QuadPart, 3);
  EXPECT_EQ(all.ModeInformation.Mode, ULONG{FILE_SYNCHRONOUS_IO_NONALERT});
  EXPECT_EQ(all.NameInformation.FileNameLength, 4U);
}

TEST_F(QueryFile, TruncatedNamesAreAWarningThatFillsTheStatusBlock) {
  ASSERT_EQ(create(u"\\??\\C:\\long name"), STATUS_SUCCESS);
  alignas(4) char buffer[8];
  EXPECT_EQ(ZwQueryInformationFile(handle, &iosb, buffer, sizeof(buffer), FileNameInformation), STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(iosb.Status, STATUS_BUFFER_OVERFLOW);
  EXPECT_EQ(iosb.Information, 8U);
  iosb = {{kUntouched}, 99};
  EXPECT_EQ(ZwQueryInformationFile(handle, &iosb, buffer, 7, FileNameInformation), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(iosb.Status, kUntouched);
  EXPECT_EQ(ZwQueryInformationFile(handle, &iosb, buffer, 8, FileDirectoryInformation), STATUS_INVALID_INFO_CLASS);
}

TEST_F(QueryFile, DispositionShowsInTheFileObject) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  FILE_DISPOSITION_INFORMATION remove{TRUE};
  EXPECT_EQ(ZwSetInformationFile(handle, &iosb, &remove, sizeof(remove), FileDispositionInformation), STATUS_SUCCESS);
  EXPECT_TRUE(object()->DeletePending);
  EXPECT_TRUE(query<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
  close(handle);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_OPEN), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(QueryFile, PosixDeletionTakesTheNameWithItsHandle) {
  ASSERT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  ASSERT_EQ(write("data"), STATUS_SUCCESS);
  const HANDLE keeper = handle;
  ASSERT_EQ(create(u"\\??\\C:\\f", DELETE | SYNCHRONIZE), STATUS_SUCCESS);
  const HANDLE deleter = handle;
  FILE_DISPOSITION_INFORMATION_EX remove{FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS};
  EXPECT_EQ(ZwSetInformationFile(handle, &iosb, &remove, 3, FileDispositionInformationEx), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(ZwSetInformationFile(handle, &iosb, &remove, sizeof(remove), FileDispositionInformationEx), STATUS_SUCCESS);
  EXPECT_TRUE(object()->DeletePending);
  EXPECT_EQ(create(u"\\??\\C:\\f"), STATUS_DELETE_PENDING);
  close(deleter);
  EXPECT_EQ(create(u"\\??\\C:\\f", FILE_ALL_ACCESS, FILE_CREATE), STATUS_SUCCESS);
  handle = keeper;
  LARGE_INTEGER start = at(0);
  ASSERT_EQ(read(4, &start), STATUS_SUCCESS);
  EXPECT_EQ(data, "data");
}

TEST_F(CreateFile, AllowedAtApcLevel) {
  KIRQL old;
  KeRaiseIrql(APC_LEVEL, &old);
  EXPECT_EQ(create(u"\\??\\C:\\f"), STATUS_SUCCESS);
  KeLowerIrql(old);
}

}  // namespace
}  // namespace ntemu::test
