"""The stacks of 100 threads of a driver: kd's !us on the machine and on a dump, beside gdb's in the same run.

usage: bench_kd.py [--rounds N]
Target: 60 ms for !us, 10 ms for a kd that does nothing. gdb is left out where it is not installed.
"""
import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN, Machine, ntemu  # noqa: E402

THREADS = 100
SOURCE = """#include <ntddk.h>
DRIVER_INITIALIZE DriverEntry;
static KEVENT Never;
static __attribute__((noinline)) LONG Deep(LONG Depth)
{
    LONG Value;
    LARGE_INTEGER Limit;
    if (Depth == 0) {
        Limit.QuadPart = -36000000000LL; /* for good would be a hang, which ends the machine */
        KeWaitForSingleObject(&Never, UserRequest, KernelMode, FALSE, &Limit);
        return 1;
    }
    Value = Deep(Depth - 1);
    return Value + Depth;
}
static VOID Worker(PVOID Context) { Deep((LONG)(ULONG_PTR)Context); }
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    (VOID)DriverObject, (VOID)RegistryPath;
    KeInitializeEvent(&Never, NotificationEvent, FALSE);
    for (LONG I = 0; I < %d; I++) {
        HANDLE Thread;
        PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Worker, (PVOID)(ULONG_PTR)(I %% 10));
        ZwClose(Thread);
    }
    return STATUS_SUCCESS;
}
""" % THREADS


def measure(command: list, rounds: int, wanted: str) -> list[float]:
    """Milliseconds of each run, whose output has `wanted`."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        times.append((time.perf_counter() - start) * 1000)
        if wanted not in result.stdout:
            raise SystemExit(f"{command}: {result.stdout[-2000:]}{result.stderr[-2000:]}")
    return times


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="ntemu-bench-") as folder, Machine() as machine:
        source, driver, dump = (pathlib.Path(folder) / f"TestDriver.{suffix}" for suffix in ("c", "sys", "dmp"))
        source.write_text(SOURCE, encoding="utf-8")
        subprocess.run([BIN / "ntcc", source, "-o", driver], check=True)
        machine.start(driver, "--for", "600s")
        machine.wait("--threads", THREADS, "--reason", "UserRequest")
        assert ntemu("dump", "--machine", machine.path, "--output", dump).code == 0
        live, dead = ["-m", machine.path], ["-z", dump, "-y", folder]
        found = f"Threads matching filter: {THREADS} out of"
        runs = [("kd !us TestDriver, live", [BIN / "kd", *live, "-c", "!us TestDriver"], found),
                ("kd !us TestDriver, dump", [BIN / "kd", *dead, "-c", "!us TestDriver"], found),
                ("kd, nothing, live", [BIN / "kd", *live, "-c", "? 1"], "Evaluate"),
                ("kd, nothing, dump", [BIN / "kd", *dead, "-c", "? 1"], "Evaluate")]
        if shutil.which("gdb"):
            stacks = ["-nx", "-batch", "-ex", "thread apply all bt"]
            runs += [("gdb thread apply all bt, live", ["gdb", *stacks, "-p", str(machine.process.pid)], "Deep"),
                     ("gdb thread apply all bt, dump", ["gdb", *stacks, str(BIN / "ntemu"), str(dump)], "Deep")]
        medians = {}
        for name, command, wanted in runs:
            times = measure([str(word) for word in command], rounds if name.startswith("kd") else max(1, rounds // 5), wanted)
            medians[name] = statistics.median(times)
            print(f"{name:32} {medians[name]:8.1f} ms  (from {min(times):.1f} to {max(times):.1f}, {len(times)} runs)")
        for kind in ("live", "dump"):
            gdb = medians.get(f"gdb thread apply all bt, {kind}")
            if gdb:
                print(f"gdb / kd, {kind}: {gdb / medians[f'kd !us TestDriver, {kind}']:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
