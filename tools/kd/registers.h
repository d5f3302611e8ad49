// The registers of a thread, or of a frame of its stack.
#pragma once

#include <sys/procfs.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ntemu::debug {

// As DWARF numbers them.
enum Register : unsigned {
  kRax,
  kRdx,
  kRcx,
  kRbx,
  kRsi,
  kRdi,
  kRbp,
  kRsp,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
  kRip,
  kRegisters
};

class Registers {
 public:
  // The registers as Linux's user_regs_struct has them; also the flags.
  static Registers from(const elf_gregset_t &set);

  bool has(unsigned number) const { return number < kRegisters && (known_ >> number & 1); }
  std::optional<uint64_t> get(unsigned number) const {
    return has(number) ? std::optional(values_[number]) : std::nullopt;
  }
  void set(unsigned number, uint64_t value) {
    if (number >= kRegisters) return;
    values_[number] = value;
    known_ |= 1u << number;
  }
  void forget(unsigned number) { known_ &= ~(1u << number); }
  uint64_t pc() const { return values_[kRip]; }
  uint64_t sp() const { return values_[kRsp]; }

  std::optional<uint64_t> flags;
  std::array<uint16_t, 6> selectors{};  // cs ss ds es fs gs

 private:
  std::array<uint64_t, kRegisters> values_{};
  uint32_t known_ = 0;
};

// "rax" and so on; nullopt for another name.
std::optional<unsigned> register_number(std::string_view name);
const char *register_name(unsigned number);

}  // namespace ntemu::debug
