"""The pages keep to the convention of page.py, and their links lead somewhere; lists what is not run."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from page import Command, File, PageError, agrees, blocks

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def anchors(text: str) -> set:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if "://" in target:
                    continue
                path, _, anchor = target.partition("#")
                file = page.parent / path if path else page
                self.assertTrue(file.exists(), f"{page.name}: {target}")
                if anchor:
                    self.assertIn(anchor, anchors(file.read_text(encoding="utf-8")), f"{page.name}: {target}")

    def test_every_page_is_in_the_table_of_the_readme(self):
        linked = re.findall(r"\]\(docs/([\w-]+\.md)", (ROOT / "README.md").read_text(encoding="utf-8"))
        self.assertEqual(sorted({path.name for path in PAGES if path.parent.name == "docs"} - set(linked)), [])

    def test_each_block_that_is_not_run_says_why(self):
        for page in PAGES:
            for block in blocks(page.read_text(encoding="utf-8")):
                for step in block.steps:
                    if block.not_run:
                        print(f"{page.name}:{step.line}: not run ({block.not_run}): {step.text.splitlines()[0]}")


class Convention(unittest.TestCase):
    def test_a_session_is_its_commands_and_what_they_print(self):
        found = blocks("```console\n$ a \\\n  b\nout\n$ c\n```\n")
        self.assertEqual(found[0].steps, [Command(2, "a \\\n  b", ["out"]), Command(5, "c")])

    def test_a_block_is_a_file_where_the_line_before_names_it(self):
        found = blocks("Write `a/b.c`:\n\n```c\nint x;\n```\nAdd to `a/b.c`:\n```c\nint y;\n```\nSuch a line:\n```c\nz\n```\n")
        self.assertEqual([block.steps[0] for block in found], [File(3, "a/b.c", "int x;\n", False), File(7, "a/b.c", "int y;\n", True)])

    def test_what_is_not_run_or_needs_something(self):
        found = blocks("<!-- not run: needs root -->\n```console\n$ a\n```\n<!-- needs: asan gdb -->\n\n```console\n$ b\n```\n")
        self.assertEqual([(block.not_run, block.needs) for block in found], [("needs root", []), ("", ["asan", "gdb"])])

    def test_commands_elsewhere_are_refused(self):
        for text in ("```\n$ a\n```\n", "```\nntcc a.c\n```\n", "```sh\na\n```\n", "```console\nout\n```\n"):
            with self.assertRaises(PageError):
                blocks(text)

    def test_expected_output(self):
        for expected, actual, agree in (
                (["a"], ["a"], True), (["a"], ["b"], False), (["a"], [], False), ([], ["a"], True),
                (["a ... c"], ["a b c"], True), (["a ... c"], ["a b d"], False), (["a (b)"], ["a (b)"], True),
                (["..."], [], True), (["...", "b"], ["a", "b"], True), (["...", "b"], ["b", "a"], False),
                (["a", "...", "d"], ["a", "b", "c", "d"], True), (["a    b"], ["a b  "], True),
                (["in 3.5 sec"], ["in 0.07 sec"], True), (["in 3.5 sec"], ["in no sec"], False),
                (["at 0x7e9000006060"], ["at 0x7e90000a7060"], True), (["0x10"], ["0x11"], False),
                (["2026-11-26T06:09:04.909874Z x"], ["2027-01-02T00:00:00.1Z x"], True),
                (["   56 0x7e9000099060 Mutant owner 8", "thread 16 x"], [" 8 0x7e9000099160 Mutant owner 123", "thread 2 x"], True),
                (["a 00007e9800011060 4c 1 nt!F+0x1b ==="], ["a 00007f0000000000 134 1 nt!F+0x123 ====="], True),
                (["[ 0x00007e98`00019368 ]"], ["[ 0x00007f00`00000000 ]"], True),
                (["P (00007e9800005060) 4.70 1"], ["P (00007e9800005060) 4.8c 1"], True),
                (["P (00007e9800005060) 4.70 1"], ["P (00007e9800005060) 5.70 1"], False),
                (["+0x000 Count : 0n4"], ["+0x008 Count : 0n4"], False),
                (["56 files", "threads 16"], ["57 files", "threads 17"], False),
                (["waits for 4ms, x"], ["waits for 0, x"], True),
                (["a 3s.847 b"], ["a    12ms b"], True)):
            with self.subTest(expected=expected, actual=actual):
                self.assertEqual(agrees(expected, actual), agree)


class Followed(unittest.TestCase):
    def follow(self, text: str, code: int, printed: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(text, encoding="utf-8")
            result = subprocess.run([sys.executable, HERE / "page_test.py", folder, page], capture_output=True, text=True, check=False,
                                    env={name: value for name, value in os.environ.items() if name != "NTEMU_SANITIZE"})
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertIn(printed, result.stdout)

    def test_files_and_what_the_shell_remembers(self):
        self.follow("`d/a.c`:\n```c\n1\n```\nAdd to `d/a.c`:\n```c\n2\n```\n"
                    "```console\n$ cd d; export X=3\n$ cat a.c; echo $X\n1\n2\n3\n```\n", 0, "all as the page says")

    def test_a_command_that_fails_ends_the_page(self):
        self.follow("```console\n$ echo a; false\n$ echo b\nc\n```\n", 1, "page.md:2: $ echo a; false\nended with 1:\na\n")

    def test_other_output_is_told(self):
        self.follow("```console\n$ echo a\nb\n```\n", 1, "page.md:2: $ echo a\n--- the page shows\nb\n--- it printed\na\n")

    def test_where_nothing_can_be_run(self):
        self.follow("<!-- not run: x -->\n```console\n$ a\n```\n<!-- needs: no-such-program -->\n```console\n$ a\n```\n", 77,
                    "page.md:6: not run: needs no-such-program")


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
