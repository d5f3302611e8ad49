"""What the unit-test kit costs: machines, and compiling mocks.

usage: bench_kit.py PROGRAM COMPILER OPTION... [--rounds N]
Times PROGRAM, 1000 cases with a machine each, on one processor, beside a process for each of 100 of its cases; and the
compilation of a test file with three mocks beside one that includes GoogleMock alone. Least of N rounds (3).
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


def least(rounds: int, command: list) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.monotonic() - begin)
    return best


def main() -> int:
    words = sys.argv[1:]
    rounds = 3
    if "--rounds" in words:
        at = words.index("--rounds")
        rounds = int(words[at + 1])
        del words[at:at + 2]
    program, compiler, options = words[0], words[1], words[2:]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    machines = least(rounds, [program, "--gtest_brief=1"])
    print(f"1000 cases with a fresh machine each, one process, one processor: {machines:.2f} s ({machines:.2f} ms each)")
    with tempfile.TemporaryDirectory(prefix="ntemu-bench-") as folder:
        alone = pathlib.Path(folder, "gmock.cpp")
        alone.write_text("#include <gmock/gmock.h>\nTEST(A, B) {}\n", encoding="utf-8")
        compile_one = [compiler, *options, "-c", "-o", f"{folder}/object.o"]
        base = least(rounds, [*compile_one, alone])
        three = least(rounds, [*compile_one, HERE / "kit_three_mocks.cpp"])
    print(f"compiling a test with three mocks: {three:.1f} s; GoogleMock alone: {base:.1f} s; ratio {three / base:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
