"""kd's stacks: what gdb says of the same threads, with every register that calls keep, of running machines and of dumps."""
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from kd_command import BIN, KdTest
from command_line import GUARD_SECONDS, SANITIZED
from machine import FULL

KEPT = ("rip", "rsp", "rbx", "rbp", "r12", "r13", "r14", "r15")
WAIT = ["nt!KiSwapContext", "nt!KiSwapThread", "nt!KiCommitThreadWait", "nt!KeWaitForSingleObject"]
START = ["nt!PspSystemThreadStartup", "nt!KiStartSystemThread"]
DEEP = ["crowd!Mix", "crowd!Deeper", "crowd!Deep"]


class StackTest(KdTest):
    def gdb(self, dump: pathlib.Path) -> dict:
        script = pathlib.Path(__file__).parent / "gdb_frames.py"
        result = subprocess.run(["gdb", "-batch", "-nx", "-ex", f"source {script}", BIN / "ntemu", dump], capture_output=True, text=True,
                                errors="replace", check=False, cwd=self.place, timeout=GUARD_SECONDS,
                                env={**self.environment, "DEBUGINFOD_URLS": "", "LC_ALL": "C"})
        found = re.search("(?m)^FRAMES (.*)$", result.stdout)
        self.assertIsNotNone(found, result.stdout + result.stderr)
        return {int(thread): frames for thread, frames in json.loads(found.group(1)).items()}

    def registers(self, options: tuple, rows: list) -> dict:
        """The registers of every frame of every thread, by the host's id."""
        stacks = self.stacks(*options)
        commands = []
        for row in rows:
            commands.append(f".thread {row['thread']}")
            commands += [f".frame /r {number:x}" for number in range(len(stacks[row["host_id"]]))]
        answers = iter(self.json("; ".join(commands), *options))
        found = {}
        for row in rows:
            next(answers)
            found[row["host_id"]] = [next(answers)["registers"] for _ in stacks[row["host_id"]]]
        return found

    def assert_like_gdb(self, compiler: str, *flags: str) -> None:
        for program in (compiler, "gdb"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        process = self.crowd(compiler=compiler, flags=flags)
        dump = self.dump()
        gdb = self.gdb(dump)
        options = ("-z", dump)
        rows = self.json("~", *options)[0]["threads"]
        self.assertEqual(len(rows), 6)
        kd = self.registers(options, rows)
        for row in rows:
            theirs, ours = gdb[row["host_id"]], kd[row["host_id"]]
            self.assertEqual(len(ours), len(theirs), (row, theirs))
            for number, (frame, registers) in enumerate(zip(theirs, ours)):
                for name in KEPT:
                    self.assertEqual(int(registers[name] or "0", 16), frame["registers"][name],
                                     f"{name} in frame {number} ({frame['function']}) of {row}")
        self.release(process)

    def test_registers_of_a_driver_that_clang_built(self):
        self.assert_like_gdb("clang")

    def test_registers_of_a_driver_that_gcc_built(self):
        self.assert_like_gdb("gcc")

    def test_registers_without_frame_pointers(self):
        self.assert_like_gdb("gcc", "-fomit-frame-pointer")

    def test_registers_without_optimization(self):
        self.assert_like_gdb("clang", "-O0")

    def test_a_running_machine_shows_what_its_dump_shows(self):
        process = self.crowd()
        live = self.stacks()
        dump = self.stacks("-z", self.dump())
        self.assertEqual(set(live), set(dump))
        alike = 0
        for thread, frames in live.items():
            functions = self.functions(frames)
            if "crowd!Ticker" in functions or "crowd!Spin" in functions:  # they run on
                continue
            self.assertEqual(frames, dump[thread])
            alike += 1
        self.assertEqual(alike, 4)
        self.release(process)

    def test_of_each_thread(self):
        process = self.crowd()
        stacks = list(map(self.functions, self.stacks().values()))
        self.assertIn(WAIT + DEEP + ["crowd!Sleeper"] + START, stacks)
        self.assertIn(WAIT + DEEP + ["crowd!Sleeper", "crowd!Keeper"] + START, stacks)
        running = [stack for stack in stacks if "crowd!Spin" in stack]
        self.assertEqual(running, [["crowd!Spin", "crowd!Spinner"] + START])
        asker = next(stack for stack in stacks if "crowd!Asker" in stack)
        self.assertEqual(asker[:4], WAIT)
        self.assertIn("nt!ExAcquireFastMutex", asker)
        self.release(process)

    def test_while_the_machine_stands_still(self):
        process = self.crowd()
        rounds = self.json("dq crowd!Rounds L1; .echo; dq crowd!Rounds L1", "--freeze")
        self.assertEqual(rounds[0]["rows"], rounds[2]["rows"])
        frozen = list(map(self.functions, self.stacks("--freeze").values()))
        self.assertIn(["crowd!Spin", "crowd!Spinner"] + START, frozen)
        self.release(process)  # it runs again

    def test_threads_that_fall_asleep_and_wake_all_the_time_have_whole_stacks(self):
        """A look is of one moment: never the registers of one wait with the stack of another."""
        process = self.crowd()
        looks = 40 if not FULL else 1000
        stacks = self.json("; ".join(["~*k"] * looks))
        seen = set()
        for look in stacks:
            self.assertNotIn("errors", look)
            for thread in look["threads"]:
                functions = self.functions(thread["frames"])
                self.assertEqual(functions[-2:], START)
                if "crowd!Ticker" in functions:
                    self.assertEqual(functions[-3], "crowd!Ticker")
                    seen.add(functions[0])
        self.assertIn("nt!KiSwapContext", seen)
        self.release(process)

    def test_a_stripped_driver_has_offsets(self):
        process = self.crowd(flags=("-Wl,--strip-all",))
        stacks = list(map(self.functions, self.stacks().values()))
        waiting = [stack for stack in stacks if stack[:4] == WAIT and stack[4].startswith("crowd")]
        self.assertEqual(len(waiting), 2, stacks)
        for frames in self.stacks().values():
            for frame in frames:
                if frame["call_site"].startswith("crowd"):
                    self.assertRegex(frame["call_site"], r"^crowd\+0x[0-9a-f]+$")
                    self.assertNotIn("file", frame)
        self.release(process)


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: gdb and the sanitizer's own frames are not what is looked at here")
        raise SystemExit(77)
    unittest.main()
