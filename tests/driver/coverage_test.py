"""Every line of the samples is run by their tests: coverage_test.py GCOV IMAGES NOTES PROGRAM...

IMAGES has the samples instrumented for gcov; NOTES is the directory in which they were compiled.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import coverage  # noqa: E402


# Its requests end the machine before anything is counted: tests/notmyfault makes every one of them.
NOT_COUNTED = {"myfault.c"}


def run(program: str, images: str, counters: pathlib.Path) -> bool:
    environment = dict(os.environ, NTEMU_TEST_DRIVERS=images, GCOV_PREFIX=str(counters))
    outcome = subprocess.run([program, "--gtest_brief=1"], env=environment, check=False, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if outcome.returncode != 0:
        print(f"{program} failed with code {outcome.returncode}:\n{outcome.stdout}")
    return outcome.returncode == 0


def main() -> int:
    gcov, images, notes, *programs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        # Counters of a run go below a directory of its own, so that runs side by side do not add up.
        temporary = pathlib.Path(directory)
        if not all([run(program, images, temporary) for program in programs]):
            return 1
        counters = sorted((temporary / pathlib.Path(notes).relative_to("/")).rglob("*.gcda"))
        for counter in counters:
            note = pathlib.Path("/") / counter.relative_to(temporary).with_suffix(".gcno")
            counter.with_suffix(".gcno").symlink_to(note)
        counts = coverage.count(counters, gcov)
    complete = True
    for source in sorted(path for path in (ROOT / "driver").glob("*.c") if path.name not in NOT_COUNTED):
        name = str(source.relative_to(ROOT))
        lines = counts.get(name, {})
        left = coverage.missing(name, lines) if lines else [f"{name}: no line of it was run"]
        print(coverage.summary(name, lines), *left, sep="\n")
        complete = complete and not left
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
