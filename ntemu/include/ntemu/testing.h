// The unit-test kit for drivers: fresh machines in memory, mocks of the kernel's API, matchers, contexts, and faults.
// With GoogleTest and GoogleMock; docs/unit-tests.md is the guide.
#pragma once

#include "ntemu/testing/bugcheck.h"
#include "ntemu/testing/context.h"
#include "ntemu/testing/device.h"
#include "ntemu/testing/faults.h"
#include "ntemu/testing/machine.h"
#include "ntemu/testing/matchers.h"
#include "ntemu/testing/mock_kernel.h"
