// The help of verifier.
#include "tools/verifier/output.h"

namespace ntemu::verifier {

std::string usage() {
  return R"(DESCRIPTION:
        verifier chooses drivers whose calls of the kernel are checked, and the
        checks. A violation stops the machine with the bugcheck that Windows has
        for it. A machine is booted when none runs.
USAGE:
        verifier [--machine DIR] [--json] <option> <option>...

COMMANDS:
        /standard /driver NAME [NAME ...]
                         Verifies these drivers, with the standard options.
        /flags N [N ...] /driver NAME [NAME ...]
                         Verifies them with these options.
        /rc N [N ...] /driver NAME [NAME ...]
                         The same, with rule classes.
        /all [/driver.exclude NAME [NAME ...]]
                         In the place of /driver: every driver, but for these.
        /faults [PROBABILITY [TAGS [APPLICATIONS [MINUTES]]]]
                         Lets allocations fail: so many of 10000 (600), of these
                         pool tags, so many minutes after boot (7).
        /seed N          What the delays of option 0x800000 follow from.
        /volatile /flags N [N ...]
                         Changes the options at once, until the machine ends.
        /volatile /adddriver NAME [NAME ...]
                         Verifies these drivers too, at once if they are loaded.
        /volatile /removedriver NAME [NAME ...]
                         Verifies them no more.
        /query           Shows what is verified now, and what it has met.
        /querysettings   Shows the settings.
        /reset           Removes the settings.
        /?               Prints this text.

FLAGS:
        Numbers in decimal, 0x, 0o or 0b, or words; several may be joined by
        commas. In parentheses, the number of the rule class. Standard:
        0x00000001 special_pool (1)      0x00000080 dma (8)
        0x00000002 force_irql (2)        0x00000100 security (9)
        0x00000008 pool_tracking (4)     0x00000800 miscellaneous (12)
        0x00000010 io (5)                0x00020000 ddi (18)
        0x00000020 deadlock (6)
        Others that do something here:
        0x00000004 low_resources (3)     0x00800000 delay_fuzzing (24)
        0x00040000 systematic (19)

OPTIONS:
        --machine DIR    The machine's directory. Otherwise $NTEMU_MACHINE, or
                         ntemu/machine in $XDG_STATE_HOME or ~/.local/state.
        --json           Print JSON.
        --version        Print the version.

        Settings are kept in the machine's registry and hold for a driver from
        its next load on. The exit code is 0, or the low byte of the Win32 error
        (1 if that is 0).
)";
}

}  // namespace ntemu::verifier
