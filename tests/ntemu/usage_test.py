"""Help, versions and wrong command lines: their texts and exit codes."""
import unittest

from command_line import CommandLineTest, literal, source

INVALID = 87  # ERROR_INVALID_PARAMETER


class Help(CommandLineTest):
    def test_of_the_program(self):
        self.expect(self.ntemu("--help"), 0, r"Usage: ntemu \[OPTIONS\] SUBCOMMAND", "Exit codes: 0 on success, .*")

    def test_of_each_subcommand(self):
        for command, option in (("run", "--machine DIR"), ("dump", "--output FILE"), ("threads", "--pid INT.*"), ("wait", "--timeout TIME"),
                                ("boot", "--foreground"), ("shutdown", "--machine DIR"), ("status", "--json"), ("logs", "-f,--follow"),
                                ("reset", "--drive-c"), ("drive", "-h,--help"), ("new", "-h,--help"), ("new driver", "--name TEXT"),
                                ("demo", "-h,--help")):
            with self.subTest(command):
                outcome = self.ntemu(*command.split(), "--help")
                self.expect(outcome, 0, rf"Usage: ntemu {command} .*", rf"  {option} .*")
                self.assertEqual(outcome.errors, "")

    def test_of_the_verbs_of_drive(self):
        for verb, usage in (("add", r"letter directory"), ("remove", "letter"), ("list", "")):
            outcome = self.ntemu("drive", verb, "--help")
            self.expect(outcome, 0, rf"Usage: ntemu drive {verb} \[OPTIONS\] ?{usage}")

    def test_version(self):
        self.expect(self.ntemu("--version"), 0, r"ntemu \d+\.\d+\.\d+ \(\w+\)")


class WrongUsage(CommandLineTest):
    def wrong(self, line: str, *arguments: object):
        outcome = self.ntemu(*arguments)
        self.expect(outcome, INVALID, line)
        self.assertEqual(outcome.output, "")

    def test_no_subcommand(self):
        self.wrong("ntemu: A subcommand is required", *())

    def test_unknown_subcommand(self):
        self.wrong("ntemu: unknown subcommand 'bogus'", "bogus")

    def test_drives(self):
        self.wrong("ntemu: A subcommand is required", "drive")
        self.wrong("ntemu: letter is required", "drive", "add")
        self.wrong("ntemu: directory is required", "drive", "add", "D:")

    def test_unknown_option(self):
        self.wrong("ntemu: .*--bogus.*", "run", "--bogus", "x.sys")

    def test_no_driver(self):
        self.wrong("ntemu: driver is required", "run")

    def test_two_drivers(self):
        self.wrong("ntemu: .*b.sys.*", "run", "a.sys", "b.sys")

    def test_not_a_duration(self):
        for text in ("3x", "-1s", "soon", "", "1e99"):
            with self.subTest(text):
                self.wrong(f"ntemu: --for: '{text}' is not a duration like 250ms, 2s or 30m", "run", "x.sys", "--for", text)

    def test_not_a_process_id(self):
        self.wrong("ntemu: .*--pid.*", "threads", "--pid", "x")

    def test_a_process_and_a_directory(self):
        self.wrong("ntemu: .*--(pid|machine) excludes --(pid|machine).*", "threads", "--pid", 1, "--machine", ".")

    def test_unknown_sanitizer(self):
        self.wrong("ntemu: --sanitizer: .*", "run", "--sanitizer", "msan", "x.sys")


class WrongFiles(CommandLineTest):
    def test_no_such_driver(self):
        self.expect(self.ntemu("run", "none.sys"), 2,
                    literal("ntemu: cannot load none.sys: no such file (error 2: The system cannot find the file specified.)"))

    def test_no_such_driver_as_json(self):
        outcome = self.ntemu("run", "--json", "none.sys")
        result = self.result(outcome)
        self.assertEqual((outcome.code, result["result"], result["win32_error"], result["driver"]), (2, "failed", 2, "none"))
        self.assertEqual(result["threads"], [])

    def test_a_directory_is_no_driver(self):
        (self.place / "folder.sys").mkdir()
        self.expect(self.ntemu("run", "folder.sys"), 5, r"ntemu: cannot load folder.sys: a directory, not an image \(error 5: .*\)")

    def test_a_text_is_no_driver(self):
        (self.place / "text.sys").write_text("a text that is no image\n" * 100, encoding="utf-8")
        self.expect(self.ntemu("run", "text.sys"), 193, r"ntemu: cannot load text.sys: .* \(error 193: .*\)")

    def test_a_name_that_no_driver_can_have(self):
        driver = self.build("hello", source())
        self.expect(self.ntemu("run", "--name", "a/b", driver), 123, r"ntemu: 'a/b' cannot be the name of a driver \(error 123: .*\)")


class WrongMachine(CommandLineTest):
    def test_a_file(self):
        driver = self.build("hello", source())
        (self.place / "file").write_text("kept", encoding="utf-8")
        self.expect(self.ntemu("run", "--machine", "file", driver), 11,
                    r"ntemu: cannot use .*/file as a machine: Not a directory \(error 267: .*\)")
        self.assertEqual((self.place / "file").read_text(encoding="utf-8"), "kept")

    def test_below_a_directory_that_takes_none(self):
        driver = self.build("hello", source())
        self.expect(self.ntemu("run", "--machine", "/proc/machine", driver), 3,
                    r"ntemu: cannot use /proc/machine as a machine: No such file or directory \(error 3: .*\)")

    def test_a_run_time_directory_that_does_not_exist(self):
        driver = self.build("hello", source())
        self.environment["XDG_RUNTIME_DIR"] = str(self.place / "none")
        self.expect(self.ntemu("run", driver), 5, r"ntemu: cannot make .*/none/ntemu-machine-\w+: No such file or directory \(error 5: .*\)")

    def test_a_directory_that_C_cannot_have(self):
        driver = self.build("hello", source())
        self.expect(self.ntemu("run", "--mkdir", "a:b", driver), 123, r"ntemu: cannot make the directory 'a:b': status 0xC0000033 \(error 123: .*\)")


if __name__ == "__main__":
    unittest.main()
