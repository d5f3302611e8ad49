"""ntemu new driver: what it makes, and what it refuses. That the project builds and passes is shown in tests/package."""
import json
import unittest

from command_line import CommandLineTest

FILES = [".github/workflows/ci.yml", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "README.md", "{0}.c", "{0}.h", "{0}_counter.c",
         "fuzz/{0}_fuzzer.cpp", "fuzz/corpus/add_and_total", "tests/{0}_test.cpp"]
NEXT = "  cmake --preset default && cmake --build --preset default && ctest --preset default"


class NewDriver(CommandLineTest):
    def made(self, directory: str, name: str) -> dict:
        """The project's files with their texts, after a look at their names."""
        files = {path.relative_to(self.place / directory).as_posix(): path.read_text(encoding="utf-8")
                 for path in (self.place / directory).rglob("*") if path.is_file()}
        self.assertEqual(sorted(files), sorted(file.format(name) for file in FILES))
        for file, text in files.items():
            self.assertNotIn("@NAME", text, file)
        return files

    def test_takes_the_name_of_its_directory(self):
        self.expect(self.ntemu("new", "driver", "work/MyDriver"), 0, "the driver MyDriver is in work/MyDriver; .*", NEXT)
        files = self.made("work/MyDriver", "MyDriver")
        self.assertIn("#define IOCTL_MYDRIVER_ADD ", files["MyDriver.h"])
        self.assertIn("project(MyDriver ", files["CMakeLists.txt"])
        self.assertEqual([preset["name"] for preset in json.loads(files["CMakePresets.json"])["configurePresets"]],
                         ["default", "asan", "coverage", "fuzz"])

    def test_takes_a_name(self):
        (self.place / "my-driver").mkdir()
        self.expect(self.ntemu("new", "driver", "my-driver/", "--name", "my_driver"), 0)
        self.made("my-driver", "my_driver")

    def test_in_the_working_directory(self):
        self.place = self.place / "Here"  # where commands run
        self.place.mkdir()
        self.expect(self.ntemu("new", "driver", "."), 0)
        self.made(".", "Here")

    def test_a_directory_with_something_in_it(self):
        (self.place / "full").mkdir()
        (self.place / "full/.hidden").touch()
        self.expect(self.ntemu("new", "driver", "full"), 145, r"ntemu: cannot make a project in full: it is not empty \(error 145: .*\)")
        self.assertEqual([path.name for path in (self.place / "full").iterdir()], [".hidden"])

    def test_a_file(self):
        (self.place / "file").write_text("kept", encoding="utf-8")
        self.expect(self.ntemu("new", "driver", "file"), 11, r"ntemu: cannot make a project in file: it is no directory \(error 267: .*\)")
        self.assertEqual((self.place / "file").read_text(encoding="utf-8"), "kept")

    def test_names_that_a_driver_cannot_have(self):
        for name in ("my-driver", "2nd", "a b", "größe", "x" * 101):
            with self.subTest(name):
                self.expect(self.ntemu("new", "driver", name), 123,
                            rf"ntemu: '{name}' cannot be the name of a driver: it is no C identifier; say --name NAME \(error 123: .*\)")
                self.expect(self.ntemu("new", "driver", "d", "--name", name), 123,
                            rf"ntemu: '{name}' cannot be the name of a driver: it is no C identifier \(error 123: .*\)")
        self.expect(self.ntemu("new", "driver", "test"), 123, "ntemu: 'test' .*: CMake has a target of this name; say --name NAME .*")
        self.assertEqual(sorted(path.name for path in self.place.iterdir()), ["runtime", "tmp"])

    def test_where_nothing_can_be_made(self):
        self.expect(self.ntemu("new", "driver", "/proc/driver_project"), 2, r"ntemu: cannot make /proc/driver_project: .*")

    def test_a_wrong_command_line(self):
        self.expect(self.ntemu("new"), 87, "ntemu: A subcommand is required")
        self.expect(self.ntemu("new", "driver"), 87, "ntemu: directory is required")


if __name__ == "__main__":
    unittest.main()
