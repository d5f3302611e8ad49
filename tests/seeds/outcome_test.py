"""The verbatim drivers do what their documents say, on a fresh machine each time.

usage: outcome_test.py DRIVER [DRIVER...]
The default build runs 5 times, that of each compiler at -O0 and -O2 once; 100 and 10 times with NTEMU_TEST_FULL=1.
"""
import json
import math
import pathlib
import shutil
import sys

import seeds
from machine import FULL, SANITIZED, Machine, expect_names, wrong_content

RUNS = 100 if FULL else 2 if SANITIZED else 5
CONTENT = b"Hello, World!\r\n" * 100
COUNT = 1000
HANG_CODE = 107  # the low byte of ERROR_POSSIBLE_DEADLOCK
assert len(CONTENT) == 1500


def files_moved(driver: pathlib.Path) -> list[str]:
    """kmutex, fast_mutex, push_lock: each file complete in Temp2, none left in Temp."""
    with Machine() as machine:
        outcome = machine.run(driver)
        problems = expect_names(machine.temp, set())
        problems += expect_names(machine.temp2, {f"NewFile_{index}.txt" for index in range(COUNT)})
        problems += [f"wrong content: {name}" for name in wrong_content(machine.temp2, CONTENT)[:3]]
        if outcome.code or problems:
            problems.append(outcome.text())
        return problems


def race(driver: pathlib.Path) -> tuple[list[str], int]:
    """Problems, and how many files stayed in Temp."""
    with Machine() as machine:
        outcome = machine.run(driver)
        stayed = {path.name for path in machine.temp.iterdir()}
        moved = {path.name for path in machine.temp2.iterdir()}
        problems = []
        for index in range(COUNT):
            places = (f"file_{index}.txt" in stayed) + (f"NewFile_{index}.txt" in moved)
            if places != 1:
                problems.append(f"file {index} exists {places} times")
        if len(stayed) + len(moved) != COUNT:
            problems.append(f"{len(stayed)} files in Temp and {len(moved)} in Temp2 are not {COUNT} together")
        problems = problems[:3]
        problems += [f"wrong content: {name}" for folder in (machine.temp, machine.temp2)
                     for name in wrong_content(folder, CONTENT)[:3]]
        if outcome.code or problems:
            problems.append(outcome.text())
        return problems, len(stayed)


def one(threads: list[dict], start: str) -> dict:
    found = [thread for thread in threads if start in str(thread.get("start"))]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} threads start in {start}: {threads}")
    return found[0]


def differences(title: str, found: dict, expected: dict) -> list[str]:
    return [f"{title}: {key} is {found.get(key)!r}, not {value!r}" for key, value in expected.items() if found.get(key) != value]


def recursive(driver: pathlib.Path) -> list[str]:
    """fast_mutex_recursive: no file, both threads in WrFastMutex on a mutex whose owner is the creator."""
    with Machine() as machine:
        outcome = machine.run(driver, "--json")
        try:
            report = json.loads(outcome.output.splitlines()[-1])
            threads = report["threads"]
            creator, mover = one(threads, "FileCreationThread"), one(threads, "FileMoveThread")
        except (IndexError, KeyError, ValueError, AssertionError) as error:
            return [f"no report of a hang: {error!r}\n{outcome.text()}"]
        problems = differences("report", report, {"result": "hang"})
        if outcome.code != HANG_CODE:
            problems.append(f"exit code {outcome.code}, not {HANG_CODE}")
        for title, thread in (("creator", creator), ("mover", mover)):
            problems += differences(title, thread, {"state": "Waiting", "wait_reason": "WrFastMutex"})
            problems += differences(f"{title}'s mutex", thread.get("object", {}),
                                    {"count": 8, "contention": 2, "owner": creator["address"]})
        problems += expect_names(machine.temp, set()) + expect_names(machine.temp2, set())
        if problems:
            problems.append(outcome.text())
        return problems


def delay(driver: pathlib.Path) -> list[str]:
    """kmutex_delay: the creator sleeps with the mutex, the mover waits for it."""
    with Machine() as machine:
        machine.start(driver, "--for", "60s")
        machine.wait("--reason", "DelayExecution", "--start", "FileCreationThread")
        machine.wait("--reason", "Executive", "--start", "FileMoveThread")
        threads = machine.threads()
        creator, mover = one(threads, "FileCreationThread"), one(threads, "FileMoveThread")
        problems = expect_names(machine.temp, {f"file_{index}.txt" for index in range(COUNT)})
        problems += expect_names(machine.temp2, set())
        problems += differences("creator", creator, {"state": "Waiting", "wait_reason": "DelayExecution"})
        problems += differences("mover", mover, {"state": "Waiting", "wait_reason": "Executive"})
        problems += differences("mover's object", mover.get("object", {}), {"type": "Mutant", "owner": creator["address"]})
        if problems:
            problems.append(str(threads))
        return problems


def check(name: str, driver: pathlib.Path, runs: int) -> list[str]:
    problems, mostly_moved = [], 0
    for run in range(1, runs + 1):
        if name == "race":
            found, stayed = race(driver)
            mostly_moved += stayed <= COUNT // 2
        else:
            found = {"fast_mutex_recursive": recursive, "kmutex_delay": delay}.get(name, files_moved)(driver)
        problems += [f"{driver.name}, run {run} of {runs}: {text}" for text in found]
        if len(problems) > 5:
            break
    if mostly_moved > math.ceil(runs / 10) and not SANITIZED:  # instrumented code has another pace
        problems.append(f"{driver.name}: in {mostly_moved} of {runs} runs most files were moved; without a lock they should stay")
    print(f"{driver.name}: {runs} runs{f', {runs - mostly_moved} left most files in Temp' if name == 'race' else ''}", flush=True)
    return problems


def main() -> int:
    folder = seeds.sources()
    problems = []
    try:
        for name in sys.argv[1:]:
            builds = [(f"{name}.sys", RUNS, [])]
            if not SANITIZED:  # the driver's compiler makes no difference to what a sanitizer sees of the runtime
                builds += [(f"{name}-{compiler}{level}.sys", 10 if FULL else 1, ["--cc", compiler, level])
                           for compiler in seeds.COMPILERS for level in ("-O0", "-O2")]
            for target, runs, options in builds:
                failure = seeds.build(folder / f"{name}.c", folder / target, *options)
                problems += [failure] if failure else check(name, folder / target, runs)
    finally:
        shutil.rmtree(folder)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
