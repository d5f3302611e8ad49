#!/usr/bin/env python3
"""The layouts as a C driver sees them, in free and checked builds of each compiler."""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from machine import BIN, Machine  # noqa: E402


def main() -> int:
    fields = len(re.findall(r"^BITS\(", (HERE / "abi/bits.def").read_text(encoding="utf-8"), re.M))
    failures = 0
    for options in (["--cc", cc, *checked] for cc in ("gcc", "clang") for checked in ([], ["--checked"])):
        with tempfile.TemporaryDirectory() as folder, Machine() as machine:
            driver = pathlib.Path(folder) / "layouts.sys"
            build = subprocess.run([BIN / "ntcc", *options, "-Wall", "-Wextra", HERE / "layout_driver.c", "-o", driver],
                                   capture_output=True, text=True, check=False)
            if build.returncode != 0 or build.stderr:
                failures += 1
                print(f"ntcc {' '.join(options)}:\n{build.stderr}")
                continue
            outcome = machine.run(driver)
            if outcome.code != 0 or outcome.output != f"{fields} bit fields, 0 wrong\n":
                failures += 1
                print(f"ntcc {' '.join(options)}: expected {fields} bit fields, none wrong\n{outcome.text()}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
