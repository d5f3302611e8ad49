"""Follows a page in a fresh directory: writes its files, gives its commands, compares what they print.

usage: page_test.py PREFIX PAGE.md
PREFIX is an installation of ntemu. The directory has a link `driver` to the sample drivers.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from installed import environment, libraries  # noqa: E402
from page import Command, agrees, blocks  # noqa: E402

SKIPPED = 77
GUARD_SECONDS = 600  # against a hang; nothing is measured with it

# Each step is run by the one shell, so that `cd` and `export` hold for those after it, and leaves its output and status.
STEP = """
echo {number} >"$steps/last"
{{ {command}
}} >"$steps/{number}.out" 2>&1 </dev/null || {{ echo $? >"$steps/{number}.status"; exit 0; }}
"""
COMMAND = 'eval "$(cat "$steps/{number}.command")"'
FILE = 'mkdir -p "$(dirname {name})" && cat "$steps/{number}.file" {to} {name}'


class Place:
    """A reader's directory."""

    def __init__(self, prefix: pathlib.Path, folder: pathlib.Path):
        self.prefix = prefix
        self.steps = folder / "steps"
        self.work = folder / "work"
        for directory in (self.steps, self.work, folder / "runtime"):
            directory.mkdir(mode=0o700)
        (self.work / "driver").symlink_to(prefix / "share/ntemu/examples/driver")
        self.environment = environment(
            PATH=f"{prefix / 'bin'}:{os.environ['PATH']}", CMAKE_PREFIX_PATH=prefix, HOME=folder / "work", LC_ALL="C.UTF-8",
            steps=self.steps, XDG_RUNTIME_DIR=folder / "runtime", XDG_STATE_HOME=folder / "state", TERM="dumb", CTEST_PARALLEL_LEVEL=2)

    def has(self, need: str) -> bool:
        if need in ("asan", "tsan"):
            return (libraries(self.prefix) / need).exists()
        if need == "mount":
            return os.access("/dev/fuse", os.R_OK | os.W_OK)
        return shutil.which(need) is not None

    def follow(self, steps: list) -> None:
        """Runs the steps; stops at the first that fails."""
        script = ""
        for number, step in enumerate(steps):
            if isinstance(step, Command):
                (self.steps / f"{number}.command").write_text(step.text, encoding="utf-8")
                command = COMMAND.format(number=number)
            else:
                (self.steps / f"{number}.file").write_text(step.text, encoding="utf-8")
                command = FILE.format(number=number, name=f"'{step.name}'", to=">>" if step.added else ">")
            script += STEP.format(number=number, command=command)
        (self.steps / "script").write_text(script, encoding="utf-8")
        subprocess.run(["bash", self.steps / "script"], cwd=self.work, env=self.environment, timeout=GUARD_SECONDS, check=True,
                       stdin=subprocess.DEVNULL)

    def output(self, number: int) -> str:
        path = self.steps / f"{number}.out"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def status(self, number: int) -> int:
        path = self.steps / f"{number}.status"
        return int(path.read_text(encoding="utf-8")) if path.exists() else 0

    def clean(self) -> None:
        """Ends the machines that a page left running."""
        for log in [*self.work.rglob("debug.log"), *self.work.parent.glob("state/ntemu/*/debug.log")]:
            subprocess.run([self.prefix / "bin/ntemu", "shutdown", "--machine", log.parent], env=self.environment, check=False,
                           timeout=GUARD_SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def problems(place: Place, page: pathlib.Path, steps: list):
    """What is not as the page says, up to the first command that failed."""
    last = int((place.steps / "last").read_text(encoding="utf-8"))
    for number, step in enumerate(steps[:last + 1]):
        actual = place.output(number)
        what = f"{page.name}:{step.line}: $ {step.text}" if isinstance(step, Command) else f"{page.name}:{step.line}: {step.name}"
        if place.status(number):
            yield f"{what}\nended with {place.status(number)}:\n{actual}"
        elif isinstance(step, Command) and not agrees(step.expected, actual.splitlines()):
            yield "\n".join([what, "--- the page shows", *step.expected, "--- it printed", actual])


def main() -> int:
    if os.environ.get("NTEMU_SANITIZE"):
        print("skipped: the pages are for the plain runtime")
        return SKIPPED
    prefix, page = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="ntemu-docs-", ignore_cleanup_errors=True) as folder:
        place = Place(prefix, pathlib.Path(folder))
        steps = []
        for block in blocks(page.read_text(encoding="utf-8")):
            missing = [need for need in block.needs if not place.has(need)]
            if block.not_run or missing:
                print(f"{page.name}:{block.line}: not run: {block.not_run or 'needs ' + ', '.join(missing)}")
            else:
                steps += block.steps
        if not any(isinstance(step, Command) for step in steps):
            print("skipped: no command can be run here")
            return SKIPPED
        try:
            place.follow(steps)
        finally:
            place.clean()
        found = list(problems(place, page, steps))
        print("\n\n".join(found) if found else f"{page.name}: {len(steps)} files and commands, all as the page says")
        if any("the machine runs without a mount" in place.output(number) for number in range(len(steps))):
            print("skipped: nothing can be mounted here")
            return SKIPPED
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
