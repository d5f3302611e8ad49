// Instructions as text. Built without Zydis, kd knows none.
#pragma once

#include <optional>
#include <string>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct Instruction {
  size_t length = 0;
  std::string text;  // "jmp     nt!ExAcquireFastMutex+0xc1 (fffff803`27ced7d1)"
};

bool can_disassemble();
// The instruction at `address`; none where there is no memory, or no instruction.
std::optional<Instruction> instruction_at(Session &session, Address address);
// "fffff803`27ced832 eb9d            jmp     nt!ExAcquireFastMutex+0xc1 (fffff803`27ced7d1)".
std::string instruction_line(Session &session, Address address, size_t &length);

}  // namespace ntemu::debug
