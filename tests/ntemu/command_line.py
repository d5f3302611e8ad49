"""What the tests of the command line share: a fresh place for each case, drivers from a few lines of C, running processes."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from machine import BIN, GUARD_SECONDS, SANITIZED, Outcome  # noqa: E402,F401

VARIANTS = BIN.resolve().parent / "lib/ntemu"
BUGCHECK = 188
HANG = 107  # the low byte of ERROR_POSSIBLE_DEADLOCK
CANCELLED = 199  # that of ERROR_CANCELLED

# `entry` is what DriverEntry does, `unload` what DriverUnload does ("" for no such routine).
DRIVER = """#include <ntifs.h>
DRIVER_INITIALIZE DriverEntry;
static VOID Start(PKSTART_ROUTINE Routine, PHANDLE Handle)
{
    if (!NT_SUCCESS(PsCreateSystemThread(Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, Routine, NULL))) {
        DbgPrint("no thread\\n");
    }
}
#line 1 "driver.c"
%(globals)s
%(unload)s
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (void)DriverObject, (void)RegistryPath, (void)Start;
    %(set_unload)s
    %(entry)s
    return STATUS_SUCCESS;
}
"""


def source(entry: str = "", globals: str = "", unload: "str | None" = ";") -> str:
    routine = "" if unload is None else "static VOID Unload(PDRIVER_OBJECT DriverObject) { (void)DriverObject; %s }" % unload
    set_unload = "" if unload is None else "DriverObject->DriverUnload = Unload;"
    return DRIVER % {"globals": globals, "unload": routine, "set_unload": set_unload, "entry": entry}


# Two threads: one keeps a fast mutex and sleeps for good, the other waits for the mutex; nothing will wake them.
STUCK = source(globals="""static FAST_MUTEX Lock;
static KEVENT Never;
static HANDLE Threads[2];
static VOID Keeper(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Lock);
    KeWaitForSingleObject(&Never, UserRequest, KernelMode, FALSE, NULL);
    ExReleaseFastMutex(&Lock);
}
static VOID Asker(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Lock);
    ExReleaseFastMutex(&Lock);
}""", entry="""ExInitializeFastMutex(&Lock);
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    Start(Keeper, &Threads[0]);
    Start(Asker, &Threads[1]);
    DbgPrint("stuck: ready\\n");""", unload='DbgPrint("stuck: unload\\n");')

# The usual shape: a thread that waits for the event which DriverUnload sets, and DriverUnload waits for the thread.
PATIENT = source(globals="""static KEVENT Stop;
static HANDLE Thread;
static VOID Worker(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);
    DbgPrint("patient: stopping\\n");
    PsTerminateSystemThread(STATUS_SUCCESS);
}""", entry="""KeInitializeEvent(&Stop, NotificationEvent, FALSE);
    Start(Worker, &Thread);
    DbgPrint("patient: ready\\n");""", unload="""KeSetEvent(&Stop, 0, FALSE);
    ZwWaitForSingleObject(Thread, FALSE, NULL);
    ZwClose(Thread);
    DbgPrint("patient: unloaded\\n");""")

# Like it, with a thread that never comes to rest, so that `ntemu run` goes on until it is told to end.
BUSY = PATIENT.replace("KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, NULL);", """LARGE_INTEGER Delay;
    Delay.QuadPart = -100000;
    while (KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, &Delay) == STATUS_TIMEOUT) {
    }""").replace("patient", "busy")


class CommandLineTest(unittest.TestCase):
    """Every case has its own directory, temporary directory and run-time directory, and must leave the latter two empty."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="ntemu-cli-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
        self.runtime = self.place / "runtime"
        self.temporary = self.place / "tmp"
        self.runtime.mkdir(mode=0o700)
        self.temporary.mkdir()
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "TMPDIR": str(self.temporary),
                            "XDG_STATE_HOME": str(self.place / "state")}
        self.environment.pop("NTEMU_MACHINE", None)
        self.leaves_nothing = True
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if self.leaves_nothing:
            self.assertEqual(self.left(), [])

    def left(self) -> list:
        """What lies in the run-time and temporary directories, but for the sockets' own directory."""
        found = [path for folder in (self.runtime, self.temporary) for path in folder.rglob("*")]
        return [str(path.relative_to(self.place)) for path in found if path != self.runtime / "ntemu"]

    def assert_no_images(self, machine: str = "m") -> None:
        self.assertEqual([path.name for path in (self.place / machine / "images").glob("*")], [])

    def tool(self, name: str, *arguments: object) -> Outcome:
        result = subprocess.run([BIN / name, *map(str, arguments)], capture_output=True, text=True, errors="replace", check=False,
                                cwd=self.place, env=self.environment, timeout=GUARD_SECONDS)
        return Outcome(result.returncode, result.stdout, result.stderr)

    def ntemu(self, *arguments: object) -> Outcome:
        return self.tool("ntemu", *arguments)

    def build(self, name: str, text: str, *options: str, warns: bool = False) -> pathlib.Path:
        (self.place / f"{name}.c").write_text(text, encoding="utf-8")
        outcome = self.tool("ntcc", *options, f"{name}.c", "-o", f"{name}.sys")
        self.assertEqual(outcome.code, 0, outcome.text())
        if not warns:
            self.assertEqual(outcome.errors, "")
        return self.place / f"{name}.sys"

    def background(self, *arguments: object) -> subprocess.Popen:
        return self.popen("ntemu", *arguments)

    def popen(self, name: str, *arguments: object) -> subprocess.Popen:
        process = subprocess.Popen([BIN / name, *map(str, arguments)], cwd=self.place, env=self.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def start(self, *arguments: object, until: str) -> subprocess.Popen:
        """`ntemu` in the background, once it has printed the line `until`."""
        process = self.background(*arguments)
        for line in process.stdout:
            if line.rstrip("\n") == until:
                return process
        self.fail(f"no line {until!r}; exit code {process.wait()}\n{process.stderr.read()}")

    def ended(self, process: subprocess.Popen) -> Outcome:
        output, errors = process.communicate(timeout=GUARD_SECONDS)
        return Outcome(process.returncode, output, errors)

    def interrupt(self, process: subprocess.Popen, number: int = signal.SIGINT) -> Outcome:
        process.send_signal(number)
        return self.ended(process)

    def expect(self, outcome: Outcome, code: int, *lines: str) -> None:
        """The exit code, and regular expressions, each of which some line matches as a whole."""
        self.assertEqual(outcome.code, code, outcome.text())
        for line in lines:
            self.assertRegex(outcome.output + outcome.errors, f"(?m)^{line}$", outcome.text())

    @staticmethod
    def result(outcome: Outcome) -> dict:
        """The object that --json prints after the driver's own lines."""
        return json.loads(outcome.output.splitlines()[-1])


class OneMachineTest(CommandLineTest):
    """The tools work on the machine `m`, which is ended with the case."""

    def setUp(self):
        super().setUp()
        self.machine = self.place / "m"
        self.environment["NTEMU_MACHINE"] = str(self.machine)

    def tearDown(self):
        self.ntemu("shutdown")
        super().tearDown()

    def boot(self) -> None:
        outcome = self.ntemu("boot")
        self.assertEqual(outcome.code, 0, outcome.text())


def literal(text: str) -> str:
    return re.escape(text)


def plain_only(test):
    """For what a sanitizer reports in its own way."""
    return unittest.skipIf(SANITIZED, "a sanitizer reports faults itself")(test)
