// Values as dt tells them.
#pragma once

#include <string>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct ValueText {
  std::string text;      // "0n4", "0xffff9709`ac20e040 Void", "_KEVENT"
  nlohmann::json value;  // the number where it is one
};

// Of `field` at `address`, which is its own, not its structure's.
ValueText value_text(Session &session, Address address, const Field &field);
// Of a value that is known.
std::string number_text(Session &session, const Type &type, uint64_t value);

}  // namespace ntemu::debug
