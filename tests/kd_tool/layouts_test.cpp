// What kd repeats of the kernel's structures, and what it reads out of debug information, is what the kernel has.
#include "tools/kd/layouts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "ntemu/kd/debugger_data.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"
#include "tools/kd/types.h"

namespace ntemu::test {
namespace {

using namespace debug;

TEST(Layouts, AreTheKernels) {
  EXPECT_EQ(layout::kThreadStackLimit, offsetof(KTHREAD, StackLimit));
  EXPECT_EQ(layout::kThreadStackBase, offsetof(KTHREAD, StackBase));
  EXPECT_EQ(layout::kThreadContextSwitches, offsetof(KTHREAD, ContextSwitches));
  EXPECT_EQ(layout::kThreadState, offsetof(KTHREAD, State));
  EXPECT_EQ(layout::kThreadProcess, offsetof(KTHREAD, Process));
  EXPECT_EQ(layout::kThreadWaitReason, offsetof(KTHREAD, WaitReason));
  EXPECT_EQ(layout::kThreadClientId, offsetof(ETHREAD, Cid));
  EXPECT_EQ(layout::kThreadStartAddress, offsetof(ETHREAD, StartAddress));
  EXPECT_EQ(layout::kProcessId, offsetof(EPROCESS, UniqueProcessId));
  EXPECT_EQ(layout::kProcessImageName, offsetof(EPROCESS, ImageFileName));
  EXPECT_EQ(layout::kProcessImageNameSize, sizeof EPROCESS{}.ImageFileName);
  EXPECT_EQ(layout::kModuleBase, offsetof(KLDR_DATA_TABLE_ENTRY, DllBase));
  EXPECT_EQ(layout::kModuleSize, offsetof(KLDR_DATA_TABLE_ENTRY, SizeOfImage));
  EXPECT_EQ(layout::kModuleFullName, offsetof(KLDR_DATA_TABLE_ENTRY, FullDllName));
  EXPECT_EQ(layout::kModuleBaseName, offsetof(KLDR_DATA_TABLE_ENTRY, BaseDllName));
}

// This process is a machine, which kd looks into.
class OwnTypes : public KernelTest {
 protected:
  void SetUp() override {
    KernelTest::SetUp();
    auto target = Target::open_process(getpid());
    ASSERT_TRUE(target) << target.error().text;
    target_ = std::move(*target);
    types_ = std::make_unique<Types>(*target_);
  }
  void TearDown() override {
    types_.reset();
    target_.reset();
    KernelTest::TearDown();
  }

  std::unique_ptr<Target> target_;
  std::unique_ptr<Types> types_;
};

TEST_F(OwnTypes, HaveTheCompilersOffsets) {
  EXPECT_EQ(types_->offset("_KTHREAD.WaitReason"), offsetof(KTHREAD, WaitReason));
  EXPECT_EQ(types_->offset("nt!_KTHREAD.WaitBlock[2].Thread"), offsetof(KTHREAD, WaitBlock[2].Thread));
  EXPECT_EQ(types_->offset("ETHREAD.Tcb.State"), offsetof(ETHREAD, Tcb.State));
  EXPECT_EQ(types_->offset("_KMUTANT.OwnerThread"), offsetof(KMUTANT, OwnerThread));
  EXPECT_EQ(types_->offset("KMUTEX.Header.WaitListHead"), offsetof(KMUTEX, Header.WaitListHead));
  EXPECT_EQ(types_->offset("_DEVICE_OBJECT.DeviceExtension"), offsetof(DEVICE_OBJECT, DeviceExtension));
  EXPECT_EQ(types_->offset("_DRIVER_OBJECT.MajorFunction[27]"), offsetof(DRIVER_OBJECT, MajorFunction[27]));
  EXPECT_EQ(types_->offset("_IRP.Tail.Overlay.CurrentStackLocation"), offsetof(IRP, Tail.Overlay.CurrentStackLocation));
  EXPECT_EQ(types_->offset("_KLDR_DATA_TABLE_ENTRY.DllBase"), offsetof(KLDR_DATA_TABLE_ENTRY, DllBase));
}

TEST_F(OwnTypes, AreAllThereUsedOrNot) {
  for (const char *name :
       {"_KMUTANT", "_FAST_MUTEX", "_ERESOURCE", "_KSEMAPHORE", "_KQUEUE", "_IO_STACK_LOCATION", "_MDL",
        "_FILE_RENAME_INFORMATION", "_KWAIT_REASON", "_POOL_TYPE", "_EX_RUNDOWN_REF", "_CONTEXT"})
    EXPECT_TRUE(types_->find(name)) << name;
  EXPECT_EQ(types_->find("nt!_FAST_MUTEX")->size, sizeof(FAST_MUTEX));
}

TEST_F(OwnTypes, WhatIsNotThereIsNotFound) {
  EXPECT_FALSE(types_->find("nt!_NOTHING"));
  EXPECT_FALSE(types_->find("nomodule!_KMUTANT"));
  EXPECT_FALSE(types_->find(""));
  EXPECT_FALSE(types_->find("nt!"));
  EXPECT_FALSE(types_->offset("_KTHREAD.Nothing"));
  EXPECT_FALSE(types_->offset("_KTHREAD.State.More"));
  EXPECT_FALSE(types_->offset("_KTHREAD.WaitBlock[x]"));
  EXPECT_FALSE(types_->offset("_KTHREAD.WaitBlock[1"));
}

TEST_F(OwnTypes, ReadValues) {
  KMUTANT mutex{};
  mutex.Header.SignalState = -3;
  mutex.OwnerThread = reinterpret_cast<PKTHREAD>(0x1234);
  mutex.Abandoned = 1;
  mutex.Spare1 = 0x55;
  const auto at = reinterpret_cast<Address>(&mutex);
  EXPECT_EQ(types_->signed_value(at, "_KMUTANT.Header.SignalState"), -3);
  EXPECT_EQ(types_->value(at, "_KMUTANT.OwnerThread"), 0x1234u);
  EXPECT_EQ(types_->value(at, "_KMUTANT.Abandoned"), 1u);
  EXPECT_EQ(types_->value(at, "_KMUTANT.Spare1"), 0x55u);
  EXPECT_FALSE(types_->value(at, "_KMUTANT.Header")) << "a structure is no number";
  EXPECT_FALSE(types_->value(0x10, "_KMUTANT.OwnerThread")) << "there is no memory";
}

TEST_F(OwnTypes, SayWhatTheyAre) {
  const auto text = [&](const char *path) {
    const Field *field = types_->field(path);
    return field ? field->type->text() : "nothing";
  };
  EXPECT_EQ(text("_FAST_MUTEX.Count"), "Int4B");
  EXPECT_EQ(text("_FAST_MUTEX.Owner"), "Ptr64 Void");
  EXPECT_EQ(text("_FAST_MUTEX.Event"), "_KEVENT");
  EXPECT_EQ(text("_KMUTANT.OwnerThread"), "Ptr64 _KTHREAD");
  EXPECT_EQ(text("_KMUTANT.ApcDisable"), "UChar");
  EXPECT_EQ(text("_KTHREAD.WaitBlock"), "[4] _KWAIT_BLOCK");
  EXPECT_EQ(text("_KTHREAD.Priority"), "Char");
  EXPECT_EQ(text("_UNICODE_STRING.Buffer"), "Ptr64 Wchar");
  EXPECT_EQ(text("_LARGE_INTEGER.QuadPart"), "Int8B");
  EXPECT_EQ(text("_DRIVER_OBJECT.DriverUnload"), "Ptr64     void ");
}

TEST_F(OwnTypes, FollowLists) {
  const auto walk = types_->list(reinterpret_cast<Address>(&PsActiveProcessHead), "_EPROCESS.ActiveProcessLinks");
  EXPECT_TRUE(walk.problems.empty());
  ASSERT_EQ(walk.found.size(), 1u);
  EXPECT_EQ(walk.found[0], reinterpret_cast<Address>(PsInitialSystemProcess));
}

TEST_F(OwnTypes, TheTargetSeesItsThreads) {
  EXPECT_EQ(target_->data_address(), reinterpret_cast<Address>(&KdDebuggerDataBlock));
  const auto &threads = target_->threads();
  EXPECT_TRUE(threads.problems.empty());
  EXPECT_FALSE(threads.found.empty());
  const Module *kernel = target_->module_named("NT");
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->base, reinterpret_cast<Address>(KdDebuggerDataBlock.KernBase));
}

}  // namespace
}  // namespace ntemu::test
