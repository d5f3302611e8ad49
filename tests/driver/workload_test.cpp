// How functions of a driver are called directly: its objects are linked into the test (LINK of ntemu_add_driver_test).
#include <ntemu/testing.h>

extern "C" {
#include "workload.h"
}

using namespace ntemu::testing;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::SizeIs;

namespace {

class Workload : public ::testing::Test {
 protected:
  Workload() {
    machine.make_directory("C:\\Temp");
    machine.make_directory("C:\\Temp2");
  }

  Machine machine;
};

TEST_F(Workload, CreatesFilesOfAHundredLines) {
  EXPECT_EQ(CreateFiles(), 1000u);
  EXPECT_THAT(machine.list_directory("C:\\Temp"), SizeIs(1000));
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "Sample record\r\n";
  EXPECT_EQ(machine.read_file("C:\\Temp\\file_0.txt"), lines);
  EXPECT_EQ(machine.read_file("C:\\Temp\\file_999.txt"), lines);
}

TEST_F(Workload, CreatesThemForItselfAlone) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwCreateFile, Call(_, GENERIC_WRITE | SYNCHRONIZE, _, _, nullptr, FILE_ATTRIBUTE_NORMAL, 0,
                                        FILE_OVERWRITE_IF, FILE_SYNCHRONOUS_IO_NONALERT))
      .Times(1000);
  EXPECT_CALL(kernel.ZwWriteFile, Call).Times(1000 * 100).WillRepeatedly(Return(STATUS_SUCCESS));
  EXPECT_CALL(kernel.ZwClose, Call).Times(1000);
  EXPECT_EQ(CreateFiles(), 1000u);
}

TEST_F(Workload, PassesOverAFileThatCannotBeCreated) {
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwCreateFile, Call).Times(999);
  EXPECT_CALL(kernel.ZwCreateFile, Call(_, _, ObjectNameIs(u"\\DosDevices\\C:\\Temp\\file_7.txt")))
      .WillOnce(Return(STATUS_ACCESS_DENIED));
  EXPECT_EQ(CreateFiles(), 999u);
  EXPECT_FALSE(machine.exists("C:\\Temp\\file_7.txt"));
}

TEST_F(Workload, EndsAFileAtTheFirstLineThatCannotBeWritten) {
  Faults faults;
  faults.fail({.api = "ZwWriteFile", .skip = 150, .status = STATUS_DISK_FULL});
  EXPECT_EQ(CreateFiles(), 999u);
  EXPECT_EQ(faults.count(), 1u);
  EXPECT_THAT(*machine.read_file("C:\\Temp\\file_1.txt"), SizeIs(50 * 15));
  EXPECT_THAT(*machine.read_file("C:\\Temp\\file_2.txt"), SizeIs(100 * 15));
}

TEST_F(Workload, MovesWhatIsThere) {
  machine.write_file("C:\\Temp\\file_3.txt", "three");
  machine.write_file("C:\\Temp\\file_1000.txt", "not one of them");
  EXPECT_EQ(MoveFiles(), 1u);
  EXPECT_EQ(machine.read_file("C:\\Temp2\\NewFile_3.txt"), "three");
  EXPECT_FALSE(machine.exists("C:\\Temp\\file_3.txt"));
  EXPECT_TRUE(machine.exists("C:\\Temp\\file_1000.txt"));
}

TEST_F(Workload, ReplacesWhatIsInTheWay) {
  machine.write_file("C:\\Temp\\file_3.txt", "new");
  machine.write_file("C:\\Temp2\\NewFile_3.txt", "old");
  EXPECT_EQ(MoveFiles(), 1u);
  EXPECT_EQ(machine.read_file("C:\\Temp2\\NewFile_3.txt"), "new");
}

TEST_F(Workload, LeavesAFileThatCannotBeRenamed) {
  machine.write_file("C:\\Temp\\file_3.txt", "three");
  MockKernel kernel;
  EXPECT_CALL(kernel.ZwSetInformationFile, Call(HandleTo(u"C:\\Temp\\file_3.txt"), _, _, _, FileRenameInformation))
      .WillOnce(Return(STATUS_ACCESS_DENIED));
  EXPECT_EQ(MoveFiles(), 0u);
  EXPECT_TRUE(machine.exists("C:\\Temp\\file_3.txt"));
}

TEST_F(Workload, LeavesAFileThatCannotBeOpened) {
  machine.write_file("C:\\Temp\\file_3.txt", "three");
  Faults faults;
  faults.fail({.api = "ZwOpenFile", .times = 0});
  EXPECT_EQ(MoveFiles(), 0u);
  EXPECT_EQ(faults.count(), 1000u);
  EXPECT_TRUE(machine.exists("C:\\Temp\\file_3.txt"));
}

TEST_F(Workload, LeavesAFileForWhoseNameThereIsNoMemory) {
  machine.write_file("C:\\Temp\\file_3.txt", "three");
  machine.write_file("C:\\Temp\\file_4.txt", "four");
  Faults faults;
  faults.fail({.tag = 'lpmS'});
  EXPECT_EQ(MoveFiles(), 1u);
  EXPECT_TRUE(machine.exists("C:\\Temp\\file_3.txt"));
  EXPECT_TRUE(machine.exists("C:\\Temp2\\NewFile_4.txt"));
}

// The two threads, here with routines of the test's own.
struct Threads {
  WORKERS workers{};
  KEVENT go_on;
  bool created = false;
  bool moved = false;

  Threads() { KeInitializeEvent(&go_on, NotificationEvent, FALSE); }
  NTSTATUS start() { return StartWorkers(&workers, create, move, this); }

  static VOID create(PVOID context) { static_cast<Threads *>(context)->created = true; }
  static VOID move(PVOID context) {
    auto &self = *static_cast<Threads *>(context);
    KeWaitForSingleObject(&self.go_on, Executive, KernelMode, FALSE, nullptr);
    self.moved = true;
  }
};

TEST_F(Workload, WaitsUntilBothThreadsHaveEnded) {
  Threads threads;
  ASSERT_THAT(threads.start(), NtSucceeds());
  SystemThread unloading([&] { WaitForWorkers(&threads.workers); });
  WaitUntilBlocked(unloading);
  EXPECT_FALSE(unloading.ended());
  KeSetEvent(&threads.go_on, IO_NO_INCREMENT, FALSE);
  unloading.join();
  EXPECT_TRUE(threads.created);
  EXPECT_TRUE(threads.moved);
}

TEST_F(Workload, StartsNothingWithoutItsFirstThread) {
  Threads threads;
  MockKernel kernel;
  EXPECT_CALL(kernel.PsCreateSystemThread, Call).WillOnce(Return(STATUS_ACCESS_DENIED));
  EXPECT_THAT(threads.start(), NtFailsWith(STATUS_ACCESS_DENIED));
}

TEST_F(Workload, GoesOnWithoutItsSecondThread) {
  Threads threads;
  Faults faults;
  faults.fail({.api = "PsCreateSystemThread", .skip = 1, .status = STATUS_ACCESS_DENIED});
  EXPECT_THAT(threads.start(), NtSucceeds());
  EXPECT_THAT(machine.debug_output(), HasSubstr("no thread to move the files: status c0000022"));
  WaitForWorkers(&threads.workers);
  EXPECT_TRUE(threads.created);
}

}  // namespace
