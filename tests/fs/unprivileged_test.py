"""The mount's tests once more as a user without rights, for whom fusermount3 mounts.

As root alone: in a mount namespace of its own, where /dev/fuse may be used by everybody, as it may on most systems.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN  # noqa: E402

SKIPPED = 77
TESTS = "Mount/*:MountLife*:MountWithDrivers/*"

# $1: a directory to put the device in, $2: where temporary files go, $3...: the command.
IN_NAMESPACE = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mknod -m 666 "$1/fuse" c 10 229
mount --bind "$1/fuse" /dev/fuse
export TMPDIR="$2"
shift 2
exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
"""


def main() -> int:
    for program in ("unshare", "setpriv", "fusermount3"):
        if not shutil.which(program):
            print(f"skipped: {program} is not installed")
            return SKIPPED
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("skipped: needs root and /dev/fuse")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="ntemu-unprivileged-") as folder:
        os.chmod(folder, 0o755)
        devices, scratch = pathlib.Path(folder, "dev"), pathlib.Path(folder, "tmp")
        devices.mkdir()
        scratch.mkdir()
        os.chmod(scratch, 0o777)

        def as_nobody(*command: str) -> subprocess.CompletedProcess:
            return subprocess.run(["unshare", "--mount", "sh", "-c", IN_NAMESPACE, "sh", devices, scratch, *command],
                                  capture_output=True, text=True, timeout=280, check=False)

        program = str(BIN / "dos_devices_test")
        probe = as_nobody("sh", "-c", ': < /dev/fuse && "$0" --gtest_list_tests', program)
        if probe.returncode:
            print("skipped: no such namespace here, or user nobody cannot run the tests:", probe.stderr)
            return SKIPPED
        result = as_nobody(program, f"--gtest_filter={TESTS}", "--gtest_brief=1")
        print(result.stdout, result.stderr)
        return result.returncode


if __name__ == "__main__":
    sys.exit(main())
