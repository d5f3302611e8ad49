"""Machines and drivers as a user has them: through the ntemu and ntcc programs alone."""
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("NTEMU_BIN", "build/gcc/bin"))
DRIVERS = pathlib.Path(os.environ.get("NTEMU_DRIVERS", "build/gcc/drivers"))
FULL = os.environ.get("NTEMU_TEST_FULL") == "1"
SANITIZED = bool(os.environ.get("NTEMU_SANITIZE"))
# A guard against a hang of ntemu itself; nothing is measured with it.
GUARD_SECONDS = 600 if SANITIZED else 120


@dataclasses.dataclass
class Outcome:
    code: int
    output: str
    errors: str

    def text(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.output}--- stderr\n{self.errors}"


def complaints(errors: str) -> str:
    """What a boot said on stderr, but for the one line that says why there is no mount where nothing can be mounted."""
    return re.sub("(?m)^ntemu: machine: the machine runs without a mount: .*\n", "", errors, count=1)


def ntemu(*arguments: object, timeout: float = GUARD_SECONDS) -> Outcome:
    result = subprocess.run([BIN / "ntemu", *map(str, arguments)], capture_output=True, text=True, errors="replace",
                            timeout=timeout, check=False)
    return Outcome(result.returncode, result.stdout, result.stderr)


class Machine:
    """A fresh machine directory with C:\\Temp and C:\\Temp2."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ntemu-test-")
        self.path = pathlib.Path(self.folder.name)
        self.drive_c = self.path / "drive_c"
        self.temp = self.drive_c / "Temp"
        self.temp2 = self.drive_c / "Temp2"
        for directory in (self.temp, self.temp2):
            directory.mkdir(parents=True)
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
        self.folder.cleanup()

    def run(self, driver: pathlib.Path, *options: object) -> Outcome:
        return ntemu("run", "--machine", self.path, *options, driver)

    def start(self, driver: pathlib.Path, *options: object) -> None:
        """`ntemu run` in the background; the machine ends with the with-block."""
        self.process = subprocess.Popen([BIN / "ntemu", "run", "--machine", self.path, *map(str, options), driver],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait(self, *condition: object) -> None:
        """Returns when the machine is as the condition of `ntemu wait` says."""
        deadline = time.monotonic() + GUARD_SECONDS
        while True:  # the machine answers a moment after its process has started
            outcome = ntemu("wait", "--machine", self.path, "--timeout", "60s", *condition)
            if outcome.code == 0:
                return
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                output = "".join(self.process.communicate()) if ended else ""
                raise AssertionError(f"ntemu wait {condition}: {outcome.text()}\n{output}")
            time.sleep(0.02)

    def threads(self) -> list[dict]:
        outcome = ntemu("threads", "--machine", self.path, "--json")
        if outcome.code:
            raise AssertionError("ntemu threads: " + outcome.text())
        threads = json.loads(outcome.output)
        return threads["threads"] if isinstance(threads, dict) else threads


def wrong_content(folder: pathlib.Path, content: bytes) -> list[str]:
    """The files whose bytes are not exactly `content`, with their length."""
    return [f"{path.name} ({path.stat().st_size} bytes)" for path in sorted(folder.iterdir()) if path.read_bytes() != content]


def expect_names(folder: pathlib.Path, expected: set[str]) -> list[str]:
    """What is missing from a folder and what is too much, in words; empty when it holds exactly the names expected."""
    found = {path.name for path in folder.iterdir()}
    problems = []
    for title, names in (("missing", expected - found), ("unexpected", found - expected)):
        if names:
            problems.append(f"{folder.name}: {len(names)} {title}, e.g. {sorted(names)[0]}")
    return problems
