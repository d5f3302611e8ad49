// A request to a driver's device from outside the machine.
#pragma once

#include "ntemu/machine/control.h"

namespace ntemu::machine {

// device.control {device, code, input, output_length}: opens the device and sends it the code, in a system thread of
// the request's own, so that one that never ends keeps nobody else waiting. `device` is a name as NT or Win32 has it
// (\Device\X, \\.\X), or X; `input` is in hexadecimal. The reply has the status, which may be one of failure, with ok
// as long as the device was opened: {ok, status, information, output}.
Operations device_operations(Machine &machine);

}  // namespace ntemu::machine
