"""Compare the kmutex sample's file work through the mount with the same work through libfuse's passthrough_hp.

usage: bench_mount.py [--rounds N] [--passthrough COMMAND]
COMMAND is libfuse's example/passthrough_hp with its options, built so that it sets fi->direct_io in create and open
(later versions of it have --direct-io); it is called with a directory and a mount point. Without it, the yardstick is
the work on the directory itself. The two alternate, so that both see the same noise; the ratio is the median of the
rounds' ratios. Target: at most 1.0 of passthrough_hp. The processor time is that of the program and of the mount.
"""
import argparse
import os
import pathlib
import resource
import select
import shlex
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN  # noqa: E402

SKIPPED = 77


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def work_in(directory: pathlib.Path) -> float:
    for name in ("Temp", "Temp2"):
        (directory / name).mkdir()
    result = subprocess.run([BIN / "raw_workload", directory], capture_output=True, text=True, check=True)
    return int(result.stdout) / 1e6


def ours(folder: pathlib.Path) -> float:
    with subprocess.Popen([BIN / "mount_machine", folder / "machine", folder / "mount"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        if process.stdout.readline() != "mounted\n":
            process.communicate()
            raise SystemExit(SKIPPED if process.returncode == SKIPPED else 1)
        try:
            return work_in(folder / "mount" / "C:")
        finally:
            process.communicate()


def passthrough(folder: pathlib.Path, command: list[str]) -> float:
    point = folder / "mount"
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        changed = select.poll()
        changed.register(mounts, select.POLLPRI)
        with subprocess.Popen([*command, "--foreground", folder / "machine", point], stdout=subprocess.DEVNULL) as process:
            while not os.path.ismount(point):
                if process.poll() is not None:
                    raise SystemExit(f"{command[0]} did not mount: exit code {process.returncode}")
                changed.poll(100)
            try:
                return work_in(point)
            finally:
                subprocess.run(["fusermount3", "-u", point], check=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--passthrough", type=shlex.split)
    options = parser.parse_args()

    def yardstick(folder: pathlib.Path) -> float:
        return passthrough(folder, options.passthrough) if options.passthrough else work_in(folder / "machine")

    name = "passthrough_hp" if options.passthrough else "directory"
    times = {"mount": [], name: []}
    processor = {"mount": [], name: []}
    for index in range(options.rounds):
        pair = [("mount", ours), (name, yardstick)]
        for which, measure in pair if index % 2 else reversed(pair):
            with tempfile.TemporaryDirectory(prefix="ntemu-bench-") as folder:
                for part in ("machine", "mount"):
                    pathlib.Path(folder, part).mkdir()
                before = children_seconds()
                times[which].append(measure(pathlib.Path(folder)))
                processor[which].append(1e3 * (children_seconds() - before))
    for which, values in times.items():
        print(f"{which:>14}: median {statistics.median(values):.0f} ms, min {min(values):.0f} ms, max {max(values):.0f} ms, "
              f"processor time {statistics.median(processor[which]):.0f} ms, {options.rounds} rounds")
    ratio = statistics.median(mount / other for mount, other in zip(times["mount"], times[name]))
    print(f"         ratio: {ratio:.2f} (of the minima {min(times['mount']) / min(times[name]):.2f}; "
          f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
