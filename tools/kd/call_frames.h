// Call frame information of one image, read out of the target's memory, so that images without a file unwind, too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "tools/kd/images.h"
#include "tools/kd/memory.h"
#include "tools/kd/registers.h"

namespace ntemu::debug {

// How the caller's value of a register is found.
struct RegisterRule {
  enum Kind : uint8_t {
    kUnspecified,
    kUndefined,
    kSame,
    kAtOffset,
    kIsOffset,
    kRegister,
    kAtExpression,
    kIsExpression
  };
  Kind kind = kUnspecified;
  int64_t offset = 0;  // from the frame's address; of kRegister the number
  std::vector<uint8_t> expression = {};
};

// What holds at one place in the code.
struct FrameRow {
  RegisterRule frame_address = {};  // kIsOffset of `frame_register`, or kIsExpression
  unsigned frame_register = kRegisters;
  std::array<RegisterRule, kRegisters> rules = {};
  unsigned return_register = kRip;
  bool signal_frame = false;
};

class CallFrames {
 public:
  explicit CallFrames(const ImageHeaders &image) : image_(image) {}

  // Null: nothing is said of that address.
  const FrameRow *row(Memory &memory, Address pc);

 private:
  struct Entry {
    int32_t start, description;  // from .eh_frame_hdr
  };

  void read_table(Memory &memory);
  std::optional<FrameRow> find(Memory &memory, Address pc);

  const ImageHeaders image_;
  bool table_known_ = false;
  std::vector<Entry> table_;
  std::unordered_map<Address, std::optional<FrameRow>> rows_;
};

}  // namespace ntemu::debug
