"""DISPATCH_LEVEL excludes the processor's DPCs and threads: dispatch_exclusion.c on 1, 2 and 4 processors.

20,000 rounds; 1,000,000 with NTEMU_TEST_FULL=1.
"""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "ntemu")]
from command_line import GUARD_SECONDS, CommandLineTest, Outcome  # noqa: E402
from machine import FULL  # noqa: E402

ROUNDS = 1000000 if FULL else 20000
THREADS = 4


class DispatchLevel(CommandLineTest):
    def exact(self, processors: int):
        outcome = self.tool("ntcc", f"-DROUNDS={ROUNDS}", HERE / "dispatch_exclusion.c", "-o", "exclusion.sys")
        self.expect(outcome, 0)
        process = self.background("run", "--cpus", processors, "exclusion.sys")
        output, errors = process.communicate(timeout=GUARD_SECONDS * (15 if FULL else 1))
        outcome = Outcome(process.returncode, output, errors)
        self.expect(outcome, 0, f"one processor: counted {2 * ROUNDS}, raised {ROUNDS}, ran {ROUNDS}, overlaps 0",
                    rf"{processors} processors: counted \d+, raised {THREADS * ROUNDS}, queued \d+, overlaps 0, misplaced 0")
        words = outcome.output.splitlines()[1].replace(",", "").split()
        counted, raised, queued = int(words[3]), int(words[5]), int(words[7])
        self.assertEqual(counted, raised + queued, outcome.text())
        self.assertGreater(queued, 0)

    def test_excludes_on_1_processor(self):
        self.exact(1)

    def test_excludes_on_2_processors(self):
        self.exact(2)

    def test_excludes_on_4_processors(self):
        self.exact(4)


if __name__ == "__main__":
    unittest.main()
