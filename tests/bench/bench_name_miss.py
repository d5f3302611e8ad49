"""Compare opening a name that does not exist, in a directory of many names, with openat() of such a name.

usage: bench_name_miss.py [--names N] [--rounds N] [--rest SECONDS]
The two alternate on one directory; the ratio is the median of the rounds' ratios. Target: at most 3 us in the driver.
Within two seconds of a change to the directory a miss takes a system call more (--rest 0 shows that).
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN, DRIVERS, Machine  # noqa: E402


def driver_nanoseconds(machine: Machine) -> int:
    outcome = machine.run(DRIVERS / "name_miss.sys")
    timed = re.search(r"one miss takes (\d+) ns", outcome.output)
    if outcome.code or not timed:
        raise SystemExit("the driver did not do its work: " + outcome.text())
    return int(timed.group(1))


def raw_nanoseconds(machine: Machine) -> int:
    result = subprocess.run([BIN / "raw_name_miss", machine.temp], capture_output=True, text=True, check=True)
    return int(result.stdout)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--names", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rest", type=float, default=3)
    arguments = parser.parse_args()
    times = {"driver": [], "raw": []}
    with Machine() as machine:
        for index in range(arguments.names):
            (machine.temp / f"name_{index}.txt").touch()
        time.sleep(arguments.rest)
        for index in range(arguments.rounds):
            pair = [("driver", driver_nanoseconds), ("raw", raw_nanoseconds)]
            for name, measure in pair if index % 2 else reversed(pair):
                times[name].append(measure(machine))
    for name, values in times.items():
        print(f"{name:>6}: median {statistics.median(values) / 1e3:.2f} us, min {min(values) / 1e3:.2f} us, "
              f"max {max(values) / 1e3:.2f} us, {arguments.rounds} rounds, {arguments.names} names")
    ratio = statistics.median(driver / raw for driver, raw in zip(times["driver"], times["raw"]))
    print(f" ratio: {ratio:.2f} (target: at most 3 us; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
