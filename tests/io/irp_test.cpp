// IRPs that a driver allocates: what is in them, who completes and frees them.
#include "ntemu/io/irp.h"
#include "ntemu/base/log.h"
#include "tests/io/device_fixture.h"

namespace ntemu::test {
namespace {

constexpr UCHAR kMajor = IRP_MJ_INTERNAL_DEVICE_CONTROL;

// Completion routines have one pointer of context.
struct Routine {
  NTSTATUS result = STATUS_CONTINUE_COMPLETION;
  int calls = 0;
  PDEVICE_OBJECT device = nullptr;
  PIRP irp = nullptr;
  IO_STATUS_BLOCK status{};
  BOOLEAN pending = FALSE;
  static NTSTATUS run(PDEVICE_OBJECT device, PIRP irp, PVOID context) {
    auto &self = *static_cast<Routine *>(context);
    ++self.calls;
    self.device = device;
    self.irp = irp;
    self.status = irp->IoStatus;
    self.pending = irp->PendingReturned;
    return self.result;
  }
  void set(PIRP to, BOOLEAN success = TRUE, BOOLEAN error = TRUE, BOOLEAN cancel = TRUE) {
    IoSetCompletionRoutine(to, run, this, success, error, cancel);
  }
};

class IrpTest : public DeviceDriverTest {
 protected:
  void start() {
    on(kMajor, [this](PDEVICE_OBJECT, PIRP irp) { return complete(irp, answer, 7); });
    DeviceDriverTest::start();
  }
  static void prepare(PIRP irp) { IoGetNextIrpStackLocation(irp)->MajorFunction = kMajor; }
  NTSTATUS answer = STATUS_SUCCESS;
};
using IoAllocateIrp = IrpTest;
using IoInitializeIrp = IrpTest;
using IoReuseIrp = IrpTest;
using IoFreeIrp = IrpTest;
using IoMakeAssociatedIrp = IrpTest;
using IofCompleteRequest = IrpTest;
using IoSetCompletionRoutineEx = IrpTest;

void expect_fresh(PIRP irp, CCHAR stack) {
  EXPECT_EQ(irp->Type, IO_TYPE_IRP);
  EXPECT_EQ(irp->Size, IoSizeOfIrp(stack));
  EXPECT_EQ(irp->StackCount, stack);
  EXPECT_EQ(irp->CurrentLocation, stack + 1);
  EXPECT_TRUE(IsListEmpty(&irp->ThreadListEntry));
  EXPECT_EQ(IoGetNextIrpStackLocation(irp), reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + stack - 1);
  EXPECT_EQ(irp->Tail.Overlay.Thread, nullptr);
  EXPECT_EQ(irp->MdlAddress, nullptr);
  EXPECT_EQ(irp->Flags, 0u);
}

TEST_F(IoAllocateIrp, GivesAFreshOne) {
  PIRP irp = ::IoAllocateIrp(3, FALSE);
  expect_fresh(irp, 3);
  EXPECT_EQ(irp->Size, 0xD0 + 3 * 0x48);
  EXPECT_EQ(irp->IoStatus.Status, STATUS_SUCCESS);
  ::IoFreeIrp(irp);
}

TEST_F(IoInitializeIrp, MakesOneOfTheCallersMemory) {
  alignas(16) char memory[0xD0 + 2 * 0x48];
  std::memset(memory, 0xEE, sizeof(memory));
  auto *irp = reinterpret_cast<PIRP>(memory);
  ::IoInitializeIrp(irp, IoSizeOfIrp(2), 2);
  expect_fresh(irp, 2);
  EXPECT_EQ(IoGetNextIrpStackLocation(irp)->Control, 0);
}

TEST_F(IoReuseIrp, MakesItFreshAgainWithAStatus) {
  start();
  PIRP irp = ::IoAllocateIrp(1, FALSE);
  Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED};
  for (int i = 0; i < 2; ++i) {
    prepare(irp);
    stop.set(irp);
    EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
    ::IoReuseIrp(irp, STATUS_NOT_FOUND);
    expect_fresh(irp, 1);
    EXPECT_EQ(irp->IoStatus.Status, STATUS_NOT_FOUND);
  }
  EXPECT_EQ(stop.calls, 2);
  ::IoFreeIrp(irp);
}

TEST_F(IoFreeIrp, OfWhatIsNoneStopsTheMachine) {
  alignas(16) IRP irp{};
  const auto stop = ke::catch_bugcheck([&] { ::IoFreeIrp(&irp); });
  EXPECT_EQ(stop.code, 0x44u);
  EXPECT_EQ(stop.parameters[0], reinterpret_cast<ULONG_PTR>(&irp));
}

TEST_F(IofCompleteRequest, StopsAtARoutineThatKeepsTheIrp) {
  start();
  PIRP irp = ::IoAllocateIrp(1, FALSE);
  Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED};
  prepare(irp);
  stop.set(irp);
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
  EXPECT_EQ(stop.calls, 1);
  EXPECT_EQ(stop.device, nullptr) << "the sender has no device";
  EXPECT_EQ(stop.status.Information, 7u);
  EXPECT_EQ(irp->CurrentLocation, irp->StackCount + 1);
  EXPECT_EQ(irp->IoStatus.Status, STATUS_SUCCESS);
  ::IoFreeIrp(irp);
}

TEST_F(IofCompleteRequest, CallsARoutineForTheOutcomesThatItAskedFor) {
  start();
  for (const bool wants_error : {false, true}) {
    answer = STATUS_DEVICE_NOT_READY;
    PIRP irp = ::IoAllocateIrp(2, FALSE);
    Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED}, asked;
    stop.set(irp);
    IoSetNextIrpStackLocation(irp);
    prepare(irp);
    asked.set(irp, !wants_error, wants_error, FALSE);
    EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_DEVICE_NOT_READY);
    EXPECT_EQ(asked.calls, wants_error ? 1 : 0);
    EXPECT_EQ(stop.calls, 1);
    ::IoFreeIrp(irp);
  }
}

TEST_F(IofCompleteRequest, PassesOnThatALowerDriverPended) {
  on(kMajor, [](PDEVICE_OBJECT, PIRP irp) -> NTSTATUS {
    IoMarkIrpPending(irp);
    complete(irp, STATUS_SUCCESS);
    return STATUS_PENDING;
  });
  DeviceDriverTest::start();
  PIRP irp = ::IoAllocateIrp(3, FALSE);
  Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED};
  stop.set(irp);
  IoSetNextIrpStackLocation(irp);
  IoSetNextIrpStackLocation(irp);
  prepare(irp);
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_PENDING);
  EXPECT_TRUE(stop.pending) << "the location in between has no routine";
  ::IoFreeIrp(irp);
}

TEST_F(IofCompleteRequest, OfAnAllocatedIrpThatNobodyStopsStopsTheMachine) {
  start();
  std::string text;
  base::set_log_sink([&](const base::LogRecord &record) { text += record.text; });
  PIRP irp = ::IoAllocateIrp(1, FALSE);
  prepare(irp);
  const auto stop = ke::catch_bugcheck([&] { IoCallDriver(routines.device, irp); });
  base::set_log_sink(nullptr);
  EXPECT_EQ(stop.code, 0xAu);
  EXPECT_NE(text.find("STATUS_MORE_PROCESSING_REQUIRED"), std::string::npos) << text;
  io::free_irp(irp);
}

TEST_F(IofCompleteRequest, TellsTheThreadThatADriverNamedAsTheSender) {
  start();
  PIRP irp = ::IoAllocateIrp(1, FALSE);
  prepare(irp);
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  IO_STATUS_BLOCK io_status{};
  irp->Tail.Overlay.Thread = PsGetCurrentThread();
  irp->UserIosb = &io_status;
  irp->UserEvent = &event;
  EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
  EXPECT_EQ(KeReadStateEvent(&event), 1);
  EXPECT_EQ(io_status.Information, 7u);
}

TEST_F(IofCompleteRequest, TwiceStopsTheMachineAfterARoutineKeptIt) {
  start();
  PIRP irp = ::IoAllocateIrp(1, FALSE);
  irp->CurrentLocation = static_cast<CHAR>(irp->StackCount + 2);
  const auto stop = ke::catch_bugcheck([&] { ::IofCompleteRequest(irp, IO_NO_INCREMENT); });
  EXPECT_EQ(stop.code, 0x44u);
  ::IoFreeIrp(irp);
}

TEST_F(IoMakeAssociatedIrp, TheLastOneCompletesItsMaster) {
  start();
  PIRP master = ::IoAllocateIrp(1, FALSE);
  Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED};
  stop.set(master);
  master->Tail.Overlay.Thread = PsGetCurrentThread();
  IoSetNextIrpStackLocation(master);  // as the driver that was sent it sees it
  master->IoStatus.Status = STATUS_SUCCESS;
  master->IoStatus.Information = 21;
  PIRP parts[3];
  master->AssociatedIrp.IrpCount = 3;
  for (PIRP &part : parts) {
    part = ::IoMakeAssociatedIrp(master, 1);
    ASSERT_NE(part, nullptr);
    EXPECT_EQ(part->Flags, IRP_ASSOCIATED_IRP + 0u);
    EXPECT_EQ(part->AssociatedIrp.MasterIrp, master);
    EXPECT_EQ(part->Tail.Overlay.Thread, PsGetCurrentThread());
    prepare(part);
  }
  for (PIRP part : parts) {
    EXPECT_EQ(stop.calls, 0);
    EXPECT_EQ(IoCallDriver(routines.device, part), STATUS_SUCCESS);
  }
  EXPECT_EQ(stop.calls, 1);
  EXPECT_EQ(stop.status.Information, 21u);
  ::IoFreeIrp(master);
}

TEST_F(IoSetCompletionRoutineEx, KeepsTheDeviceUntilTheRoutineHasRun) {
  start();
  PDEVICE_OBJECT mine = nullptr;
  ASSERT_EQ(IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &mine), STATUS_SUCCESS);
  const LONG64 before = ob::reference_count(mine);
  for (const bool called : {true, false}) {
    PIRP irp = ::IoAllocateIrp(2, FALSE);
    Routine stop{.result = STATUS_MORE_PROCESSING_REQUIRED}, routine;
    stop.set(irp);
    IoSetNextIrpStackLocation(irp);
    prepare(irp);
    EXPECT_EQ(::IoSetCompletionRoutineEx(mine, irp, Routine::run, &routine, called, TRUE, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(ob::reference_count(mine), before + 1);
    EXPECT_EQ(IoCallDriver(routines.device, irp), STATUS_SUCCESS);
    EXPECT_EQ(ob::reference_count(mine), before);
    EXPECT_EQ(routine.calls, called ? 1 : 0);
    EXPECT_EQ(stop.calls, 1);
    ::IoFreeIrp(irp);
  }
  IoDeleteDevice(mine);
}

}  // namespace
}  // namespace ntemu::test
