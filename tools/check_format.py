#!/usr/bin/env python3
"""Check that our own C++ is as clang-format leaves it; --fix rewrites it instead.

usage: check_format.py [--fix] [FILE...]
The sample drivers keep the WDK's style and, like templates, are left alone. Exits 77 when clang-format is not installed.
"""
import pathlib
import shutil
import subprocess
import sys

import tree


def main() -> int:
    arguments = sys.argv[1:]
    fix = "--fix" in arguments
    named = [argument for argument in arguments if argument != "--fix"]
    formatter = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not formatter:
        print("skipped: clang-format is not installed")
        return 77
    paths = [pathlib.Path(name).resolve() for name in named] or [
        tree.ROOT / path for path in tree.files()
        if path.parts[0] in ("ntemu", "fs", "tools", "tests") and path.suffix in (".cpp", ".h")
        and "templates" not in path.parts]
    style = ["-i"] if fix else ["--dry-run", "-Werror"]
    result = subprocess.run([formatter, f"--style=file:{tree.ROOT / '.clang-format'}", *style, *map(str, paths)], check=False)
    if result.returncode:
        print("not formatted; tools/check_format.py --fix rewrites them")
        return 1
    print(f"{len(paths)} files are {'formatted' if fix else 'as clang-format leaves them'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
