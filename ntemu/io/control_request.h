// A device control request on behalf of somebody outside the kernel.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "ntifs.h"

namespace ntemu::io {

struct ControlRequest {
  std::u16string device;
  ULONG code = 0;
  std::vector<UCHAR> input, output;
  // The answer, once `done`.
  NTSTATUS opened = STATUS_PENDING;  // whether the device could be
  NTSTATUS status = STATUS_PENDING;
  ULONG_PTR information = 0;
  std::atomic<bool> done{false};
};

// Opens the device and sends it the request, in a thread of the request's own: one that never ends keeps nobody else
// waiting, and a driver's mistakes are those of a user's thread in the machine (bugcheck 0x3B). ke::note_rest tells
// that it is done; when the machine ends first, it never is.
NTSTATUS start_request(const std::shared_ptr<ControlRequest> &request);

}  // namespace ntemu::io
