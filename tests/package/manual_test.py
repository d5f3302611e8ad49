"""Every option and subcommand that --help names is in the manual page and is completed."""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import unittest

BIN = pathlib.Path(os.environ["NTEMU_BIN"])
SHARE = BIN.parent / "share"
PROGRAMS = ("ntemu", "ntcc", "sc", "verifier", "notmyfault", "kd")


def help_of(*words: str) -> str:
    return subprocess.run([BIN / words[0], *words[1:], "--help"], capture_output=True, text=True, check=True).stdout


def named_in(text: str) -> set[str]:
    """Options as the eye finds them: at the beginning of an indented line, or behind another one with a comma."""
    lines = re.findall(r"(?m)^ +(-.*|\w+= +<.*|/[a-z?].*)$", text)
    return {option for line in lines for option in re.findall(r"(?:^|, ?)(--?\w[\w-]*|^\w+=|^/[a-z]+)", line)}


def below(*words: str) -> set[str]:
    """The subcommands that a help text lists."""
    text = help_of(*words)
    if words == ("sc",):
        commands = text.partition("COMMANDS:\n")[2].partition("OPTIONS:")[0]
        return {name for names in re.findall(r"(?m)^ {8}([a-z, ]+)", commands) for name in names.split(", ") if name.strip()}
    return set(re.findall(r"(?m)^  (\w+)", text.partition("Subcommands:\n")[2].partition("\n\n")[0]))


def every(*words: str):
    """Each command line that has a help of its own."""
    yield words
    for name in below(*words):
        yield from every(*words, name) if words[0] == "ntemu" else [(*words, name)]


def in_bash(*words: str) -> set[str]:
    """What bash offers for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); compopt() { :; }; '
              '_ntemu_complete_"$1"; printf "%s\\n" "${COMPREPLY[@]}"')
    result = subprocess.run(["bash", "-uc", script, "bash", SHARE / "bash-completion/completions" / words[0], *words],
                            capture_output=True, text=True, check=True, cwd=pathlib.Path(__file__).parent)
    assert not result.stderr, result.stderr
    return set(result.stdout.split())


class Manual(unittest.TestCase):
    def page(self, program: str) -> str:
        return gzip.decompress((SHARE / f"man/man1/{program}.1.gz").read_bytes()).decode()

    def test_names_everything(self):
        for program in PROGRAMS:
            page = self.page(program).replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
            for words in every(program):
                with self.subTest(words):
                    missing = {option for option in named_in(help_of(*words)) - {"-h", "--help"}
                               if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", page)}
                    self.assertEqual(missing, set())
                    if len(words) > 1:
                        self.assertIn(f'.SS "{" ".join(words[1:])}"', page)

    @unittest.skipUnless(shutil.which("groff"), "needs groff")
    def test_is_correct_for_groff(self):
        for program in PROGRAMS:
            result = subprocess.run(["groff", "-man", "-ww", "-Tutf8"], input=self.page(program), capture_output=True, text=True, check=True)
            self.assertEqual(result.stderr, "")
            self.assertIn("see also", re.sub(".\x08", "", result.stdout).lower())


class Completion(unittest.TestCase):
    def test_of_everything_in_bash(self):
        seen = 0
        for program in PROGRAMS:
            for words in every(program):
                with self.subTest(words):
                    expected = named_in(help_of(*words)) | below(*words) if words[0] == "ntemu" or len(words) == 1 else named_in(help_of(*words))
                    self.assertEqual(expected - in_bash(*words, ""), set())
                    seen += len(expected)
        self.assertGreater(seen, 100)

    def test_of_what_was_begun(self):
        self.assertEqual(in_bash("ntemu", "sh"), {"shutdown"})
        self.assertEqual(in_bash("ntemu", "drive", "re"), {"remove"})
        self.assertEqual(in_bash("ntemu", "run", "--sanitizer", ""), {"asan", "tsan"})
        self.assertEqual(in_bash("ntcc", "--cc", "g"), {"gcc"})
        self.assertEqual(in_bash("sc", "create", "x", "type", "="), {"kernel", "filesys"})
        self.assertEqual(in_bash("sc", "create", "x", "start=", "d"), {"demand", "disabled"})
        self.assertEqual(in_bash("sc", "query", "type", "=", "a"), {"all"})
        self.assertEqual(in_bash("verifier", "/query"), {"/query", "/querysettings"})
        self.assertEqual(in_bash("notmyfault", "/c"), {"/crash"})

        self.assertEqual(in_bash("kd", "--fr"), {"--freeze"})

    def test_of_files_and_directories(self):
        self.assertIn("manual_test.py", in_bash("ntemu", "run", "man"))
        self.assertIn("manual_test.py", in_bash("ntcc", "man"))
        self.assertIn("manual_test.py", in_bash("kd", "-z", "man"))
        self.assertEqual(in_bash("ntemu", "boot", "--machine", "con"), {"consumer"})
        self.assertEqual(in_bash("ntemu", "new", "driver", "con"), {"consumer"})
        self.assertIn("manual_test.py", in_bash("sc", "create", "x", "binPath", "=", "man"))

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_in_fish(self):
        for line, expected in (("ntemu sh", {"shutdown"}), ("ntemu run --sani", {"--sanitizer", "--sanitizer-stops"}), ("ntemu drive re", {"remove"}),
                               ("sc cre", {"create"}), ("ntcc --cov", {"--coverage"})):
            source = SHARE / f"fish/vendor_completions.d/{line.split()[0]}.fish"
            result = subprocess.run(["fish", "--no-config", "-c", f"source {source}; complete -C '{line}'"], capture_output=True, text=True,
                                    check=True, env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"})
            self.assertEqual({row.split("\t")[0] for row in result.stdout.splitlines()}, expected, line)


if __name__ == "__main__":
    unittest.main()
