// The test program itself as a verified driver.
#pragma once

#include <array>

#include "ntemu/vf/call_check.h"
#include "ntemu/vf/verified.h"
#include "tests/support/kernel_test.h"

extern "C" char __executable_start, _end;

namespace ntemu::test {

class VerifierTest : public KernelTest {
 protected:
  ~VerifierTest() override { stop_verifying(); }
  // From here on.
  void verify(ULONG options) {
    stop_verifying();
    verified_ = vf::verify_image(&__executable_start, static_cast<size_t>(&_end - &__executable_start), options);
    EXPECT_TRUE(verified_);
  }
  void stop_verifying() {
    if (verified_) vf::unverify_image(&__executable_start);
    verified_ = false;
  }

 private:
  bool verified_ = false;
};

// Whatever a parameter is.
inline constexpr ULONG_PTR kAny = 0x5EED'0000'5EED'0000;

inline void expect_stop(const ke::Bugcheck &stop, ULONG code, std::array<ULONG_PTR, 4> parameters) {
  EXPECT_EQ(stop.code, code);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i] == kAny) continue;
    EXPECT_EQ(stop.parameters[i], parameters[i]) << "parameter " << i + 1;
  }
}

// `body` is stopped by C4 with these parameters.
template <class Body>
void expect_violation(const Body &body, ULONG_PTR kind, ULONG_PTR p2 = 0, ULONG_PTR p3 = 0, ULONG_PTR p4 = 0) {
  expect_stop(ke::catch_bugcheck(body), 0xC4, {kind, p2, p3, p4});
}
// Nothing stops it.
template <class Body>
void expect_silence(const Body &body) {
  EXPECT_EQ(ke::catch_bugcheck(body).code, 0u);
}

inline ULONG_PTR at(const void *address) { return reinterpret_cast<ULONG_PTR>(address); }

// At an IRQL for a while; however the body ends, the level before comes back.
class AtIrql {
 public:
  explicit AtIrql(KIRQL irql) : before_(KfRaiseIrql(irql)) {}
  ~AtIrql() {
    if (ke::current().irql > before_) KeLowerIrql(before_);
  }

 private:
  KIRQL before_;
};

}  // namespace ntemu::test
