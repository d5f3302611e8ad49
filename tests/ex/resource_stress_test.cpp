#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

class ExResourceStress : public KernelTest {
 protected:
  ExResourceStress() { ExInitializeResourceLite(&resource); }
  ~ExResourceStress() override { ExDeleteResourceLite(&resource); }

  void read(BOOLEAN(NTAPI *acquire)(PERESOURCE, BOOLEAN), BOOLEAN wait) {
    if (!acquire(&resource, wait)) return;
    EXPECT_TRUE(guarded.whole());
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&resource), 1u);
    ExReleaseResourceLite(&resource);
  }
  void write(BOOLEAN wait) {
    if (!ExAcquireResourceExclusiveLite(&resource, wait)) return;
    guarded.change();
    ++changes;
    ExReleaseResourceLite(&resource);
  }
  void write_and_read() {
    ExAcquireResourceExclusiveLite(&resource, TRUE);
    guarded.change();
    ++changes;
    ExConvertExclusiveToSharedLite(&resource);
    EXPECT_TRUE(guarded.whole());
    ExReleaseResourceLite(&resource);
  }
  void recurse() {
    ExAcquireResourceSharedLite(&resource, TRUE);
    ExAcquireResourceSharedLite(&resource, TRUE);
    EXPECT_TRUE(guarded.whole());
    ExReleaseResourceLite(&resource);
    EXPECT_TRUE(guarded.whole());
    ExReleaseResourceLite(&resource);
  }

  ERESOURCE resource;
  Guarded guarded;
  std::atomic<long long> changes{0};
};

TEST_F(ExResourceStress, ExcludesWritersAndAdmitsReaders) {
  const int kRounds = rounds(300, 50000);
  stress([&](std::mt19937 &random, int) {
    KeEnterCriticalRegion();
    for (int i = 0; i < kRounds; ++i) {
      switch (random() % 8) {
        case 0:
          write(TRUE);
          break;
        case 1:
          write(FALSE);
          break;
        case 2:
          write_and_read();
          break;
        case 3:
          recurse();
          break;
        case 4:
          read(ExAcquireSharedStarveExclusive, TRUE);
          break;
        case 5:
          read(ExAcquireSharedWaitForExclusive, TRUE);
          break;
        case 6:
          read(ExAcquireResourceSharedLite, FALSE);
          break;
        default:
          read(ExAcquireResourceSharedLite, TRUE);
      }
    }
    KeLeaveCriticalRegion();
    EXPECT_EQ(ke::current().held.count(), 0u);
  });
  EXPECT_EQ(guarded.first, changes.load());
  EXPECT_TRUE(guarded.whole());
  EXPECT_EQ(resource.ActiveEntries, 0u);
  EXPECT_EQ(resource.ActiveCount, 0);
  EXPECT_EQ(resource.NumberOfSharedWaiters, 0u);
  EXPECT_EQ(resource.NumberOfExclusiveWaiters, 0u);
  EXPECT_EQ(resource.Flag, 0);
}

}  // namespace
}  // namespace ntemu::test
