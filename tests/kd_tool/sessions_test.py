"""The debugger sessions of the documents, replayed with their drivers on a running machine and on dumps."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("tests/support", "tests/ntemu", "tests/seeds"):
    sys.path.insert(0, str(ROOT / folder))
import seeds  # noqa: E402
from command_line import SANITIZED  # noqa: E402
from machines import MachinesTest  # noqa: E402
from transcripts import masked, sessions  # noqa: E402

DOCUMENTS = pathlib.Path(os.environ.get("NTEMU_SEED_DOCUMENTS", ROOT.parent / "shared/seeds"))
SOURCES = seeds.sources()


class SessionsTest(MachinesTest):
    def load(self, name: str, stripped: bool = False) -> None:
        """The document's driver runs as TestDriver.sys, on a machine with the folders that it wants."""
        for folder in ("Temp", "Temp2"):
            (self.m / "drive_c" / folder).mkdir(parents=True, exist_ok=True)
        driver = self.place / "TestDriver.sys"
        self.assertEqual(seeds.build(SOURCES / f"{name}.c", driver), "")
        if stripped:
            subprocess.run(["strip", driver], check=True)
        self.boot()
        self.expect(self.tool("sc", "create", "TestDrv", "type=", "kernel", "binPath=", driver), 0)

    def start_driver(self) -> None:
        self.expect(self.tool("sc", "start", "TestDrv"), 0)

    def wait(self, *condition: object) -> None:
        self.expect(self.ntemu("wait", *condition, "--timeout", "60s"), 0)

    def kd(self, command: str, *which: object) -> list[str]:
        outcome = self.tool("kd", *which, "-c", command)
        self.assertEqual(outcome.code, 0, f"{command}: {outcome.text()}")
        return outcome.output.splitlines()

    def json(self, command: str, *which: object) -> dict:
        return json.loads("\n".join(self.kd(command, "--json", *which)))

    def dump(self) -> list:
        path = self.place / "TestDriver.dmp"
        self.expect(self.ntemu("dump", "--output", path), 0)
        return ["-z", path]

    def addresses(self, *which: object) -> dict:
        """Of the driver's threads by the functions they start in, and of what they wait for."""
        found = {}
        for stack in self.json("!us TestDriver", *which)["stacks"]:
            for thread in stack["threads"]:
                site = stack["frames"][-3]["call_site"]
                found[site.partition("!")[2].partition("+")[0] or site] = thread
        return found

    def replay(self, document: str, which: list, values: dict, skip: tuple = ()) -> int:
        """Every command of the document, with this machine's addresses in the place of that one's."""
        count = 0
        for command, expected in sessions(next(DOCUMENTS.glob(f"{document}_*.txt"))):
            if command.startswith(("notmyfault", ".load")) or command in skip:
                continue
            own = re.sub(r"\b(0x)?([0-9a-f]{16})\b", lambda match: values[match[2]], command)
            self.assertEqual(masked(self.kd(own, *which)), masked(expected), f"{command}, as {own}, of {which or 'the machine'}")
            count += 1
        return count

    def mutex_of(self, thread: str, *which: object) -> str:
        """The fast mutex whose event the thread waits for."""
        event = self.json(f"!t {thread}", *which)["wait_blocks"][0]["object"]
        return f"{int(event, 16) - 0x18:016x}"


@unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/dev/fuse"), "a mount holds the creator up")
class FastMutexWait(SessionsTest):
    """The creator has the mutex, and its file system does not answer: the folder is another machine's, which is stopped."""

    def test_session(self):
        self.load("fast_mutex")
        other = self.place / "other"
        (other / "drive_c/Temp").mkdir(parents=True)
        status = self.boot("--machine", other)
        folder = self.m / "drive_c/Temp"
        subprocess.run(["mount", "--bind", other / "DosDevices/C:/Temp", folder], check=True)
        os.kill(status["pid"], signal.SIGSTOP)
        try:
            self.start_driver()
            self.wait("--reason", "WrFastMutex", "--start", "FileMoveThread")
            dump = self.dump()
            for which in ([], dump):
                mover = self.json("!WrFastMutex", *which)["threads"][0]["thread"]
                values = {"ffffe10b187ac3f0": self.mutex_of(mover, *which), "ffffe10b186e9040": mover}
                self.assertEqual(self.replay("001", which, values), 4)
        finally:
            os.kill(status["pid"], signal.SIGCONT)
            self.wait()
            self.shut_down()
            subprocess.run(["umount", folder], check=True)


class FastMutexRecursive(SessionsTest):
    def test_session(self):
        self.load("fast_mutex_recursive", stripped=True)
        self.start_driver()
        self.wait("--reason", "WrFastMutex", "--threads", 2)
        dump = self.dump()
        for which in ([], dump):
            creator = self.json("!WrFastMutex", *which)["threads"][0]["thread"]
            values = {"ffff9709ac20e040": creator, "ffff9709ac3d4f20": self.mutex_of(creator, *which)}
            # Registers are a machine's own; the machine that runs has not been stopped by anything.
            skip = (".frame /r 0n5", *(() if which else ("!mex.di",)))
            self.assertEqual(self.replay("002", which, values, skip), 4 if which else 3)
            self.expect(self.tool("kd", *which, "-c", f".thread {creator}; .frame /r 0n5"), 0,
                        r"05 [0-9a-f`]{17} [0-9a-f`]{17}     nt!ExAcquireFastMutex\+0x[0-9a-f]+", r"rax=.* rbx=.* rcx=.*",
                        r"nt!ExAcquireFastMutex\+0x[0-9a-f]+:")

    def test_the_deadlock_is_told(self):
        self.load("fast_mutex_recursive")
        self.start_driver()
        self.wait("--reason", "WrFastMutex", "--threads", 2)
        for which in ([], self.dump()):
            told = self.json("!deadlock", *which)
            (cycle,), (wait,) = told["cycles"], told["waits"]
            creator = cycle["threads"][0]
            self.assertEqual(len(cycle["threads"]), 1)
            self.assertEqual((creator["owner"], creator["type"]), (creator["thread"], "Fast Mutex"))
            self.assertIn("TestDriver!FileCreationThread+", creator["wanted_at"])
            self.assertEqual(wait["threads"][0]["owner"], creator["thread"])
            dot = self.json("!deadlock --dot", *which)["dot"]
            self.assertIn(f'"{creator["thread"]}" -> "{creator["thread"]}"', dot)


class MutexDelay(SessionsTest):
    def test_session(self):
        self.load("kmutex_delay")
        self.start_driver()
        self.wait("--reason", "DelayExecution", "--start", "FileCreationThread")
        self.wait("--reason", "Executive", "--start", "FileMoveThread")
        values = self.values()
        # The machine that runs has not crashed.
        self.assertEqual(self.replay("003", [], values, ("!di",)), 7)
        crash = self.tool("notmyfault64.exe", "/crash")
        self.assertEqual(crash.code, 188, crash.text())
        which = ["-y", self.place, "-z", self.m / "MEMORY.DMP"]
        self.assertEqual(self.replay("003", which, self.values(*which)), 8)

    def values(self, *which: object) -> dict:
        starts = self.addresses(*which)
        creator, mover = starts["FileCreationThread"], starts["FileMoveThread"]
        process = self.json("!tl system", *which)["processes"][0]["address"]
        mutant = self.json(f"!t {mover}", *which)["wait_blocks"][0]["object"]
        return {"ffffc983ebceb040": process, "ffffc983f2d47040": creator, "ffffc983f3fb4040": mover, "ffffc983f2cf36a0": mutant}


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: the sanitizer's own frames and names are not what is looked at here")
        raise SystemExit(77)
    try:
        unittest.main()
    finally:
        shutil.rmtree(SOURCES, ignore_errors=True)
