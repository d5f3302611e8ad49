// What drivers and tests have taken from the kernel and not given back, and where they took it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ntifs.h"

namespace ntemu::vf {

struct OutstandingBlock {
  void *block;
  SIZE_T bytes;
  ULONG tag;
  const void *site;  // the driver's line that called the kernel
};
struct OutstandingHandle {
  HANDLE handle;
  const void *site;
};

// Pool and handles that are taken from now on are remembered, those of the kernel itself apart.
void begin_watch();
void end_watch();
// Taken since begin_watch and not given back, oldest first.
std::vector<OutstandingBlock> outstanding_blocks();
std::vector<OutstandingHandle> outstanding_handles();

}  // namespace ntemu::vf
