#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

class ThreadInformation : public KernelTest {
 protected:
  static NTSTATUS set(THREADINFOCLASS information, LONG value, HANDLE thread = NtCurrentThread()) {
    return ::ZwSetInformationThread(thread, information, &value, sizeof value);
  }
};
using ZwSetInformationThread = ThreadInformation;
using ZwQueryInformationThread = ThreadInformation;

TEST_F(ZwSetInformationThread, SetsThePriority) {
  EXPECT_EQ(set(ThreadPriority, 16), STATUS_SUCCESS);
  EXPECT_EQ(KeQueryPriorityThread(KeGetCurrentThread()), 16);
  for (const LONG reserved : {0, -1, 32}) EXPECT_EQ(set(ThreadPriority, reserved), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(KeQueryPriorityThread(KeGetCurrentThread()), 16);
}

TEST_F(ZwSetInformationThread, SetsTheBasePriority) {
  for (const LONG increment : {2, -2, 16, -16, 0}) {
    EXPECT_EQ(set(ThreadBasePriority, increment), STATUS_SUCCESS);
    EXPECT_EQ(KeGetCurrentThread()->BasePriority, std::clamp(8 + increment, 1, 15));
  }
  for (const LONG increment : {3, -3, 15, -15}) EXPECT_EQ(set(ThreadBasePriority, increment), STATUS_INVALID_PARAMETER);
}

TEST_F(ZwSetInformationThread, RefusesWhatItDoesNotKnow) {
  LONG value = 8;
  EXPECT_EQ(set(ThreadAffinityMask, 1), STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwSetInformationThread(NtCurrentThread(), ThreadPriority, &value, 3), STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(set(ThreadPriority, 8, reinterpret_cast<HANDLE>(0x7770)), STATUS_INVALID_HANDLE);
  EXPECT_EQ(set(ThreadPriority, 8, NtCurrentProcess()), STATUS_OBJECT_TYPE_MISMATCH);
}

TEST_F(ZwSetInformationThread, TheNtServiceAsksForTheCallersMode) {
  HANDLE thread;
  ASSERT_EQ(ObOpenObjectByPointer(KeGetCurrentThread(), 0, nullptr, SYNCHRONIZE, *PsThreadType, KernelMode, &thread),
            STATUS_SUCCESS);
  LONG value = 9;
  EXPECT_EQ(NtSetInformationThread(thread, ThreadPriority, &value, sizeof value), STATUS_SUCCESS);
  KeGetCurrentThread()->PreviousMode = UserMode;
  EXPECT_EQ(NtSetInformationThread(thread, ThreadPriority, &value, sizeof value), STATUS_ACCESS_DENIED);
  EXPECT_EQ(set(ThreadPriority, 8, thread), STATUS_SUCCESS);
  KeGetCurrentThread()->PreviousMode = KernelMode;
  ZwClose(thread);
}

TEST_F(ZwQueryInformationThread, TellsTimesStartAndEnd) {
  KEVENT gate;
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  SystemThread thread([&] { wait(&gate); });
  HANDLE handle;
  ASSERT_EQ(ObOpenObjectByPointer(&thread.thread(), 0, nullptr, 0, nullptr, KernelMode, &handle), STATUS_SUCCESS);
  PVOID start = nullptr;
  ULONG length = 0, ended = 7;
  EXPECT_EQ(::ZwQueryInformationThread(handle, ThreadQuerySetWin32StartAddress, &start, sizeof start, &length),
            STATUS_SUCCESS);
  EXPECT_EQ(start, thread.thread().StartAddress);
  EXPECT_EQ(length, sizeof start);
  EXPECT_EQ(::ZwQueryInformationThread(handle, ThreadIsTerminated, &ended, sizeof ended, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(ended, 0u);
  KERNEL_USER_TIMES times;
  EXPECT_EQ(::ZwQueryInformationThread(handle, ThreadTimes, &times, sizeof times, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(times.CreateTime.QuadPart, PsGetThreadCreateTime(&thread.thread()));
  EXPECT_EQ(times.ExitTime.QuadPart, 0);
  KeSetEvent(&gate, 0, FALSE);
  thread.join();
  EXPECT_EQ(::ZwQueryInformationThread(handle, ThreadIsTerminated, &ended, sizeof ended, nullptr), STATUS_SUCCESS);
  EXPECT_EQ(ended, 1u);
  EXPECT_EQ(::ZwQueryInformationThread(handle, ThreadTimes, &times, sizeof times, nullptr), STATUS_SUCCESS);
  EXPECT_GE(times.ExitTime.QuadPart, times.CreateTime.QuadPart);
  ZwClose(handle);
}

TEST_F(ZwQueryInformationThread, TellsTheBasicInformation) {
  THREAD_BASIC_INFORMATION basic;
  ULONG length = 0;
  ::KeSetBasePriorityThread(KeGetCurrentThread(), -1);
  ASSERT_EQ(::ZwQueryInformationThread(NtCurrentThread(), ThreadBasicInformation, &basic, sizeof basic, &length),
            STATUS_SUCCESS);
  EXPECT_EQ(length, sizeof basic);
  EXPECT_EQ(basic.ExitStatus, STATUS_PENDING);
  EXPECT_EQ(basic.ClientId.UniqueThread, PsGetCurrentThreadId());
  EXPECT_EQ(basic.ClientId.UniqueProcess, PsGetCurrentProcessId());
  EXPECT_EQ(basic.Priority, 7);
  EXPECT_EQ(basic.BasePriority, -1);
  EXPECT_NE(basic.AffinityMask, 0u);
}

TEST_F(ZwQueryInformationThread, RefusesWhatItDoesNotKnow) {
  ULONG value = 0;
  EXPECT_EQ(::ZwQueryInformationThread(NtCurrentThread(), ThreadPagePriority, &value, sizeof value, nullptr),
            STATUS_INVALID_INFO_CLASS);
  EXPECT_EQ(::ZwQueryInformationThread(NtCurrentThread(), ThreadIsTerminated, &value, 3, nullptr),
            STATUS_INFO_LENGTH_MISMATCH);
  EXPECT_EQ(::ZwQueryInformationThread(reinterpret_cast<HANDLE>(0x7770), ThreadIsTerminated, &value, 4, nullptr),
            STATUS_INVALID_HANDLE);
  EXPECT_EQ(::ZwQueryInformationThread(NtCurrentProcess(), ThreadIsTerminated, &value, 4, nullptr),
            STATUS_OBJECT_TYPE_MISMATCH);
}

}  // namespace
}  // namespace ntemu::test
