// Why an image cannot be loaded.
#pragma once

#include <string>

#include "nt/basetsd.h"
#include "nt/status.h"

namespace ntemu::ldr {

struct LoadError {
  NTSTATUS status = STATUS_SUCCESS;
  std::string text;  // one line, without the file's name
};

}  // namespace ntemu::ldr
