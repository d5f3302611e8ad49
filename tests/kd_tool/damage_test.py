"""Dumps that are cut off, or lack a note: kd tells what it can, and neither crashes nor hangs. Bytes: fuzz_test.py."""
import os
import pathlib
import subprocess
import unittest

from kd_command import BIN, KdTest
from command_line import SANITIZED

COMMANDS = ("vertarget; lm -a; ~; ~*kn; .frame /r 3; dt -r1 nt!_KTHREAD @$thread; dt crowd!Sync; !irql; !pcr; dq poi(@$thread+58); "
            "dps @rsp; x crowd!*; ln @rip")
# A guard against a hang.
SECONDS = 120 if SANITIZED else 30


class DamageTest(KdTest):
    def look(self, dump: pathlib.Path, what: str) -> subprocess.CompletedProcess:
        result = subprocess.run([BIN / "kd", "-z", dump, "-c", COMMANDS], capture_output=True, check=False, timeout=SECONDS,
                                cwd=self.place, env=self.environment)
        self.assertIn(result.returncode, (0, 1), f"{what}: {result.stderr.decode(errors='replace')}")
        self.assertNotIn(b"Sanitizer", result.stderr, what)
        return result

    def make_dump(self) -> pathlib.Path:
        process = self.crowd()
        dump = self.dump()
        self.look(dump, "whole")
        self.release(process)
        return dump

    def test_that_say_nothing_of_the_machine(self):
        """As another program's core file: the kernel is found by its image."""
        process = self.crowd()
        dump = self.dump()
        text = self.kd("-z", dump, "-c", "~*k").output
        content = dump.read_bytes()
        at = content.find(b"\x01\0\x54\x4eNTEMU\0")
        self.assertGreater(at, 0)
        with open(dump, "r+b") as file:
            file.seek(at + 4)
            file.write(b"OTHER")
        self.assertEqual(self.kd("-z", dump, "-c", "~*k").output, text)
        self.assertNotIn("System Uptime", self.kd("-z", dump, "-c", "vertarget").output)
        self.release(process)

    def test_that_end_too_early(self):
        dump = self.make_dump()
        size = dump.stat().st_size
        for length in (size - 1, size // 2, size // 50, 0x8000, 0x2000, 0x1000, 500, 64, 63, 10, 0):
            os.truncate(dump, length)
            result = self.look(dump, f"{length} bytes")
            if length < 64:
                self.assertIn(b"it is no dump", result.stderr)


if __name__ == "__main__":
    unittest.main()
