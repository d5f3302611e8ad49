// Layouts, bit fields and constants as the runtime sees them, against the tables in abi/.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <utility>

#include "ntemu/ke/dispatcher.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ke/wait.h"

namespace ntemu::test {
namespace {

template <typename... Parts>
std::string text(const Parts &...parts) {
  std::ostringstream line;
  line << std::hex << std::showbase;
  (line << ... << parts);
  return line.str();
}

std::string layout(const char *structure, size_t size, size_t alignment) {
  return text(structure, " has size ", size, ", alignment ", alignment);
}
std::string field(const char *structure, const char *name, size_t offset, size_t bytes) {
  return text(structure, '.', name, " is at ", offset, ", size ", bytes);
}
std::string constant(const char *name, uint64_t value) { return text(name, " is ", value); }

template <typename T>
uint64_t raw(const T &object, size_t offset) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, reinterpret_cast<const char *>(&object) + offset, std::min(sizeof(bytes), sizeof(T) - offset));
  return bytes;
}

// Both sides of a comparison name what they speak of, so a failure needs no further message.
#define LAYOUT(Structure, Size, Alignment) \
  EXPECT_EQ(layout(#Structure, sizeof(Structure), __alignof__(Structure)), layout(#Structure, Size, Alignment));
#define FIELD(Structure, Name, Offset, Bytes)                                                                      \
  EXPECT_EQ(field(#Structure, #Name, __builtin_offsetof(Structure, Name), sizeof(std::declval<Structure>().Name)), \
            field(#Structure, #Name, Offset, Bytes));
#define BITS(Structure, Name, Value, Offset, Raw)                                                        \
  {                                                                                                      \
    Structure object{};                                                                                  \
    object.Name = Value;                                                                                 \
    EXPECT_EQ(constant(#Structure "." #Name, raw(object, Offset)), constant(#Structure "." #Name, Raw)); \
  }
#define CONSTANT(Expression, Value)                                   \
  EXPECT_EQ(constant(#Expression, static_cast<uint64_t>(Expression)), \
            constant(#Expression, static_cast<uint64_t>(Value)));
#define STATUS(Name, Value) \
  EXPECT_EQ(constant("STATUS_" #Name, static_cast<ULONG>(STATUS_##Name)), constant("STATUS_" #Name, Value));

TEST(Layouts, SynchronizationObjects){
#include "abi/executive.def"
}

TEST(Layouts, StringsAndIoObjects){
#include "abi/io.def"
}

TEST(Layouts, ThreadsAndProcesses){
#include "abi/thread.def"
}

TEST(Layouts, BitFields){
#include "abi/bits.def"
}

TEST(Constants, HaveTheirValues){
#include "abi/constants.def"
}

TEST(Constants, StatusesHaveTheirValues){
#include "abi/statuses.def"
}

// No header has these; debuggers know them.
TEST(Constants, OfTheKernelItself) {
  CONSTANT(ke::kNotificationEvent, 0)
  CONSTANT(ke::kSynchronizationEvent, 1)
  CONSTANT(ke::kMutant, 2)
  CONSTANT(ke::kProcessObject, 3)
  CONSTANT(ke::kQueue, 4)
  CONSTANT(ke::kSemaphore, 5)
  CONSTANT(ke::kThreadObject, 6)
  CONSTANT(ke::kGate, 7)
  CONSTANT(ke::kNotificationTimer, 8)
  CONSTANT(ke::kSynchronizationTimer, 9)
  CONSTANT(ke::kInitialized, 0)
  CONSTANT(ke::kReady, 1)
  CONSTANT(ke::kRunning, 2)
  CONSTANT(ke::kStandby, 3)
  CONSTANT(ke::kTerminated, 4)
  CONSTANT(ke::kWaiting, 5)
  CONSTANT(ke::kTransition, 6)
  CONSTANT(ke::kDeferredReady, 7)
  CONSTANT(ke::kBlockActive, 4)
  CONSTANT(ke::kBlockInactive, 5)
}

}  // namespace
}  // namespace ntemu::test
