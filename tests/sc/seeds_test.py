"""The documents' own command lines, word for word, install and start their drivers; then the documented files are there.

Skipped where the documents are not at hand (NTEMU_SEED_EXTRACTOR names their extractor).
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/seeds"), str(ROOT / "tests/support")]
import seeds  # noqa: E402
from machine import BIN, GUARD_SECONDS, complaints  # noqa: E402

# The document that a driver is from, and which of its command lines.
DOCUMENTS = {"race": ("000", 0), "kmutex": ("000", 1), "fast_mutex": ("001", 1), "fast_mutex_recursive": ("002", 0),
             "kmutex_delay": ("003", 0), "push_lock": ("004", 1)}
COUNT = 1000
SIZE = 1500
OLD = {f"file_{index}.txt" for index in range(COUNT)}
NEW = {f"NewFile_{index}.txt" for index in range(COUNT)}
LEFT = "sc: TestDrv: 2 of the driver's threads still run: its image stays mapped, as they would return into nothing\n"


def command_lines(name: str) -> tuple[str, str]:
    """Its document's lines with sc.exe: create and start."""
    extractor = pathlib.Path(os.environ.get("NTEMU_SEED_EXTRACTOR", ROOT.parent / "shared/tools/seed_drivers.py"))
    prefix, index = DOCUMENTS[name]
    document = next((extractor.parent.parent / "seeds").glob(prefix + "_*.txt"))
    lines = [line.strip() for line in document.read_text("utf-8").splitlines() if line.strip().startswith("sc.exe ")]
    return (*[line for line in lines if line.split()[1] == "create"][index:index + 1],
            *[line for line in lines if line.split()[1] == "start"][index:index + 1])


class Session:
    def __init__(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="ntemu-seeds-sc-"))
        self.machine = self.place / "m"
        self.drive_c = self.machine / "drive_c"
        self.problems = []
        runtime = self.place / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment = {**os.environ, "NTEMU_MACHINE": str(self.machine), "XDG_RUNTIME_DIR": str(runtime),
                            "PATH": f"{BIN.resolve()}:{os.environ['PATH']}"}
        for folder in ("Temp", "Temp2"):
            (self.drive_c / folder).mkdir(parents=True)

    def shell(self, command: str, output: "str | None" = None, errors: str = "") -> str:
        """A line as a user types it; a difference is a problem."""
        result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=self.environment,
                                timeout=GUARD_SECONDS)
        if result.returncode or complaints(result.stderr) != errors or (output is not None and result.stdout != output):
            self.problems.append(f"$ {command}\nexit code {result.returncode}\n{result.stdout}{result.stderr}"
                                 f"--- expected\n{output}{errors}")
        return result.stdout

    def windows(self, line: str, output: str) -> None:
        """A line as it is printed, each of its words quoted for the shell."""
        self.shell(shlex.join(line.split()), output)

    def names(self, folder: str) -> set:
        """What ls shows of a folder of C:, through the mount where there is one."""
        mounted = self.machine / "DosDevices/C:" / folder
        place = mounted if mounted.is_dir() else self.drive_c / folder
        names = set(self.shell(f"ls {shlex.quote(str(place))}").split())
        sizes = {(place / name).stat().st_size for name in names}
        if sizes - {SIZE}:
            self.problems.append(f"{folder}: files of {sorted(sizes)} bytes, not {SIZE}")
        return names

    def end(self) -> None:
        self.shell("ntemu shutdown", f"the machine in {self.machine} has ended\n")
        shutil.rmtree(self.place)


def block(state: str, extended: bool) -> str:
    running = "                                (STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)\n" if state.endswith("RUNNING") else ""
    return ("\nSERVICE_NAME: TestDrv\n        TYPE               : 1  KERNEL_DRIVER\n"
            f"        STATE              : {state}\n{running}        WIN32_EXIT_CODE    : 0  (0x0)\n"
            "        SERVICE_EXIT_CODE  : 0  (0x0)\n        CHECKPOINT         : 0x0\n        WAIT_HINT          : 0x0\n"
            + ("        PID                : 0\n        FLAGS              :\n" if extended else ""))


def check(name: str, image: pathlib.Path) -> list:
    session = Session()
    try:
        create, start = command_lines(name)
        path = create.split("binPath=")[1]
        target = session.drive_c / path.removeprefix("C:\\").replace("\\", "/")
        target.parent.mkdir(parents=True)
        shutil.copy(image, target)
        session.shell("ntemu boot")
        session.windows(create, "[SC] CreateService SUCCESS\n")
        session.windows(start, block("4  RUNNING", True))
        hangs = {"fast_mutex_recursive": ("WrFastMutex", "WrFastMutex"), "kmutex_delay": ("DelayExecution", "Executive")}.get(name)
        if hangs:
            for routine, reason in zip(("FileCreationThread", "FileMoveThread"), hangs):
                session.shell(f"ntemu wait --reason {reason} --start {routine}", "")
        else:
            session.shell("ntemu wait", "")
            threads = json.loads(session.shell("ntemu threads --json"))
            if any("TestDriver" in str(thread.get("start")) for thread in threads):
                session.problems.append(f"threads are left: {threads}")
        old, new = session.names("Temp"), session.names("Temp2")
        expected = {"fast_mutex_recursive": (set(), set()), "kmutex_delay": (OLD, set())}.get(name, (set(), NEW))
        if name == "race":
            moved = {f"NewFile_{one.removeprefix('file_')}" for one in old}
            if len(old) + len(new) != COUNT or moved | new != NEW:
                session.problems.append(f"{len(old)} files in Temp, {len(new)} in Temp2")
        elif (old, new) != expected:
            session.problems.append(f"{len(old)} files in Temp, {len(new)} in Temp2, not {len(expected[0])} and {len(expected[1])}")
        session.shell("sc.exe stop TestDrv", block("1  STOPPED", False), LEFT if hangs else "")
        session.shell("sc.exe delete TestDrv", "[SC] DeleteService SUCCESS\n")
    finally:
        session.end()
    return [f"{name}: {problem}" for problem in session.problems]


def main() -> int:
    folder = seeds.sources()
    problems = []
    try:
        for name in sys.argv[1:] or DOCUMENTS:
            failure = seeds.build(folder / f"{name}.c", folder / f"{name}.sys")
            found = [failure] if failure else check(name, folder / f"{name}.sys")
            print(f"{name}: {'; '.join(command_lines(name))}: {len(found)} problems", flush=True)
            problems += found
    finally:
        shutil.rmtree(folder)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
