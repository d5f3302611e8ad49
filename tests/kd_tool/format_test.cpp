#include "tools/kd/format.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "ntemu/machine/duration.h"
#include "ntifs.h"
#include "tools/kd/memory.h"

namespace ntemu::test {
namespace {

constexpr int64_t kMillisecond = 10'000;

TEST(Format, Durations) {
  EXPECT_EQ(machine::format_duration(0), "0");
  EXPECT_EQ(machine::format_duration(-5), "0");
  EXPECT_EQ(machine::format_duration(15 * kMillisecond), "15ms");
  EXPECT_EQ(machine::format_duration(43'296 * kMillisecond), "43s.296");
  EXPECT_EQ(machine::format_duration(113'953 * kMillisecond), "1m:53.953");
  EXPECT_EQ(machine::format_duration(86'400'000 * 2 * kMillisecond + 3'661'005 * kMillisecond), "2d.01:01:01.005");
  EXPECT_EQ(machine::format_duration(3'661'005 * kMillisecond), "1h:01:01.005");
  EXPECT_EQ(debug::uptime(1'022'325 * kMillisecond), "0 days 0:17:02.325");
}

TEST(Format, SessionTimeIsInTheZoneOfTheHost) {
  setenv("TZ", "PST8", 1);
  tzset();
  // 2023-11-25 12:31:01.857 UTC
  EXPECT_EQ(debug::session_time((11'644'473'600 + 1'700'915'461) * 10'000'000 + 8'570'000),
            "Sat Nov 25 04:31:01.857 2023 (UTC - 8:00)");
}

TEST(Format, Addresses) {
  EXPECT_EQ(debug::hex16(0xc1e), "0000000000000c1e");
  EXPECT_EQ(debug::ticked(0xffff9709'ac20e040), "ffff9709`ac20e040");
}

TEST(Format, StatesAndReasonsHaveTheKernelsNames) {
  EXPECT_EQ(debug::thread_state_name(5), "Waiting");
  EXPECT_EQ(debug::thread_state_name(200), "200");
  EXPECT_EQ(debug::wait_reason_name(Executive), "Executive");
  EXPECT_EQ(debug::wait_reason_name(DelayExecution), "DelayExecution");
  EXPECT_EQ(debug::wait_reason_name(UserRequest), "UserRequest");
  EXPECT_EQ(debug::wait_reason_name(WrUserRequest), "WrUserRequest");
  EXPECT_EQ(debug::wait_reason_name(WrQueue), "WrQueue");
  EXPECT_EQ(debug::wait_reason_name(WrKernel), "WrKernel");
  EXPECT_EQ(debug::wait_reason_name(WrPushLock), "WrPushLock");
  EXPECT_EQ(debug::wait_reason_name(WrFastMutex), "WrFastMutex");
  EXPECT_EQ(debug::wait_reason_name(WrPhysicalFault), "WrPhysicalFault");
  EXPECT_EQ(debug::wait_reason_name(MaximumWaitReason), std::to_string(MaximumWaitReason));
}

TEST(Format, Patterns) {
  EXPECT_TRUE(debug::matches("Ke*Mutex", "KeReleaseMutex"));
  EXPECT_TRUE(debug::matches("ke*mutex", "KeReleaseMutex"));
  EXPECT_TRUE(debug::matches("*", ""));
  EXPECT_TRUE(debug::matches("a?c", "abc"));
  EXPECT_TRUE(debug::matches("*a*a*", "banana"));
  EXPECT_FALSE(debug::matches("a?c", "ac"));
  EXPECT_FALSE(debug::matches("Ke*Mutex", "KeReleaseMutexX"));
  EXPECT_FALSE(debug::matches("", "x"));
}

TEST(Format, TextThatIsNoUtf8HasPoints) {
  EXPECT_EQ(debug::printable_text("a\tö\xff\xc3"), "a.ö..");
  EXPECT_EQ(debug::to_utf8(u"a\u00f6\u20ac\U0001f600"), "aö€😀");
  EXPECT_EQ(debug::to_utf8(std::u16string{u'x', char16_t{0xd800}, u'y'}), "x\uFFFDy");
}

}  // namespace
}  // namespace ntemu::test
