// Stacks by call frame information, with every callee-saved register as it was in each frame.
#pragma once

#include <string>
#include <vector>

#include "tools/kd/target.h"

namespace ntemu::debug {

struct Frame {
  Address pc = 0;
  Address stack = 0;           // its stack pointer: Child-SP
  Address return_address = 0;  // 0 in the last one
  bool after_call = true;      // pc is where a call returns to; false: where the thread was interrupted
  Registers registers;
};

struct Stack {
  std::vector<Frame> frames;
  std::string problem;  // why it ends where it should not; empty: it is whole
  bool running = false;
};

inline constexpr size_t kMostFrames = 1000;

Stack unwind(Target &target, const ThreadState &state, size_t most = kMostFrames);
// Of `thread`; a thread whose registers are not to be had has no frames and a problem.
Stack unwind(Target &target, const Thread &thread, size_t most = kMostFrames);

}  // namespace ntemu::debug
