// Fixtures with a given number of virtual processors.
#pragma once

#include "tests/support/kernel_test.h"

namespace ntemu::test {

template <unsigned kCount>
class WithCpus : public KernelTest {
 protected:
  WithCpus() : KernelTest(kCount) {}
};

// Each case with 1, 2 and 4 virtual processors.
class AnyCpus : public KernelTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  AnyCpus() : KernelTest(GetParam()) {}
};

}  // namespace ntemu::test
