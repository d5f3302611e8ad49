"""Dumps with damaged bytes: kd tells what it can, or what is wrong, and always ends by itself.

usage: fuzz_test.py [--rounds N] [--seed FIRST] [--dump FILE] [--kd PROGRAM]
Each round has a seed of its own, which says what is damaged and which commands look at it. A round that fails leaves its
dump behind, and tells the command that repeats it.
"""
import argparse
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from every_command import EveryCommandTest
from kd_command import BIN
from machine import FULL, SANITIZED

PT_LOAD, PT_NOTE = 1, 4
CPU_SECONDS = 100
WALL_SECONDS = 3600  # a machine may be busy; what counts is the time that kd itself takes
MEMORY = 4 << 30
MOST_OUTPUT = 64 << 20
COMMANDS_OF_A_ROUND = 25
# Where a debugger's lists begin, and what they lead to: an expression, and how many bytes.
PLACES = (("KdDebuggerDataBlock", 0x200), ("PsLoadedModuleList", 16), ("PsActiveProcessHead", 16), ("ExpSystemResourcesList", 16),
          ("poi(PsLoadedModuleList)", 0x120), ("PoolTrackTable", 64), ("KiProcessorBlock", 64), ("KiBugCheckData", 40), ("@$proc", 0x900),
          ("locks!Resource", 0x400), ("poi(locks!Small)-0n64", 0x200), ("crowd!Sync", 0x100))


class Dump:
    """Where in the file what lies."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.file = open(path, "r+b")  # pylint: disable=consider-using-with
        header = os.pread(self.file.fileno(), 64, 0)
        offset, count = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<H", header, 56)[0]
        self.loads, self.areas = [], [("header", 0, 64), ("segments", offset, 56 * count)]
        for index in range(count):
            kind, _, at, address, _, size, _, _ = struct.unpack("<IIQQQQQQ", os.pread(self.file.fileno(), 56, offset + 56 * index))
            if kind == PT_NOTE:
                self.areas.append(("notes", at, size))
            if kind == PT_LOAD:
                self.loads.append((address, at, size))
        for start, end in self.extents():
            self.areas.append(("memory", start, end - start))

    def extents(self):
        """Where the file has bytes."""
        end, at = os.fstat(self.file.fileno()).st_size, 0
        while at < end:
            try:
                start = os.lseek(self.file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            at = os.lseek(self.file.fileno(), start, os.SEEK_HOLE)
            yield start, at

    def add(self, name: str, address: int, size: int) -> None:
        for start, at, length in self.loads:
            if start <= address < start + length:
                self.areas.append((name, at + address - start, min(size, start + length - address)))

    def pick(self, chance: random.Random) -> tuple:
        """An area, each kind as likely as any other."""
        name = chance.choice(sorted({name for name, _, _ in self.areas}))
        return chance.choice([area for area in self.areas if area[0] == name])


class FuzzTest(EveryCommandTest):
    def survey(self, path: pathlib.Path) -> tuple:
        """The dump with the places that matter, and the commands that are tried."""
        dump = Dump(path)
        which = ("-z", path, "-y", self.place)
        for expression, size in PLACES:
            dump.add("lists", self.json(f"? {expression}", *which)[0]["value"] % (1 << 64), size)
        for row in self.json("~", *which)[0]["threads"]:
            thread = int(row["thread"], 16)
            dump.add("threads", thread, 0x800)
            stack = self.json(f"? poi({row['thread']}+58)", *which)[0]["value"]
            if stack:
                dump.add("stacks", stack, 0x400)
        return dump, self.commands(every_name=False)

    def damage(self, dump: Dump, chance: random.Random) -> list:
        """Changes bytes in place; what they were."""
        before = []
        for _ in range(chance.choice((1, 1, 2, 8, 64, 512))):
            _, start, size = dump.pick(chance)
            width = chance.choice((1, 1, 4, 8))
            at = start + chance.randrange(max(size - width, 1))
            old = os.pread(dump.file.fileno(), width, at)
            value = int.from_bytes(old, "little")
            new = chance.choice((0, (1 << 8 * width) - 1, value ^ 1 << chance.randrange(8 * width), value + 1, value - 1,
                                 chance.getrandbits(8 * width), 0x7f << 8 * (width - 1)))
            before.append((at, old))
            os.pwrite(dump.file.fileno(), (new % (1 << 8 * width)).to_bytes(width, "little"), at)
        return before

    def look(self, words: list) -> str:
        """What is wrong with how kd ended; "" for nothing."""
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
            if not SANITIZED and not OPTIONS.kd:  # AddressSanitizer has a map of all addresses
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            done = subprocess.run(words, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, check=False, timeout=WALL_SECONDS,
                                  cwd=self.place, env=self.environment, preexec_fn=limit)
            errors.seek(0)
            said = errors.read()
            if done.returncode not in (0, 1) or b"Sanitizer" in said or b"runtime error" in said:
                return f"exit code {done.returncode}\n{said[-3000:].decode(errors='replace')}"
            output.seek(0, os.SEEK_END)
            return "" if output.tell() or said else "it says nothing"

    def run_round(self, seed: int, dump: Dump, commands: list) -> str:
        chance = random.Random(seed)
        before = self.damage(dump, chance)
        chosen = chance.sample(commands, min(COMMANDS_OF_A_ROUND, len(commands)))
        words = [str(OPTIONS.kd or BIN / "kd"), "-z", str(dump.path), "-y", str(self.place), "-c", "; ".join(chosen)]
        try:
            problem = self.look(words)
            if problem:
                kept = pathlib.Path(tempfile.gettempdir()) / f"kd-fuzz-{seed}"
                kept.mkdir(exist_ok=True)
                subprocess.run(["cp", "--sparse=always", dump.path, *self.place.glob("*.sys"), kept], check=True)
                words[2], words[4] = str(kept / dump.path.name), str(kept)
                problem = f"seed {seed}: {problem}\nagain: {' '.join(map(repr, words))}"
        finally:
            for at, old in reversed(before):
                os.pwrite(dump.file.fileno(), old, at)
        return problem

    def test_damaged_dumps(self):
        path = OPTIONS.dump or self.dump()
        dump, commands = self.survey(path)
        self.end_all()
        problems, began = [], time.monotonic()
        for seed in range(OPTIONS.seed, OPTIONS.seed + OPTIONS.rounds):
            problem = self.run_round(seed, dump, commands)
            if problem:
                problems.append(problem)
        dump.file.close()
        print(f"{OPTIONS.rounds} rounds from seed {OPTIONS.seed} on, {time.monotonic() - began:.0f} s: {len(problems)} problems")
        self.assertEqual(problems, [], "\n\n".join(problems))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10_000 if FULL else 300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dump", type=pathlib.Path, help="look into copies of this dump, which is changed and restored, and not into a new one")
    parser.add_argument("--kd", type=pathlib.Path, help="another kd than that beside ntemu: one with sanitizers")
    OPTIONS = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
