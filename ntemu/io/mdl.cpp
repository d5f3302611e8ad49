// MDLs as drivers allocate them, and chain them to IRPs.
#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/ke/bugcheck.h"
#include "ntifs.h"

using namespace ntemu;

namespace {

constexpr ULONG kMdlTag = 0x206C644D;  // shows as Mdl
constexpr ULONG kFixedPages = 23;      // what an MDL of Windows' lookaside list has room for

void chain(PIRP irp, PMDL mdl, bool secondary) {
  PMDL *end = &irp->MdlAddress;
  while (secondary && *end) end = &(*end)->Next;
  *end = mdl;
}

}  // namespace

PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota, PIRP Irp) {
  NT_ENTER(IoAllocateMdl, VirtualAddress, Length, SecondaryBuffer, ChargeQuota, Irp);
  if (Length & 0x80000000) return nullptr;
  const ULONG needed = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, Length);
  const ULONG pages = needed > kFixedPages ? needed : kFixedPages;
  auto *mdl =
      static_cast<PMDL>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(MDL) + pages * sizeof(PFN_NUMBER), kMdlTag));
  if (!mdl) return nullptr;
  MmInitializeMdl(mdl, VirtualAddress, Length);
  if (needed <= kFixedPages) {
    mdl->MdlFlags = MDL_ALLOCATED_FIXED_SIZE;
    mdl->Size = static_cast<CSHORT>(sizeof(MDL) + kFixedPages * sizeof(PFN_NUMBER));
  }
  if (Irp) chain(Irp, mdl, SecondaryBuffer);
  return mdl;
}

VOID IoFreeMdl(PMDL Mdl) {
  NT_ENTER(IoFreeMdl, Mdl);
  MmPrepareMdlForReuse(Mdl);
  ExFreePool(Mdl);
}

VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length) {
  NT_ENTER(IoBuildPartialMdl, SourceMdl, TargetMdl, VirtualAddress, Length);
  const auto offset =
      static_cast<ULONG>(static_cast<char *>(VirtualAddress) - static_cast<char *>(MmGetMdlVirtualAddress(SourceMdl)));
  const ULONG length = Length ? Length : SourceMdl->ByteCount - offset;
  const ULONG pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(VirtualAddress, length);
  const auto room = (static_cast<SIZE_T>(TargetMdl->Size) - sizeof(MDL)) / sizeof(PFN_NUMBER);
  if (pages > room) ke::bugcheck(0x40);
  const auto first =
      (static_cast<char *>(PAGE_ALIGN(VirtualAddress)) - static_cast<char *>(SourceMdl->StartVa)) / PAGE_SIZE;
  TargetMdl->Process = SourceMdl->Process;
  TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
  TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
  TargetMdl->ByteCount = length;
  const int own = TargetMdl->MdlFlags & (MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED);
  const int inherited = SourceMdl->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA |
                                               MDL_IO_PAGE_READ | MDL_WRITE_OPERATION);
  TargetMdl->MdlFlags = static_cast<CSHORT>(own | MDL_PARTIAL | inherited |
                                            (inherited & MDL_MAPPED_TO_SYSTEM_VA ? MDL_PARENT_MAPPED_SYSTEM_VA : 0));
  if (inherited & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA))
    TargetMdl->MappedSystemVa = static_cast<char *>(SourceMdl->MappedSystemVa) + offset;
  std::memcpy(MmGetMdlPfnArray(TargetMdl), MmGetMdlPfnArray(SourceMdl) + first, pages * sizeof(PFN_NUMBER));
}
