// I/O verification: the IRPs that drivers send, complete and free, and what their routines leave changed.
#include "ntemu/io/irp.h"
#include "ntemu/vf/call_check.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;

constexpr ULONG kIoViolation = 0xC9;  // DRIVER_VERIFIER_IOMANAGER_VIOLATION

void check_send(const Call &call, ULONG) {
  const auto device = pointer<DEVICE_OBJECT>(call, 0);
  const auto irp = pointer<IRP>(call, 1);
  if (current_irql() > DISPATCH_LEVEL)
    report_bugcheck(call, "an IRP is sent at IRQL <= DISPATCH_LEVEL", kIoViolation, 0x10, current_irql());
  if (!irp || irp->Type != IO_TYPE_IRP) report_bugcheck(call, "this is no IRP", kIoViolation, 0x03, address_of(irp));
  if (!device || device->Type != IO_TYPE_DEVICE)
    report_bugcheck(call, "this is no device object", kIoViolation, 0x04, address_of(device));
  if (irp->CancelRoutine)
    report_bugcheck(call, "the IRP still has a cancel routine", kIoViolation, 0x203, address_of(call.caller),
                    address_of(irp), address_of(device));
  if (irp->CurrentLocation <= 1)
    report_bugcheck(call, "the IRP has no stack location left", kIoViolation, 0x208, address_of(call.caller),
                    address_of(irp), address_of(device));
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

}  // namespace

void add_io_checks() {
  const auto add = [](Id id, CallCheck check) { add_call_check(id, kIo, check); };
  add(Id::IofCallDriver, check_send);
  add(Id::IofCompleteRequest, check_complete);
  add(Id::IoFreeIrp, check_free);
  add(Id::IoInitializeTimer, check_initialize_timer);
  add(Id::IoDetachDevice, check_detach);
}

}  // namespace ntemu::vf
