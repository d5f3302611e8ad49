#include "tests/ke/ke_objects.h"

namespace ntemu::test {
namespace {

using KeMutant = KernelTest;

TEST_F(KeMutant, DiffersFromAMutexInItsApcs) {
  Mutant mutant;
  EXPECT_EQ(mutant.Header.Type, 2);
  EXPECT_EQ(mutant.ApcDisable, 0);
  EXPECT_EQ(mutant.state(), 1);
  EXPECT_EQ(wait(&mutant), STATUS_SUCCESS);
  EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, 0);
  EXPECT_FALSE(KeAreApcsDisabled());
  EXPECT_EQ(mutant.release(), 0);
}

TEST_F(KeMutant, InitialOwnerHasItAtOnce) {
  Mutant mutant(true);
  EXPECT_EQ(mutant.state(), 0);
  EXPECT_EQ(mutant.OwnerThread, KeGetCurrentThread());
  EXPECT_EQ(KeGetCurrentThread()->MutantListHead.Flink, &mutant.MutantListEntry);
  EXPECT_EQ(ke::current().held.count(), 1u);
  EXPECT_EQ(wait(&mutant), STATUS_SUCCESS);
  EXPECT_EQ(mutant.release(), -1);
  EXPECT_EQ(mutant.release(), 0);
  EXPECT_EQ(ke::current().held.count(), 0u);
}

TEST_F(KeMutant, ReleaseByAnotherThanTheOwnerRaises) {
  Mutant mutant;
  EXPECT_EQ(ke::catch_raise([&] { mutant.release(); }), STATUS_MUTANT_NOT_OWNED);
  Event go;
  SystemThread owner([&] { wait(&mutant), wait(&go), mutant.release(); });
  owner.await_blocked();
  EXPECT_EQ(ke::catch_raise([&] { mutant.release(); }), STATUS_MUTANT_NOT_OWNED);
  EXPECT_EQ(mutant.state(), 0);
  go.set();
}

TEST_F(KeMutant, IsAbandonedByItsOwnersEndHoweverDeeplyItWasTaken) {
  Mutant mutants[2];
  {
    SystemThread owner([&] {
      for (Mutant &mutant : mutants) wait(&mutant), wait(&mutant), wait(&mutant);
    });
    // Not check_exit's business: a mutant, unlike a mutex, may be left to its fate.
  }
  for (Mutant &mutant : mutants) {
    EXPECT_EQ(mutant.state(), 1);
    EXPECT_EQ(mutant.OwnerThread, nullptr);
    EXPECT_EQ(ke::catch_raise([&] { mutant.release(); }), STATUS_ABANDONED);
    EXPECT_EQ(poll(&mutant), STATUS_ABANDONED);
    EXPECT_EQ(mutant.state(), 0);
    EXPECT_EQ(mutant.release(), 0);
  }
}

TEST_F(KeMutant, PassesToItsFirstWaiterAsAbandoned) {
  Mutant mutant;
  Event go;
  SystemThread owner([&] { wait(&mutant), wait(&go); });
  owner.await_blocked();
  SystemThread first([&] {
    EXPECT_EQ(wait(&mutant), STATUS_ABANDONED);
    EXPECT_EQ(mutant.OwnerThread, KeGetCurrentThread());
    EXPECT_EQ(mutant.release(), 0);
  });
  first.await_blocked();
  SystemThread second([&] {
    EXPECT_EQ(wait(&mutant), STATUS_SUCCESS);
    EXPECT_EQ(mutant.release(), 0);
  });
  second.await_blocked();
  go.set();
  first.join(), second.join();
  EXPECT_EQ(mutant.state(), 1);
  EXPECT_FALSE(has_waiters(mutant.Header));
}

TEST_F(KeMutant, ItsOwnerMayAbandonIt) {
  Mutant mutant(true);
  wait(&mutant);
  EXPECT_EQ(mutant.release(TRUE), -1);
  EXPECT_EQ(mutant.state(), 1);
  EXPECT_TRUE(IsListEmpty(&KeGetCurrentThread()->MutantListHead));
  EXPECT_EQ(ke::current().held.count(), 0u);
  EXPECT_EQ(poll(&mutant), STATUS_ABANDONED);
  EXPECT_EQ(mutant.release(), 0);
}

TEST_F(KeMutant, AnotherMayAbandonItForItsOwner) {
  Mutex mutex;
  Event go;
  SystemThread owner([&] {
    wait(&mutex), wait(&go);
    EXPECT_EQ(KeGetCurrentThread()->KernelApcDisable, 0);
    EXPECT_EQ(ke::catch_raise([&] { mutex.release(); }), STATUS_ABANDONED);
  });
  owner.await_blocked();
  EXPECT_EQ(KeReleaseMutant(&mutex, 0, TRUE, FALSE), 0);
  go.set();
  owner.join();
  EXPECT_EQ(poll(&mutex), STATUS_ABANDONED);
  EXPECT_EQ(mutex.release(), 0);
}

TEST_F(KeMutant, GarbageIsReportedNotFollowed) {
  Event event;
  const auto other = reinterpret_cast<PRKMUTANT>(&event);
  for (const bool abandoned : {false, true})
    EXPECT_EQ(ke::catch_bugcheck([&] { KeReleaseMutant(other, 0, abandoned, FALSE); }).code, 0x139u);
}

}  // namespace
}  // namespace ntemu::test
