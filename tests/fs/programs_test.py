"""Ordinary programs in the mount of \\DosDevices: coreutils, tar, find, sed, editors, rsync, git.

Needs /dev/fuse; a program that is not installed skips its own test alone.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from machine import BIN  # noqa: E402

SKIPPED = 77  # mount_machine's exit status where there can be no mount
DRIVE = None


def run(*command: object, cwd: pathlib.Path | None = None, text: str | None = None) -> subprocess.CompletedProcess:
    environment = dict(os.environ, LC_ALL="C", HOME="/nonexistent", GIT_CONFIG_GLOBAL="/dev/null")
    return subprocess.run([str(word) for word in command], cwd=cwd or DRIVE, input=text, capture_output=True, text=True,
                          env=environment, timeout=120, check=False)


class Programs(unittest.TestCase):
    def setUp(self):
        self.where = DRIVE / self._testMethodName
        self.where.mkdir()
        self.addCleanup(shutil.rmtree, self.where)

    def does(self, *command: object, text: str | None = None) -> str:
        result = run(*command, cwd=self.where, text=text)
        self.assertEqual((result.returncode, result.stderr), (0, ""), command)
        return result.stdout

    def needs(self, program: str):
        if not shutil.which(program):
            self.skipTest(f"{program} is not installed")

    def tree(self):
        (self.where / "d" / "sub").mkdir(parents=True)
        (self.where / "d" / "a").write_text("one\n")
        (self.where / "d" / "sub" / "Name with spaces").write_text("two\n")
        (self.where / "d" / "sub" / "run").write_text("#!/bin/sh\necho ran\n")
        (self.where / "d" / "sub" / "run").chmod(0o755)

    def same(self, left: str, right: str):
        self.assertEqual(self.does("diff", "-r", left, right), "")

    def test_ls(self):
        self.tree()
        self.assertEqual(self.does("ls", "d"), "a\nsub\n")
        self.assertRegex(self.does("ls", "-l", "d/a"), r"^-rw-r--r-- 1 \S+ \S+ 4 ")
        self.assertEqual(self.does("ls", DRIVE.parent), "C:\n")

    def test_cp_and_rm(self):
        self.tree()
        self.does("cp", "-a", "d", "e")
        self.same("d", "e")
        self.assertEqual(self.does("stat", "-c", "%a %Y", "d/a"), self.does("stat", "-c", "%a %Y", "e/a"))
        self.does("rm", "-r", "e")
        self.assertEqual(self.does("ls"), "d\n")
        large = bytes(range(256)) * 20000
        (self.where / "large").write_bytes(large)
        self.does("cp", "large", "copy")
        self.does("cmp", "large", "copy")

    def test_programs_run_from_there(self):
        self.tree()
        self.assertEqual(self.does(self.where / "d" / "sub" / "run"), "ran\n")

    def test_mv_changes_case(self):
        self.tree()
        self.does("mv", "d/a", "d/A")
        self.assertEqual(self.does("ls", "d"), "A\nsub\n")
        self.does("mv", "-T", "d", "D")
        self.assertEqual(self.does("ls"), "D\n")
        self.assertEqual(self.does("cat", "d/a"), "one\n")

    def test_cp_does_not_empty_its_source(self):
        self.tree()
        result = run("cp", "d/a", "d/A", cwd=self.where)
        self.assertEqual(result.returncode, 1)
        self.assertEqual((self.where / "d" / "a").read_text(), "one\n")

    def test_mv_to_and_from_other_file_systems(self):
        self.tree()
        with tempfile.TemporaryDirectory() as outside:
            self.does("mv", "d", outside)
            self.assertEqual(self.does("ls"), "")
            self.does("mv", f"{outside}/d", ".")
        self.assertEqual(self.does("cat", "d/sub/Name with spaces"), "two\n")

    def test_tar(self):
        self.tree()
        self.does("tar", "cf", "t.tar", "d")
        (self.where / "out").mkdir()
        self.does("tar", "xf", "t.tar", "-C", "out")
        self.same("d", "out/d")

    def test_find(self):
        self.tree()
        self.assertEqual(sorted(self.does("find", ".", "-type", "f").split("\n")),
                         ["", "./d/a", "./d/sub/Name with spaces", "./d/sub/run"])
        self.does("find", "d", "-name", "run", "-delete")
        self.assertEqual(self.does("find", "d", "-perm", "-u+x", "-type", "f"), "")

    def test_sed_in_place(self):
        self.tree()
        self.does("sed", "-i", "s/one/three/", "d/a")
        self.assertEqual((self.where / "d" / "a").read_text(), "three\n")

    def test_shell_redirections(self):
        self.does("sh", "-c", "echo one > f; echo two >> F; cat < f > g; sort -r g -o g")
        self.assertEqual((self.where / "g").read_text(), "two\none\n")

    def test_ed(self):
        self.needs("ed")
        (self.where / "f").write_text("")
        self.does("ed", "-s", "f", text="a\nline\n.\nw\nq\n")
        self.assertEqual((self.where / "f").read_text(), "line\n")

    def test_vim(self):
        self.needs("vim")
        self.tree()
        self.does("vim", "-es", "-u", "NONE", "-c", "set backup writebackup swapfile backupcopy=no", "-c", "%s/one/1/",
                  "-c", "wq", "d/a", text="")
        self.assertEqual((self.where / "d" / "a").read_text(), "1\n")

    def test_rsync(self):
        self.needs("rsync")
        self.tree()
        self.does("rsync", "-a", "d/", "r/")
        self.same("d", "r")
        self.assertEqual(self.does("rsync", "-ai", "d/", "r/"), "")
        (self.where / "d" / "a").write_text("changed\n")
        self.does("rsync", "-a", "--delete", "d/", "r/")
        self.same("d", "r")

    def test_git(self):
        self.needs("git")
        self.tree()
        self.does("git", "init", "-q", "g")
        git = ("git", "-C", "g", "-c", "user.email=a@b", "-c", "user.name=n")
        (self.where / "g" / "f").write_text("1\n")
        self.does(*git, "add", "f")
        self.does(*git, "commit", "-qm", "first")
        self.assertEqual(self.does(*git, "status", "--short"), "")
        self.assertEqual(self.does(*git, "config", "core.ignorecase"), "true\n")
        self.does(*git, "fsck", "--no-progress")


def main() -> int:
    global DRIVE
    with tempfile.TemporaryDirectory(prefix="ntemu-programs-") as folder:
        machine, mount = pathlib.Path(folder, "machine"), pathlib.Path(folder, "DosDevices")
        mount.mkdir()
        with subprocess.Popen([BIN / "mount_machine", machine, mount], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            if process.stdout.readline() != "mounted\n":
                process.communicate()
                return SKIPPED if process.returncode == SKIPPED else 1
            DRIVE = mount / "C:"
            failed = not unittest.main(exit=False).result.wasSuccessful()
            process.communicate()
            return 1 if failed or process.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
