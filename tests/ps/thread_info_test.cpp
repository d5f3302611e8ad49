#include <cstring>

#include "ntemu/ob/object.h"
#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using PsThreadInfo = KernelTest;
using PsLookup = KernelTest;
using PsProcessInfo = KernelTest;

HANDLE id(ULONG_PTR value) { return reinterpret_cast<HANDLE>(value); }

TEST_F(PsThreadInfo, NamesTheThreadAndItsProcess) {
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&gate); });
  PETHREAD body = &thread.thread();
  EXPECT_NE(PsGetThreadId(body), PsGetCurrentThreadId());
  EXPECT_EQ(PsGetThreadProcessId(body), id(4));
  EXPECT_EQ(PsGetThreadProcess(body), PsInitialSystemProcess);
  EXPECT_EQ(PsGetThreadId(PsGetCurrentThread()), PsGetCurrentThreadId());
  KeSetEvent(&gate, 0, FALSE);
}

TEST_F(PsThreadInfo, ExitStatusIsPendingUntilTheEnd) {
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread thread([&] {
    wait(&gate);
    PsTerminateSystemThread(STATUS_DEVICE_NOT_READY);
  });
  EXPECT_EQ(PsGetThreadExitStatus(&thread.thread()), STATUS_PENDING);
  EXPECT_FALSE(PsIsThreadTerminating(&thread.thread()));
  KeSetEvent(&gate, 0, FALSE);
  thread.join();
  EXPECT_EQ(PsGetThreadExitStatus(&thread.thread()), STATUS_DEVICE_NOT_READY);
  EXPECT_TRUE(PsIsThreadTerminating(&thread.thread()));
}

TEST_F(PsThreadInfo, OnlyThreadsOfTheHostAreNoSystemThreads) {
  SystemThread thread([] {});
  EXPECT_TRUE(PsIsSystemThread(&thread.thread()));
  EXPECT_FALSE(PsIsSystemThread(PsGetCurrentThread()));
}

using PsThreadTimes = FakeTimeTest;
TEST_F(PsThreadTimes, CreateTimeIsTheSystemTimeOfTheCreation) {
  LARGE_INTEGER now;
  KeQuerySystemTime(&now);
  SystemThread thread([] {});
  EXPECT_EQ(PsGetThreadCreateTime(&thread.thread()), now.QuadPart);
}

TEST_F(PsLookup, FindsAThreadAndAddsAReference) {
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&gate); });
  thread.await_blocked();
  const LONG64 before = ob::reference_count(&thread.thread());
  PETHREAD found = nullptr;
  ASSERT_EQ(PsLookupThreadByThreadId(PsGetThreadId(&thread.thread()), &found), STATUS_SUCCESS);
  EXPECT_EQ(found, &thread.thread());
  EXPECT_EQ(ob::reference_count(found), before + 1);
  ObDereferenceObject(found);
  KeSetEvent(&gate, 0, FALSE);
}

TEST_F(PsLookup, FindsNoThreadThatIsNotThereOrHasEnded) {
  PETHREAD found = nullptr;
  EXPECT_EQ(PsLookupThreadByThreadId(nullptr, &found), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(PsLookupThreadByThreadId(id(0x7770), &found), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(PsLookupThreadByThreadId(id(4), &found), STATUS_INVALID_PARAMETER);
  SystemThread thread([] {});
  thread.join();
  EXPECT_EQ(PsLookupThreadByThreadId(PsGetThreadId(&thread.thread()), &found), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(found, nullptr);
}

TEST_F(PsLookup, FindsTheSystemProcessOnly) {
  PEPROCESS found = nullptr;
  EXPECT_EQ(PsLookupProcessByProcessId(id(8), &found), STATUS_INVALID_CID);
  EXPECT_EQ(PsLookupProcessByProcessId(nullptr, &found), STATUS_INVALID_CID);
  EXPECT_EQ(found, nullptr);
  const LONG64 before = ob::reference_count(PsInitialSystemProcess);
  ASSERT_EQ(PsLookupProcessByProcessId(id(4), &found), STATUS_SUCCESS);
  EXPECT_EQ(found, PsInitialSystemProcess);
  EXPECT_EQ(ob::reference_count(found), before + 1);
  ObDereferenceObject(found);
}

TEST_F(PsProcessInfo, IsThatOfTheSystemProcess) {
  EXPECT_EQ(PsGetProcessId(PsInitialSystemProcess), id(4));
  EXPECT_STREQ(reinterpret_cast<const char *>(PsGetProcessImageFileName(PsInitialSystemProcess)), "System");
  EXPECT_EQ(PsGetProcessExitStatus(PsInitialSystemProcess), STATUS_PENDING);
  LARGE_INTEGER now;
  KeQuerySystemTime(&now);
  EXPECT_GT(PsGetProcessCreateTimeQuadPart(PsInitialSystemProcess), 0);
  EXPECT_LE(PsGetProcessCreateTimeQuadPart(PsInitialSystemProcess), now.QuadPart);
}

TEST(PsGetVersion, IsThatOfWindows11AndNoCheckedBuild) {
  ULONG major = 0, minor = 1, build = 0;
  UNICODE_STRING pack{2, 2, nullptr};
  EXPECT_FALSE(::PsGetVersion(&major, &minor, &build, &pack));
  EXPECT_EQ(major, 10u);
  EXPECT_EQ(minor, 0u);
  EXPECT_EQ(build, 22621u);
  EXPECT_EQ(pack.Length, 0);
  EXPECT_FALSE(::PsGetVersion(nullptr, nullptr, nullptr, nullptr));
}

TEST(RtlGetVersion, FillsTheStructureThatItsSizeNames) {
  RTL_OSVERSIONINFOEXW version;
  std::memset(&version, 0xAA, sizeof version);
  version.dwOSVersionInfoSize = sizeof(RTL_OSVERSIONINFOW);
  EXPECT_EQ(::RtlGetVersion(reinterpret_cast<PRTL_OSVERSIONINFOW>(&version)), STATUS_SUCCESS);
  EXPECT_EQ(version.dwMajorVersion, 10u);
  EXPECT_EQ(version.dwMinorVersion, 0u);
  EXPECT_EQ(version.dwBuildNumber, 22621u);
  EXPECT_EQ(version.dwPlatformId, 2u);
  EXPECT_EQ(version.szCSDVersion[0], 0);
  EXPECT_EQ(version.wProductType, 0xAA);
  version.dwOSVersionInfoSize = sizeof version;
  EXPECT_EQ(::RtlGetVersion(reinterpret_cast<PRTL_OSVERSIONINFOW>(&version)), STATUS_SUCCESS);
  EXPECT_EQ(version.wServicePackMajor, 0);
  EXPECT_EQ(version.wSuiteMask, 0x110);  // VER_SUITE_TERMINAL, VER_SUITE_SINGLEUSERTS
  EXPECT_EQ(version.wProductType, VER_NT_WORKSTATION);
}

}  // namespace
}  // namespace ntemu::test
