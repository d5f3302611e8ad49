#include <ntemu/testing.h>

using namespace ntemu::testing;
using ::testing::_;
using ::testing::DoAll;
using ::testing::Not;
using ::testing::Return;

namespace {

template <class Matcher, class Value>
std::string explain(const Matcher &matcher, const Value &value) {
  ::testing::StringMatchResultListener listener;
  ::testing::ExplainMatchResult(matcher, value, &listener);
  return listener.str();
}

HANDLE open(std::u16string_view path) {
  UNICODE_STRING name;
  const std::u16string copy(path);
  RtlInitUnicodeString(&name, copy.c_str());
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  IO_STATUS_BLOCK io;
  HANDLE handle = nullptr;
  EXPECT_THAT(ZwCreateFile(&handle, GENERIC_READ | SYNCHRONIZE, &attributes, &io, nullptr, 0, 0, FILE_OPEN,
                           FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0),
              NtSucceeds());
  return handle;
}

TEST(NtSucceeds, TakesInformationAndRefusesWarnings) {
  EXPECT_THAT(STATUS_SUCCESS, NtSucceeds());
  EXPECT_THAT(STATUS_OBJECT_NAME_EXISTS, NtSucceeds());
  EXPECT_THAT(STATUS_BUFFER_OVERFLOW, Not(NtSucceeds()));
  EXPECT_THAT(STATUS_ACCESS_DENIED, Not(NtSucceeds()));
}

TEST(NtFailsWith, NamesTheStatus) {
  EXPECT_THAT(STATUS_ACCESS_DENIED, NtFailsWith(STATUS_ACCESS_DENIED));
  EXPECT_THAT(STATUS_SUCCESS, Not(NtFailsWith(STATUS_ACCESS_DENIED)));
  EXPECT_EQ(explain(NtFailsWith(STATUS_NO_MEMORY), STATUS_ACCESS_DENIED), "STATUS_ACCESS_DENIED (0xC0000022)");
  EXPECT_EQ(status_name(static_cast<NTSTATUS>(0xC0DEF00D)), "0xC0DEF00D");
}

TEST(UnicodeStringEq, ComparesStringsAndPointers) {
  UNICODE_STRING string = RTL_CONSTANT_STRING(u"Abc");
  EXPECT_THAT(string, UnicodeStringEq(u"Abc"));
  EXPECT_THAT(&string, UnicodeStringEq(u"Abc"));
  EXPECT_THAT(&string, Not(UnicodeStringEq(u"abc")));
  EXPECT_THAT(static_cast<PUNICODE_STRING>(nullptr), Not(UnicodeStringEq(u"abc")));
}

TEST(ObjectNameIs, ComparesAsTheAttributesSay) {
  UNICODE_STRING name = RTL_CONSTANT_STRING(u"\\Device\\Foo");
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, 0, nullptr, nullptr);
  EXPECT_THAT(&attributes, ObjectNameIs(u"\\Device\\Foo"));
  EXPECT_THAT(&attributes, Not(ObjectNameIs(u"\\DEVICE\\foo")));
  attributes.Attributes = OBJ_CASE_INSENSITIVE;
  EXPECT_THAT(&attributes, ObjectNameIs(u"\\DEVICE\\foo"));
}

TEST(HandleTo, KnowsFilesByTheirDosPath) {
  Machine machine;
  machine.write_file("C:\\a.txt", "hello");
  HANDLE handle = open(u"\\??\\C:\\a.txt");
  EXPECT_THAT(handle, HandleTo(u"C:\\a.txt"));
  EXPECT_THAT(handle, HandleTo(u"\\DosDevices\\c:\\A.TXT"));
  EXPECT_THAT(handle, Not(HandleTo(u"C:\\b.txt")));
  ZwClose(handle);
  EXPECT_THAT(handle, Not(HandleTo(u"C:\\a.txt")));
}

TEST(AtIrql, LooksAtTheCaller) {
  Machine machine;
  MockKernel kernel;
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  EXPECT_CALL(kernel.KeSetEvent, Call).With(AtIrql(DISPATCH_LEVEL));
  RunAt(DISPATCH_LEVEL, [&] { KeSetEvent(&event, 0, FALSE); });
}

TEST(HoldsLock, LooksAtTheCaller) {
  Machine machine;
  MockKernel kernel;
  KEVENT event;
  FAST_MUTEX mutex;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  ExInitializeFastMutex(&mutex);
  EXPECT_CALL(kernel.KeSetEvent, Call).With(HoldsLock(&mutex));
  EXPECT_CALL(kernel.KeClearEvent, Call).With(Not(HoldsLock(&mutex)));
  ExAcquireFastMutex(&mutex);
  KeSetEvent(&event, 0, FALSE);
  ExReleaseFastMutex(&mutex);
  KeClearEvent(&event);
}

TEST(SignalsEvent, WakesAThread) {
  Machine machine;
  MockKernel kernel;
  KEVENT event, called;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  KeInitializeEvent(&called, NotificationEvent, FALSE);
  EXPECT_CALL(kernel.KeResetEvent, Call(&event)).WillOnce(DoAll(SignalsEvent(&called), Return(5)));
  SystemThread thread([&] { KeWaitForSingleObject(&called, Executive, KernelMode, FALSE, nullptr); });
  WaitUntilBlocked(thread);
  EXPECT_EQ(KeResetEvent(&event), 5);
  thread.join();
}

TEST(WaitsForEvent, KeepsAThreadBeforeItsCall) {
  Machine machine;
  MockKernel kernel;
  KEVENT event, go_on;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  KeInitializeEvent(&go_on, NotificationEvent, FALSE);
  EXPECT_CALL(kernel.KeSetEvent, Call(&event)).WillOnce(DoAll(WaitsForEvent(&go_on), CallsReal()));
  EXPECT_CALL(kernel.KeSetEvent, Call(&go_on));
  SystemThread thread([&] { KeSetEvent(&event, 0, FALSE); });
  WaitUntilBlocked(thread);
  EXPECT_EQ(KeReadStateEvent(&event), 0);
  KeSetEvent(&go_on, 0, FALSE);
  thread.join();
  EXPECT_NE(KeReadStateEvent(&event), 0);
}

}  // namespace
