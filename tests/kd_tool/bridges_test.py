"""kd's commands inside gdb and lldb, on a process and on a dump; skipped where a debugger is not there."""
import glob
import os
import re
import shutil
import subprocess
import unittest

from every_command import EveryCommandTest
from kd_command import BIN
from machine import SANITIZED

BRIDGES = BIN.resolve().parent / "share/ntemu"
GDB_SCRIPT, LLDB_SCRIPT = BRIDGES / "ntemu-gdb.py", BRIDGES / "ntemu_lldb.py"

PATIENCE = 600  # lldb is slow to begin


def lldb_environment() -> dict:
    """Debian 12's lldb 14 looks for its Python module where it is not."""
    places = sorted(glob.glob("/usr/lib/llvm-*/lib/python3*/dist-packages"))
    server = sorted(glob.glob("/usr/lib/llvm-*/bin/lldb-server"))
    found = {"PYTHONPATH": ":".join(places), "PATH": "/usr/bin:/bin"} if places else {}  # not another Python's modules
    return found | ({"LLDB_DEBUGSERVER_PATH": server[0]} if server else {})


def has_python_in_lldb() -> bool:
    if not shutil.which("lldb"):
        return False
    done = subprocess.run(["lldb", "-b", "-o", "script print(lldb.SBDebugger.GetVersionString())"], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env={**os.environ, **lldb_environment()})
    return done.returncode == 0 and "lldb version" in done.stdout


@unittest.skipIf(SANITIZED, "a process with sanitizers is not what one debugs with gdb")
class BridgesTest(EveryCommandTest):
    COMMANDS = ("!us locks!", "!locks -v", "!mut locks!First", "dt nt!_KMUTANT locks!First")

    def debug(self, *words: object, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run([*map(str, words)], capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=self.place,
                              stdin=subprocess.DEVNULL, env={**self.environment, **more})

    def both(self):
        """What a debugger is to look at, and the same for kd."""
        dump = self.dump()
        yield "process", self.status()["pid"], ("-p", self.status()["pid"])
        yield "dump", dump, ("-z", dump, "-y", self.place)

    def check(self, done: subprocess.CompletedProcess, which: tuple, fails: bool = True) -> None:
        # A thread that runs is the other debugger's, which kd tells.
        told = re.sub(r"(?m)^thread [0-9a-f]{16}: process \d+ is being debugged by process \d+\n", "", done.stdout)
        for command in self.COMMANDS:
            self.assertIn(self.text(command, *which).strip(), told, done.stderr)
        if fails:
            self.assertIn("No export nothing found", told, done.stderr)
            self.assertIn("kd: exit code 1", done.stderr)


@unittest.skipUnless(shutil.which("gdb"), "needs gdb")
class Gdb(BridgesTest):
    def gdb(self, *words: object) -> subprocess.CompletedProcess:
        return self.debug("gdb", "-nx", "-batch", "-iex", f"source {GDB_SCRIPT}", *words)

    def test_process_and_dump(self):
        for kind, what, which in self.both():
            begin = ("-p", what) if kind == "process" else ("-ex", f"set solib-search-path {self.place}", "-ex", f"core-file {what}")
            commands = [word for command in (*self.COMMANDS, "!nothing") for word in ("-ex", f"kd {command}")]
            with self.subTest(kind):
                self.check(self.gdb(*begin, *commands), which)

    def test_nothing_to_look_at(self):
        done = self.gdb("-ex", "kd !us")
        self.assertIn("kd: there is no process and no core file", done.stderr)
        self.assertEqual(done.returncode, 1)


@unittest.skipUnless(has_python_in_lldb(), "needs lldb with Python")
class Lldb(BridgesTest):
    def lldb(self, *commands: str) -> subprocess.CompletedProcess:
        words = [word for command in (f"command script import {LLDB_SCRIPT}", *commands) for word in ("-o", command)]
        # Else it reads the symbols of every library before it does anything.
        return self.debug("lldb", "--no-lldbinit", "--batch", "-O", "settings set target.preload-symbols false", *words, **lldb_environment())

    def test_process_and_dump(self):
        for kind, what, which in self.both():
            begin = f"process attach --pid {what}" if kind == "process" else f"target create --core {what}"
            end = "process detach" if kind == "process" else "kd !nothing"  # lldb ends with what fails
            with self.subTest(kind):
                self.check(self.lldb(begin, *(f"kd {command}" for command in self.COMMANDS), end), which, fails=kind == "dump")

    def test_nothing_to_look_at(self):
        self.assertIn("kd: there is no process and no core file", self.lldb("kd !us").stderr)


if __name__ == "__main__":
    unittest.main()
