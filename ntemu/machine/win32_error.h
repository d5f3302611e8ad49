// Win32 error codes: what a service controller makes of a driver's NTSTATUS, and what processes exit with.
#pragma once

#include <cstdint>
#include <string_view>

#include "nt/basetsd.h"
#include "ntemu/include/ntemu/machine.h"

namespace ntemu::machine {

// Named as in winerror.h, without the prefix ERROR_.
enum Win32Error : uint32_t {
  kErrorInvalidParameter = 87,
  kErrorNotSupported = 50,
  kErrorInvalidName = 123,
  kErrorMrMidNotFound = 317,  // for a status without a Win32 counterpart
  kErrorDependentServicesRunning = 1051,
  kErrorInvalidServiceControl = 1052,
  kErrorServiceAlreadyRunning = 1056,
  kErrorInvalidServiceAccount = 1057,
  kErrorServiceDisabled = 1058,
  kErrorCircularDependency = 1059,
  kErrorServiceDoesNotExist = 1060,
  kErrorServiceCannotAcceptControl = 1061,
  kErrorServiceNotActive = 1062,
  kErrorServiceDependencyFail = 1068,
  kErrorServiceMarkedForDelete = 1072,
  kErrorServiceExists = 1073,
  kErrorServiceDependencyDeleted = 1075,
  kErrorServiceNeverStarted = 1077,
  kErrorDuplicateServiceName = 1078,
  kErrorShutdownInProgress = 1115,
  kErrorPossibleDeadlock = 1131,
  kErrorCancelled = 1223,
  kErrorInvalidCommandLine = 1639,
};

uint32_t win32_error(NTSTATUS status);
uint32_t win32_error(const Error &error);
// "" when the code is not one of those that drivers meet.
std::string_view win32_error_text(uint32_t error);
// The low byte of the error, 1 where that is 0; 0 for no error.
int exit_code(uint32_t error);

}  // namespace ntemu::machine
