#!/usr/bin/env python3
"""Compile every km header alone, with every installed compiler of the matrix, as drivers and as the runtime include it.

usage.c, which uses them as drivers do, and layout_driver.c, which asserts what they lay out, are compiled in every driver
mode; their DriverEntry must come out unmangled.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

DRIVER = ["-DNTEMU_DRIVER_BUILD", "-nostdinc", "-fms-extensions", "-fshort-wchar"]
MODES = [
    ("driver C11", ["-x", "c", "-std=gnu11", *DRIVER]),
    ("driver C17, checked", ["-x", "c", "-std=gnu17", "-DDBG=1", *DRIVER]),
    ("driver C++17", ["-x", "c++", "-std=gnu++17", *DRIVER]),
    ("driver C++20", ["-x", "c++", "-std=gnu++20", *DRIVER]),
    ("runtime C++20", ["-x", "c++", "-std=c++20"]),
]
HERE = pathlib.Path(__file__).resolve().parent
DRIVERS = [HERE / "usage.c", HERE / "layout_driver.c"]
COMPILERS = ["gcc-12", "gcc", "clang-14", "clang-19", "clang"]


def installed_compilers():
    found = {}
    for name in COMPILERS:
        path = shutil.which(name)
        if path:
            found.setdefault(os.path.realpath(path), name)
    return list(found.values())


def compile_one(compiler, mode, options, km, source):
    command = [compiler, *options, "-S", "-o", "-", "-Wall", "-Wextra", "-Werror", "-isystem", str(km)]
    if "-nostdinc" in options:
        own = subprocess.run([compiler, "-print-file-name=include"], capture_output=True, text=True, check=True)
        command += ["-isystem", str(km / "crt"), "-isystem", own.stdout.strip()]
    is_driver = source in DRIVERS
    text = source.read_text() if is_driver else f'#include "{source}"\n'
    if is_driver:
        command += ["-Wno-multichar", "-iquote", str(HERE)]
    run = subprocess.run([*command, "-"], input=text, capture_output=True, text=True)
    if run.returncode != 0:
        return f"{compiler}, {mode}, {source}:\n{run.stderr}"
    return "" if not is_driver or "\nDriverEntry:" in run.stdout else f"{compiler}, {mode}, {source}: no symbol DriverEntry"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("km", type=pathlib.Path, help="the km include directory")
    km = parser.parse_args().km.resolve()
    compilers = installed_compilers()
    headers = sorted(p.relative_to(km).as_posix() for p in [*km.glob("*.[hH]"), *km.glob("nt/*.h")])
    if not compilers or len(headers) < 20:
        print(f"nothing to test: compilers {compilers}, {len(headers)} headers")
        return 1
    canonical = [h for h in headers if h == h.lower()]
    jobs = [(c, mode, options, km, h) for c in compilers for mode, options in MODES for h in canonical]
    jobs += [(c, mode, options, km, source)
             for c in compilers for mode, options in MODES if mode.startswith("driver") for source in DRIVERS]
    jobs += [(compilers[0], *MODES[0], km, h) for h in headers if h not in canonical]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(lambda job: compile_one(*job), jobs) if text]
    print("\n".join(failures[:20]))
    print(f"{len(jobs)} compilations with {', '.join(compilers)}: {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
