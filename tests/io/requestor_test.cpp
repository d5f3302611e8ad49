// Who is behind an IRP, and what the calling thread is about.
#include "ntemu/ke/thread.h"
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

using IoIsOperationSynchronous = KernelTest;
using IoGetRequestorProcess = KernelTest;
using IoGetTopLevelIrp = KernelTest;
using IoGetStackLimits = KernelTest;

TEST_F(IoIsOperationSynchronous, LooksAtTheIrpAndItsFile) {
  PIRP irp = IoAllocateIrp(1, FALSE);
  FILE_OBJECT file{};
  EXPECT_FALSE(::IoIsOperationSynchronous(irp));
  irp->Tail.Overlay.OriginalFileObject = &file;
  EXPECT_FALSE(::IoIsOperationSynchronous(irp));
  file.Flags = FO_SYNCHRONOUS_IO;
  EXPECT_TRUE(::IoIsOperationSynchronous(irp));
  irp->Flags = IRP_PAGING_IO;
  EXPECT_FALSE(::IoIsOperationSynchronous(irp)) << "asynchronous paging";
  irp->Flags = IRP_PAGING_IO | IRP_SYNCHRONOUS_PAGING_IO;
  EXPECT_TRUE(::IoIsOperationSynchronous(irp));
  file.Flags = 0;
  irp->Flags = IRP_SYNCHRONOUS_API;
  EXPECT_TRUE(::IoIsOperationSynchronous(irp));
  irp->Flags = IRP_INPUT_OPERATION;  // the same bit as IRP_SYNCHRONOUS_PAGING_IO
  EXPECT_FALSE(::IoIsOperationSynchronous(irp));
  IoFreeIrp(irp);
}

TEST_F(IoGetRequestorProcess, IsThatOfTheThread) {
  PIRP irp = IoAllocateIrp(1, FALSE);
  EXPECT_EQ(::IoGetRequestorProcess(irp), nullptr);
  EXPECT_EQ(IoGetRequestorProcessId(irp), 0u);
  irp->Tail.Overlay.Thread = PsGetCurrentThread();
  EXPECT_EQ(::IoGetRequestorProcess(irp), PsInitialSystemProcess);
  EXPECT_EQ(IoGetRequestorProcessId(irp), 4u);
  EXPECT_EQ(IoThreadToProcess(PsGetCurrentThread()), PsInitialSystemProcess);
  EXPECT_FALSE(IoIs32bitProcess(irp));
  EXPECT_FALSE(IoIs32bitProcess(nullptr));
  IoFreeIrp(irp);
}

TEST_F(IoGetTopLevelIrp, IsTheThreadsOwn) {
  EXPECT_EQ(::IoGetTopLevelIrp(), nullptr);
  IRP irp{};
  IoSetTopLevelIrp(&irp);
  EXPECT_EQ(::IoGetTopLevelIrp(), &irp);
  SystemThread other([] { EXPECT_EQ(::IoGetTopLevelIrp(), nullptr); });
  other.join();
  IoSetTopLevelIrp(nullptr);
}

TEST_F(IoGetStackLimits, EncloseWhatIsOnTheStack) {
  SystemThread thread([] {
    ULONG_PTR low, high;
    ::IoGetStackLimits(&low, &high);
    const auto here = reinterpret_cast<ULONG_PTR>(__builtin_frame_address(0));
    EXPECT_LT(low, here);
    EXPECT_LT(here, high);
    EXPECT_LE(IoGetRemainingStackSize(), here - low);
  });
  thread.join();
}

}  // namespace
}  // namespace ntemu::test
