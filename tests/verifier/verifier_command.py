"""What the tests of verifier share: a machine's place for each case, and command lines with all that they print."""
import pathlib
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BUGCHECK, BUSY, OneMachineTest, Outcome, source  # noqa: E402,F401

STANDARD = ((0x1, "Special pool"), (0x2, "Force IRQL checking"), (0x8, "Pool tracking"), (0x10, "I/O verification"),
            (0x20, "Deadlock detection"), (0x80, "DMA checking"), (0x100, "Security checks"), (0x800, "Miscellaneous checks"),
            (0x20000, "DDI compliance checking"))
ADDITIONAL = ((0x4, "Randomized low resources simulation"), (0x200, "Force pending I/O requests"), (0x400, "IRP logging"),
              (0x2000, "Invariant MDL checking for stack"), (0x4000, "Invariant MDL checking for driver"),
              (0x8000, "Power framework delay fuzzing"), (0x10000, "Port/miniport interface checking"),
              (0x40000, "Systematic low resources simulation"), (0x80000, "DDI compliance checking (additional)"),
              (0x200000, "NDIS/WIFI verification"), (0x800000, "Kernel synchronization delay fuzzing"),
              (0x1000000, "VM switch verification"), (0x2000000, "Code integrity checks"))
WHEN = "\nThe settings hold for a driver from its next load on.\n"
NONE = "\nNo drivers are currently verified.\n"

# Leaves a critical region that it has not entered, when it is loaded under the name "wrong".
WRONG = source(entry="""if (DriverObject->DriverExtension->ServiceKeyName.Buffer[0] == 'w') KeLeaveCriticalRegion();
    DbgPrint("loaded\\n");
    if (DriverObject->DriverExtension->ServiceKeyName.Buffer[0] == 'w') KeEnterCriticalRegion();""")

# Sets a timer for an hour, and leaves it so.
TICKING = source(globals="""static KTIMER Timer;""", entry="""LARGE_INTEGER Due;
    Due.QuadPart = -36000000000LL;
    KeInitializeTimer(&Timer);
    KeSetTimer(&Timer, Due, NULL);""")
# The same with a DPC; timer and DPC are in the pool, and stay there.
TICKING_IN_POOL = source(globals="""typedef struct { KTIMER Timer; KDPC Dpc; } TICK;
static VOID Expired(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    (void)Dpc, (void)Context, (void)First, (void)Second;
}""", entry="""LARGE_INTEGER Due;
    TICK *Tick = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(TICK), 'kciT');
    Due.QuadPart = -36000000000LL;
    KeInitializeTimer(&Tick->Timer);
    KeInitializeDpc(&Tick->Dpc, Expired, NULL);
    KeSetTimer(&Tick->Timer, Due, &Tick->Dpc);""")

NEEDY = source(entry="""ULONG i, Got = 0;
    for (i = 0; i < 100; i++) {
        PVOID Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 'ydeN');
        if (Block != NULL) {
            Got++;
            ExFreePoolWithTag(Block, 'ydeN');
        }
    }
    DbgPrint("needy: %lu of 100\\n", Got);""")


def settings(level: int, drivers: str, faults: str = "", seed: str = "") -> str:
    """What /querysettings prints."""
    def rows(options: tuple) -> str:
        return "".join(f"    [{'X' if level & flag else ' '}] 0x{flag:08x} {name}.\n" for flag, name in options)
    return (f"\nVerifier Flags: 0x{level:08x}\n\n  Standard Flags:\n\n{rows(STANDARD)}\n  Additional Flags:\n\n{rows(ADDITIONAL)}\n"
            f"    [X] Indicates flag is enabled.\n\n  Boot Mode:\n\n    Persistent\n{faults}{seed}\n  Verified Drivers:\n\n{drivers}")


class VerifierTest(OneMachineTest):
    def verifier(self, command: str, program: str = "verifier") -> Outcome:
        return self.tool(program, *shlex.split(command))

    def check(self, command: str, output: str, code: int = 0, errors: str = "") -> None:
        """All that `verifier command` prints."""
        outcome = self.verifier(command)
        self.assertEqual((outcome.output, outcome.errors, outcome.code), (output, errors, code), f"verifier {command}: {outcome.text()}")
