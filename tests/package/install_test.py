"""What cmake --install gives others: a prefix that may be moved, with programs, CMake package, pkg-config file and projects."""
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from installed import call, install, libraries  # noqa: E402


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="ntemu-package-")
        cls.addClassCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        install(BUILD, root / "first")
        # Whatever remembers where it was installed does not work from here on.
        cls.prefix = (root / "first").rename(root / "moved prefix")
        cls.libraries = libraries(cls.prefix)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ntemu-package-")
        self.addCleanup(folder.cleanup)
        self.place = pathlib.Path(folder.name)

    def consume(self, options: tuple = (), code: int = 0) -> str:
        """Configures, builds and runs the program `host` of tests/package/consumer."""
        source = self.place / "source"
        shutil.copytree(HERE / "consumer", source)
        output = call("cmake", "-S", source, "-B", self.place / "build", *options, cwd=self.place, code=code,
                      CMAKE_PREFIX_PATH=self.prefix)
        if code == 0:
            call("cmake", "--build", self.place / "build", cwd=self.place)
            output += call(self.place / "build/host", cwd=self.place)
        return output

    def test_programs_say_their_version(self):
        for name, pattern in (("ntemu", r"ntemu \d+\.\d+\.\d+ \(plain\)"), ("ntcc", r"ntcc \d+\.\d+\.\d+"), ("sc", r"sc .*\d+\.\d+\.\d+"),
                              ("verifier", r"verifier .*\d+\.\d+\.\d+"), ("notmyfault", r"notmyfault .*\d+\.\d+\.\d+"),
                              ("kd", r"kd \d+\.\d+\.\d+")):
            self.assertRegex(call(self.prefix / "bin" / name, "--version", cwd=self.place), pattern)

    def test_what_belongs_to_the_debugger(self):
        for name in ("bin/kd", "share/man/man1/kd.1.gz", "share/bash-completion/completions/kd", "share/ntemu/ntemu-gdb.py",
                     "share/ntemu/ntemu_lldb.py"):
            self.assertTrue((self.prefix / name).is_file(), name)

    def test_no_file_knows_the_build_tree(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and path.suffix in (".cmake", ".pc", ".txt", ".json"):
                self.assertNotIn(str(BUILD.parent.parent), path.read_text(encoding="utf-8"), path)
        for program in (self.prefix / "bin/ntemu", self.libraries / "plain/libntemu.so"):
            dynamic = call("readelf", "--dynamic", program, cwd=self.place)
            self.assertRegex(dynamic, r"R(UN)?PATH.*\[\$ORIGIN")
            self.assertNotIn(str(BUILD), dynamic)

    def test_the_demonstration(self):
        self.assertIn("all seven drivers behaved as described", call(self.prefix / "bin/ntemu", "demo", cwd=self.place))

    def test_the_samples_are_a_project(self):
        source = self.prefix / "share/doc/ntemu/examples/driver"
        call("cmake", "-S", source, "-B", self.place, cwd=self.place, CMAKE_PREFIX_PATH=self.prefix)
        call("cmake", "--build", self.place, cwd=self.place)
        self.assertIn("hello: goodbye", call(self.prefix / "bin/ntemu", "run", self.place / "drivers/hello.sys", cwd=self.place))

    def test_a_host_program_by_CMake(self):
        self.assertIn("booted at IRQL 0", self.consume())

    def test_without_GoogleTest_everything_else_is_there(self):
        self.assertIn("no ntemu::testing", self.consume(options=("-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON",)))

    def test_who_needs_the_kit_is_told_that_it_is_missing(self):
        output = self.consume(options=("-DCMAKE_DISABLE_FIND_PACKAGE_GTest=ON", "-DCOMPONENTS=testing"), code=1)
        self.assertIn("libgmock-dev", output)

    def test_another_version_is_not_taken(self):
        self.assertIn('requested version "99"', self.consume(options=("-DVERSION=99",), code=1))

    def test_what_the_functions_refuse(self):
        for lines, message in (("ntemu_add_driver(d)", "ntemu_add_driver(d): no SOURCES"),
                               ("ntemu_add_driver(d SOURCES d.c SANITIZE msan)", "SANITIZE is 'msan'; it may be asan or tsan"),
                               ("ntemu_add_driver(d SOURCE d.c)", "ntemu_add_driver(d): unknown arguments: SOURCE;d.c"),
                               ("ntemu_add_driver_test(t SOURCES t.cpp DRIVERS d)", "no target d; ntemu_add_driver comes first"),
                               ("add_custom_target(d)\nntemu_add_driver_test(t SOURCES t.cpp LINK d)", "d was not made by ntemu_add_driver")):
            with self.subTest(lines):
                project = self.place / "refused"
                project.mkdir(exist_ok=True)
                (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C CXX)\n"
                                                        f"find_package(ntemu REQUIRED COMPONENTS testing)\n{lines}\n", encoding="utf-8")
                output = call("cmake", "-S", project, "-B", project / "build", cwd=self.place, code=1, CMAKE_PREFIX_PATH=self.prefix)
                self.assertIn(message, " ".join(output.split()))

    @unittest.skipUnless(shutil.which("pkg-config"), "needs pkg-config")
    def test_a_host_program_by_pkg_config(self):
        directory = self.libraries.parent / "pkgconfig"
        shutil.move(self.prefix, self.place / "prefix")  # its flags go through a shell: no space here
        self.addCleanup(shutil.move, self.place / "prefix", self.prefix)
        directory = self.place / "prefix" / directory.relative_to(self.prefix)
        call("sh", "-c", f"c++ {HERE}/consumer/host.cpp $(pkg-config --cflags --libs ntemu) -o host", cwd=self.place,
             PKG_CONFIG_PATH=directory)
        self.assertIn("booted at IRQL 0", call(self.place / "host", cwd=self.place))

    def build(self, project: pathlib.Path, preset: str) -> str:
        call("cmake", "--preset", preset, cwd=project, CMAKE_PREFIX_PATH=self.prefix)
        call("cmake", "--build", "--preset", preset, cwd=project)
        return call("ctest", "--preset", preset, cwd=project)

    def test_a_new_driver_builds_and_passes(self):
        call(self.prefix / "bin/ntemu", "new", "driver", "Sample", cwd=self.place)
        project = self.place / "Sample"
        self.assertIn("100% tests passed", self.build(project, "default"))
        printed = call(self.prefix / "bin/ntemu", "run", project / "build/default/drivers/Sample.sys", "--for", "0", cwd=self.place)
        self.assertIn("Sample: loaded", printed)
        call("git", "init", "-q", ".", cwd=project)
        self.assertNotIn("build", call("git", "status", "--short", cwd=project))

    def test_a_new_driver_with_coverage(self):
        call(self.prefix / "bin/ntemu", "new", "driver", "Sample", cwd=self.place)
        self.build(self.place / "Sample", "coverage")
        counts = sorted((self.place / "Sample/build/coverage/Sample.dir").glob("*.gcda"))
        report = call("gcov", "-n", *counts, cwd=self.place)
        lines = dict(re.findall(r"File '.*/(\w+\.c)'\nLines executed:([\d.]+)%", report))
        self.assertEqual(float(lines["Sample_counter.c"]), 100, report)
        self.assertGreater(float(lines["Sample.c"]), 95, report)

    def test_a_new_driver_with_AddressSanitizer(self):
        if not (self.libraries / "asan").exists():
            self.skipTest("this build has no asan runtime")
        call(self.prefix / "bin/ntemu", "new", "driver", "Sample", cwd=self.place)
        self.assertIn("100% tests passed", self.build(self.place / "Sample", "asan"))

    @unittest.skipUnless(shutil.which("clang++"), "needs clang")
    def test_a_new_driver_with_its_fuzzer(self):
        call(self.prefix / "bin/ntemu", "new", "driver", "Sample", cwd=self.place)
        self.assertIn("Sample_fuzzer", self.build(self.place / "Sample", "fuzz"))
        found = call(self.place / "Sample/build/fuzz/Sample_fuzzer", "-runs=2000", "-seed=1", cwd=self.place)
        self.assertIn("Done 2000 runs", found)

    @unittest.skipUnless(shutil.which("clang++"), "needs clang")
    def test_a_fuzzer_finds_a_length_that_is_believed(self):
        source = HERE.parent / "fuzz/planted"
        call("cmake", "-S", source, "-B", self.place, "-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++", cwd=self.place,
             CMAKE_PREFIX_PATH=self.prefix)
        call("cmake", "--build", self.place, cwd=self.place)
        found = call(self.place / "planted_fuzzer", "-max_total_time=60", "-seed=1", source / "corpus", cwd=self.place, code=1)
        self.assertRegex(found, r"#\d+ .*Store .*planted\.c:49")
        reproducer = re.search(r"Test unit written to (\S+)", found).group(1)
        again = call(self.place / "planted_fuzzer", reproducer, cwd=self.place, code=1, NTEMU_FUZZ_TRACE=1)
        self.assertRegex(again, r"control 0x222000, \d+ bytes in, \d+ bytes out")


if __name__ == "__main__":
    unittest.main()
