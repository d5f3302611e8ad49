// The parameters and variables of a frame, as far as debug information says where they are.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct LocalVariable {
  std::string name;
  const Type *type = nullptr;
  bool parameter = false;
  std::optional<Address> address;  // in memory
  std::optional<uint64_t> value;   // in a register, or known; only one of the two is there, or none
};

// Of frame `number` of the selected thread; the parameters first.
std::vector<LocalVariable> variables(Session &session, size_t number);
// The value of one that is a number.
std::optional<uint64_t> value_of(Session &session, const LocalVariable &variable);

}  // namespace ntemu::debug
