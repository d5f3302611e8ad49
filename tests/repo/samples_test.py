"""The sample drivers do what the comment at the top of each says."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import DRIVERS, Machine, expect_names, wrong_content  # noqa: E402

CONTENT = b"Sample record\r\n" * 100
COUNT = 1000
CREATED = {f"file_{index}.txt" for index in range(COUNT)}
MOVED = {f"NewFile_{index}.txt" for index in range(COUNT)}
HANG_CODE = 107  # the low byte of ERROR_POSSIBLE_DEADLOCK


class Samples(unittest.TestCase):
    def setUp(self):
        self.machine = Machine()
        self.addCleanup(self.machine.__exit__)

    def succeed(self, name):
        outcome = self.machine.run(DRIVERS / f"{name}.sys")
        self.assertEqual(outcome.code, 0, outcome.text())
        return outcome

    def test_hello_says_that_it_came_and_went(self):
        lines = [line for line in self.succeed("hello").output.splitlines() if "hello:" in line]
        self.assertEqual(len(lines), 2, lines)
        self.assertIn(r"hello: loaded, my key is \Registry\Machine\System\ControlSet001\Services\hello".lower(), lines[0].lower())
        self.assertIn("hello: goodbye", lines[1])

    def test_ioctl_comes_and_goes(self):
        self.assertIn("ioctl: 0 opens, 0 reads, 0 writes, 0 controls", self.succeed("ioctl").output)

    def test_race_keeps_every_file_whole_and_moves_few(self):
        output = self.succeed("race").output
        stayed = {path.name for path in self.machine.temp.iterdir()}
        moved = {path.name for path in self.machine.temp2.iterdir()}
        self.assertEqual(stayed | {name.replace("NewFile", "file") for name in moved}, CREATED)
        self.assertEqual(len(stayed) + len(moved), COUNT)
        self.assertEqual(wrong_content(self.machine.temp, CONTENT) + wrong_content(self.machine.temp2, CONTENT), [])
        self.assertIn(f"race: moved {len(moved)} files", output)

    def test_each_lock_moves_every_file(self):
        for name in ("kmutex", "fast_mutex", "push_lock"):
            with self.subTest(name):
                output = self.succeed(name).output
                self.assertEqual(expect_names(self.machine.temp, set()), [])
                self.assertEqual(expect_names(self.machine.temp2, MOVED), [])
                self.assertEqual(wrong_content(self.machine.temp2, CONTENT), [])
                self.assertIn(f"{name}: created {COUNT} files", output)
                self.assertIn(f"{name}: moved {COUNT} files", output)
                for path in self.machine.temp2.iterdir():
                    path.unlink()

    def test_fast_mutex_recursive_is_reported_as_a_hang(self):
        outcome = self.machine.run(DRIVERS / "fast_mutex_recursive.sys")
        self.assertEqual(outcome.code, HANG_CODE, outcome.text())
        for word in ("CreatorThread", "MoverThread", "WrFastMutex"):
            self.assertIn(word, outcome.output + outcome.errors)
        self.assertEqual(expect_names(self.machine.temp, set()) + expect_names(self.machine.temp2, set()), [])

    def test_kmutex_delay_sleeps_with_the_lock(self):
        self.machine.start(DRIVERS / "kmutex_delay.sys", "--for", "60s")
        self.machine.wait("--reason", "DelayExecution", "--start", "CreatorThread")
        self.machine.wait("--reason", "Executive", "--start", "MoverThread")
        threads = self.machine.threads()
        creator = next(thread for thread in threads if "CreatorThread" in str(thread.get("start")))
        mover = next(thread for thread in threads if "MoverThread" in str(thread.get("start")))
        self.assertEqual(creator["wait_reason"], "DelayExecution", threads)
        self.assertEqual((mover["wait_reason"], mover["object"]["type"], mover["object"]["owner"]),
                         ("Executive", "Mutant", creator["address"]), threads)
        self.assertEqual(expect_names(self.machine.temp, CREATED) + expect_names(self.machine.temp2, set()), [])


if __name__ == "__main__":
    unittest.main()
