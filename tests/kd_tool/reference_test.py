"""The page docs/kd.md names every command of kd."""
import pathlib
import re
import subprocess
import unittest

from kd_command import BIN

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/kd.md"


class ReferenceTest(unittest.TestCase):
    def test_every_command(self):
        text = subprocess.run([BIN / "kd", "--help"], capture_output=True, text=True, check=True).stdout.partition("Commands:\n")[2]
        told = set(re.findall(r"[^\s`,|]+", " ".join(re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8")))))
        names = set()
        for line in re.findall(r"(?m)^  (\S.*)$", text):
            words = line.split()
            names |= {word for word in [words[0], *(word for word in words[1:] if re.fullmatch(r"[!.]\w+|\$\$|\*", word))]}
        reasons = {name for name in names if re.match(r"!(Wr|Executive|UserRequest|DelayExecution|FreePage|PageIn|PoolAllocation|Suspended)", name)}
        self.assertGreater(len(names), 50)
        self.assertEqual(sorted(names - reasons - told), [])


if __name__ == "__main__":
    unittest.main()
