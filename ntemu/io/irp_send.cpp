// The I/O manager as the sender of an IRP.
#include <utility>

#include "ntemu/base/log.h"
#include "ntemu/io/irp.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ob/object.h"

namespace ntemu::io {
namespace {

constexpr ULONG kAnswerTag = 0x416F4949;  // shows as IIoA

// What the sender of an IRP waits for. Not on its stack: it may leave with its machine, or on a driver's word that was
// not true, while the IRP is still on its way.
struct Pending {
  KEVENT done;
  Answer answer;
};

// Called from within walks and requests that hold references and strings.
NTSTATUS wait_for(Pending &pending, PLARGE_INTEGER timeout) {
  ETHREAD &thread = ke::current();
  const bool outer = std::exchange(thread.unwinds, true);
  const NTSTATUS status = KeWaitForSingleObject(&pending.done, Executive, KernelMode, FALSE, timeout);
  thread.unwinds = outer;
  return status;
}

Answer answer_of(NTSTATUS status) {
  Answer answer{};
  answer.result.Status = status;
  return answer;
}

}  // namespace

Answer call_and_wait(PDEVICE_OBJECT device, PIRP irp, PLARGE_INTEGER timeout) {
  auto *pending = static_cast<Pending *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(Pending), kAnswerTag));
  if (!pending) {
    drop_irp(irp);
    return answer_of(STATUS_INSUFFICIENT_RESOURCES);
  }
  KeInitializeEvent(&pending->done, NotificationEvent, FALSE);
  irp->Flags |= IRP_SYNCHRONOUS_API;
  set_allocation_flag(irp, kAnswers);
  irp->UserIosb = &pending->answer.result;
  irp->UserEvent = &pending->done;
  const UCHAR major_function = first_location(irp)->MajorFunction;
  const PFILE_OBJECT file = first_location(irp)->FileObject;
  queue_to_thread(irp);
  const NTSTATUS status = IofCallDriver(device, irp);
  if (status == STATUS_PENDING) {
    const NTSTATUS waited = wait_for(*pending, timeout);
    if (waited == STATUS_SYSTEM_SHUTDOWN || waited == STATUS_TIMEOUT) {
      // The driver still has the IRP, and may look at what it points to until the last thread has left.
      if (file) ob::reference(file);
      return answer_of(waited);
    }
  } else if (KeReadStateEvent(&pending->done) == 0) {
    // Whoever completes it later writes to `pending`, which therefore stays.
    forget_irp(irp);
    base::log(
        base::Level::kWarning, "io",
        "a driver returned 0x{:08X} for IRP_MJ 0x{:02x} without completing it: it must complete the IRP or return "
        "STATUS_PENDING",
        static_cast<uint32_t>(status), major_function);
    return answer_of(status);
  }
  const Answer answer = pending->answer;
  ExFreePoolWithTag(pending, kAnswerTag);
  return answer;
}

NTSTATUS call_without_waiting(PDEVICE_OBJECT device, PIRP irp, IO_STATUS_BLOCK *io_status, PKEVENT event) {
  irp->UserIosb = io_status;
  irp->UserEvent = event;
  queue_to_thread(irp);
  return IofCallDriver(device, irp);
}

}  // namespace ntemu::io
