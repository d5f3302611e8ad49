#!/usr/bin/env python3
"""Run clang-tidy with the checks of .clang-tidy over our own sources that a build directory compiles.

usage: check_lint.py BUILD_DIRECTORY [FILE...]
A file whose preprocessed text passed before is not read again. Exits 77 when clang-tidy is not installed.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import tree

CHECKED = ("ntemu", "fs", "tools")


def entries(build: pathlib.Path, named: list[str]) -> list[dict]:
    """One compile command for each source of ours, in order."""
    wanted = {str(pathlib.Path(name).resolve()) for name in named}
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if str(source) in wanted or (not wanted and source.suffix == ".cpp" and source.is_relative_to(tree.ROOT)
                                     and source.relative_to(tree.ROOT).parts[0] in CHECKED):
            found.setdefault(str(source), entry)
    return [entry | {"source": source} for source, entry in sorted(found.items())]


def fingerprint(entry: dict, config: bytes) -> str:
    command = shlex.split(entry["command"])
    if pathlib.Path(command[0]).name == "ccache":
        command.pop(0)
    output = command.index("-o")
    del command[output:output + 2]
    text = subprocess.run([*command, "-E", "-P"], cwd=entry["directory"], capture_output=True, check=False).stdout
    return hashlib.sha256(config + text + pathlib.Path(entry["source"]).read_bytes()).hexdigest()


def lint(tidy: str, build: pathlib.Path, passed: pathlib.Path, entry: dict, config: bytes) -> str:
    """The findings in one file; empty when there are none."""
    mark = passed / fingerprint(entry, config)
    if mark.exists():
        return ""
    result = subprocess.run([tidy, "--quiet", "-p", str(build), entry["source"]], capture_output=True, text=True, check=False)
    if result.returncode:
        return result.stdout + result.stderr
    mark.touch()
    return ""


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1]).resolve()
    tidy = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if not tidy:
        print("skipped: clang-tidy is not installed")
        return 77
    config = (tree.ROOT / ".clang-tidy").read_bytes()
    passed = build / "lint_passed"
    passed.mkdir(exist_ok=True)
    todo = entries(build, sys.argv[2:])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        findings = [text for text in pool.map(lambda entry: lint(tidy, build, passed, entry, config), todo) if text]
    print("\n".join(findings) if findings else f"{len(todo)} files without a finding")
    return 1 if findings or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
