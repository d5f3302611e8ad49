// MDLs: what a driver sees of a buffer, and the flags on its way.
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using IoAllocateMdl = KernelTest;
using IoBuildPartialMdl = KernelTest;
using MmBuildMdlForNonPagedPool = KernelTest;
using MmProbeAndLockPages = KernelTest;
using MmUnlockPages = KernelTest;
using MmSizeOfMdl = KernelTest;

alignas(PAGE_SIZE) char buffer[4 * PAGE_SIZE];

TEST_F(MmSizeOfMdl, CountsThePagesThatABufferTouches) {
  EXPECT_EQ(::MmSizeOfMdl(buffer, 0), 0x30u);
  EXPECT_EQ(::MmSizeOfMdl(buffer, PAGE_SIZE), 0x38u);
  EXPECT_EQ(::MmSizeOfMdl(buffer + 1, PAGE_SIZE), 0x40u);
}

TEST_F(IoAllocateMdl, DescribesTheBuffer) {
  PMDL mdl = ::IoAllocateMdl(buffer + 0x123, 0x2000, FALSE, FALSE, nullptr);
  ASSERT_NE(mdl, nullptr);
  EXPECT_EQ(mdl->Next, nullptr);
  EXPECT_EQ(mdl->StartVa, buffer);
  EXPECT_EQ(MmGetMdlByteOffset(mdl), 0x123u);
  EXPECT_EQ(MmGetMdlByteCount(mdl), 0x2000u);
  EXPECT_EQ(MmGetMdlVirtualAddress(mdl), buffer + 0x123);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE);
  IoFreeMdl(mdl);
  mdl = ::IoAllocateMdl(buffer, 24 * PAGE_SIZE, FALSE, FALSE, nullptr);
  EXPECT_EQ(mdl->MdlFlags, 0) << "larger than the list's";
  EXPECT_EQ(mdl->Size, 0x30 + 24 * 8);
  IoFreeMdl(mdl);
  EXPECT_EQ(::IoAllocateMdl(buffer, 0x80000000, FALSE, FALSE, nullptr), nullptr);
}

TEST_F(IoAllocateMdl, ChainsItToAnIrp) {
  PIRP irp = IoAllocateIrp(1, FALSE);
  PMDL first = ::IoAllocateMdl(buffer, 1, FALSE, FALSE, irp);
  PMDL second = ::IoAllocateMdl(buffer, 2, TRUE, FALSE, irp);
  PMDL third = ::IoAllocateMdl(buffer, 3, TRUE, FALSE, irp);
  EXPECT_EQ(irp->MdlAddress, first);
  EXPECT_EQ(first->Next, second);
  EXPECT_EQ(second->Next, third);
  EXPECT_EQ(third->Next, nullptr);
  for (PMDL mdl : {first, second, third}) IoFreeMdl(mdl);
  IoFreeIrp(irp);
}

TEST_F(MmBuildMdlForNonPagedPool, NeedsNoMapping) {
  auto *pool = static_cast<char *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'tseT'));
  PMDL mdl = ::IoAllocateMdl(pool, 100, FALSE, FALSE, nullptr);
  ::MmBuildMdlForNonPagedPool(mdl);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_SOURCE_IS_NONPAGED_POOL);
  EXPECT_EQ(mdl->MappedSystemVa, pool);
  EXPECT_EQ(mdl->Process, nullptr);
  EXPECT_EQ(MmGetMdlPfnArray(mdl)[0], reinterpret_cast<ULONG_PTR>(pool) >> PAGE_SHIFT);
  EXPECT_EQ(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), pool);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_SOURCE_IS_NONPAGED_POOL);
  IoFreeMdl(mdl);
  ExFreePoolWithTag(pool, 'tseT');
}

TEST_F(MmProbeAndLockPages, AndItsKinKeepTheFlags) {
  PMDL mdl = ::IoAllocateMdl(buffer + 8, 2 * PAGE_SIZE, FALSE, FALSE, nullptr);
  ::MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED);
  EXPECT_EQ(MmGetMdlPfnArray(mdl)[2], MmGetMdlPfnArray(mdl)[0] + 2);
  void *address = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority | MdlMappingNoExecute);
  EXPECT_EQ(address, buffer + 8);
  EXPECT_EQ(mdl->MappedSystemVa, address);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
  MmUnmapLockedPages(address, mdl);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED);
  EXPECT_EQ(MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, nullptr, FALSE, NormalPagePriority), buffer + 8);
  EXPECT_FALSE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  EXPECT_EQ(MmMapLockedPages(mdl, KernelMode), buffer + 8);
  ::MmUnlockPages(mdl);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE);
  ::MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE | MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
  ::MmUnlockPages(mdl);
  IoFreeMdl(mdl);
}

TEST_F(MmProbeAndLockPages, RaisesForABufferThatIsNotThere) {
  PMDL mdl = ::IoAllocateMdl(reinterpret_cast<void *>(0x1000), 10, FALSE, FALSE, nullptr);
  EXPECT_EQ(ke::catch_raise([&] { ::MmProbeAndLockPages(mdl, KernelMode, IoReadAccess); }), STATUS_ACCESS_VIOLATION);
  EXPECT_EQ(mdl->MdlFlags, MDL_ALLOCATED_FIXED_SIZE);
  IoFreeMdl(mdl);
}

TEST_F(MmUnlockPages, OfPagesThatAreNotLockedStopsTheMachine) {
  PMDL mdl = ::IoAllocateMdl(buffer, 10, FALSE, FALSE, nullptr);
  const auto stop = ke::catch_bugcheck([&] { ::MmUnlockPages(mdl); });
  EXPECT_EQ(stop.code, 0x4Eu);
  EXPECT_EQ(stop.parameters[0], 7u);
  IoFreeMdl(mdl);
}

TEST_F(IoBuildPartialMdl, DescribesAPart) {
  PMDL source = ::IoAllocateMdl(buffer + 0x10, 3 * PAGE_SIZE, FALSE, FALSE, nullptr);
  PMDL target = ::IoAllocateMdl(buffer, 3 * PAGE_SIZE, FALSE, FALSE, nullptr);
  ::MmProbeAndLockPages(source, KernelMode, IoWriteAccess);
  ::IoBuildPartialMdl(source, target, buffer + PAGE_SIZE + 5, 100);
  EXPECT_EQ(MmGetMdlVirtualAddress(target), buffer + PAGE_SIZE + 5);
  EXPECT_EQ(MmGetMdlByteCount(target), 100u);
  EXPECT_TRUE(target->MdlFlags & MDL_PARTIAL);
  EXPECT_FALSE(target->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA));
  EXPECT_EQ(MmGetMdlPfnArray(target)[0], MmGetMdlPfnArray(source)[1]);
  EXPECT_EQ(MmGetSystemAddressForMdlSafe(target, NormalPagePriority), buffer + PAGE_SIZE + 5);
  EXPECT_TRUE(target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
  EXPECT_FALSE(source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  MmPrepareMdlForReuse(target);
  EXPECT_FALSE(target->MdlFlags & (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA));
  // All that follows, of a source that is mapped.
  MmGetSystemAddressForMdlSafe(source, NormalPagePriority);
  ::IoBuildPartialMdl(source, target, buffer + PAGE_SIZE, 0);
  EXPECT_EQ(MmGetMdlByteCount(target), 2 * PAGE_SIZE + 0x10u);
  EXPECT_TRUE(target->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  EXPECT_EQ(target->MappedSystemVa, buffer + PAGE_SIZE);
  EXPECT_FALSE(target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
  IoFreeMdl(target);
  EXPECT_TRUE(source->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
  ::MmUnlockPages(source);
  IoFreeMdl(source);
}

TEST_F(IoBuildPartialMdl, IntoAnMdlWithoutRoomStopsTheMachine) {
  PMDL source = ::IoAllocateMdl(buffer, 3 * PAGE_SIZE, FALSE, FALSE, nullptr);
  struct {
    MDL mdl;
    PFN_NUMBER page;
  } target;
  MmInitializeMdl(&target.mdl, buffer, 1);
  const auto stop = ke::catch_bugcheck([&] { ::IoBuildPartialMdl(source, &target.mdl, buffer, 2 * PAGE_SIZE); });
  EXPECT_EQ(stop.code, 0x40u);
  IoFreeMdl(source);
}

}  // namespace
}  // namespace ntemu::test
