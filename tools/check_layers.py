#!/usr/bin/env python3
"""Check who includes whom, how long files are, and that no path of one machine is written down.

usage: check_layers.py [ROOT]
Prints one line for each violation and exits 1 if there is any.
"""
import pathlib
import re
import sys

import tree

# A component may include itself and what stands left of it. Names on one line do not include each other.
ORDER = [["include"], ["base"], ["api"], ["rtl"], ["ke"], ["ex"], ["mm"], ["ob"], ["ps"], ["cm"], ["io"], ["ldr"], ["vf"],
         ["kd"], ["fs"], ["machine"], ["explore", "testing"], ["tools"], ["tests"]]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
MAX_LINES = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
TABLE_ROW = re.compile(r"^\s*(#define\s|\{|[-+0-9]|/\*|$)")
# /home/u, /home/user and /home/me stand for nobody's.
MACHINE_PATH = re.compile(r"(?<![\w.$}~*-])/(?:home(?!/(?:u|user|me)\b)|work|mnt|media|Users)/\w")


def component_of(path: pathlib.PurePath) -> str | None:
    """The component a file, or an include path, belongs to."""
    parts = path.parts
    if len(parts) < 2:
        return None
    if parts[0] == "ntemu":
        return parts[1] if parts[1] in RANK else None
    return parts[0] if parts[0] in ("fs", "tools", "tests", "driver") else None


def included_component(name: str, including: pathlib.PurePath, km_headers: set[str]) -> str | None:
    # As users write them, from ntemu/include; .inc files of theirs may be made by the build.
    if name.lower() in km_headers or (tree.ROOT / "ntemu/include" / name).is_file() or name == "ntemu/testing/apis.inc":
        return "include"
    direct = component_of(pathlib.PurePosixPath(name))
    if direct:
        return direct
    resolved = []
    for part in (including.parent / name).parts:  # a relative include, perhaps with "..": what it names in the tree
        if part == ".." and resolved:
            resolved.pop()
        else:
            resolved.append(part)
    return component_of(pathlib.PurePosixPath(*resolved)) if "/" in name and name.startswith("..") else None


def include_errors(root: pathlib.Path, path: pathlib.Path, lines: list[str], km_headers: set[str]) -> list[str]:
    own = component_of(path)
    if own is None:
        return []
    errors = []
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(1)
        if own == "driver":
            if name.lower() not in km_headers and not (root / path.parent / name).is_file():
                errors.append(f"{path}:{number}: a driver includes {name}, which is not a WDK header")
            continue
        other = included_component(name, path, km_headers)
        if other is None or other == own or name.endswith(".def"):
            continue
        if own != "tests" and (other == "driver" or RANK[other] >= RANK[own]):
            errors.append(f"{path}:{number}: {own} includes {name}: {other} is above it, or beside it, in the order of layers")
    return errors


def length_errors(path: pathlib.Path, lines: list[str]) -> list[str]:
    if path.suffix not in tree.SOURCE_SUFFIXES or len(lines) <= MAX_LINES:
        return []
    rows = sum(1 for line in lines if TABLE_ROW.match(line))
    if rows > 0.9 * len(lines):  # a table of values has no objects to split it by
        return []
    return [f"{path}: {len(lines)} lines; split it by object (the limit is {MAX_LINES})"]


def path_errors(path: pathlib.Path, lines: list[str]) -> list[str]:
    return [f"{path}:{number}: the path of one machine: {match.group(0)}..."
            for number, line in enumerate(lines, 1) if (match := MACHINE_PATH.search(line))]


def check(root: pathlib.Path) -> list[str]:
    km = root / "ntemu/include/km"
    km_headers = {header.relative_to(km).as_posix().lower() for header in km.rglob("*.h")}
    km_headers |= {f"km/{name}" for name in km_headers}
    km_headers |= {name.removeprefix("crt/") for name in km_headers if name.startswith("crt/")}
    errors = []
    for path in tree.files(root):
        try:
            lines = (root / path).read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        if path.suffix in (".c", ".cpp", ".h", ".def", ".in"):
            errors += include_errors(root, path, lines, km_headers)
        errors += length_errors(path, lines)
        errors += path_errors(path, lines)
    return errors


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else tree.ROOT
    errors = check(root)
    print("\n".join(errors) if errors else "layers, lengths and paths are in order")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
