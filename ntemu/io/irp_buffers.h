// How a driver gets at its caller's memory: a system buffer, an MDL, or the address itself.
#pragma once

#include "ntifs.h"

namespace ntemu::io {

struct ControlBuffers {
  void *input;
  ULONG input_length;
  void *output;
  ULONG output_length;
};

// For a read or a write, as the device asks for it. STATUS_INSUFFICIENT_RESOURCES, or STATUS_ACCESS_VIOLATION for a
// buffer that is not there; what was attached by then goes with the IRP.
NTSTATUS attach_transfer(PIRP irp, ULONG device_flags, bool read, void *buffer, ULONG length, KPROCESSOR_MODE mode);
// For a control, as its code asks for it; fills the stack location's Parameters.
NTSTATUS attach_control(PIRP irp, ULONG code, const ControlBuffers &buffers, KPROCESSOR_MODE mode);

}  // namespace ntemu::io
