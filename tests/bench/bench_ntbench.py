"""A driver that times kernel calls, verbatim, beside what Wine 8 takes for them.

usage: bench_ntbench.py [--compare] [--runs N]
Builds the driver with ntcc, runs it on a fresh machine, and checks that it reports every call. --compare also prints the
table: the least of N runs (5), what Wine 8 took on one machine, and the ratio; figures of another machine are no more than
an order of magnitude. Skipped where the driver is not at hand (NTEMU_NTBENCH names it).
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from machine import BIN, Machine  # noqa: E402

SKIPPED = 77
# Each line of the report, in order, and Wine 8's nanoseconds for it, where they are known.
LINES = {
    "kmutex_acquire_release": 40e3,
    "fastmutex_acquire_release": 23,
    "event_wait_signalled": 41e3,
    "event_set_clear": None,
    "event_poll_timeout": None,
    "wait_multiple_any2": 77e3,
    "spinlock_acquire_release": 27,
    "eresource_shared": 117,
    "pool_alloc_free_64": 181,
    "semaphore_pingpong_roundtrip": 157e3,
    "file_create_close": 83e3,
    "file_write_15": 2.3e3,
    "file_read_15_at0": None,
}


def build(source: pathlib.Path, driver: pathlib.Path) -> None:
    result = subprocess.run([BIN / "ntcc", "-o", driver, source], capture_output=True, text=True, check=False)
    if result.returncode or result.stdout or result.stderr:
        raise SystemExit(f"ntcc {source.name}: exit code {result.returncode}\n{result.stdout}{result.stderr}")


def measure(driver: pathlib.Path) -> dict[str, float]:
    """Nanoseconds by name, of one run on a fresh machine."""
    with Machine() as machine:
        outcome = machine.run(driver)
        report = machine.drive_c / "ntbench.txt"
        text = report.read_bytes().decode() if report.is_file() else ""
    lines = re.findall(r"(\w+) (\d+\.\d{3})\r\n", text)
    if outcome.code or [name for name, _ in lines] != list(LINES) or "".join(f"{name} {time}\r\n" for name, time in lines) != text:
        raise SystemExit(f"{outcome.text()}--- ntbench.txt, which should have {len(LINES)} lines\n{text}")
    times = {name: float(time) for name, time in lines}
    idle = [name for name, time in times.items() if time <= 0]
    if idle:
        raise SystemExit(f"these take no time: {', '.join(idle)}\n{text}")
    return times


def readable(nanoseconds: "float | None") -> str:
    if nanoseconds is None:
        return "-"
    return f"{nanoseconds / 1e3:.1f} us" if nanoseconds >= 1e3 else f"{nanoseconds:.1f} ns"


def compare(times: dict[str, float]) -> None:
    print(f"{'':<30}{'ntemu':>10}{'Wine 8':>10}{'ratio':>8}")
    for name, wine in LINES.items():
        beaten = f"{times[name] / wine:>8.3f}  {'faster' if times[name] < wine else 'SLOWER'}" if wine else f"{'-':>8}"
        print(f"{name:<30}{readable(times[name]):>10}{readable(wine):>10}{beaten}")
    known = [name for name, wine in LINES.items() if wine]
    faster = sum(times[name] < LINES[name] for name in known)
    print(f"{faster} of {len(known)} are faster than Wine 8's ({os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    source = pathlib.Path(os.environ.get("NTEMU_NTBENCH", ROOT.parent / "shared/bench/ntbench.c"))
    if not source.is_file():
        print("skipped: the driver is not here (NTEMU_NTBENCH names it)")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="ntemu-ntbench-") as folder:
        driver = pathlib.Path(folder) / "ntbench.sys"
        build(source, driver)
        runs = [measure(driver) for _ in range(arguments.runs if arguments.compare else 1)]
    if arguments.compare:
        compare({name: min(run[name] for run in runs) for name in LINES})
    else:
        print(f"{len(LINES)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
