"""What a page of the documents tells its reader to do: files to write and commands to give, in order.

A block ```console is a session: lines that begin with "$ " are commands, the others what they print; where none follow,
they may print anything. "..." stands for anything on its line, and on a line of its own for any lines. Times, durations,
threads' numbers, addresses of the kernel, and offsets in functions are whatever they are. A command succeeds; one that is to fail says so:
`$ ntcc wrong.c; echo $?`.

A block in another language is a file when the line before it ends in its name and a colon, as in "`driver.c`:". It is
added to the file when that line begins with "Add".

An HTML comment before a block says why it is not run, <!-- not run: needs root -->, or what it needs besides the
installation, <!-- needs: clang asan -->.
"""
import dataclasses
import itertools
import pathlib
import re

FENCE = re.compile(r"^```(\S*)$")
FILE = re.compile(r"`([^`\s]+)`:$")
NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
COMMAND = re.compile(r"\$ |(?:sudo|tools/\S+|cmake|ctest|ntemu|ntcc|sc|verifier|notmyfault\S*) ")
NEEDS = re.compile(r"^<!-- needs: (.+) -->$")
# What no run prints twice.
VARYING = re.compile(r"\b(?:0x)?[0-9a-f]{8}`?[0-9a-f]{8}\b|(?<=[0-9a-f]{16} )[0-9a-f]{1,4}\b|(?<=\) 4\.)[0-9a-f]+\b|(?<=\w)\+0x[0-9a-f]+\b|={3,}"
                     r"|\d{4}-\d\d-\d\dT[\d:.]+Z|0x[0-9a-f]{9,}|\b\d+(?:\.\d+)? ?(?:ms|sec|s)\b(?:\.\d+)?"
                     r"|(?<=thread )\d+|(?<=owner )\d+|\b\d+(?= 0x[0-9a-f]{9,})")


class PageError(Exception):
    """The page does not keep to the convention."""


@dataclasses.dataclass
class File:
    line: int
    name: str
    text: str
    added: bool


@dataclasses.dataclass
class Command:
    line: int
    text: str
    expected: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Block:
    """One block of the page: a file, or the commands of a session."""
    line: int
    steps: list
    needs: list
    not_run: str = ""


def session(lines: list, first: int) -> list:
    """The commands of a console block."""
    commands = []
    for number, line in enumerate(lines, first):
        if line.startswith("$ "):
            commands.append(Command(number, line[2:]))
        elif commands and not commands[-1].expected and commands[-1].text.endswith("\\"):
            commands[-1].text += "\n" + line
        elif commands:
            commands[-1].expected.append(line)
        else:
            raise PageError(f"line {number}: output without a command")
    return commands


def blocks(text: str) -> list:
    """The page's files and sessions, and the sessions that are not run."""
    found = []
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        fence = FENCE.match(lines[index])
        if not fence:
            index += 1
            continue
        first = index + 1
        end = next(number for number in range(first, len(lines)) if lines[number] == "```")
        body = lines[first:end]
        before = [line for line in lines[max(0, index - 4):index] if line]
        notes = list(itertools.takewhile(lambda line: line.startswith("<!--"), reversed(before)))
        before = before[:len(before) - len(notes)]
        not_run = next((match[1] for match in map(NOT_RUN.match, notes) if match), "")
        needs = next((match[1].split() for match in map(NEEDS.match, notes) if match), [])
        name = FILE.search(before[-1]) if before else None
        if fence[1] == "console":
            found.append(Block(first, session(body, first + 1), needs, not_run))
        elif fence[1] in ("sh", "bash", "shell") or fence[1] == "" and any(map(COMMAND.match, body)):
            raise PageError(f"line {first}: commands stand in blocks ```console")
        elif name:
            added = before[-1].startswith("Add")
            found.append(Block(first, [File(first, name[1], "\n".join(body) + "\n", added)], needs, not_run))
        index = end + 1
    return found


def pattern(line: str) -> re.Pattern:
    """What a line of expected output stands for; blanks count as one."""
    parts = [VARYING.sub("\0", " ".join(part.split(" "))) for part in line.split("...")]
    text = "\1".join(parts)
    text = re.sub(r"\s+", " ", text.rstrip())
    escaped = re.escape(text).replace(re.escape("\0"), f"(?:{VARYING.pattern}|0)").replace(re.escape("\1"), ".*")
    return re.compile(escaped)


def agrees(expected: list, actual: list) -> bool:
    """Whether the output is what the page shows."""
    if not expected:
        return True
    expected = [None if line.strip() == "..." else pattern(line) for line in expected]
    actual = [re.sub(r"\s+", " ", line.rstrip()) for line in actual]
    # reach: how many lines of the output the expected ones so far may have used.
    reach = {0}
    for line in expected:
        if line is None:
            reach = set(range(min(reach), len(actual) + 1)) if reach else set()
        else:
            reach = {used + 1 for used in reach if used < len(actual) and line.fullmatch(actual[used])}
    return len(actual) in reach


def title(path: pathlib.Path) -> str:
    return "readme" if path.name == "README.md" else path.stem
