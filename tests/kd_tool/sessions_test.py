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
from command_line import GUARD_SECONDS, SANITIZED, source  # noqa: E402
from machines import MachinesTest  # noqa: E402
from transcripts import Names, comparable, expected, sessions  # noqa: E402

DOCUMENTS = pathlib.Path(os.environ.get("NTEMU_SEED_DOCUMENTS", ROOT.parent / "shared/seeds"))
SOURCES = seeds.sources()


class SessionsTest(MachinesTest):
    compiler = "gcc"

    def load(self, name: str, stripped: bool = False) -> None:
        """The document's driver runs as TestDriver.sys, on a machine with the folders that it wants."""
        for folder in ("Temp", "Temp2"):
            (self.m / "drive_c" / folder).mkdir(parents=True, exist_ok=True)
        driver = self.place / "TestDriver.sys"
        self.assertEqual(seeds.build(SOURCES / f"{name}.c", driver, "--cc", self.compiler), "")
        if stripped:
            subprocess.run(["strip", driver], check=True)
        self.boot()
        self.expect(self.tool("sc", "create", "TestDrv", "type=", "kernel", "binPath=", driver), 0)

    def start_driver(self) -> None:
        self.expect(self.tool("sc", "start", "TestDrv"), 0)

    def wait(self, *condition: object) -> None:
        self.expect(self.ntemu("wait", *condition, "--timeout", f"{GUARD_SECONDS - 10}s"), 0)

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

    def replay(self, document: str, which: list, values: dict) -> int:
        """Every command of the document, one after the other, with this machine's addresses in the place of that one's; but .load,
        as kd has MEX's commands itself."""
        session = [(re.sub(r"\b(0x)?([0-9a-f]{16})\b", lambda match: values[match[2]], command), lines)
                   for command, lines in sessions(next(DOCUMENTS.glob(f"{document}_*.txt"))) if not command.startswith(".load")]
        end = "end of a command"
        outcome = self.tool("kd", *which, *(word for command, _ in session for word in ("-c", command, "-c", f".echo {end}")))
        self.assertEqual(outcome.code, 0, outcome.text())
        outputs = outcome.output.split(f"{end}\n")
        self.assertEqual(len(outputs), len(session) + 1, outcome.text())
        theirs, ours = Names(), Names()
        for (command, lines), output in zip(session, outputs):
            with self.subTest(command=command, which=which or "the machine"):
                wanted = expected(command, lines, live=not which)
                self.assertEqual(ours.given(comparable(output.splitlines())), theirs.given(wanted))
        return len(session)

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
        if "without a disassembler" in self.tool("kd", "-c", "u nt!KiSwapContext").output:
            self.skipTest("kd is built without Zydis")
        dump = self.dump()
        for which in ([], dump):
            creator = self.json("!WrFastMutex", *which)["threads"][0]["thread"]
            values = {"ffff9709ac20e040": creator, "ffff9709ac3d4f20": self.mutex_of(creator, *which)}
            self.assertEqual(self.replay("002", which, values), 5)

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
        self.boost(values["ffffc983f2d47040"])
        self.assertEqual(self.replay("003", [], values), 8)
        crash = self.tool("notmyfault64.exe", "/crash")
        self.assertEqual(crash.code, 188, crash.text())
        which = ["-y", self.place, "-z", self.m / "MEMORY.DMP"]
        self.assertEqual(self.replay("003", which, self.values(*which)), 8)

    def boost(self, thread: str) -> None:
        """The document's creator delays with a boost of one, whoever gave it; here a driver does."""
        own = int(self.json(f"!t {thread}")["threads"][0]["cid"].partition(".")[2], 16)
        (self.place / "booster.c").write_text(source(globals="static PETHREAD Thread;", entry=f"""
            if (!NT_SUCCESS(PsLookupThreadByThreadId((HANDLE){own}ULL, &Thread))) return STATUS_NOT_FOUND;
            KeSetPriorityThread(Thread, KeQueryPriorityThread(Thread) + 1);
            ObDereferenceObject(Thread);"""), encoding="utf-8")
        self.assertEqual(seeds.build(self.place / "booster.c", self.place / "booster.sys"), "")
        self.expect(self.tool("sc", "create", "booster", "type=", "kernel", "binPath=", self.place / "booster.sys"), 0)
        self.expect(self.tool("sc", "start", "booster"), 0)

    def values(self, *which: object) -> dict:
        starts = self.addresses(*which)
        creator, mover = starts["FileCreationThread"], starts["FileMoveThread"]
        process = self.json("!tl system", *which)["processes"][0]["address"]
        mutant = self.json(f"!t {mover}", *which)["wait_blocks"][0]["object"]
        return {"ffffc983ebceb040": process, "ffffc983f2d47040": creator, "ffffc983f3fb4040": mover, "ffffc983f2cf36a0": mutant}


@unittest.skipUnless(shutil.which("clang"), "needs clang")
class FastMutexWaitOfClang(FastMutexWait):
    compiler = "clang"


@unittest.skipUnless(shutil.which("clang"), "needs clang")
class FastMutexRecursiveOfClang(FastMutexRecursive):
    compiler = "clang"


@unittest.skipUnless(shutil.which("clang"), "needs clang")
class MutexDelayOfClang(MutexDelay):
    compiler = "clang"


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: the sanitizer's own frames and names are not what is looked at here")
        raise SystemExit(77)
    try:
        unittest.main()
    finally:
        shutil.rmtree(SOURCES, ignore_errors=True)
