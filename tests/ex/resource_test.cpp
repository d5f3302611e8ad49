#include "ntemu/ex/resource.h"

#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class ExResource : public KernelTest {
 protected:
  ExResource() {
    EXPECT_EQ(ExInitializeResourceLite(&resource), STATUS_SUCCESS);
    KeEnterCriticalRegion();
  }
  ~ExResource() override {
    KeLeaveCriticalRegion();
    EXPECT_EQ(ExDeleteResourceLite(&resource), STATUS_SUCCESS);
  }
  ERESOURCE_THREAD self() { return ExGetCurrentResourceThread(); }
  // How a system thread finds the resource: TRUE when it could take it so.
  bool others_can(BOOLEAN(NTAPI *acquire)(PERESOURCE, BOOLEAN)) {
    BOOLEAN taken = FALSE;
    SystemThread other([&] {
      taken = acquire(&resource, FALSE);
      if (taken) ExReleaseResourceLite(&resource);
    });
    other.join();
    return taken;
  }
  static bool is_listed(const ERESOURCE &wanted) {
    for (PLIST_ENTRY entry = ExpSystemResourcesList.Flink; entry != &ExpSystemResourcesList; entry = entry->Flink) {
      if (CONTAINING_RECORD(entry, ERESOURCE, SystemResourcesList) == &wanted) return true;
    }
    return false;
  }
  ERESOURCE resource;
};

TEST_F(ExResource, IsListedFromInitializeToDelete) {
  ERESOURCE another;
  ExInitializeResourceLite(&another);
  EXPECT_TRUE(is_listed(resource));
  EXPECT_TRUE(is_listed(another));
  EXPECT_EQ(ExDeleteResourceLite(&another), STATUS_SUCCESS);
  EXPECT_FALSE(is_listed(another));
  EXPECT_TRUE(is_listed(resource));
}

TEST_F(ExResource, ShowsItsExclusiveOwner) {
  EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, TRUE));
  EXPECT_EQ(resource.Flag, ResourceOwnedExclusive);
  EXPECT_EQ(resource.OwnerEntry.OwnerThread, self());
  EXPECT_EQ(resource.OwnerEntry.OwnerCount, 1u);
  EXPECT_EQ(resource.ActiveEntries, 1u);
  EXPECT_EQ(resource.ActiveCount, 1);
  EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&resource));
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 1u);
  ExReleaseResourceLite(&resource);
  EXPECT_EQ(resource.Flag, 0);
  EXPECT_EQ(resource.OwnerEntry.OwnerThread, 0u);
  EXPECT_EQ(resource.ActiveEntries, 0u);
  EXPECT_EQ(resource.ActiveCount, 0);
  EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&resource));
  EXPECT_EQ(ExIsResourceAcquiredLite(&resource), 0u);
  EXPECT_EQ(resource.ContentionCount, 0u);
}

TEST_F(ExResource, ShowsItsSharedOwner) {
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, TRUE));
  EXPECT_EQ(resource.Flag, 0);
  EXPECT_EQ(resource.OwnerEntry.OwnerThread, self());
  EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&resource));
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 1u);
  EXPECT_TRUE(others_can(ExAcquireResourceSharedLite));
  EXPECT_FALSE(others_can(ExAcquireResourceExclusiveLite));
  ExReleaseResourceLite(&resource);
}

TEST_F(ExResource, TheExclusiveOwnerAcquiresRecursively) {
  EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, FALSE));
  EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, FALSE));
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));
  EXPECT_TRUE(ExAcquireSharedStarveExclusive(&resource, FALSE));
  EXPECT_TRUE(ExAcquireSharedWaitForExclusive(&resource, FALSE));
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 5u);
  EXPECT_EQ(resource.ActiveEntries, 1u);
  EXPECT_EQ(ke::current().held.count(), 5u);
  EXPECT_EQ(ke::current().held[4].kind(), ke::LockKind::kResourceExclusive);
  for (int i = 0; i < 4; ++i) ExReleaseResourceLite(&resource);
  EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&resource));
  EXPECT_FALSE(others_can(ExAcquireResourceSharedLite));
  ExReleaseResourceLite(&resource);
  EXPECT_TRUE(others_can(ExAcquireResourceExclusiveLite));
  EXPECT_EQ(ke::current().held.count(), 0u);
}

TEST_F(ExResource, ASharedOwnerAcquiresRecursivelyButNotExclusively) {
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 2u);
  EXPECT_FALSE(ExAcquireResourceExclusiveLite(&resource, FALSE));
  EXPECT_EQ(ke::current().held[1].kind(), ke::LockKind::kResourceShared);
  ExReleaseResourceLite(&resource), ExReleaseResourceLite(&resource);
  EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, FALSE));
  ExReleaseResourceLite(&resource);
}

TEST_F(ExResource, WaitersAreCountedAndHaveTheirOwnReason) {
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  SystemThread writer([&] {
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, TRUE));
    ExReleaseResourceLite(&resource);
  });
  writer.await_blocked();
  EXPECT_EQ(writer.tcb().WaitReason, WrResource);
  EXPECT_EQ(ExGetExclusiveWaiterCount(&resource), 1u);
  EXPECT_EQ(ExGetSharedWaiterCount(&resource), 0u);
  const auto read = [&] {
    EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, TRUE));
    ExReleaseResourceLite(&resource);
  };
  SystemThread first(read), second(read);
  first.await_blocked(), second.await_blocked();
  EXPECT_EQ(first.tcb().WaitReason, WrResource);
  EXPECT_EQ(ExGetExclusiveWaiterCount(&resource), 1u);
  EXPECT_EQ(ExGetSharedWaiterCount(&resource), 2u);
  EXPECT_EQ(resource.ContentionCount, 3u);
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));  // its owner does not wait
  ExReleaseResourceLite(&resource), ExReleaseResourceLite(&resource);
  writer.join(), first.join(), second.join();
  EXPECT_EQ(ExGetExclusiveWaiterCount(&resource), 0u);
  EXPECT_EQ(ExGetSharedWaiterCount(&resource), 0u);
  EXPECT_EQ(resource.ActiveEntries, 0u);
}

TEST_F(ExResource, SharedAcquiresWaitBehindAWriterUnlessTheyStarveIt) {
  ExAcquireResourceSharedLite(&resource, TRUE);
  SystemThread writer([&] {
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ExReleaseResourceLite(&resource);
  });
  writer.await_blocked();
  EXPECT_FALSE(others_can(ExAcquireResourceSharedLite));
  EXPECT_FALSE(others_can(ExAcquireSharedWaitForExclusive));
  EXPECT_TRUE(others_can(ExAcquireSharedStarveExclusive));
  EXPECT_TRUE(ExAcquireResourceSharedLite(&resource, FALSE));  // an owner need not wait,
  EXPECT_TRUE(ExAcquireSharedStarveExclusive(&resource, FALSE));
  EXPECT_FALSE(ExAcquireSharedWaitForExclusive(&resource, FALSE));  // unless it asks for that
  for (int i = 0; i < 3; ++i) ExReleaseResourceLite(&resource);
  writer.join();
}

TEST_F(ExResource, WaitForExclusiveLetsTheWriterGoFirst) {
  ExAcquireResourceSharedLite(&resource, TRUE);
  bool written = false;
  SystemThread writer([&] {
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    written = true;
    ExReleaseResourceLite(&resource);
  });
  writer.await_blocked();
  SystemThread reader([&] {
    EXPECT_TRUE(ExAcquireSharedWaitForExclusive(&resource, TRUE));
    EXPECT_TRUE(written);
    ExReleaseResourceLite(&resource);
  });
  reader.await_blocked();
  ExReleaseResourceLite(&resource);
  writer.join(), reader.join();
}

// The order of those who took the resource, one letter each.
TEST_F(ExResource, AnExclusiveReleaseWakesAllReadersAndThenTheWritersInOrder) {
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  std::atomic<int> readers{0};
  std::string order;
  const auto writer = [&](char name) {
    return [&, name] {
      ExAcquireResourceExclusiveLite(&resource, TRUE);
      EXPECT_EQ(readers, 2);
      order += name;
      ExReleaseResourceLite(&resource);
    };
  };
  const auto reader = [&] {
    ExAcquireResourceSharedLite(&resource, TRUE);
    ++readers;
    wait(&go);
    ExReleaseResourceLite(&resource);
  };
  SystemThread first_writer(writer('a'));
  first_writer.await_blocked();
  SystemThread first_reader(reader);
  first_reader.await_blocked();
  SystemThread second_writer(writer('b'));
  second_writer.await_blocked();
  SystemThread second_reader(reader);
  second_reader.await_blocked();
  ExReleaseResourceLite(&resource);
  EXPECT_EQ(resource.ActiveEntries, 2u);
  EXPECT_EQ(ExGetSharedWaiterCount(&resource), 0u);
  EXPECT_EQ(ExGetExclusiveWaiterCount(&resource), 2u);
  KeSetEvent(&go, 0, FALSE);
  first_writer.join(), second_writer.join();
  EXPECT_EQ(order, "ab");
}

TEST_F(ExResource, TheTableGrowsWithItsOwners) {
  constexpr int kReaders = 20;
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  ExAcquireResourceSharedLite(&resource, TRUE);
  {
    std::vector<std::unique_ptr<SystemThread>> readers;
    for (int i = 0; i < kReaders; ++i) {
      readers.push_back(std::make_unique<SystemThread>([&] {
        ExAcquireResourceSharedLite(&resource, TRUE);
        ExAcquireResourceSharedLite(&resource, TRUE);
        wait(&go);
        EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 2u);
        ExReleaseResourceLite(&resource), ExReleaseResourceLite(&resource);
      }));
      readers.back()->await_blocked();
    }
    EXPECT_EQ(resource.ActiveEntries, kReaders + 1u);
    ASSERT_NE(resource.OwnerTable, nullptr);
    EXPECT_GT(resource.OwnerTable->TableSize, ULONG{kReaders});
    for (const auto &reader : readers) {
      bool found = false;
      for (ULONG i = 1; i < resource.OwnerTable->TableSize; ++i) {
        const OWNER_ENTRY &entry = resource.OwnerTable[i];
        found = found ||
                (entry.OwnerThread == reinterpret_cast<ERESOURCE_THREAD>(&reader->thread()) && entry.OwnerCount == 2);
      }
      EXPECT_TRUE(found);
    }
    KeSetEvent(&go, 0, FALSE);
  }
  EXPECT_EQ(resource.ActiveEntries, 1u);
  ExReleaseResourceLite(&resource);
}

TEST_F(ExResource, ConvertKeepsItSharedAndWakesReaders) {
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  KEVENT go;
  KeInitializeEvent(&go, NotificationEvent, FALSE);
  SystemThread reader([&] {
    ExAcquireResourceSharedLite(&resource, TRUE);
    wait(&go);
    ExReleaseResourceLite(&resource);
  });
  reader.await_blocked();
  SystemThread writer([&] {
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    ExReleaseResourceLite(&resource);
  });
  writer.await_blocked();
  ExConvertExclusiveToSharedLite(&resource);
  EXPECT_EQ(resource.Flag, 0);
  EXPECT_EQ(resource.ActiveEntries, 2u);
  EXPECT_EQ(ExGetSharedWaiterCount(&resource), 0u);
  EXPECT_EQ(ExGetExclusiveWaiterCount(&resource), 1u);
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 2u);
  EXPECT_EQ(ke::current().held[0].kind(), ke::LockKind::kResourceShared);
  KeSetEvent(&go, 0, FALSE);
  reader.join();
  ExReleaseResourceLite(&resource), ExReleaseResourceLite(&resource);
  writer.join();
}

TEST_F(ExResource, AnOwnerPointerOwnsInPlaceOfTheThread) {
  ULONG64 storage = 0;
  auto *pointer = reinterpret_cast<PVOID>(reinterpret_cast<ULONG_PTR>(&storage) | 3);
  const auto id = reinterpret_cast<ERESOURCE_THREAD>(pointer);
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  ExSetResourceOwnerPointer(&resource, pointer);
  EXPECT_EQ(resource.OwnerEntry.OwnerThread, id);
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 0u);
  EXPECT_EQ(ke::current().held.count(), 0u);
  SystemThread user([&] {
    ExReleaseResourceForThreadLite(&resource, id);
    EXPECT_EQ(resource.ActiveEntries, 1u);
    ExReleaseResourceForThreadLite(&resource, id);
  });
  user.join();
  EXPECT_EQ(resource.ActiveEntries, 0u);
}

TEST_F(ExResource, SharedOwnersMayBecomeTheSamePointer) {
  auto *pointer = reinterpret_cast<PVOID>(self() | 3);
  ExAcquireResourceSharedLite(&resource, TRUE);
  ExSetResourceOwnerPointerEx(&resource, pointer, FLAG_OWNER_POINTER_IS_THREAD);
  ExAcquireResourceSharedLite(&resource, TRUE);
  ExSetResourceOwnerPointerEx(&resource, pointer, FLAG_OWNER_POINTER_IS_THREAD);
  EXPECT_EQ(resource.ActiveEntries, 1u);
  ExReleaseResourceForThreadLite(&resource, self() | 3);
  EXPECT_EQ(resource.ActiveEntries, 1u);
  ExReleaseResourceForThreadLite(&resource, self() | 3);
  EXPECT_EQ(resource.ActiveEntries, 0u);
}

TEST_F(ExResource, AnotherThreadMayReleaseForItsOwner) {
  const ERESOURCE_THREAD owner = self();
  ExAcquireResourceSharedLite(&resource, TRUE);
  SystemThread other([&] { ExReleaseResourceForThreadLite(&resource, owner); });
  other.join();
  EXPECT_EQ(resource.ActiveEntries, 0u);
}

TEST_F(ExResource, AReleaseWithoutOwningIsABugcheck) {
  const auto expect_stop = [&](const std::function<void()> &body, ERESOURCE_THREAD owner) {
    const ke::Bugcheck stop = ke::catch_bugcheck(body);
    EXPECT_EQ(stop.code, 0xE3u);
    EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(&resource));
    EXPECT_EQ(stop.parameters[1], owner);
    EXPECT_EQ(stop.parameters[2], 0u);
    EXPECT_EQ(stop.parameters[3], 2u);
  };
  expect_stop([&] { ExReleaseResourceLite(&resource); }, self());
  expect_stop([&] { ExReleaseResourceForThreadLite(&resource, 0); }, 0);
  expect_stop([&] { ExReleaseResourceForThreadLite(&resource, 0x1003); }, 0x1003);
  expect_stop([&] { ExSetResourceOwnerPointer(&resource, reinterpret_cast<PVOID>(0x1003)); }, self());
  expect_stop([&] { ExConvertExclusiveToSharedLite(&resource); }, self());
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  SystemThread other([&] { expect_stop([&] { ExReleaseResourceLite(&resource); }, self()); });
  other.join();
  EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&resource));
  ExReleaseResourceLite(&resource);
}

TEST_F(ExResource, ReinitializeForgetsOwnersAndCounts) {
  ExAcquireResourceExclusiveLite(&resource, TRUE);
  ExSetResourceOwnerPointer(&resource, reinterpret_cast<PVOID>(0x1003));
  resource.ContentionCount = 7;
  EXPECT_EQ(ExReinitializeResourceLite(&resource), STATUS_SUCCESS);
  EXPECT_TRUE(is_listed(resource));
  EXPECT_EQ(resource.ContentionCount, 0u);
  EXPECT_EQ(resource.Flag, 0);
  EXPECT_TRUE(others_can(ExAcquireResourceExclusiveLite));
}

TEST_F(ExResource, TogetherWithACriticalRegion) {
  const SHORT outside = ke::current().Tcb.KernelApcDisable;
  EXPECT_EQ(ExEnterCriticalRegionAndAcquireResourceExclusive(&resource), nullptr);
  EXPECT_EQ(ke::current().Tcb.KernelApcDisable, outside - 1);
  EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&resource));
  ExReleaseResourceAndLeaveCriticalRegion(&resource);
  EXPECT_EQ(ke::current().Tcb.KernelApcDisable, outside);
  EXPECT_EQ(ExEnterCriticalRegionAndAcquireResourceShared(&resource), nullptr);
  EXPECT_EQ(ExEnterCriticalRegionAndAcquireSharedWaitForExclusive(&resource), nullptr);
  EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&resource));
  EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 2u);
  EXPECT_EQ(ke::current().Tcb.KernelApcDisable, outside - 2);
  ExReleaseResourceAndLeaveCriticalRegion(&resource), ExReleaseResourceAndLeaveCriticalRegion(&resource);
  EXPECT_EQ(ke::current().Tcb.KernelApcDisable, outside);
  EXPECT_EQ(resource.ActiveEntries, 0u);
}

TEST_F(ExResource, WithoutBoostItWorksAsBefore) {
  ExDisableResourceBoostLite(&resource);
  EXPECT_TRUE(ExAcquireResourceExclusiveLite(&resource, TRUE));
  EXPECT_EQ(resource.Flag, ResourceOwnedExclusive);
  ExReleaseResourceLite(&resource);
  EXPECT_EQ(resource.Flag, 0);
}

}  // namespace
}  // namespace ntemu::test
