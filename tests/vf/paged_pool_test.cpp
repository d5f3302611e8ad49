// Paged pool that is trimmed when a verified driver raises its IRQL.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "ntemu/ex/special_paging.h"
#include "ntemu/io/driver.h"
#include "ntemu/machine/faults.h"
#include "ntemu/machine/sanitizer_stops.h"
#include "tests/support/stress.h"
#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kPagedTag = 0x50615056;  // 'VPaP'

// Up and down again: what a driver does that trims.
void raise_once() { const AtIrql high(DISPATCH_LEVEL); }

class Trimming : public VerifiedTest {
 protected:
  Trimming() { machine::report_faults(); }
  void SetUp() override {
    if (ex::poisons()) GTEST_SKIP() << "AddressSanitizer: the special pool is off, and nothing is trimmed";
    verify(vf::kForceIrql);
  }
  static char *take(SIZE_T bytes) { return static_cast<char *>(ExAllocatePoolWithTag(PagedPool, bytes, kPagedTag)); }
  static void free(void *block) { ExFreePoolWithTag(block, kPagedTag); }
  // MmIsAddressValid is what an access that must not fault asks.
  static bool is_in(void *block) { return MmIsAddressValid(block); }
};

// The faults of a sanitized program are the sanitizer's.
class TrimmedFault : public Trimming {
 protected:
  void SetUp() override {
    if (machine::has_sanitizer()) GTEST_SKIP() << "the sanitizer reports faults";
    Trimming::SetUp();
  }
  static void expect_paged_fault(const ke::Bugcheck &stop, ULONG code, const void *address, KIRQL irql, bool write) {
    EXPECT_EQ(stop.code, code);
    EXPECT_EQ(stop.parameters[0], number(address));
    EXPECT_EQ(stop.parameters[1], irql);
    EXPECT_EQ(stop.parameters[2], write ? 1u : 0u);
    EXPECT_NE(stop.parameters[3], 0u);
  }
};

TEST_F(TrimmedFault, TheDriversOwnAccessAtDispatchLevel) {
  char *block = take(100);
  block[0] = 1;
  {
    const AtIrql high(DISPATCH_LEVEL);
    expect_paged_fault(ke::catch_bugcheck([&] { write_to(block); }), 0xD1, block, DISPATCH_LEVEL, true);
    expect_paged_fault(ke::catch_bugcheck([&] { read_from(block + 8); }), 0xD1, block + 8, DISPATCH_LEVEL, false);
  }
  EXPECT_TRUE(logged("is paged pool, and its page is not there at IRQL 2"));
  EXPECT_EQ(block[0], 1);
  free(block);
}

TEST_F(TrimmedFault, UnderASpinLockAndInADpc) {
  char *block = take(100);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  KIRQL before;
  KeAcquireSpinLock(&lock, &before);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { read_from(block); });
  KeReleaseSpinLock(&lock, before);
  expect_paged_fault(stop, 0xD1, block, DISPATCH_LEVEL, false);
  struct Context {
    char *block;
    ke::Bugcheck stop;
  } context{block, {}};
  read_from(block);
  KDPC dpc;
  KeInitializeDpc(
      &dpc,
      [](PKDPC, PVOID given, PVOID, PVOID) {
        auto &in_dpc = *static_cast<Context *>(given);
        in_dpc.stop = ke::catch_bugcheck([&] { write_to(in_dpc.block); });
      },
      &context);
  KeInsertQueueDpc(&dpc, nullptr, nullptr);
  KeFlushQueuedDpcs();
  expect_paged_fault(context.stop, 0xD1, block, DISPATCH_LEVEL, true);
  free(block);
}

TEST_F(TrimmedFault, TheKernelsAccess) {
  char *block = take(100);
  const AtIrql high(DISPATCH_LEVEL);
  // Nothing of the arguments says what the strings hold.
  UNICODE_STRING paged{4, 4, reinterpret_cast<WCHAR *>(block)}, other = paged;
  char16_t text[2] = {1, 2};
  other.Buffer = reinterpret_cast<WCHAR *>(text);
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { RtlCompareUnicodeString(&paged, &other, FALSE); });
  expect_paged_fault(stop, 0xA, block, DISPATCH_LEVEL, false);
  KeLowerIrql(PASSIVE_LEVEL);
  free(block);
  KfRaiseIrql(DISPATCH_LEVEL);
}

TEST_F(TrimmedFault, AFreedBlockAndWhatIsBehindABlock) {
  vf::change_options(__executable_start, vf::kForceIrql | vf::kSpecialPool);
  char *block = take(64);
  raise_once();
  EXPECT_EQ(ke::catch_bugcheck([&] { write_to(block + 64); }).code, 0xD6u);
  {
    const AtIrql high(DISPATCH_LEVEL);
    EXPECT_EQ(ke::catch_bugcheck([&] { write_to(block + 64); }).code, 0xD6u);
  }
  free(block);
  EXPECT_EQ(ke::catch_bugcheck([&] { read_from(block); }).code, 0xD5u);
  const AtIrql high(DISPATCH_LEVEL);
  EXPECT_EQ(ke::catch_bugcheck([&] { read_from(block); }).code, 0xD5u);
}

TEST_F(TrimmedFault, AnEntryThatAPopMeetsAtDispatchLevel) {
  SLIST_HEADER head;
  InitializeSListHead(&head);
  auto *entry = reinterpret_cast<PSLIST_ENTRY>(take(sizeof(SLIST_ENTRY)));
  InterlockedPushEntrySList(&head, entry);
  {
    const AtIrql high(DISPATCH_LEVEL);
    EXPECT_EQ(ke::catch_bugcheck([&] { InterlockedPopEntrySList(&head); }).code, 0xAu);
  }
  EXPECT_EQ(InterlockedPopEntrySList(&head), entry);
  free(entry);
}

TEST_F(Trimming, ComesBackBelowDispatchLevelWithWhatItHolds) {
  for (const SIZE_T size : {SIZE_T{1}, SIZE_T{100}, SIZE_T{5000}, SIZE_T{1} << 20}) {
    char *block = take(size);
    ASSERT_TRUE(ex::in_special_pool(block));
    std::memset(block, 0x5a, size);
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(is_in(block));
      raise_once();
      EXPECT_FALSE(is_in(block));
      const AtIrql apc(APC_LEVEL);
      for (SIZE_T at = 0; at < size; ++at) ASSERT_EQ(block[at], 0x5a);
    }
    raise_once();
    free(block);
  }
}

TEST_F(Trimming, OnlyWhatTheOptionIsFor) {
  char *nonpaged = static_cast<char *>(ExAllocatePoolWithTag(NonPagedPool, 100, kPagedTag));
  EXPECT_FALSE(ex::in_special_pool(nonpaged));
  char *paged = take(100);
  vf::change_options(__executable_start, vf::kSpecialPool);
  char *unforced = take(100);
  EXPECT_TRUE(ex::in_special_pool(unforced));
  raise_once();
  EXPECT_TRUE(is_in(paged));
  vf::change_options(__executable_start, vf::kForceIrql);
  raise_once();
  EXPECT_TRUE(is_in(nonpaged));
  EXPECT_TRUE(is_in(unforced));
  EXPECT_FALSE(is_in(paged));
  for (char *block : {nonpaged, paged, unforced}) free(block);
}

TEST_F(Trimming, WhatIsOverwrittenAroundATrimmedBlockIsFound) {
  char *block = take(30);
  ++block[30];
  raise_once();
  const ke::Bugcheck stop = ke::catch_bugcheck([&] { free(block); });
  EXPECT_EQ(stop.code, 0xC1u);
  EXPECT_EQ(stop.parameters[1], number(block + 30));
  --block[30];
  free(block);
}

TEST_F(Trimming, GoesOnWhenItsVerificationEnds) {
  char *block = take(100);
  raise_once();
  EXPECT_FALSE(is_in(block));
  vf::unverify_image(__executable_start);
  const AtIrql high(DISPATCH_LEVEL);
  write_to(block);
  EXPECT_EQ(read_from(block), 1);
  KeLowerIrql(PASSIVE_LEVEL);
  free(block);
  KfRaiseIrql(DISPATCH_LEVEL);
}

TEST_F(Trimming, LockedPagesAreThereAtAnyIrql) {
  char *block = take(3 * PAGE_SIZE);
  block[PAGE_SIZE] = 7;
  raise_once();
  PMDL mdl = IoAllocateMdl(block + PAGE_SIZE, 100, FALSE, FALSE, nullptr);
  PMDL second = IoAllocateMdl(block, PAGE_SIZE, FALSE, FALSE, nullptr);
  MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
  MmProbeAndLockPages(second, KernelMode, IoReadAccess);
  {
    const AtIrql high(DISPATCH_LEVEL);
    EXPECT_EQ(read_from(block + PAGE_SIZE), 7);
    write_to(block + PAGE_SIZE + 1);
    // An argument that the kernel writes to.
    KeInitializeDpc(
        reinterpret_cast<PKDPC>(block), [](PKDPC, PVOID, PVOID, PVOID) {}, nullptr);
  }
  MmUnlockPages(second);
  raise_once();
  EXPECT_TRUE(is_in(block));
  MmUnlockPages(mdl);
  raise_once();
  EXPECT_FALSE(is_in(block));
  EXPECT_EQ(read_from(block + PAGE_SIZE), 7);
  IoFreeMdl(mdl);
  IoFreeMdl(second);
  free(block);
}

NTSTATUS complete_at_dispatch_level(PDEVICE_OBJECT, PIRP irp) {
  std::memcpy(irp->AssociatedIrp.SystemBuffer, "answer", 7);
  irp->IoStatus.Status = STATUS_SUCCESS;
  irp->IoStatus.Information = 7;
  const AtIrql high(DISPATCH_LEVEL);
  IoCompleteRequest(irp, IO_NO_INCREMENT);
  return STATUS_SUCCESS;
}
NTSTATUS make_device(PDRIVER_OBJECT driver, PUNICODE_STRING) {
  driver->DriverUnload = [](PDRIVER_OBJECT leaving) { IoDeleteDevice(leaving->DeviceObject); };
  driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = complete_at_dispatch_level;
  PDEVICE_OBJECT device;
  return IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

TEST_F(Trimming, TheSenderOfARequestThatIsCompletedAtDispatchLevelLearnsOfIt) {
  static char anywhere;
  const io::DriverImage image{&anywhere, sizeof anywhere, make_device, this, false};
  const auto driver = io::create_driver(u"Completes", image);
  ASSERT_TRUE(driver);
  ASSERT_EQ(io::start_driver(*driver), STATUS_SUCCESS);
  char *output = take(7);
  auto *io_status = reinterpret_cast<PIO_STATUS_BLOCK>(take(sizeof(IO_STATUS_BLOCK)));
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  const PIRP irp =
      IoBuildDeviceIoControlRequest(CTL_CODE(FILE_DEVICE_UNKNOWN, 1, METHOD_BUFFERED, FILE_ANY_ACCESS),
                                    (*driver)->DeviceObject, nullptr, 0, output, 7, FALSE, &event, io_status);
  EXPECT_EQ(IoCallDriver((*driver)->DeviceObject, irp), STATUS_SUCCESS);
  EXPECT_STREQ(output, "answer");
  EXPECT_EQ(io_status->Information, 7u);
  free(output);
  free(io_status);
  EXPECT_EQ(io::unload_driver(*driver), STATUS_SUCCESS);
}

TEST_F(Trimming, PagesAreLockedBelowDispatchLevel) {
  char *block = take(100);
  PMDL mdl = IoAllocateMdl(block, 100, FALSE, FALSE, nullptr);
  {
    const AtIrql high(DISPATCH_LEVEL);
    const ke::Bugcheck stop = ke::catch_bugcheck([&] { MmProbeAndLockPages(mdl, KernelMode, IoReadAccess); });
    EXPECT_EQ(stop.code, 0xD1u);
    EXPECT_EQ(stop.parameters[0], number(block));
    EXPECT_EQ(stop.parameters[1], DISPATCH_LEVEL);
  }
  IoFreeMdl(mdl);
  free(block);
}

TEST_F(Trimming, ABlockIsFreedWhileItIsLockedAndUnlockedAfterwards) {
  char *block = take(100);
  PMDL mdl = IoAllocateMdl(block, 100, FALSE, FALSE, nullptr);
  MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
  free(block);
  EXPECT_TRUE(ex::is_pinned_special(block));
  MmUnlockPages(mdl);
  EXPECT_FALSE(ex::is_pinned_special(block));
  IoFreeMdl(mdl);
}

class TrimmingStress : public Trimming {
 protected:
  struct Block {
    SIZE_T size;
    char fill;
    char *body() { return reinterpret_cast<char *>(this + 1); }
  };
  TrimmingStress() : sink_(memfd_create("sink", MFD_CLOEXEC)) {}
  ~TrimmingStress() override { close(sink_); }
  static Block *make(SIZE_T size) {
    auto *block = reinterpret_cast<Block *>(take(sizeof(Block) + size));
    *block = {size, static_cast<char>(size)};
    std::memset(block->body(), block->fill, size);
    return block;
  }
  static void expect_whole(Block &block) {
    for (SIZE_T at = 0; at < block.size; at += 61) ASSERT_EQ(block.body()[at], block.fill);
    ASSERT_EQ(block.body()[block.size - 1], block.fill);
  }
  // Out to a file and back, at no particular moment.
  void move(Block &block, off_t place) const {
    const ex::PinnedBuffer pinned(&block);
    const auto size = static_cast<ssize_t>(block.size);
    ASSERT_EQ(pwrite(sink_, block.body(), block.size, place), size);
    ASSERT_EQ(pread(sink_, block.body(), block.size, place), size);
  }
  static void touch_locked(Block &block) {
    PMDL mdl = IoAllocateMdl(&block, static_cast<ULONG>(sizeof(Block) + block.size), FALSE, FALSE, nullptr);
    MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
    {
      const AtIrql high(DISPATCH_LEVEL);
      block.body()[block.size - 1] = block.fill;
      expect_whole(block);
    }
    MmUnlockPages(mdl);
    IoFreeMdl(mdl);
  }
  const int sink_;
};

TEST_F(TrimmingStress, NobodyWhoIsRightIsStoppedAndNothingIsLost) {
  constexpr SIZE_T kMost = 3 * PAGE_SIZE;
  const int count = rounds(400, 20000);
  // Blocks that wait for anybody, and one that all have in their hands at once.
  std::array<std::atomic<Block *>, 32> others{};
  auto *shared = reinterpret_cast<std::atomic<long> *>(take(sizeof(std::atomic<long>)));
  new (shared) std::atomic<long>(0);
  stress([&](std::mt19937 &random, int thread) {
    Block *own = make(1 + random() % kMost);
    for (int i = 0; i < count; ++i) {
      shared->fetch_add(1);
      switch (random() % 6) {
        case 0:
          raise_once();
          break;
        case 1:
          expect_whole(*own);
          break;
        case 2:
          own = others[random() % others.size()].exchange(own);
          if (!own) own = make(1 + random() % kMost);
          break;
        case 3:
          free(own);
          own = make(1 + random() % kMost);
          break;
        case 4:
          move(*own, static_cast<off_t>(thread) * static_cast<off_t>(kMost));
          break;
        default:
          touch_locked(*own);
      }
    }
    expect_whole(*own);
    free(own);
  });
  EXPECT_EQ(shared->load(), long{count} * kStressThreads);
  free(shared);
  for (auto &other : others) {
    if (Block *left = other.load()) {
      expect_whole(*left);
      free(left);
    }
  }
  EXPECT_EQ(ex::special_pool_use().taken, 0u);
}

}  // namespace
}  // namespace ntemu::test
