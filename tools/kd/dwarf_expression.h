// DWARF's stack machine, as call frame information uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "tools/kd/registers.h"

namespace ntemu::debug {

struct ExpressionContext {
  const Registers &registers;
  std::function<std::optional<uint64_t>(uint64_t address, size_t size)> memory;
  std::optional<uint64_t> frame_address = {};  // DW_OP_call_frame_cfa
};

// With `initial` on its stack. Nothing when it asks for what is not known, or makes no sense.
std::optional<uint64_t> evaluate_dwarf(std::span<const uint8_t> expression, const ExpressionContext &context,
                                       std::optional<uint64_t> initial);

}  // namespace ntemu::debug
