"""Runs stress cases many times, each run in a process of its own, on all processors.

usage: stress_runs.py PROGRAM FILTER [--runs N] [--jobs N] [--timeout SECONDS]
FILTER is that of GoogleTest. Every case runs N times: 3, or 1000 with NTEMU_TEST_FULL=1; each run is the short one. Run k
of a case has the seed k, which testing::UnitTest::GetInstance()->random_seed() tells it. A run that fails, crashes or
hangs is reported with its last lines and the command that repeats it; where gdb is installed, a hang also with its stacks.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from machine import FULL, SANITIZED

MOST_REPORTS = 5  # per case; after that its remaining runs are left out


@dataclasses.dataclass
class Run:
    case: str
    seed: int
    command: list
    problem: str = ""  # empty: passed
    output: str = ""
    seconds: float = 0


def cases(program: pathlib.Path, pattern: str) -> list[str]:
    listed = subprocess.run([program, "--gtest_list_tests", f"--gtest_filter={pattern}"], capture_output=True, text=True,
                            check=True, timeout=60).stdout
    found, suite = [], ""
    for line in listed.splitlines():
        name = line.split("#")[0].rstrip()
        if name.startswith("  "):
            found.append(suite + name.strip())
        elif name.endswith("."):
            suite = name
    return found


def stacks(process: subprocess.Popen) -> str:
    if not shutil.which("gdb"):
        return ""
    try:
        return subprocess.run(["gdb", "--batch", "-p", str(process.pid), "-ex", "thread apply all backtrace 20"],
                              capture_output=True, text=True, check=False, timeout=60).stdout
    except subprocess.TimeoutExpired:
        return ""


def execute(run: Run, timeout: float) -> Run:
    environment = {name: value for name, value in os.environ.items() if name != "NTEMU_TEST_FULL"}
    begin = time.monotonic()
    with subprocess.Popen(run.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=environment) as process:
        try:
            run.output = process.communicate(timeout=timeout)[0]
            if process.returncode < 0:
                run.problem = f"killed by {signal.Signals(-process.returncode).name}"
            elif process.returncode:
                run.problem = f"exit code {process.returncode}"
            elif "[  PASSED  ] 1 test" not in run.output and "[  SKIPPED ] 1 test" not in run.output:
                run.problem = "success, but nothing ran"
        except subprocess.TimeoutExpired:
            found = stacks(process)
            process.kill()
            run.output = process.communicate()[0] + found
            run.problem = f"HANG: not ended after {timeout:.0f} s"
    run.seconds = time.monotonic() - begin
    return run


def report(run: Run) -> str:
    lines = run.output.splitlines()
    shown = lines[-60:] if not run.problem.startswith("HANG") else lines[-400:]
    return f"{run.case}, seed {run.seed}: {run.problem}\n  " + " ".join(map(str, run.command)) + "\n    " + "\n    ".join(shown)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("filter")
    parser.add_argument("--runs", type=int, default=1000 if FULL else 3)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--timeout", type=float, default=300 if SANITIZED else 60)
    arguments = parser.parse_args()
    names = cases(arguments.program, arguments.filter)
    if not names:
        print(f"{arguments.program.name} has no case {arguments.filter}")
        return 1
    done, bad = collections.defaultdict(list), collections.defaultdict(list)

    def one(run: Run) -> None:
        if len(bad[run.case]) >= MOST_REPORTS:
            return
        execute(run, arguments.timeout)
        done[run.case].append(run.seconds)
        if run.problem:
            bad[run.case].append(run)
            print(report(run), flush=True)

    # GoogleTest hands a seed to the cases only when it shuffles them.
    runs = [Run(name, seed, [arguments.program, f"--gtest_filter={name}", "--gtest_shuffle", f"--gtest_random_seed={seed}"])
            for seed in range(1, arguments.runs + 1) for name in names]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for _ in pool.map(one, runs):
            pass
    for name in names:
        seconds, failed = done[name], len(bad[name])
        print(f"{name}: {len(seconds)} runs, {failed} failed, {sum(seconds) / max(len(seconds), 1):.2f} s each, "
              f"{max(seconds, default=0):.2f} s the longest" + (", the rest left out" if len(seconds) < arguments.runs else ""))
    return 1 if any(bad.values()) or any(len(done[name]) == 0 for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
