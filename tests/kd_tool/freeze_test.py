"""A stopped machine and the dump that is taken of it in the same moment: every command prints the same of both."""
import difflib
import re
import unittest

from every_command import EveryCommandTest
from command_line import SANITIZED

# What tells a dump from a machine: where it is, that it was made, and what only the host of a machine knows.
DIFFERENT = re.compile(r"(?m)^(Machine: (process|/)|Computer Name:|Processor:|KernelMode Dump Path:|Bugcheck|Arguments |"
                       r"The machine has not stopped:|The machine was dumped while it ran:).*\n|^Memory Details:\n\n.*\n.*\n.*\n|"
                       r"(?<= ====) =+$|(?<=\d) (Not Found|[^ \\]+\\\S+)$")  # the user, and what underlines it
MARK = "=== command "


class FreezeTest(EveryCommandTest):
    def answers(self, commands: list, *options: object, before: tuple = ()) -> list:
        arguments = [part for command in before for part in ("-c", command)]
        for number, command in enumerate(commands):
            arguments += ["-c", f".echo {MARK}{number}", "-c", command]
        outcome = self.tool("kd", *options, *arguments)
        self.assertIn(outcome.code, (0, 1), outcome.text()[-3000:])
        parts = outcome.output.split(MARK)[1:]
        self.assertEqual(len(parts), len(commands), outcome.text()[-3000:])
        return [part.partition("\n")[2] for part in parts]

    def test_every_command_prints_the_same(self):
        commands = self.commands()
        dump = self.place / "frozen.dmp"
        frozen = self.answers(commands, "--freeze", "-y", self.place, before=(f".dump /f {dump}",))
        dead = self.answers(commands, "-z", dump)
        for command, *both in zip(commands, frozen, dead):
            left, right = (DIFFERENT.sub("", text).splitlines() for text in both)
            with self.subTest(command):
                self.assertEqual("\n".join(difflib.unified_diff(left, right, "frozen", "dump", lineterm="")), "")

    def test_the_machine_goes_on_afterwards(self):
        before = int(self.json("~ *")[0]["threads"][0]["thread"], 16)
        self.assertIn("Dump successfully written", self.text(f".dump /f {self.place / 'frozen.dmp'}; .go", "--freeze"))
        self.expect(self.tool("sc", "query", "crowd"), 0)
        self.assertEqual(int(self.json("~ *")[0]["threads"][0]["thread"], 16), before)

    def test_a_file_that_cannot_be_written(self):
        outcome = self.kd("--freeze", "-c", f".dump /f {self.place / 'none/frozen.dmp'}", succeeds=False)
        self.assertIn("No such file or directory", outcome.text())


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: the sanitizer's own frames and names are not what is looked at here")
        raise SystemExit(77)
    unittest.main()
