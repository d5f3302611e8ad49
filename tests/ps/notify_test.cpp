#include <map>
#include <mutex>
#include <vector>

#include "ntemu/ob/object.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

struct Call {
  HANDLE process;
  HANDLE thread;
  bool create;
  HANDLE caller;
  KIRQL irql;
  bool found;
};

std::mutex calls_mutex;
std::vector<Call> calls;
std::atomic<int> counted;

VOID note(HANDLE process, HANDLE thread, BOOLEAN create) {
  PETHREAD body = nullptr;
  const bool found = PsLookupThreadByThreadId(thread, &body) == STATUS_SUCCESS;
  if (found) ObDereferenceObject(body);
  const std::lock_guard guard(calls_mutex);
  calls.push_back({process, thread, create != FALSE, PsGetCurrentThreadId(), KeGetCurrentIrql(), found});
}
VOID count(HANDLE, HANDLE, BOOLEAN) { ++counted; }
VOID count_too(HANDLE, HANDLE, BOOLEAN) { ++counted; }
VOID process_created(HANDLE, HANDLE, BOOLEAN) { ++counted; }
VOID process_created_ex(PEPROCESS, HANDLE, PPS_CREATE_NOTIFY_INFO) { ++counted; }
VOID image_loaded(PUNICODE_STRING, HANDLE, PIMAGE_INFO) { ++counted; }

class Notify : public KernelTest {
 protected:
  Notify() {
    calls.clear();
    counted = 0;
  }
};
using PsSetCreateThreadNotifyRoutine = Notify;
using PsSetCreateThreadNotifyRoutineEx = Notify;
using PsRemoveCreateThreadNotifyRoutine = Notify;
using PsSetLoadImageNotifyRoutine = Notify;
using PsSetCreateProcessNotifyRoutine = Notify;
using NotifyStress = Notify;

TEST_F(PsSetCreateThreadNotifyRoutine, TellsOfCreationOnTheCreatorAndOfTheEndOnTheThread) {
  ASSERT_EQ(::PsSetCreateThreadNotifyRoutine(note), STATUS_SUCCESS);
  HANDLE seen_first = nullptr;
  {
    SystemThread thread([&] {
      const std::lock_guard guard(calls_mutex);
      seen_first = calls.empty() ? nullptr : calls.front().thread;
    });
    thread.join();
    const HANDLE id = PsGetThreadId(&thread.thread());
    EXPECT_EQ(seen_first, id) << "told before it ran";
    ASSERT_EQ(calls.size(), 2u);
    for (const Call &call : calls) {
      EXPECT_EQ(call.process, reinterpret_cast<HANDLE>(4));
      EXPECT_EQ(call.thread, id);
      EXPECT_EQ(call.irql, PASSIVE_LEVEL);
      EXPECT_TRUE(call.found);
    }
    EXPECT_TRUE(calls[0].create);
    EXPECT_EQ(calls[0].caller, PsGetCurrentThreadId());
    EXPECT_FALSE(calls[1].create);
    EXPECT_EQ(calls[1].caller, id);
  }
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(note), STATUS_SUCCESS);
  SystemThread other([] {});
  other.join();
  EXPECT_EQ(calls.size(), 2u);
}

TEST_F(PsSetCreateThreadNotifyRoutine, TellsOfTerminationToo) {
  ASSERT_EQ(::PsSetCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
  SystemThread thread([] { PsTerminateSystemThread(STATUS_SUCCESS); });
  thread.join();
  EXPECT_EQ(counted, 2);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
}

TEST_F(PsSetCreateThreadNotifyRoutine, HasRoomForSixtyFour) {
  for (int i = 0; i < 64; ++i) EXPECT_EQ(::PsSetCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateThreadNotifyRoutine(count_too), STATUS_INSUFFICIENT_RESOURCES);
  SystemThread thread([] {});
  thread.join();
  EXPECT_EQ(counted, 128);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateThreadNotifyRoutine(count_too), STATUS_SUCCESS);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count_too), STATUS_SUCCESS);
  for (int i = 0; i < 63; ++i) EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_PROCEDURE_NOT_FOUND);
}

TEST_F(PsRemoveCreateThreadNotifyRoutine, WaitsForACallThatIsUnderWay) {
  static KEVENT entered, gate;
  KeInitializeEvent(&entered, NotificationEvent, FALSE);
  KeInitializeEvent(&gate, NotificationEvent, FALSE);
  static std::atomic<bool> left;
  left = false;
  const auto slow = [](HANDLE, HANDLE, BOOLEAN create) {
    if (create) return;
    KeSetEvent(&entered, 0, FALSE);
    wait(&gate);
    left = true;
  };
  ASSERT_EQ(::PsSetCreateThreadNotifyRoutine(slow), STATUS_SUCCESS);
  SystemThread thread([] {});
  wait(&entered);
  KEVENT removing;
  KeInitializeEvent(&removing, NotificationEvent, FALSE);
  SystemThread remover([&] {
    KeSetEvent(&removing, 0, FALSE);
    EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(slow), STATUS_SUCCESS);
    EXPECT_TRUE(left);
  });
  wait(&removing);
  EXPECT_FALSE(remover.ended());
  KeSetEvent(&gate, 0, FALSE);
}

TEST_F(PsSetCreateThreadNotifyRoutineEx, NonSystemThreadsAreNeverCreated) {
  const auto routine = reinterpret_cast<PVOID>(count);
  EXPECT_EQ(::PsSetCreateThreadNotifyRoutineEx(no_such<PSCREATETHREADNOTIFYTYPE>(2), routine),
            STATUS_INVALID_PARAMETER);
  ASSERT_EQ(::PsSetCreateThreadNotifyRoutineEx(PsCreateThreadNotifyNonSystem, routine), STATUS_SUCCESS);
  SystemThread first([] {});
  first.join();
  EXPECT_EQ(counted, 0);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
  ASSERT_EQ(::PsSetCreateThreadNotifyRoutineEx(PsCreateThreadNotifySubsystems, routine), STATUS_SUCCESS);
  SystemThread second([] {});
  second.join();
  EXPECT_EQ(counted, 2);
  EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(count), STATUS_SUCCESS);
}

TEST_F(PsSetLoadImageNotifyRoutine, HasRoomForSixtyFour) {
  for (int i = 0; i < 64; ++i) EXPECT_EQ(::PsSetLoadImageNotifyRoutine(image_loaded), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetLoadImageNotifyRoutine(image_loaded), STATUS_INSUFFICIENT_RESOURCES);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(::PsRemoveLoadImageNotifyRoutine(image_loaded), STATUS_SUCCESS);
  EXPECT_EQ(::PsRemoveLoadImageNotifyRoutine(image_loaded), STATUS_PROCEDURE_NOT_FOUND);
}

TEST_F(PsSetCreateProcessNotifyRoutine, TakesARoutineOnce) {
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(process_created, TRUE), STATUS_PROCEDURE_NOT_FOUND);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(process_created, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(process_created, FALSE), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutineEx(process_created_ex, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutineEx(process_created_ex, FALSE), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutineEx(process_created_ex, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(process_created, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(process_created, TRUE), STATUS_PROCEDURE_NOT_FOUND);
  EXPECT_EQ(counted, 0);
}

TEST_F(PsSetCreateProcessNotifyRoutine, HasRoomForSixtyFourOfBothSorts) {
  const auto routine = [](ULONG_PTR i) { return reinterpret_cast<PCREATE_PROCESS_NOTIFY_ROUTINE>(0x1000 + 16 * i); };
  for (ULONG_PTR i = 0; i < 64; ++i) EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(routine(i), FALSE), STATUS_SUCCESS);
  EXPECT_EQ(::PsSetCreateProcessNotifyRoutineEx(process_created_ex, FALSE), STATUS_INVALID_PARAMETER);
  for (ULONG_PTR i = 0; i < 64; ++i) EXPECT_EQ(::PsSetCreateProcessNotifyRoutine(routine(i), TRUE), STATUS_SUCCESS);
}

TEST_F(PsSetCreateProcessNotifyRoutine, TheSecondExtendedFormTakesOneType) {
  const auto routine = reinterpret_cast<PVOID>(process_created_ex);
  EXPECT_EQ(PsSetCreateProcessNotifyRoutineEx2(no_such<PSCREATEPROCESSNOTIFYTYPE>(1), routine, FALSE),
            STATUS_INVALID_PARAMETER);
  EXPECT_EQ(PsSetCreateProcessNotifyRoutineEx2(PsCreateProcessNotifySubsystems, routine, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(PsSetCreateProcessNotifyRoutineEx2(PsCreateProcessNotifySubsystems, routine, TRUE), STATUS_SUCCESS);
}

// Threads come and go while routines are registered and removed: a routine is never called after its removal.
TEST_F(NotifyStress, NoRoutineIsCalledAfterItsRemoval) {
  static std::atomic<bool> registered[4];
  static std::atomic<int> wrong;
  wrong = 0;
  static const PCREATE_THREAD_NOTIFY_ROUTINE routines[] = {[](HANDLE, HANDLE, BOOLEAN) { wrong += !registered[0]; },
                                                           [](HANDLE, HANDLE, BOOLEAN) { wrong += !registered[1]; },
                                                           [](HANDLE, HANDLE, BOOLEAN) { wrong += !registered[2]; },
                                                           [](HANDLE, HANDLE, BOOLEAN) { wrong += !registered[3]; }};
  const int turns = rounds(40, 2000);
  std::vector<std::unique_ptr<SystemThread>> threads;
  for (size_t i = 0; i < 4; ++i) {
    threads.push_back(std::make_unique<SystemThread>([i, turns] {
      for (int turn = 0; turn < turns; ++turn) {
        registered[i] = true;
        EXPECT_EQ(::PsSetCreateThreadNotifyRoutine(routines[i]), STATUS_SUCCESS);
        LARGE_INTEGER none{};
        KeDelayExecutionThread(KernelMode, FALSE, &none);
        EXPECT_EQ(::PsRemoveCreateThreadNotifyRoutine(routines[i]), STATUS_SUCCESS);
        registered[i] = false;
      }
    }));
    threads.push_back(std::make_unique<SystemThread>([turns] {
      for (int turn = 0; turn < turns; ++turn) SystemThread([] {}).join();
    }));
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ntemu::test
