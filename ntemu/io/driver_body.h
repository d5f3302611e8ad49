// What a driver object is followed by.
#pragma once

#include "ntifs.h"

namespace ntemu::io {

struct ClientExtension;   // memory of IoAllocateDriverObjectExtension
struct Reinitialization;  // a routine of IoRegisterDriverReinitialization

// The driver object and its extension are one allocation.
struct DriverBody {
  DRIVER_OBJECT object;
  DRIVER_EXTENSION extension;
  ClientExtension *client_extensions;  // Windows' DRIVER_EXTENSION.ClientDriverExtension
  Reinitialization *reinitializations;
};

inline DriverBody &body_of(PDRIVER_OBJECT driver) { return *reinterpret_cast<DriverBody *>(driver); }

// On a system worker: calls the routines that are registered, until none is.
void reinitialize(PDRIVER_OBJECT driver);
// With the driver object.
void free_extensions(DriverBody &driver);

}  // namespace ntemu::io
