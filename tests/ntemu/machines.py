"""Machines that live on, as the tests boot and end them; every test ends what it began and checks that nothing is left."""
import contextlib
import fcntl
import json
import os
import pathlib
import select
import signal
import socket

from command_line import GUARD_SECONDS, CommandLineTest, Outcome

NOT_ACTIVE = 1062 & 0xff


def mounts_below(directory: pathlib.Path) -> list:
    lines = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(str(directory))]


def await_end(*pids: int) -> None:
    """Returns when the processes, which are not our children, have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                if not select.select([descriptor], [], [], GUARD_SECONDS)[0]:
                    raise AssertionError(f"process {pid} does not end")
            finally:
                os.close(descriptor)


class MachinesTest(CommandLineTest):
    """The default machine is `m`; whatever machines a test leaves running are ended."""

    def setUp(self):
        super().setUp()
        self.m = self.place / "m"
        self.environment["NTEMU_MACHINE"] = str(self.m)
        self.environment["HOME"] = str(self.place)
        self.addCleanup(self.end_all)

    def tearDown(self):
        self.end_all()
        self.assertEqual(mounts_below(self.place), [])
        super().tearDown()

    def end_all(self):
        for directory, folders, files in os.walk(self.place):
            if "DosDevices" in folders:
                folders.remove("DosDevices")  # a mount that may be about to go
            if "control.sock" in files:
                self.ntemu("shutdown", "--machine", directory)

    def boot(self, *options: object) -> dict:
        self.expect(self.ntemu("boot", *options), 0)
        machine = options[options.index("--machine") + 1] if "--machine" in options else self.m
        return self.status(machine)

    def status(self, machine=None) -> dict:
        outcome = self.ntemu("status", "--json", "--machine", machine or self.m)
        self.assertEqual(outcome.code, 0, outcome.text())
        return json.loads(outcome.output)

    def shut_down(self, *options: object) -> Outcome:
        outcome = self.ntemu("shutdown", *options)
        self.assertEqual(outcome.code, 0, outcome.text())
        return outcome

    def assert_gone(self, status: dict, machine=None) -> None:
        """No process, no mount, no socket, no lock, no copies of images: at once, without waiting for any of it."""
        directory = pathlib.Path(machine or self.m)
        for pid in (status["pid"], status["supervisor"]):
            self.assertFalse(self.is_alive(pid), f"process {pid}")
        self.assertEqual(mounts_below(directory), [])
        self.assertFalse((directory / "control.sock").exists())
        self.assertEqual(list((self.runtime / "ntemu").glob("*.sock")), [])
        self.assertFalse((directory / "images").exists() and list((directory / "images").iterdir()))
        self.assertTrue(self.lock_is_free(directory))

    @staticmethod
    def is_alive(pid: int) -> bool:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state not in "ZX"  # a container's first process may be slow to take a dead one away

    @staticmethod
    def lock_is_free(directory: pathlib.Path) -> bool:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)

    def kill(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await_end(*pids)

    def log(self, machine=None) -> str:
        return (pathlib.Path(machine or self.m) / "debug.log").read_text(encoding="utf-8")

    def connect(self, machine=None) -> socket.socket:
        """A client of the control socket, whose path may be too long for an address."""
        directory = os.open(machine or self.m, os.O_PATH)
        self.addCleanup(os.close, directory)
        client = socket.socket(socket.AF_UNIX)
        self.addCleanup(client.close)
        client.settimeout(GUARD_SECONDS)
        client.connect(f"/proc/self/fd/{directory}/control.sock")
        return client
