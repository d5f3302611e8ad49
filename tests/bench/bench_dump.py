"""Live dumps of a machine with 200 MB of touched pool and 100 threads: how long it stands still, and what the file takes.

usage: bench_dump.py [--dumps N] [--rest SECONDS]
The pause is told twice: from the freeze to the thaw as ntemu measures it, and as the longest gap between two ticks of a
driver's thread that delays itself by 1 ms; the gaps at rest, before the dumps, are what the host adds. Target: 100 ms.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN, DRIVERS, GUARD_SECONDS  # noqa: E402


class Loaded:
    """The machine, and the gaps it has told of."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.process = subprocess.Popen([BIN / "ntemu", "run", "--machine", directory, DRIVERS / "dump_load.sys"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line == "loaded\n":
                break
        self.gaps: list[float] = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        for line in self.process.stdout:
            if match := re.match(r"gap (\d+) us", line):
                self.gaps.append(int(match[1]) / 1000)

    def take_gaps(self) -> list:
        taken, self.gaps = self.gaps, []
        return taken

    def dump(self) -> dict:
        result = subprocess.run([BIN / "ntemu", "dump", "--machine", self.directory, "--keep", "0", "--json"], check=True,
                                capture_output=True, text=True, timeout=GUARD_SECONDS)
        return json.loads(result.stdout)

    def end(self) -> None:
        self.process.terminate()
        self.reader.join()
        self.process.wait(timeout=GUARD_SECONDS)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dumps", type=int, default=20)
    parser.add_argument("--rest", type=float, default=3)
    arguments = parser.parse_args()
    pauses, gaps, times = [], [], []
    with tempfile.TemporaryDirectory(prefix="ntemu-bench-") as folder:
        machine = Loaded(pathlib.Path(folder))
        try:
            time.sleep(arguments.rest)
            idle = max(machine.take_gaps(), default=0)
            for _ in range(arguments.dumps):
                began = time.monotonic()
                row = machine.dump()
                times.append(time.monotonic() - began)
                time.sleep(min(arguments.rest, 0.2))  # for what the ticker has to say
                pauses.append(row["pause_seconds"] * 1000)
                gaps.append(max(machine.take_gaps(), default=5))
            if row["threads"] < 100 or row["stored_bytes"] < 200 << 20:
                raise SystemExit(f"the dump is not of that machine: {row}")
        finally:
            machine.end()
    for name, values in (("freeze to thaw", pauses), ("longest gap of the ticker", gaps)):
        print(f"{name}: median {statistics.median(values):.1f} ms, max {max(values):.1f} ms")
    print(f"longest gap at rest: {idle:.1f} ms ({'below what is told' if not idle else 'told from 5 ms on'})")
    print(f"whole command: median {statistics.median(times):.2f} s, max {max(times):.2f} s")
    print(f"file: {row['bytes'] / 1e6:.0f} MB, {row['stored_bytes'] / 1e6:.0f} MB on the disk ({row['stored_bytes'] // 512} blocks), "
          f"{row['threads']} threads, {row['running']} of them not stopped")
    print(f"{arguments.dumps} dumps (target: at most 100 ms; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
