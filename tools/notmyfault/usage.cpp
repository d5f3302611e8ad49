// The help of notmyfault.
#include "tools/notmyfault/command_line.h"

namespace ntemu::notmyfault {

std::string usage() {
  return R"(DESCRIPTION:
        notmyfault crashes or hangs a machine by a mistake of a driver. It
        creates and starts the service MyFault, whose driver makes the mistake,
        and shows the stop. A machine is booted when none runs.
USAGE:
        notmyfault [--machine DIR] [--json] <option>

COMMANDS:
        /crash [TYPE]    Crashes the machine (type 1 when none is given).
        /hang [TYPE]     Hangs it (type 1 when none is given).
        /bugcheck CODE   Calls KeBugCheckEx with this code, in hexadecimal.
        /?               Prints this text.

TYPES:
        Of a crash, with the stop code:
          1 high-IRQL fault in kernel memory (D1)
          2 buffer overflow (19)
          3 code overwrite (BE)
          4 stack trash (F7)
          5 high-IRQL fault in user memory (D1)
          6 stack overflow (7F)
          7 hardcoded breakpoint (7E)
          8 double free (C2)
        Of a hang:
          1 a request that its driver never completes
          2 a DPC that never ends

OPTIONS:
        --machine DIR    The machine's directory. Otherwise $NTEMU_MACHINE, or
                         ntemu/machine in $XDG_STATE_HOME or ~/.local/state.
        --json           Print JSON.
        --version        Print the version.

        With /hang it does not return before the machine ends; Ctrl-C ends it
        alone. The exit code is 188 when the machine has stopped with a bugcheck,
        0 when it was hung and then shut down, or the low byte of the Win32 error
        (1 if that is 0).
)";
}

}  // namespace ntemu::notmyfault
