// What a machine's control socket can be asked about the machine as a whole.
#pragma once

#include "ntemu/machine/control.h"

namespace ntemu::machine {

// drive.add {letter, directory}, drive.remove {letter}, drive.list.
Operations drive_operations(Machine &machine);

}  // namespace ntemu::machine
