"""ntemu dump: the dump of a machine that runs on or does not answer, and what debuggers see in it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from command_line import BIN, CANCELLED, GUARD_SECONDS, SANITIZED, CommandLineTest, Outcome
from crowd_driver import CROWD
from machines import MachinesTest

NOT_FOUND = 1168 & 0xff
ACCESS_DENIED = 5
PATH_NOT_FOUND = 3
TIMED_OUT = 121
DISK_FULL = 112


class DumpTest(CommandLineTest):
    def crowd(self, *options: object) -> subprocess.Popen:
        process = self.start("run", *options, self.build("crowd", CROWD), until="crowd: ready")
        self.expect(self.ntemu("wait", "--threads", 1, "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        return process

    def release(self, process: subprocess.Popen) -> None:
        outcome = self.interrupt(process)
        self.expect(outcome, CANCELLED, "crowd: unload")
        self.assertNotIn("short delay", outcome.output)

    def dump(self, *options: object) -> dict:
        outcome = self.ntemu("dump", "--json", *options)
        self.expect(outcome, 0)
        return json.loads(outcome.output)

    def run_tool(self, *command: object) -> str:
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", check=False, cwd=self.place,
                                env={**self.environment, "DEBUGINFOD_URLS": "", "LC_ALL": "C"}, timeout=GUARD_SECONDS)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def need(self, program: str) -> None:
        if not shutil.which(program):
            self.skipTest(f"{program} is not installed")

    def stacks(self, dump: pathlib.Path) -> list:
        """The functions on each thread's stack, innermost first, as gdb tells them."""
        text = self.run_tool("gdb", "-batch", "-nx", "-ex", "thread apply all bt", BIN / "ntemu", dump)
        threads = re.split(r"(?m)^Thread \d+ ", text.replace("(anonymous namespace)::", ""))[1:]
        return [re.findall(r"(?m)^#\d+ +(?:0x[0-9a-f]+ in )?(?:\w+::)*(\w+)", thread) for thread in threads]

    def assert_stack(self, stacks: list, *functions: str) -> None:
        """One stack has the functions in this order, perhaps with others between them."""
        def has(stack):
            rest = iter(stack)
            return all(function in rest for function in functions)
        self.assertTrue(any(map(has, stacks)), f"{functions} in " + "\n".join(map(str, stacks)))


class Debuggers(DumpTest):
    def assert_crowd(self, stacks: list, waits_in_kernel: bool) -> None:
        first = ("KiSwapContext",) if waits_in_kernel else ()
        self.assert_stack(stacks, *first, "KiSwapThread", "KeWaitForSingleObject", "Mix", "Deep", "Sleeper", "PspSystemThreadStartup")
        self.assert_stack(stacks, *first, "KiSwapThread", "Mix", "Deep", "Keeper", "PspSystemThreadStartup")
        self.assert_stack(stacks, *first, "KiSwapThread", "Asker", "PspSystemThreadStartup")
        self.assert_stack(stacks, "Spin", "Spinner", "PspSystemThreadStartup")
        self.assert_stack(stacks, "Ticker", "PspSystemThreadStartup")

    def test_gdb_shows_the_stack_of_each_driver_thread(self):
        self.need("gdb")
        process = self.crowd()
        row = self.dump("--output", "crowd.dmp")
        stacks = self.stacks(self.place / "crowd.dmp")
        self.assertEqual(len(stacks), row["threads"])
        self.assert_crowd(stacks, True)
        self.release(process)

    def test_gdb_reads_the_drivers_variables(self):
        self.need("gdb")
        process = self.crowd()
        self.dump("--output", "crowd.dmp")
        text = self.run_tool("gdb", "-batch", "-nx", "-ex", "print Sync.FileMutex.Contention", "-ex", "print Stopping", "-ex",
                             "x/2gx &KiBugCheckData", BIN / "ntemu", "crowd.dmp")
        self.assertRegex(text, r"(?s)\$1 = 1\n.*\$2 = 0\n.*<KiBugCheckData>:\t0x0*161\t0x0*5461736b6d6772\n")
        self.release(process)

    def test_gdb_finds_drivers_again_when_the_machine_is_gone(self):
        self.need("gdb")
        process = self.crowd()
        self.dump("--output", "crowd.dmp")
        self.release(process)
        text = self.run_tool("gdb", "-batch", "-nx", "-ex", f"set solib-search-path {self.place}", "-ex",
                             f"core-file {self.place / 'crowd.dmp'}", "-ex", "thread apply all bt", BIN / "ntemu")
        self.assertIn("in Mix", text)
        self.assertIn("Spinner", text)

    def lldb(self, *options: object) -> list:
        """The functions on each thread's stack, innermost first, as lldb tells them."""
        text = self.run_tool("lldb", "--no-lldbinit", "--batch", *options, "--core", "crowd.dmp", BIN / "ntemu", "-o", "thread backtrace all")
        threads = re.split(r"(?m)^[ *] thread #\d+", text.replace("(anonymous namespace)::", ""))[1:]
        return [re.findall(r"(?m)^ +\*? *frame #\d+: 0x[0-9a-f]+ [^`\n]*`(?:\w*::)*(\w+)", thread) for thread in threads]

    def test_lldb_shows_the_stack_of_each_driver_thread(self):
        self.need("lldb")
        process = self.crowd()
        row = self.dump("--output", "crowd.dmp")
        stacks = self.lldb()
        self.assertEqual(len(stacks), row["threads"])
        self.assert_crowd(stacks, True)
        self.release(process)

    def test_lldb_finds_drivers_again_when_the_machine_is_gone(self):
        self.need("lldb")
        process = self.crowd()
        self.dump("--output", "crowd.dmp")
        self.release(process)
        self.assert_crowd(self.lldb("-O", f"settings set target.exec-search-paths {self.place}"), True)

    def test_readelf_takes_it_for_a_core_file(self):
        self.need("readelf")
        process = self.crowd()
        row = self.dump("--output", "crowd.dmp")
        text = self.run_tool("readelf", "-hn", "crowd.dmp")
        self.assertRegex(text, r"Type: +CORE")
        self.assertEqual(len(re.findall("NT_PRSTATUS", text)), row["threads"])
        for note in ("NT_PRPSINFO", "NT_AUXV", "NT_FILE", "NT_FPREGSET", "NTEMU"):
            self.assertIn(note, text)
        self.release(process)

    def test_eu_stack_shows_them_too(self):
        self.need("eu-stack")
        process = self.crowd()
        self.dump("--output", "crowd.dmp")
        text = self.run_tool("eu-stack", "--core", "crowd.dmp", "--executable", BIN / "ntemu")
        for function in ("Mix", "Keeper", "Asker", "Spinner"):
            self.assertIn(function, text)
        self.release(process)

    def test_of_a_machine_that_does_not_answer(self):
        process = self.crowd()
        os.kill(process.pid, signal.SIGSTOP)
        outcome = self.ntemu("dump", "--pid", process.pid, "--timeout", "100ms", "--output", "stopped.dmp", "--json")
        if "ptrace_scope" in outcome.errors:
            os.kill(process.pid, signal.SIGCONT)
            self.skipTest(outcome.errors)
        self.expect(outcome, 0)
        self.assertIn("the machine does not answer: it is dumped from outside", outcome.errors)
        row = json.loads(outcome.output)
        self.assertTrue(row["outside"])
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        self.assertEqual(state, "T", "it is as stopped as it was")
        if shutil.which("gdb"):
            self.assert_crowd(self.stacks(self.place / "stopped.dmp"), True)
        live = self.ntemu("dump", "--pid", process.pid, "--timeout", "100ms", "--output", "live.dmp", "--live")
        self.expect(live, TIMED_OUT)
        self.assertFalse((self.place / "live.dmp").exists())
        os.kill(process.pid, signal.SIGCONT)
        self.release(process)


class Files(DumpTest):
    def test_of_a_machine_in_memory_lies_here(self):
        process = self.crowd()
        self.expect(self.ntemu("dump"), 0, r"/\S+/MEMORY\.DMP: \d+ MB, \d+ MB on the disk, \d+ threads; the machine stood still for \S+ ms")
        info = (self.place / "MEMORY.DMP").stat()
        self.assertEqual(info.st_mode & 0o777, 0o600)
        self.assertLess(info.st_blocks * 512, info.st_size)
        self.assertFalse((self.place / "MEMORY.DMP.tmp").exists())
        self.release(process)

    def test_of_a_machine_with_a_directory_lies_there(self):
        process = self.crowd("--machine", "m")
        self.assertEqual(self.dump()["file"], str(self.place / "m" / "MEMORY.DMP"))
        self.assertEqual(self.dump("--machine", "m", "--keep", 1)["file"], str(self.place / "m" / "MEMORY.DMP"))
        self.dump("--keep", 1)
        self.assertEqual(sorted(path.name for path in (self.place / "m").glob("MEMORY*")), ["MEMORY.DMP", "MEMORY.DMP.1"])
        self.release(process)

    def test_what_cannot_be_written(self):
        process = self.crowd()
        (self.place / "folder").mkdir()
        for name, code, text in (("no/file.dmp", PATH_NOT_FOUND, "No such file or directory"), ("folder", ACCESS_DENIED, "Is a directory")):
            outcome = self.ntemu("dump", "--output", name)
            self.expect(outcome, code)
            self.assertRegex(outcome.errors, f"ntemu: cannot write {self.place}/{name}: {text}")
        if os.path.ismount("/sys"):  # where root may not write either
            outcome = self.ntemu("dump", "--output", "/sys/file.dmp")
            self.expect(outcome, ACCESS_DENIED)
            self.assertIn("cannot write /sys/file.dmp: ", outcome.errors)
        self.assertEqual(list((self.place / "folder").iterdir()), [])
        self.dump("--output", "after.dmp")
        self.release(process)

    def test_a_full_disk(self):
        disk = self.place / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
        if mounted.returncode:
            self.skipTest("no small file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        process = self.crowd()
        outcome = self.ntemu("dump", "--output", disk / "MEMORY.DMP")
        self.expect(outcome, DISK_FULL)
        self.assertIn(f"cannot write {disk}/MEMORY.DMP: No space left on device", outcome.errors)
        self.assertEqual(list(disk.iterdir()), [])
        self.release(process)

    def test_no_machine(self):
        outcome = self.ntemu("dump", "--machine", "nowhere", "--json")
        self.expect(outcome, NOT_FOUND)
        self.assertIn("no machine answers", json.loads(outcome.output)["error"])
        outcome = self.ntemu("dump", "--pid", os.getpid())
        self.assertNotEqual(outcome.code, 0)
        self.assertRegex(outcome.errors, f"process {os.getpid()} is no machine|cannot stop process {os.getpid()}")
        self.assertFalse((self.place / "MEMORY.DMP").exists())


class FakeMachine:
    """Answers like a machine whose dump takes until it has been asked twice more how far it is."""

    def __init__(self, directory: pathlib.Path):
        directory.mkdir()
        self.directory = directory
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(directory / "control.sock"))
        self.listener.listen()
        self.asked = threading.Semaphore(0)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        with client, client.makefile("rw") as lines:
            for line in lines:
                reply = self.answer(json.loads(line))
                lines.write(json.dumps({"v": 1, "id": 1, **reply}) + "\n")
                lines.flush()

    def answer(self, request: dict) -> dict:
        if request["op"] == "dump.progress":
            self.asked.release()
            return {"ok": True, "directory": str(self.directory), "done": 1 << 20, "total": 3 << 20}
        for _ in range(3):  # the first one was asked before
            self.asked.acquire()
        return {"ok": True, "file": request["args"]["path"], "bytes": 5 << 20, "stored_bytes": 2 << 20, "threads": 7, "running": 1,
                "unreadable": 4096, "pause_seconds": 0.01}


class Report(DumpTest):
    def test_of_a_dump_that_takes_its_time(self):
        machine = FakeMachine(self.place / "f")
        self.addCleanup(machine.listener.close)
        outcome = self.ntemu("dump", "--machine", machine.directory)
        self.expect(outcome, 0, rf"{self.place}/f/MEMORY\.DMP: 5 MB, 2 MB on the disk, 7 threads; the machine stood still for 10\.0 ms",
                    "ntemu: 1 threads could not be stopped and have no registers in the dump", "ntemu: 4 KB of memory could not be read")
        self.assertGreaterEqual(outcome.errors.count("ntemu: 1 of 3 MB written\n"), 1)


class Daemons(MachinesTest):
    def test_of_a_machine_that_lives_on(self):
        before = self.boot()
        for _ in range(3):
            outcome = self.ntemu("dump", "--json")
            self.expect(outcome, 0)
            self.assertEqual(json.loads(outcome.output)["file"], str(self.m / "MEMORY.DMP"))
        self.assertEqual(self.status()["pid"], before["pid"])
        self.shut_down()
        self.assert_gone(before)


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: a sanitizer's own threads and mappings are not what is looked at here")
        raise SystemExit(77)
    unittest.main()
