"""What the tests of kd share: kd itself, and machines with drivers whose threads wait and run."""
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BIN, CANCELLED, CommandLineTest, Outcome  # noqa: E402
from crowd_driver import CROWD  # noqa: E402


class KdTest(CommandLineTest):
    def crowd(self, *options: object, compiler: str = "", name: str = "crowd", flags: tuple = ()) -> subprocess.Popen:
        """A machine in memory, with the driver; once all its threads are where they stay."""
        choice = ("--cc", compiler) if compiler else ()
        process = self.start("run", *options, self.build(name, CROWD, *choice, *flags), until="crowd: ready")
        self.expect(self.ntemu("wait", "--threads", 1, "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        return process

    def release(self, process: subprocess.Popen) -> None:
        self.expect(self.interrupt(process), CANCELLED, "crowd: unload")

    def dump(self, name: str = "crowd.dmp") -> pathlib.Path:
        self.expect(self.ntemu("dump", "--output", name), 0)
        return self.place / name

    def kd(self, *arguments: object, succeeds: bool = True) -> Outcome:
        outcome = self.tool("kd", *arguments)
        self.assertEqual(outcome.code, 0 if succeeds else 1, outcome.text())
        return outcome

    def text(self, commands: str, *options: object) -> str:
        return self.kd(*options, "-c", commands).output

    def json(self, commands: str, *options: object) -> list:
        """An object for each command."""
        return [json.loads(line) for line in self.kd("--json", *options, "-c", commands).output.splitlines()]

    def thread(self, start: str, *options: object) -> str:
        """The address of the thread whose start routine is `start`."""
        rows = self.json("~", *options)[0]["threads"]
        found = [row["thread"] for row in rows if row["start"] == start]
        self.assertEqual(len(found), 1, rows)
        return found[0]

    def stacks(self, *options: object) -> dict:
        """The frames of each thread, by the host's id of it."""
        rows = self.json("~", *options)[0]["threads"]
        stacks = self.json("~*k", *options)[0]["threads"]
        self.assertEqual([row["thread"] for row in rows], [stack["thread"] for stack in stacks])
        return {row["host_id"]: stack["frames"] for row, stack in zip(rows, stacks)}

    def functions(self, frames: list) -> list:
        return [re.sub(r"\+0x[0-9a-f]+$", "", frame["call_site"]) for frame in frames]


__all__ = ["BIN", "CROWD", "KdTest"]
