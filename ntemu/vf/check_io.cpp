// I/O verification: the IRPs that drivers send, complete and free, and what their routines leave changed.
#include "ntemu/io/device.h"
#include "ntemu/io/irp.h"
#include "ntemu/vf/call_check.h"
#include "ntemu/vf/pageable_code.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

constexpr ULONG kIoViolation = 0xC9;  // DRIVER_VERIFIER_IOMANAGER_VIOLATION

[[noreturn]] void report_irp(const Call &call, const char *why, ULONG_PTR kind, const IRP *irp,
                             const DEVICE_OBJECT *device) {
  report_bugcheck(call, why, kIoViolation, kind, address_of(call.caller), address_of(irp), address_of(device));
}

// What the sender of a request for the kernel itself has put into it. AssociatedIrp may be a number.
void check_members(const Call &call, const IRP *irp) {
  constexpr ULONG_PTR kFirstAddress = 0x10000;  // as of a Zw service's parameters
  if (irp->RequestorMode != KernelMode) return;
  const void *const members[] = {irp->UserBuffer, irp->UserIosb, irp->UserEvent, irp->MdlAddress};
  for (const void *member : members) {
    if (member && address_of(member) < kFirstAddress)
      report(call, "an IRP of KernelMode has a user-mode address", 0xE2, address_of(irp), address_of(member));
  }
}

// The location that is filled for the driver below.
void check_next_location(const Call &call, PIRP irp, const DEVICE_OBJECT *device) {
  const PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp);
  const bool forwards = irp->CurrentLocation <= irp->StackCount;
  if (forwards && (next->Control & SL_PENDING_RETURNED))
    report_irp(call, "the next stack location is marked pending: it was not copied, or skipped after a mark", 0x206,
               irp, device);
  if (!next->CompletionRoutine || !(next->Control & (SL_INVOKE_ON_CANCEL | SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR)))
    return;
  const auto routine = reinterpret_cast<const void *>(next->CompletionRoutine);
  if (is_pageable_code(routine))
    report_bugcheck(call, "the completion routine is pageable code", kIoViolation, 0x227, address_of(routine),
                    address_of(irp), address_of(device));
  if (!forwards || !next->Context) return;
  const PIO_STACK_LOCATION own = IoGetCurrentIrpStackLocation(irp);
  if (own->CompletionRoutine == next->CompletionRoutine && own->Context == next->Context)
    report_irp(call, "the completion routine of the driver above was copied", 0x207, irp, device);
}

void check_send(const Call &call, ULONG) {
  const auto device = pointer<DEVICE_OBJECT>(call, 0);
  const auto irp = pointer<IRP>(call, 1);
  if (current_irql() > DISPATCH_LEVEL)
    report_bugcheck(call, "an IRP is sent at IRQL <= DISPATCH_LEVEL", kIoViolation, 0x10, current_irql());
  if (!irp || irp->Type != IO_TYPE_IRP) report_bugcheck(call, "this is no IRP", kIoViolation, 0x03, address_of(irp));
  if (!device) report_irp(call, "the device object is NULL", 0x204, irp, nullptr);
  if (device->Type != IO_TYPE_DEVICE)
    report_bugcheck(call, "this is no device object", kIoViolation, 0x04, address_of(device));
  if (irp->CancelRoutine)
    report_bugcheck(call, "the IRP still has a cancel routine", kIoViolation, 0x203, address_of(call.caller),
                    address_of(irp), address_of(device));
  if (irp->CurrentLocation <= 1)
    report_bugcheck(call, "the IRP has no stack location left", kIoViolation, 0x208, address_of(call.caller),
                    address_of(irp), address_of(device));
  check_members(call, irp);
  check_next_location(call, irp, device);
}

void check_complete(const Call &call, ULONG) {
  const auto irp = pointer<IRP>(call, 0);
  if (current_irql() > DISPATCH_LEVEL)
    report_bugcheck(call, "an IRP is completed at IRQL <= DISPATCH_LEVEL", kIoViolation, 0x0E, current_irql(),
                    address_of(irp));
  const NTSTATUS status = irp->IoStatus.Status;
  if (status == STATUS_PENDING || status == -1)
    report_bugcheck(call, "the IRP's status is no result", kIoViolation, 0x06, static_cast<ULONG>(status),
                    address_of(irp));
  if (irp->CancelRoutine)
    report_bugcheck(call, "the IRP still has a cancel routine", kIoViolation, 0x07,
                    reinterpret_cast<ULONG_PTR>(irp->CancelRoutine), address_of(irp));
}

void check_free(const Call &call, ULONG) {
  const auto irp = pointer<IRP>(call, 0);
  if (irp->Type != IO_TYPE_IRP) report_bugcheck(call, "this is no IRP", kIoViolation, 0x01, address_of(irp));
  if (!IsListEmpty(&irp->ThreadListEntry))
    report_bugcheck(call, "a thread still waits for the IRP", kIoViolation, 0x02, address_of(irp));
}

void check_initialize_timer(const Call &call, ULONG) {
  const auto device = pointer<DEVICE_OBJECT>(call, 0);
  if (device->Timer) report_bugcheck(call, "the device has its timer already", kIoViolation, 0x0A, address_of(device));
}

void check_detach(const Call &call, ULONG) {
  const auto device = pointer<DEVICE_OBJECT>(call, 0);
  if (!device->AttachedDevice)
    report_bugcheck(call, "nothing is attached to the device", kIoViolation, 0x202, address_of(call.caller), 0,
                    address_of(device));
}

void check_delete(const Call &call, ULONG) {
  const auto device = pointer<DEVICE_OBJECT>(call, 0);
  if (device->Type != IO_TYPE_DEVICE) return;
  if (io::is_delete_pending(device)) report_irp(call, "the device is deleted already", 0x240, nullptr, device);
  if (io::private_part(device).AttachedTo)
    report_irp(call, "the device is still attached to another", 0x201, nullptr, device);
}

}  // namespace

void add_io_checks() {
  const auto add = [](Id id, CallCheck check) { add_call_check(id, kIo, check); };
  add(Id::IofCallDriver, check_send);
  add(Id::IofCompleteRequest, check_complete);
  add(Id::IoFreeIrp, check_free);
  add(Id::IoInitializeTimer, check_initialize_timer);
  add(Id::IoDetachDevice, check_detach);
  add(Id::IoDeleteDevice, check_delete);
}

}  // namespace ntemu::vf
