"""A driver that misuses the kernel at random, on one machine after another in the same directory: every end is a clean one.

Each seed is a service of its own. Its machine either stays well until `ntemu shutdown`, or stops with a bugcheck that is
recorded, reported and dumped; the next boot finds hive and volume as they were. Seeds that 8 divides do nothing wrong and
have to end well. --wild: the driver also writes to memory that is not its own, and a signal may end the machine, too.
"""
import argparse
import collections
import dataclasses
import hashlib
import json
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / folder) for folder in ("ntemu", "support")]
from machine import FULL, SANITIZED  # noqa: E402
from machines import MachinesTest, await_end, mounts_below  # noqa: E402

BUGCHECK = 188
# What the verifier looks for in this seed's driver; None: nothing.
SETTINGS = (["/flags", "0x1"], None, ["/standard"], ["/flags", "0x9"], ["/flags", "0x20"],
            ["/faults", "1000", '""', '""', "0", "/seed", "1"], ["/flags", "0x40001"], ["/flags", "0x800000", "/seed", "1"],
            ["/flags", "0x20813"])
# Codes that the driver itself gives to KeBugCheckEx.
OWN_CODES = {0, 0x1234, 0xDEADDEAD, 0xFFFFFFFF}
SERVICES_KEPT = 20


class Problem(AssertionError):
    pass


@dataclasses.dataclass
class Machine:
    pid: int
    supervisor: int


def dump_is_whole(path: pathlib.Path) -> str:
    """What is wrong with an ELF core; "" for nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(64)
        if header[:4] != b"\x7fELF" or struct.unpack_from("<H", header, 16)[0] != 4:
            return "no ELF core"
        offset, = struct.unpack_from("<Q", header, 32)
        entry_size, count = struct.unpack_from("<HH", header, 54)
        if count == 0xFFFF:  # then the first section header has it
            file.seek(struct.unpack_from("<Q", header, 40)[0])
            count, = struct.unpack_from("<I", file.read(64), 44)
        file.seek(offset)
        table = file.read(entry_size * count)
    if len(table) != entry_size * count:
        return "program headers cut off"
    for i in range(count):
        place, = struct.unpack_from("<Q", table, i * entry_size + 8)
        length, = struct.unpack_from("<Q", table, i * entry_size + 32)
        if length and place + length > size:
            return f"segment {i} ends at {place + length}, the file at {size}"
    return "" if count else "no segments"


class Fuzz(MachinesTest):
    """The helpers of MachinesTest, driven by main() instead of unittest."""

    def runTest(self):
        pass

    def begin(self, drivers: pathlib.Path, wild: bool, gdb_every: int):
        self.setUp()
        self.wild, self.gdb_every, self.stops = wild, gdb_every, 0
        self.ends, self.services, self.ended_badly = collections.Counter(), [], False
        drive_c = self.m / "drive_c"
        for folder in ("chaos", "canary/deep/er"):
            (drive_c / folder).mkdir(parents=True)
        for number in range(20):
            (drive_c / "canary" / ("deep/er" if number % 2 else "") / f"file{number}").write_bytes(bytes([number]) * 5000 * number)
        shutil.copy(drivers / "chaos.sys", drive_c)
        self.canary = self.tree()

    def tree(self) -> dict:
        return {str(path.relative_to(self.m)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                for path in sorted((self.m / "drive_c/canary").rglob("*"))}

    def guarded(self, name: str, *arguments: object):
        try:
            return self.tool(name, *arguments)
        except subprocess.TimeoutExpired as hang:
            raise Problem(f"{name} {arguments} does not return") from hang

    def need(self, condition: object, text: str) -> None:
        if not condition:
            raise Problem(text)

    def check_boot(self) -> Machine:
        """The machine boots, and its hive and its volume are those that were."""
        outcome = self.guarded("ntemu", "boot")
        self.need(outcome.code == 0, f"boot: {outcome.text()}")
        status = json.loads(self.guarded("ntemu", "status", "--json").output)
        listed = self.guarded("sc", "query", "type=", "driver", "state=", "all")
        self.need(listed.code == 0, f"sc query: {listed.text()}")
        self.need(set(re.findall(r"SERVICE_NAME: (\S+)", listed.output)) == set(self.services), f"services: {listed.text()}")
        self.need(self.tree() == self.canary, "the volume has changed")
        if self.ended_badly:
            self.need("unplanned end before: " in self.log_text(), "the boot says nothing of the end before")
        return Machine(status["pid"], status["supervisor"])

    def log_text(self) -> str:
        return (self.m / "debug.log").read_text(encoding="utf-8", errors="replace")

    def run_seed(self, seed: int) -> str:
        """How it ended, in a word or two."""
        machine = self.check_boot()
        setting = SETTINGS[seed // 8 % len(SETTINGS)]
        outcome = self.guarded("verifier", *(setting + ["/driver", "chaos.sys"] if setting else ["/reset"]))
        self.need(outcome.code == 0, f"verifier {setting}: {outcome.text()}")
        name = f"{'wild' if self.wild else 'chaos'}_{seed}"
        outcome = self.guarded("sc", "create", name, "type=", "kernel", "binPath=", r"C:\chaos.sys")
        self.need(outcome.code == 0, f"sc create: {outcome.text()}")
        self.services.append(name)
        log_before = len(self.log_text())
        self.guarded("sc", "start", name)
        self.guarded("ntemu", "wait", "--timeout", "1s")  # it may run on: that is no end, and shutdown has to work all the same
        stuck = self.check_answers(machine)
        stop = self.begin_stop(name)
        stuck |= stop is not None
        if not stuck and len(self.services) > SERVICES_KEPT and self.is_alive(machine.pid):
            oldest = self.services[0]
            if self.guarded("sc", "delete", oldest).code == 0:
                self.services.pop(0)
        shutdown = self.guarded("ntemu", "shutdown")
        if stop:
            self.need_end(stop, f"sc stop {name}, with no machine left,")
        await_end(machine.pid, machine.supervisor)
        self.assert_gone(dataclasses.asdict(machine))
        return self.judge(seed, machine, self.log_text()[log_before:], shutdown, ", stuck" if stuck else "")

    def begin_stop(self, name: str) -> "subprocess.Popen | None":
        """None when it has returned. It need not: DriverUnload may wait for a processor that another thread never leaves."""
        stop = self.popen("sc", "stop", name)
        try:
            stop.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            return stop
        self.processes.remove(stop)
        return None

    def need_end(self, process: subprocess.Popen, name: str) -> None:
        try:
            self.ended(process)
        except subprocess.TimeoutExpired as hang:
            raise Problem(f"{name} does not return") from hang

    def check_answers(self, machine: Machine) -> bool:
        """Whether the driver's threads are left. A machine that lives has to answer."""
        outcome = self.guarded("ntemu", "threads", "--json")
        if outcome.code:
            await_end(machine.pid)
            return False
        return "chaos!" in outcome.output

    def judge(self, seed: int, machine: Machine, log: str, shutdown, stuck: str) -> str:
        last = json.loads((self.m / "last_stop.json").read_text()) if (self.m / "last_stop.json").exists() else {}
        self.ended_badly = last.get("process") == machine.pid
        if not self.ended_badly:
            self.need(f"machine {machine.pid} ended with exit code 0" in log, f"no record of the end: {shutdown.text()}")
            return "well" + stuck
        end = last.get("end", "")
        if "code" not in last:
            # Without a record of its own: what was written to may be what a stop needs first.
            self.need(self.wild and re.match("killed by signal|by a bugcheck", end), f"ended {end}")
            return end
        code = int(last["code"], 16)
        right = seed % 8 == 0 and not self.wild
        self.need(not right, f"a driver that does nothing wrong stopped the machine: {last}")
        self.need(last["name"] != "UNKNOWN_BUGCHECK" or code in OWN_CODES, f"unknown code: {last}")
        self.need(f"machine {machine.pid} ended by a bugcheck (exit code {BUGCHECK})" in log or self.wild, "exit code")
        unfinished = "*** STOP:" not in log or "dump" not in last
        self.need(not unfinished or self.wild, f"no full report: {last}")
        if unfinished:  # what was written to may be what the report needs
            print(f"{shutdown.text()}{log[-2000:]}")
        else:
            self.check_dump(pathlib.Path(last["dump"]))
        return f"{code:#x} {last['name']}" + (", without its report" if unfinished else "")

    def check_dump(self, path: pathlib.Path) -> None:
        path = self.m / path
        self.need(path.exists(), f"{path} is not there")
        wrong = dump_is_whole(path)
        self.need(not wrong, f"{path.name}: {wrong}")
        self.stops += 1
        if self.stops % self.gdb_every == 0 and shutil.which("gdb"):
            command = ["gdb", "-batch", "-nx", "-iex", "set auto-solib-add off", "-ex", "info threads", "-c", path]
            result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=300,
                                    env={**self.environment, "DEBUGINFOD_URLS": ""})
            self.need(re.search(r"(?m)^\* 1 ", result.stdout), f"gdb: {result.stdout[-2000:]}{result.stderr[-2000:]}")

    def finish(self) -> None:
        self.check_boot()
        self.guarded("ntemu", "shutdown")
        self.need(not mounts_below(self.place), "a mount is left")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("drivers", type=pathlib.Path)
    parser.add_argument("--wild", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--count", type=int)
    parser.add_argument("--keep", type=pathlib.Path, help="where the directories of machines that ended wrongly are kept")
    arguments = parser.parse_args()
    if SANITIZED:
        print("a sanitizer reports faults itself")
        return 77
    count = arguments.count or ((200 if arguments.wild else 1000) if FULL else 10)
    ends, wrong = collections.Counter(), []
    fuzz = None
    for seed in range(arguments.seed, arguments.seed + count):
        if fuzz is None:
            fuzz = Fuzz()
            fuzz.begin(arguments.drivers, arguments.wild, 20)
        began = time.monotonic()
        try:
            end = fuzz.run_seed(seed)
            ends[end] += 1
            print(f"seed {seed}: {end} ({time.monotonic() - began:.1f} s)", flush=True)
        except AssertionError as problem:
            wrong.append(seed)
            print(f"seed {seed}: WRONG: {problem}\n{fuzz.log_text()[-3000:]}", flush=True)
            if arguments.keep:
                shutil.copytree(fuzz.m, arguments.keep / str(seed), symlinks=True, ignore=shutil.ignore_patterns("*.sock"),
                                dirs_exist_ok=True)
            fuzz.doCleanups()
            fuzz = None
    if fuzz is not None:
        fuzz.finish()
        fuzz.doCleanups()
    for end, times in ends.most_common():
        print(f"{times:6} {end}")
    print(f"{count} seeds from {arguments.seed}{', wild' if arguments.wild else ''}; wrong: {wrong or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
