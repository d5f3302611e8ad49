#include "tests/ob/sync_fixture.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

using SyncObjectStress = KernelTest;

// Under one name there is one mutant at a time: whoever has opened it and owns it is alone.
TEST_F(SyncObjectStress, AMutantByNameExcludes) {
  const int turns = rounds(300, 20000);
  const size_t before = ob::open_handles();
  int inside = 0;  // guarded by the mutant
  Handle keep;
  Name name(u"\\BaseNamedObjects\\Stress", OBJ_CASE_INSENSITIVE | OBJ_OPENIF);
  ASSERT_EQ(ZwCreateMutant(&keep, MUTANT_ALL_ACCESS, &name.attributes, FALSE), STATUS_SUCCESS);
  stress([&](std::mt19937 &random, int) {
    for (int turn = 0; turn < turns; ++turn) {
      Name own(u"\\BaseNamedObjects\\Stress", OBJ_CASE_INSENSITIVE | OBJ_OPENIF);
      Handle handle;
      const NTSTATUS opened = random() % 2 ? ZwOpenMutant(&handle, MUTANT_ALL_ACCESS, &own.attributes)
                                           : ZwCreateMutant(&handle, MUTANT_ALL_ACCESS, &own.attributes, TRUE);
      ASSERT_TRUE(NT_SUCCESS(opened));
      ASSERT_EQ(ZwWaitForSingleObject(handle, FALSE, nullptr), STATUS_SUCCESS);
      ASSERT_EQ(++inside, 1);
      --inside;
      ASSERT_EQ(ZwReleaseMutant(handle, nullptr), STATUS_SUCCESS);
    }
  });
  EXPECT_EQ(ob::open_handles(), before + 1);
}

// The name comes and goes with its handles: whoever creates or opens it has an object that is still named.
TEST_F(SyncObjectStress, ANameIsThereAsLongAsAHandle) {
  const int turns = rounds(500, 30000);
  const size_t before = ob::open_handles();
  std::atomic<int> created{0};
  stress([&](std::mt19937 &random, int) {
    for (int turn = 0; turn < turns; ++turn) {
      Name name(u"\\BaseNamedObjects\\Comes", OBJ_CASE_INSENSITIVE | (random() % 2 ? OBJ_OPENIF : 0));
      Handle handle;
      const NTSTATUS status = random() % 3
                                  ? ZwCreateEvent(&handle, EVENT_ALL_ACCESS, &name.attributes, NotificationEvent, FALSE)
                                  : ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &name.attributes);
      if (status == STATUS_SUCCESS) ++created;
      if (!NT_SUCCESS(status)) {
        ASSERT_TRUE(status == STATUS_OBJECT_NAME_COLLISION || status == STATUS_OBJECT_NAME_NOT_FOUND);
        continue;
      }
      Handle again;
      ASSERT_EQ(ZwOpenEvent(&again, EVENT_ALL_ACCESS, &name.attributes), STATUS_SUCCESS);
      ASSERT_EQ(body_of(again), body_of(handle));
    }
  });
  EXPECT_GT(created, 0);
  EXPECT_EQ(ob::open_handles(), before);
  Name name(u"\\BaseNamedObjects\\Comes");
  Handle handle;
  EXPECT_EQ(ZwOpenEvent(&handle, EVENT_ALL_ACCESS, &name.attributes), STATUS_OBJECT_NAME_NOT_FOUND);
}

// Units of two semaphores wander between threads that wait for any, for all, and poll: none is lost.
TEST_F(SyncObjectStress, UnitsOfSemaphoresAreKept) {
  const int turns = rounds(300, 20000);
  constexpr LONG kUnits = 3;
  Handle first, second;
  ASSERT_EQ(ZwCreateSemaphore(&first, SEMAPHORE_ALL_ACCESS, nullptr, kUnits, kUnits), STATUS_SUCCESS);
  ASSERT_EQ(ZwCreateSemaphore(&second, SEMAPHORE_ALL_ACCESS, nullptr, kUnits, kUnits), STATUS_SUCCESS);
  stress([&](std::mt19937 &random, int) {
    for (int turn = 0; turn < turns; ++turn) {
      HANDLE both[] = {first, second};
      LARGE_INTEGER now{};
      switch (random() % 3) {
        case 0: {
          const NTSTATUS taken = ZwWaitForMultipleObjects(2, both, WaitAny, FALSE, nullptr);
          ASSERT_TRUE(taken == STATUS_WAIT_0 || taken == STATUS_WAIT_1);
          ASSERT_EQ(ZwReleaseSemaphore(both[taken], 1, nullptr), STATUS_SUCCESS);
          break;
        }
        case 1:
          ASSERT_EQ(ZwWaitForMultipleObjects(2, both, WaitAll, FALSE, nullptr), STATUS_SUCCESS);
          ASSERT_EQ(ZwReleaseSemaphore(first, 1, nullptr), STATUS_SUCCESS);
          ASSERT_EQ(ZwReleaseSemaphore(second, 1, nullptr), STATUS_SUCCESS);
          break;
        default:
          if (ZwWaitForSingleObject(first, FALSE, &now) == STATUS_SUCCESS) {
            ASSERT_EQ(ZwReleaseSemaphore(first, 1, nullptr), STATUS_SUCCESS);
          }
      }
    }
  });
  for (const HANDLE handle : {HANDLE{first}, HANDLE{second}}) {
    SEMAPHORE_BASIC_INFORMATION information{};
    ZwQuerySemaphore(handle, SemaphoreBasicInformation, &information, sizeof information, nullptr);
    EXPECT_EQ(information.CurrentCount, kUnits);
  }
}

// Mutants whose owners end are passed on, abandoned, and never to two.
TEST_F(SyncObjectStress, MutantsOfThreadsThatEndArePassedOn) {
  const int turns = rounds(20, 1000);
  Handle mutant;
  ASSERT_EQ(ZwCreateMutant(&mutant, MUTANT_ALL_ACCESS, nullptr, FALSE), STATUS_SUCCESS);
  std::atomic<int> owners{0}, abandoned{0};
  stress([&](std::mt19937 &random, int) {
    for (int turn = 0; turn < turns; ++turn) {
      const bool ends = random() % 2;
      SystemThread([&] {
        const NTSTATUS status = ZwWaitForSingleObject(mutant, FALSE, nullptr);
        EXPECT_TRUE(status == STATUS_SUCCESS || status == STATUS_ABANDONED);
        if (status == STATUS_ABANDONED) ++abandoned;
        EXPECT_EQ(++owners, 1);
        --owners;
        if (!ends) {
          EXPECT_EQ(ZwReleaseMutant(mutant, nullptr), STATUS_SUCCESS);
        }
      }).join();
    }
  });
  EXPECT_GT(abandoned, 0);
}

}  // namespace
}  // namespace ntemu::test
