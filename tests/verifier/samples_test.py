"""The sample drivers under the standard options: which are stopped, by what, and that the others do their work as ever."""
import json
import os
import pathlib
import re
import unittest

from verifier_command import BUGCHECK, VerifierTest

DRIVERS = pathlib.Path(os.environ["NTEMU_DRIVERS"])


class Samples(VerifierTest):
    def test_those_that_are_right(self):
        self.boot()
        for folder in ("Temp", "Temp2"):
            (self.machine / "drive_c" / folder).mkdir()
        for name in ("race", "kmutex", "push_lock"):
            with self.subTest(name):
                self.assertEqual(self.verifier(f"/standard /driver {name}.sys").code, 0)
                self.expect(self.tool("sc", "create", name, "type=", "kernel", "binPath=", DRIVERS / f"{name}.sys"), 0)
                self.expect(self.tool("sc", "start", name), 0)
                self.expect(self.ntemu("wait"), 0)
                verified = json.loads(self.verifier("/query --json").output)["drivers"]
                self.assertEqual([(row["level"], row["verified"]) for row in verified if row["name"] == f"{name}.sys"], [(0x209BB, True)])
                self.expect(self.tool("sc", "stop", name), 0)
                made = [file for folder in ("Temp", "Temp2") for file in (self.machine / "drive_c" / folder).iterdir()]
                self.assertEqual(len(made), 1000)
                for file in made:
                    file.unlink()
        self.assertNotIn("STOP:", (self.machine / "debug.log").read_text("utf-8"))

    def test_zw_io_with_a_fast_mutex_held(self):
        """The service is called at APC_LEVEL, from the driver's first use of it."""
        self.assertEqual(self.verifier("/standard /driver fast_mutex.sys").code, 0)
        self.assertEqual(self.ntemu("shutdown").code, 0)
        outcome = self.ntemu("run", "--machine", self.machine, "--mkdir", "Temp", "--mkdir", "Temp2", DRIVERS / "fast_mutex.sys")
        self.expect(outcome, BUGCHECK, r".*ZwCreateFile at IRQL 1, called from 0x[0-9a-f]+ \(fast_mutex!.*",
                    r".*\*\*\* STOP: 0x000000C4 \(0x00000000000000e6, 0x[0-9a-f]+, 0x0{15}1, 0x0{16}\).*")
        caller = re.search(r"called from (0x[0-9a-f]+)", outcome.errors)[1]
        self.assertRegex(outcome.errors, rf"e6, 0x0*{caller[2:]}, ")


if __name__ == "__main__":
    unittest.main()
