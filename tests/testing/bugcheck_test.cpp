#include <gmock/gmock.h>

#include "ntemu/testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEEDS_TRAPS() GTEST_SKIP() << "a sanitizer tells traps itself"
#else
#define NEEDS_TRAPS() (void)0
#endif

namespace ntemu::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Ne;

VOID exit_in_critical_region(PVOID) { KeEnterCriticalRegion(); }
VOID wait_for(PVOID object) { KeWaitForSingleObject(object, Executive, KernelMode, FALSE, nullptr); }

PVOID start(PKSTART_ROUTINE routine, PVOID context = nullptr) {
  HANDLE handle;
  PVOID thread = nullptr;
  EXPECT_THAT(PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, routine, context),
              NtSucceeds());
  EXPECT_THAT(ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &thread, nullptr),
              NtSucceeds());
  ZwClose(handle);
  return thread;
}

TEST(ExpectBugcheck, OnTheTestsOwnThread) {
  Machine machine;
  EXPECT_BUGCHECK(KeBugCheckEx(0xE2, 1, 2, 3, 4), 0xE2, 1, 2, 3, 4);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(ExpectBugcheck, RestoresTheThread) {
  Machine machine;
  EXPECT_BUGCHECK(
      {
        KIRQL before;
        KeEnterCriticalRegion();
        KeRaiseIrql(DISPATCH_LEVEL, &before);
        KeBugCheck(0xE2);
      },
      0xE2);
  EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
  EXPECT_FALSE(KeAreApcsDisabled());
}

TEST(ExpectBugcheck, OnAThreadOfTheDriver) {
  Machine machine;
  EXPECT_BUGCHECK(
      {
        start(exit_in_critical_region);
        machine.run_to_end();
      },
      0x20, 0, 0xFFFF, 0, 1);
}

TEST(ExpectBugcheck, WhoWaitsForTheThreadGoesOn) {
  Machine machine;
  EXPECT_BUGCHECK(wait_for(start(exit_in_critical_region)), 0x20);
}

TEST(ExpectBugcheck, OfATrap) {
  NEEDS_TRAPS();
  Machine machine;
  volatile ULONG_PTR *const nowhere = reinterpret_cast<ULONG_PTR *>(0x10);
  EXPECT_BUGCHECK(*nowhere = 1, 0x1E, 0xFFFFFFFFC0000005, Ne(0u), 1, 0x10);
}

TEST(ExpectBugcheck, OfATrapAtARaisedIrql) {
  NEEDS_TRAPS();
  Machine machine;
  volatile ULONG_PTR *const nowhere = reinterpret_cast<ULONG_PTR *>(0x10);
  EXPECT_BUGCHECK(RunAt(DISPATCH_LEVEL, [&] { return *nowhere; }), 0xD1, 0x10, DISPATCH_LEVEL, 0, Ne(0u));
}

VOID corrupt_list(PVOID) {
  LIST_ENTRY head, entry;
  InitializeListHead(&head);
  InsertTailList(&head, &entry);
  head.Blink = &head;
  RemoveEntryList(&entry);
}

TEST(ExpectBugcheck, OfACorruptedList) {
  NEEDS_TRAPS();
  Machine machine;
  EXPECT_BUGCHECK(
      {
        start(corrupt_list);
        machine.run_to_end();
      },
      0x139, FAST_FAIL_CORRUPT_LIST_ENTRY, Ne(0u), Ne(0u), 0);
}

TEST(ExpectBugcheck, TellsTheLine) {
  Machine machine;
  const Bugcheck bugcheck = RunToBugcheck([] { KeBugCheck(0xE2); });
  EXPECT_EQ(bugcheck.code, 0xE2u);
  EXPECT_THAT(::testing::PrintToString(bugcheck), HasSubstr("0x000000E2"));
}

TEST(ExpectBugcheck, OfADriverEntry) {
  Machine machine;
  EXPECT_BUGCHECK(machine.start("stops", [](PDRIVER_OBJECT, PUNICODE_STRING) -> NTSTATUS { KeBugCheck(0xE2); }), 0xE2);
}

TEST(ExpectBugcheck, WorkersGoOnAfterwards) {
  for (int i = 0; i < 20; ++i) {
    Machine machine;
    EXPECT_BUGCHECK(machine.start("stops", [](PDRIVER_OBJECT, PUNICODE_STRING) -> NTSTATUS { KeBugCheck(0xE2); }),
                    0xE2);
    EXPECT_THAT(machine.start("works", [](PDRIVER_OBJECT, PUNICODE_STRING) -> NTSTATUS { return STATUS_SUCCESS; }),
                NtSucceeds());
  }
}

TEST(ExpectBugcheck, NoneIsTold) {
  Machine machine;
  EXPECT_EQ(RunToBugcheck([] {}).code, 0u);
}

// Where the test's own thread is not the one: nothing to unload, nothing to look for.
TEST(ExpectBugcheck, WhatIsLeftIsNoLeak) {
  Machine machine;
  EXPECT_BUGCHECK(
      {
        EXPECT_NE(ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'tseT'), nullptr);
        KeBugCheck(0xE2);
      },
      0xE2);
}

}  // namespace
}  // namespace ntemu::testing
