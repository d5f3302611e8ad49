// A machine in which the test program itself is a verified driver.
#pragma once

#include <string>

#include "ntemu/base/log.h"
#include "ntemu/ex/pool_poison.h"
#include "ntemu/vf/verified.h"
#include "tests/support/kernel_test.h"

extern "C" {
extern const char __executable_start[];
extern const char _end[];
}

namespace ntemu::test {

inline ULONG_PTR number(const void *address) { return reinterpret_cast<ULONG_PTR>(address); }

class VerifiedTest : public KernelTest {
 protected:
  VerifiedTest() {
    KeGetCurrentIrql();  // what a thread's first call takes is not the test's
    base::set_log_sink([this](const base::LogRecord &record) { log_ += std::string(record.text) + "\n"; });
  }
  ~VerifiedTest() override { vf::unverify_image(__executable_start); }
  // No options: those that hold for every verified driver.
  void verify(ULONG options = 0) {
    ASSERT_TRUE(vf::verify_image(__executable_start, static_cast<size_t>(_end - __executable_start), options));
  }
  static void expect_stop(const ke::Bugcheck &stop, ULONG code, ULONG_PTR p1, ULONG_PTR p2, ULONG_PTR p3,
                          ULONG_PTR p4) {
    EXPECT_EQ(stop.code, code);
    EXPECT_EQ(stop.parameters[0], p1);
    EXPECT_EQ(stop.parameters[1], p2);
    EXPECT_EQ(stop.parameters[2], p3);
    EXPECT_EQ(stop.parameters[3], p4);
  }
  bool logged(std::string_view text) const { return log_.find(text) != log_.npos; }
  std::string log_;
};

// A higher IRQL for as long as it lives.
class AtIrql {
 public:
  explicit AtIrql(KIRQL irql) { KeRaiseIrql(irql, &before_); }
  ~AtIrql() { KeLowerIrql(before_); }
  AtIrql(const AtIrql &) = delete;
  AtIrql &operator=(const AtIrql &) = delete;

 private:
  KIRQL before_;
};

// Accesses as a driver makes them: no compiler leaves them out, or makes them elsewhere.
__attribute__((noinline)) inline void write_to(void *address) { *static_cast<volatile char *>(address) = 1; }
__attribute__((noinline)) inline char read_from(const void *address) {
  return *static_cast<const volatile char *>(address);
}

}  // namespace ntemu::test
