#!/usr/bin/env python3
"""How much of each source file was run, by what gcov finds in a build: coverage.py build/coverage [FOLDER...]

A line that was not run is shown where the file is named itself: coverage.py build/coverage driver/kmutex.c
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

Lines = dict[int, int]  # how often each line with code was run


def count(counters: list[pathlib.Path], gcov: str = "gcov") -> dict[str, Lines]:
    """What the .gcda files say of each source below ROOT, by its path there; the .gcno files lie beside them."""
    sources: dict[str, Lines] = {}
    for begin in range(0, len(counters), 50):
        printed = subprocess.run([gcov, "--json-format", "--stdout", *counters[begin:begin + 50]],
                                 check=True, stdout=subprocess.PIPE).stdout
        for report in map(json.loads, printed.splitlines()):
            for file in report["files"]:
                path = os.path.normpath(os.path.join(report["current_working_directory"], file["file"]))
                if not pathlib.Path(path).is_relative_to(ROOT):
                    continue
                lines = sources.setdefault(os.path.relpath(path, ROOT), {})
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, 0) + line["count"]
    return sources


def summary(name: str, lines: Lines) -> str:
    run = sum(1 for times in lines.values() if times)
    return f"{name} {100 * run / max(len(lines), 1):.2f}% of {len(lines)}"


def missing(name: str, lines: Lines) -> list[str]:
    """Each line that was not run, with its text."""
    text = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [f"{name}:{number}: not run: {text[number - 1].strip()}" for number in sorted(lines) if not lines[number]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="the build's directory, after its tests were run")
    parser.add_argument("folders", nargs="*", default=["driver", "ntemu", "fs", "tools"], help="which sources, files too")
    parser.add_argument("--gcov", default="gcov", help="the one of the build's compiler")
    arguments = parser.parse_args()
    counters = sorted(arguments.build.resolve().rglob("*.gcda"))
    if not counters:
        sys.exit(f"coverage.py: {arguments.build} has no counters: build with the preset coverage, then run tests")
    for name, lines in sorted(count(counters, arguments.gcov).items()):
        if any(pathlib.Path(name).is_relative_to(folder) for folder in arguments.folders):
            print(summary(name, lines))
            if name in arguments.folders:
                print(*missing(name, lines), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
