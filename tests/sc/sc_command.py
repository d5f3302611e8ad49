"""What the tests of sc share: a machine for each case, and command lines with all that they print."""
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BIN, GUARD_SECONDS, OneMachineTest, Outcome, source  # noqa: E402,F401

# Its DriverEntry returns the status in its service's name: s_C0000001 fails with STATUS_UNSUCCESSFUL. A name without one
# succeeds; "stuck..." has no DriverUnload.
STATUS_DRIVER = r"""#include <ntddk.h>
static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrint("%wZ: unloaded\n", &DriverObject->DriverExtension->ServiceKeyName);
}
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PUNICODE_STRING Name = &DriverObject->DriverExtension->ServiceKeyName;
    ULONG Status = 0, Count = Name->Length / sizeof(WCHAR), i;
    (void)RegistryPath;
    DbgPrint("%wZ: loaded as %wZ\n", Name, &DriverObject->DriverName);
    if (Name->Buffer[0] != 's' || Name->Buffer[1] != 't') DriverObject->DriverUnload = Unload;
    for (i = 2; Name->Buffer[0] == 's' && Name->Buffer[1] == '_' && i < Count; i++) {
        WCHAR c = Name->Buffer[i];
        Status = Status * 16 + (c <= '9' ? c - '0' : c - 'A' + 10);
    }
    return (NTSTATUS)Status;
}
"""

# Its DriverEntry waits for the file C:\start, its DriverUnload for C:\stop.
GATE_DRIVER = r"""#include <ntifs.h>
static VOID Await(PCWSTR Path)
{
    UNICODE_STRING Name;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Io;
    HANDLE File;
    LARGE_INTEGER Delay;
    Delay.QuadPart = -10000;
    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    while (!NT_SUCCESS(ZwOpenFile(&File, SYNCHRONIZE | FILE_READ_ATTRIBUTES, &Attributes, &Io, FILE_SHARE_READ, 0))) {
        KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    }
    ZwClose(File);
}
static VOID Unload(PDRIVER_OBJECT DriverObject) { (void)DriverObject; Await(L"\\??\\C:\\stop"); }
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)RegistryPath;
    DriverObject->DriverUnload = Unload;
    Await(L"\\??\\C:\\start");
    return STATUS_SUCCESS;
}
"""

TEXTS = {
    2: "The system cannot find the file specified.",
    3: "The system cannot find the path specified.",
    5: "Access is denied.",
    31: "A device attached to the system is not functioning.",
    50: "The request is not supported.",
    87: "The parameter is incorrect.",
    123: "The filename, directory name, or volume label syntax is incorrect.",
    126: "The specified module could not be found.",
    127: "The specified procedure could not be found.",
    183: "Cannot create a file when that file already exists.",
    193: "%1 is not a valid Win32 application.",
    577: "Windows cannot verify the digital signature for this file. A recent hardware or software change might have "
         "installed a file that is signed incorrectly or damaged, or that might be malicious software from an unknown source.",
    1051: "A stop control has been sent to a service that other running services are dependent on.",
    1052: "The requested control is not valid for this service.",
    1056: "An instance of the service is already running.",
    1057: "The account name is invalid or does not exist, or the password is invalid for the account name specified.",
    1058: "The service cannot be started, either because it is disabled or because it has no enabled devices associated with it.",
    1059: "Circular service dependency was specified.",
    1060: "The specified service does not exist as an installed service.",
    1061: "The service cannot accept control messages at this time.",
    1062: "The service has not been started.",
    1068: "The dependency service or group failed to start.",
    1072: "The specified service has been marked for deletion.",
    1073: "The specified service already exists.",
    1075: "The dependency service does not exist or has been marked for deletion.",
    1078: "The name is already in use as either a service name or a service display name.",
    1275: "This driver has been blocked from loading",
    1450: "Insufficient system resources exist to complete the requested service.",
    2001: "The specified driver is invalid.",
}


def status(name: str, state: str, *, display: "str | None" = None, kind: str = "1  KERNEL_DRIVER", stoppable: bool = True,
           code: int = 0, extended: bool = False) -> str:
    """The block that Windows' sc prints for a service."""
    lines = ["", f"SERVICE_NAME: {name}"]
    if display is not None:
        lines.append(f"DISPLAY_NAME: {display}")
    lines += [f"        TYPE               : {kind}",
              f"        STATE              : {state}"]
    if not state.endswith("STOPPED"):
        lines.append(f"                                ({'STOPPABLE' if stoppable else 'NOT_STOPPABLE'}, NOT_PAUSABLE, IGNORES_SHUTDOWN)")
    lines += [f"        WIN32_EXIT_CODE    : {code}  ({code:#x})",
              "        SERVICE_EXIT_CODE  : 0  (0x0)",
              "        CHECKPOINT         : 0x0",
              "        WAIT_HINT          : 0x0"]
    if extended:
        lines += ["        PID                : 0",
                  "        FLAGS              :"]
    return "\n".join(lines) + "\n"


RUNNING, STOPPED = "4  RUNNING", "1  STOPPED"


class ScTest(OneMachineTest):
    def setUp(self):
        super().setUp()
        self.drive_c = self.machine / "drive_c"

    def sc(self, command: str, program: str = "sc") -> Outcome:
        """A command line as in a shell."""
        return self.tool(program, *shlex.split(command))

    def start_sc(self, command: str) -> subprocess.Popen:
        process = subprocess.Popen([BIN / "sc", *shlex.split(command)], cwd=self.place, env=self.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def check(self, command: str, output: str, error: int = 0, says: "str | None" = None) -> None:
        """All that `sc command` prints, and that it ends with the low byte of the Win32 error. `says`: a regular expression
        for what is on standard error; None for nothing."""
        outcome = self.sc(command)
        self.assertEqual(outcome.output, output, f"sc {command}: {outcome.text()}")
        self.assertEqual(outcome.code, error & 0xFF or (1 if error else 0), f"sc {command}: {outcome.text()}")
        if says is None:
            self.assertEqual(outcome.errors, "", f"sc {command}")
        else:
            self.assertRegex(outcome.errors, says, f"sc {command}")

    def fails(self, command: str, call: str, error: int, says: "str | None" = None) -> None:
        self.check(command, f"[SC] {call} FAILED {error}:\n\n{TEXTS[error]}\n\n", error, says)

    def await_state(self, name: str, state: str) -> None:
        """Until a state that stays as it is has come."""
        outcome = None
        while outcome is None or f"        STATE              : {state}\n" not in outcome.output:
            outcome = self.sc(f"query {name}")
            self.assertEqual(outcome.code, 0, outcome.text())

    def log(self) -> list:
        """The DbgPrint lines of the machine's log."""
        lines = (self.machine / "debug.log").read_text("utf-8").splitlines()
        return [line.split(" DbgPrint ", 1)[1].split(" ", 1)[1] for line in lines if " DbgPrint " in line]
