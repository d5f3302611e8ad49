// Memory descriptor lists. All memory is resident and in one address space, so a page's number is that of its address,
// and a buffer's mapping is the buffer itself: what is kept as on Windows is MdlFlags.
#include "ntemu/mm/mdl.h"

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ex/special_paging.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"

using namespace ntemu;

namespace {

void set(PMDL mdl, int flags) { mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags | flags); }
void clear(PMDL mdl, int flags) { mdl->MdlFlags = static_cast<CSHORT>(mdl->MdlFlags & ~flags); }

PVOID buffer_of(PMDL mdl) { return static_cast<char *>(mdl->StartVa) + mdl->ByteOffset; }
ULONG pages_of(PMDL mdl) { return ADDRESS_AND_SIZE_TO_SPAN_PAGES(buffer_of(mdl), mdl->ByteCount); }

void fill_pages(PMDL mdl) {
  const PFN_NUMBER first = reinterpret_cast<ULONG_PTR>(mdl->StartVa) >> PAGE_SHIFT;
  for (ULONG i = 0; i < pages_of(mdl); ++i) MmGetMdlPfnArray(mdl)[i] = first + i;
}

PVOID map(PMDL mdl, KPROCESSOR_MODE mode) {
  if (!(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL))) {
    base::log(base::Level::kError, "mm", "a driver maps MDL {}, whose pages are not locked", fmt::ptr(mdl));
  }
  if (mode == UserMode) return buffer_of(mdl);
  mdl->MappedSystemVa = buffer_of(mdl);
  set(mdl, MDL_MAPPED_TO_SYSTEM_VA | (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0));
  return mdl->MappedSystemVa;
}

}  // namespace

namespace ntemu::mm {

NTSTATUS lock_pages(PMDL mdl, KPROCESSOR_MODE, LOCK_OPERATION operation) {
  char *page = static_cast<char *>(mdl->StartVa);
  ex::pin_special(buffer_of(mdl));
  for (ULONG i = 0; i < pages_of(mdl); ++i) {
    if (MmIsAddressValid(page + i * size_t{PAGE_SIZE})) continue;
    ex::unpin_special(buffer_of(mdl));
    return STATUS_ACCESS_VIOLATION;
  }
  fill_pages(mdl);
  mdl->Process = nullptr;  // system memory, all of it
  clear(mdl, MDL_WRITE_OPERATION);
  set(mdl, MDL_PAGES_LOCKED | (operation == IoReadAccess ? 0 : MDL_WRITE_OPERATION));
  return STATUS_SUCCESS;
}

void unlock_pages(PMDL mdl) {
  if (!(mdl->MdlFlags & MDL_PAGES_LOCKED)) {
    base::log(base::Level::kError, "mm", "a driver unlocks MDL {}, whose pages are not locked", fmt::ptr(mdl));
    ke::bugcheck(0x4E, 7, reinterpret_cast<ULONG_PTR>(mdl->StartVa) >> PAGE_SHIFT);
  }
  ex::unpin_special(buffer_of(mdl));
  clear(mdl, MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
}

}  // namespace ntemu::mm

SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length) {
  NT_ENTER(MmSizeOfMdl, Base, Length);
  const SIZE_T pages = (BYTE_OFFSET(Base) + Length + PAGE_SIZE - 1) >> PAGE_SHIFT;
  return sizeof(MDL) + pages * sizeof(PFN_NUMBER);
}

VOID MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList) {
  NT_ENTER(MmBuildMdlForNonPagedPool, MemoryDescriptorList);
  fill_pages(MemoryDescriptorList);
  MemoryDescriptorList->Process = nullptr;
  MemoryDescriptorList->MappedSystemVa = buffer_of(MemoryDescriptorList);
  set(MemoryDescriptorList, MDL_SOURCE_IS_NONPAGED_POOL);
}

VOID MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation) {
  NT_ENTER(MmProbeAndLockPages, MemoryDescriptorList, AccessMode, Operation);
  const NTSTATUS status = mm::lock_pages(MemoryDescriptorList, AccessMode, Operation);
  if (!NT_SUCCESS(status)) ke::raise_status(status);
}

VOID MmUnlockPages(PMDL MemoryDescriptorList) {
  NT_ENTER(MmUnlockPages, MemoryDescriptorList);
  mm::unlock_pages(MemoryDescriptorList);
}

PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode) {
  NT_ENTER(MmMapLockedPages, MemoryDescriptorList, AccessMode);
  return map(MemoryDescriptorList, AccessMode);
}

PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, MEMORY_CACHING_TYPE CacheType,
                                   PVOID RequestedAddress, ULONG BugCheckOnFailure, ULONG Priority) {
  NT_ENTER(MmMapLockedPagesSpecifyCache, MemoryDescriptorList, AccessMode, CacheType, RequestedAddress,
           BugCheckOnFailure, Priority);
  return map(MemoryDescriptorList, AccessMode);
}

VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList) {
  NT_ENTER(MmUnmapLockedPages, BaseAddress, MemoryDescriptorList);
  clear(MemoryDescriptorList, MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}
