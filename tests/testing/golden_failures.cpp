// Tests that fail, each in a way that a newcomer meets; golden_test.py compares what they print with golden/*.txt.
#include <ntemu/testing.h>

using namespace ntemu::testing;
using ::testing::_;
using ::testing::Return;

namespace {

class Golden : public ::testing::Test {
 protected:
  void load(uint32_t mode) {
    machine.set_value("testing_sample", "Mode", mode);
    machine.load("testing_sample");
  }

  Machine machine;
};

// The driver's own thread makes a call that no expectation matches.
TEST_F(Golden, Expectation) {
  MockKernel kernel;
  EXPECT_CALL(kernel.KeSetEvent, Call(_, EVENT_INCREMENT)).WillOnce(Return(0));
  load(6);
}

TEST_F(Golden, Pool) { load(1); }
TEST_F(Golden, Device) { load(3); }

TEST_F(Golden, Hang) {
  load(2);
  machine.run_to_end();
}

TEST_F(Golden, HangInDriverEntry) { load(5); }
TEST_F(Golden, MissingApi) { load(4); }

TEST_F(Golden, Handle) {
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, nullptr, OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE event;
  ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, FALSE);
}

TEST_F(Golden, Lock) {
  static FAST_MUTEX mutex;
  ExInitializeFastMutex(&mutex);
  ExAcquireFastMutex(&mutex);
}

TEST_F(Golden, UnknownTarget) { machine.load("sample"); }

TEST_F(Golden, Strict) {
  StrictMockKernel kernel;
  load(0);
}

}  // namespace
