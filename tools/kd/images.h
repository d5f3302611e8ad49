// What an ELF image in memory says of itself.
#pragma once

#include <optional>
#include <string>

#include "tools/kd/memory.h"

namespace ntemu::debug {

struct ImageHeaders {
  uint64_t size = 0;     // of what is mapped, from the image's base
  Address bias = 0;      // what is added to the file's addresses
  Address eh_frame = 0;  // of .eh_frame_hdr; 0: it has none
  uint64_t eh_frame_size = 0;
  std::string build_id;     // hexadecimal; empty when it has none, or it cannot be read
  Address kernel_data = 0;  // the pointer to KdDebuggerDataBlock that a note of the kernel leads to; else 0

  bool operator==(const ImageHeaders &) const = default;
};

// Of the image whose ELF header is at `base`.
std::optional<ImageHeaders> read_image(Memory &memory, Address base);

}  // namespace ntemu::debug
