"""Compare the kmutex sample's work with the same work in raw system calls, on fresh directories of one file system.

usage: bench_seed_workload.py [--rounds N]
The two alternate, so that both see the same noise; the ratio is the median of the rounds' ratios. Target: at most 1.3.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN, DRIVERS, Machine  # noqa: E402

FILES = 1000


def driver_nanoseconds() -> int:
    with Machine() as machine:
        outcome = machine.run(DRIVERS / "kmutex_timed.sys")
        timed = re.search(rf"moved {FILES} files in (\d+) ns", outcome.output)
        if outcome.code or not timed:
            raise SystemExit("the driver did not do its work: " + outcome.text())
        return int(timed.group(1))


def raw_nanoseconds() -> int:
    with Machine() as machine:
        result = subprocess.run([BIN / "raw_workload", machine.drive_c], capture_output=True, text=True, check=True)
        return int(result.stdout)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times = {"driver": [], "raw": []}
    for index in range(rounds):
        pair = [("driver", driver_nanoseconds), ("raw", raw_nanoseconds)]
        for name, measure in pair if index % 2 else reversed(pair):
            times[name].append(measure())
    for name, values in times.items():
        print(f"{name:>6}: median {statistics.median(values) / 1e6:.1f} ms, "
              f"min {min(values) / 1e6:.1f} ms, max {max(values) / 1e6:.1f} ms, {rounds} rounds")
    # Of neighbours in time: the host's pace drifts from round to round more than the two differ.
    ratio = statistics.median(driver / raw for driver, raw in zip(times["driver"], times["raw"]))
    print(f" ratio: {ratio:.2f} (of the minima {min(times['driver']) / min(times['raw']):.2f}; target at most 1.3; {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
