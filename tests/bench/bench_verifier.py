"""What verification costs: the kernel's locks as a driver under the standard options calls them, beside the same unverified.

usage: bench_verifier.py PROGRAM [--repetitions N] [--milliseconds N]
PROGRAM is bench_locks. Prints medians in nanoseconds and their ratio.
"""
import json
import subprocess
import sys

STANDARD = 0x209BB
# Those that a verified driver may do: push locks and resources in a critical region.
LINES = ("^(fast_mutex|kmutex|push_lock_exclusive_in_region|push_lock_shared_in_region|resource_shared_in_region|event_set_clear"
         "|spin_lock|event_wait_signalled|semaphore_wait_release)$")


def measure(program: str, options: list) -> dict:
    output = subprocess.run([program, "--filter", LINES, "--json", *options], capture_output=True, text=True, check=True).stdout
    return {line["name"].split("/")[0]: line["nt_median"] for line in json.loads(output)["benchmarks"]}


def main() -> int:
    program, options = sys.argv[1], sys.argv[2:]
    off, on = measure(program, options), measure(program, [*options, "--verify", str(STANDARD)])
    print(f"{'':32}{'off':>9}{'on':>9}{'ratio':>8}")
    for name, time in off.items():
        print(f"{name:32}{time:6.1f} ns{on[name]:6.1f} ns{on[name] / time:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
