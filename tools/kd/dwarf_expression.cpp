#include "tools/kd/dwarf_expression.h"

#include <dwarf.h>

#include <vector>

#include "tools/kd/byte_reader.h"

namespace ntemu::debug {
namespace {

constexpr int kMostSteps = 1000;
constexpr size_t kMostValues = 64;

class Machine {
 public:
  Machine(std::span<const uint8_t> expression, const ExpressionContext &context)
      : reader_(expression, 0), context_(context) {}

  std::optional<uint64_t> run(std::optional<uint64_t> initial) {
    if (initial) push(*initial);
    for (int i = 0; reader_.more() && !failed_; ++i) {
      if (i == kMostSteps) return std::nullopt;
      step(reader_.get<uint8_t>());
    }
    return failed_ || reader_.failed() || stack_.empty() ? std::nullopt : std::optional(stack_.back());
  }

 private:
  void push(std::optional<uint64_t> value) {
    failed_ |= !value || stack_.size() == kMostValues;
    if (!failed_) stack_.push_back(*value);
  }
  uint64_t pop() {
    failed_ |= stack_.empty();
    if (failed_) return 0;
    const uint64_t value = stack_.back();
    stack_.pop_back();
    return value;
  }
  void pick(size_t from_top) {
    push(from_top < stack_.size() ? std::optional(stack_[stack_.size() - 1 - from_top]) : std::nullopt);
  }
  void jump(int distance) { reader_.seek(reader_.at() + static_cast<size_t>(distance)); }
  void push_register(unsigned number, int64_t offset) {
    const auto value = context_.registers.get(number);
    push(value ? std::optional(*value + static_cast<uint64_t>(offset)) : std::nullopt);
  }

  void step(uint8_t code) {
    if (code >= DW_OP_lit0 && code <= DW_OP_lit31) return push(code - DW_OP_lit0);
    if (code >= DW_OP_breg0 && code <= DW_OP_breg31) {
      const int64_t offset = reader_.sleb();
      return push_register(code - DW_OP_breg0, offset);
    }
    if (!constant(code) && !arrangement(code) && !unary(code)) binary(code);
  }

  bool constant(uint8_t code) {
    const auto signed_value = [](int64_t value) { return static_cast<uint64_t>(value); };
    switch (code) {
      case DW_OP_addr:
      case DW_OP_const8u:
      case DW_OP_const8s:
        push(reader_.get<uint64_t>());
        return true;
      case DW_OP_const1u:
        push(reader_.get<uint8_t>());
        return true;
      case DW_OP_const1s:
        push(signed_value(reader_.get<int8_t>()));
        return true;
      case DW_OP_const2u:
        push(reader_.get<uint16_t>());
        return true;
      case DW_OP_const2s:
        push(signed_value(reader_.get<int16_t>()));
        return true;
      case DW_OP_const4u:
        push(reader_.get<uint32_t>());
        return true;
      case DW_OP_const4s:
        push(signed_value(reader_.get<int32_t>()));
        return true;
      case DW_OP_constu:
        push(reader_.uleb());
        return true;
      case DW_OP_consts:
        push(signed_value(reader_.sleb()));
        return true;
      case DW_OP_bregx: {
        const auto number = static_cast<unsigned>(reader_.uleb());
        push_register(number, reader_.sleb());
        return true;
      }
      case DW_OP_call_frame_cfa:
        push(context_.frame_address);
        return true;
      default:
        return false;
    }
  }

  bool arrangement(uint8_t code) {
    switch (code) {
      case DW_OP_nop:
        return true;
      case DW_OP_dup:
        pick(0);
        return true;
      case DW_OP_over:
        pick(1);
        return true;
      case DW_OP_pick:
        pick(reader_.get<uint8_t>());
        return true;
      case DW_OP_drop:
        pop();
        return true;
      case DW_OP_swap: {
        const uint64_t top = pop(), second = pop();
        push(top);
        push(second);
        return true;
      }
      case DW_OP_rot: {
        const uint64_t top = pop(), second = pop(), third = pop();
        push(top);
        push(third);
        push(second);
        return true;
      }
      case DW_OP_skip:
        jump(reader_.get<int16_t>());
        return true;
      case DW_OP_bra: {
        const int distance = reader_.get<int16_t>();
        if (pop()) jump(distance);
        return true;
      }
      default:
        return false;
    }
  }

  bool unary(uint8_t code) {
    switch (code) {
      case DW_OP_deref:
        push(context_.memory(pop(), sizeof(uint64_t)));
        return true;
      case DW_OP_deref_size: {
        const size_t size = reader_.get<uint8_t>();
        push(context_.memory(pop(), size));
        return true;
      }
      case DW_OP_neg:
        push(-pop());
        return true;
      case DW_OP_not:
        push(~pop());
        return true;
      case DW_OP_abs: {
        const uint64_t value = pop();
        push(static_cast<int64_t>(value) < 0 ? -value : value);
        return true;
      }
      case DW_OP_plus_uconst:
        push(pop() + reader_.uleb());
        return true;
      default:
        return false;
    }
  }

  void binary(uint8_t code) {
    const uint64_t right = pop(), left = pop();
    const auto signed_left = static_cast<int64_t>(left), signed_right = static_cast<int64_t>(right);
    switch (code) {
      case DW_OP_plus:
        return push(left + right);
      case DW_OP_minus:
        return push(left - right);
      case DW_OP_mul:
        return push(left * right);
      case DW_OP_and:
        return push(left & right);
      case DW_OP_or:
        return push(left | right);
      case DW_OP_xor:
        return push(left ^ right);
      case DW_OP_div:
        if (signed_right == -1) return push(-left);
        return push(right ? std::optional(static_cast<uint64_t>(signed_left / signed_right)) : std::nullopt);
      case DW_OP_mod:
        return push(right ? std::optional(left % right) : std::nullopt);
      case DW_OP_shl:
        return push(right < 64 ? left << right : 0);
      case DW_OP_shr:
        return push(right < 64 ? left >> right : 0);
      case DW_OP_shra:
        return push(static_cast<uint64_t>(signed_left >> (right < 64 ? right : 63)));
      case DW_OP_eq:
        return push(left == right);
      case DW_OP_ne:
        return push(left != right);
      case DW_OP_lt:
        return push(signed_left < signed_right);
      case DW_OP_le:
        return push(signed_left <= signed_right);
      case DW_OP_gt:
        return push(signed_left > signed_right);
      case DW_OP_ge:
        return push(signed_left >= signed_right);
      default:
        failed_ = true;
    }
  }

  ByteReader reader_;
  const ExpressionContext &context_;
  std::vector<uint64_t> stack_;
  bool failed_ = false;
};

}  // namespace

std::optional<uint64_t> evaluate_dwarf(std::span<const uint8_t> expression, const ExpressionContext &context,
                                       std::optional<uint64_t> initial) {
  return Machine(expression, context).run(initial);
}

}  // namespace ntemu::debug
