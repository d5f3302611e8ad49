// From the statuses of the layers below to what the service controller reports.
#pragma once

#include "ntemu/machine/services.h"
#include "ntemu/machine/services_image.h"
#include "ntemu/machine/win32_error.h"

namespace ntemu::machine {

inline ServiceError machine_error(const Error &error, const char *function) {
  const bool ends = error.status == STATUS_SYSTEM_SHUTDOWN;  // while it waited for the driver
  return {ends ? uint32_t{kErrorShutdownInProgress} : win32_error(error.status), function, error.text, error.status};
}

inline ServiceError registry_error(NTSTATUS status, const char *function) {
  return {win32_error(status), function,
          fmt::format("the registry cannot be used: status 0x{:08X}", static_cast<uint32_t>(status)), status};
}

}  // namespace ntemu::machine
