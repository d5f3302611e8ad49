// I/O request packets: allocation, what is in a fresh one, and their end.
#include "ntemu/io/irp.h"

#include <cstring>

#include "ntemu/api/enter.h"
#include "ntemu/base/log.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/thread.h"
#include "ntemu/mm/mdl.h"

using namespace ntemu;

namespace {

constexpr ULONG kIrpTag = 0x20707249;  // shows as Irp

void initialize(PIRP irp, USHORT size, CCHAR stack_size) {
  std::memset(irp, 0, size);
  irp->Type = IO_TYPE_IRP;
  irp->Size = size;
  irp->StackCount = stack_size;
  irp->CurrentLocation = static_cast<CHAR>(stack_size + 1);
  InitializeListHead(&irp->ThreadListEntry);
  irp->Tail.Overlay.CurrentStackLocation = reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + stack_size;
}

void require_packet(PIRP irp) {
  if (irp->Type != IO_TYPE_IRP) ke::bugcheck(0x44, reinterpret_cast<ULONG_PTR>(irp));
}

}  // namespace

namespace ntemu::io {

PIRP allocate_irp(CCHAR stack_size) {
  const USHORT size = IoSizeOfIrp(stack_size);
  auto *irp = static_cast<PIRP>(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, size, kIrpTag));
  if (irp) initialize(irp, size, stack_size);
  return irp;
}

void free_irp(PIRP irp) {
  irp->Type = 0;
  ExFreePool(irp);
}

PIRP make_irp(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major_function, ULONG flags) {
  PIRP irp = allocate_irp(device->StackSize);
  if (!irp) return nullptr;
  irp->Flags = flags;
  irp->RequestorMode = KernelMode;
  irp->Tail.Overlay.Thread = &ke::current();
  irp->Tail.Overlay.OriginalFileObject = file;
  PIO_STACK_LOCATION location = first_location(irp);
  location->MajorFunction = major_function;
  location->FileObject = file;
  return irp;
}

void release_buffers(PIRP irp) {
  if (irp->Flags & IRP_DEALLOCATE_BUFFER) ExFreePool(irp->AssociatedIrp.SystemBuffer);
  irp->Flags &= ~(ULONG{IRP_BUFFERED_IO} | IRP_DEALLOCATE_BUFFER | IRP_INPUT_OPERATION);
  while (PMDL mdl = irp->MdlAddress) {
    irp->MdlAddress = mdl->Next;
    if (mdl->MdlFlags & MDL_PAGES_LOCKED) mm::unlock_pages(mdl);
    IoFreeMdl(mdl);
  }
}

void drop_irp(PIRP irp) {
  release_buffers(irp);
  free_irp(irp);
}

}  // namespace ntemu::io

PIRP IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota) {
  NT_ENTER(IoAllocateIrp, StackSize, ChargeQuota);
  return io::allocate_irp(StackSize);
}

VOID IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize) {
  NT_ENTER(IoInitializeIrp, Irp, PacketSize, StackSize);
  initialize(Irp, PacketSize, StackSize);
}

VOID IoReuseIrp(PIRP Irp, NTSTATUS Iostatus) {
  NT_ENTER(IoReuseIrp, Irp, Iostatus);
  require_packet(Irp);
  const UCHAR allocation = Irp->AllocationFlags;
  initialize(Irp, Irp->Size, Irp->StackCount);
  Irp->AllocationFlags = allocation;
  Irp->IoStatus.Status = Iostatus;
}

VOID IoFreeIrp(PIRP Irp) {
  NT_ENTER(IoFreeIrp, Irp);
  require_packet(Irp);
  if (!IsListEmpty(&Irp->ThreadListEntry)) {
    // On Windows the list would lead into freed memory from now on.
    base::log(base::Level::kError, "io",
              "a driver frees IRP {}, which completing it would free: it belongs to a thread", fmt::ptr(Irp));
    io::take_from_thread(Irp);
  }
  io::free_irp(Irp);
}

PIRP IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize) {
  NT_ENTER(IoMakeAssociatedIrp, Irp, StackSize);
  PIRP associated = io::allocate_irp(StackSize);
  if (!associated) return nullptr;
  associated->Flags = IRP_ASSOCIATED_IRP;
  associated->AssociatedIrp.MasterIrp = Irp;
  associated->Tail.Overlay.Thread = Irp->Tail.Overlay.Thread;
  return associated;
}
