"""Debugger sessions of the published documents, and a form of what they print that two machines can have in common.

Columns are as wide as what stands in them. A table is therefore taken apart and drawn again from its cells, and what is drawn
has to be what was printed, blank for blank; what is compared are the cells. Other lines are compared as they are, blanks
and empty lines with them. What a machine has for itself is replaced by what kind of value it is, once it has the form of one;
addresses and threads' ids by numbers, so that what is the same in one session has to be the same in the other.
"""
import pathlib
import re
from typing import NamedTuple

PROMPT = re.compile(r"^\d: kd> (.+)$")


def sessions(document: pathlib.Path) -> list[tuple[str, list[str]]]:
    """Each command of a document, in order, with the lines that it printed."""
    found, fenced = [], False
    for line in document.read_text("utf-8").splitlines():
        prompt = PROMPT.match(line)
        if line.startswith("```"):
            fenced = not fenced
            command = None  # what is fenced next may be source
        elif fenced and prompt:
            command = (prompt[1], [])
            found.append(command)
        elif fenced and command:
            command[1].append(line)
    return found


# Offsets in functions, build and machine strings, times, counters, source lines, totals.
MASKS = [(re.compile(pattern), replacement) for pattern, replacement in (
    # Registers that calls keep, on Windows: what functions above left in them.
    (r"\b(rb[xp]|r[sd]i|r1[2-5])=[0-9a-f]{16}\b", r"\1=ADDRESS"),
    (r"(?<=^Bugcheck: D1 \()[0-9A-F]{11,16}, 2, 0, [0-9A-F]{11,16}(?=\)$)", "ADDRESS, 2, 0, ADDRESS"),
    (r"(?<=\w)\+0x[0-9a-f]+", "+OFFSET"),
    (r"^(Computer Name:  |Edition build lab: |SystemManufacturer = |SystemProductName = |Processor: |KernelMode Dump Path: |"
     r"Share Path: )\S.*", r"\1STRING"),
    (r"(?<=MP \()\d+(?= procs\) Free x64$)", "N"),
    (r"(?<=^Debug session time: )\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d\.\d{3} \d{4} \(UTC [-+] \d+:\d\d\)$", "TIME"),
    (r"(?<=^System Uptime: )\d+ days \d+:\d\d:\d\d\.\d{3}$", "TIME"),
    (r"(?<=^Threads matching filter: \d out of )\d+$", "TOTAL"),
)]


def masked(text: str) -> str:
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return text


class Names(dict):
    """Numbers for the addresses and ids of a session, in the order in which it tells them; 0 is no address."""
    OWN = re.compile(r"\bthread (?:4\.)?(?P<id>[0-9a-f]+)\b|\b(?P<prefix>0x)?(?P<high>[0-9a-f]{8})(?P<tick>`?)(?P<low>[0-9a-f]{8})\b")

    def given(self, text: str) -> str:
        return self.OWN.sub(self._number, text)

    def _number(self, match: re.Match) -> str:
        value = match["id"] or match["high"] + match["low"]
        return match[0] if set(value) == {"0"} else f"{match['prefix'] or ''}<{match['tick'] or ''}{self.setdefault(value, len(self))}>"


class Column(NamedTuple):
    title: str
    value: str = r"\S+"  # a pattern
    mask: str = ""  # stands for a value that is the machine's own; {}: the value
    right: bool = False
    least: int = 0  # how wide it is at least
    joined: bool = False  # stands below the same rule as the column before
    may_be_empty: bool = False  # the last one


class Table(NamedTuple):
    columns: tuple[Column, ...]
    indent: str = ""
    rule: bool = False  # a line of === below the titles
    again: bool = False  # both once more at the end
    after: str = ""  # it has no titles, and begins after a line of this pattern

    def begins(self, lines: list[str], at: int) -> bool:
        if self.after:
            return at > 0 and re.search(self.after, lines[at - 1]) is not None
        return lines[at].split() == " ".join(column.title for column in self.columns).split()

    def rows(self, lines: list[str], at: int) -> list[list[str]]:
        pattern = self.indent + " *" + " +".join(f"({column.value})" for column in self.columns) + " *"
        if self.columns[-1].may_be_empty:
            *most, last = (column.value for column in self.columns)
            pattern = self.indent + " *" + " +".join(f"({value})" for value in most) + f" *({last}|)"
        found = []
        for line in lines[at + (0 if self.after else 1) + self.rule:]:
            row = re.fullmatch(pattern, line)
            if not row:
                break
            found.append(list(row.groups()))
        return found

    def drawn(self, rows: list[list[str]]) -> list[str]:
        widths = [max([column.least, len(column.title), *(len(row[i]) for row in rows)]) for i, column in enumerate(self.columns)]

        def line(cells: list[str]) -> str:
            padded = [cell.rjust(width) if column.right else cell.ljust(width)
                      for cell, width, column in zip(cells, widths, self.columns)]
            return self.indent + " ".join([*padded[:-1], padded[-1] if self.columns[-1].right else cells[-1]])
        titles = [] if self.after else [line([column.title for column in self.columns])]
        parts = [("=" if column.joined else " ") + "=" * width for column, width in zip(self.columns, widths)]
        rule = [self.indent + "".join(parts)[1:]] if self.rule else []
        return titles + rule + [line(row) for row in rows] + (rule + titles if self.again else [])

    def compared(self, rows: list[list[str]]) -> list[str]:
        cells = [[column.mask.format(cell) if column.mask and cell not in ("", NONE) else masked(cell)
                  for cell, column in zip(row, self.columns)] for row in rows]
        titles = [] if self.after else [[column.title for column in self.columns]]
        return [" | ".join(row) for row in titles + cells]


NONE = "0" * 16
ADDRESS = r"[0-9a-f]{16}"
TIME = r"0|\d+ms|\d+s\.\d{3}|\d+m:\d\d\.\d{3}|\d+h:\d\d:\d\d\.\d{3}|\d+d\.\d\d:\d\d:\d\d\.\d{3}"
SIZE = r"\d+(?:\.\d{1,2})? [KMGT]?B|-"  # -: a dump has nothing of the host


def time(title: str) -> Column:
    return Column(title, TIME, "TIME", right=True)


def count(title: str) -> Column:
    return Column(title, r"\d+", "N", right=True)


# Ids are counted up from the beginning of the machine.
_WAITING = (Column("Thread", ADDRESS), Column("Id", r"[0-9a-f]+", "thread {}", right=True), count("CSwitches"), time("User"), time("Kernel"),
            Column("State"), time("Time"), Column("Reason"))
# Where in a function a call is made differs as offsets do.
_FRAMES = (Column("#", r"[0-9a-f]+", right=True), Column("Child-SP", ADDRESS), Column("Return", ADDRESS, "CODE"), Column("Call Site"))
TABLES = (
    Table((Column("Process"), Column("PID", right=True), *_WAITING, Column("Waiting On", rf"Owning Thread: {ADDRESS}"),
           Column("Wait Function")), rule=True),
    Table((Column("Process"), *_WAITING, Column("Wait Function")), rule=True),
    Table((Column("Process", rf"\S+ \({ADDRESS}\)"), Column("Thread", rf"{ADDRESS} \(E\|K\|W\|R\|V\)"),
           Column("CID", r"4\.[0-9a-f]+", "thread {}", least=9), time("UserTime"), time("KernelTime"), count("ContextSwitches"),
           Column("Wait Reason"), time("Time"), Column("State"))),
    Table(tuple(Column(title, r"\d+") for title in ("Current", "Base", "Decrement", "ForegroundBoost", "IO", "Page")), indent="    "),
    Table((Column("Object", ADDRESS), Column("Type"), Column("Other Waiters", r"\d+", right=True), Column("Info", r"\S.*")), indent="    "),
    Table(_FRAMES),
    Table((*_FRAMES, Column("Source", r"\S+ @ \d+", "SOURCE", may_be_empty=True))),
    Table((Column("", ADDRESS, "CODE"), Column(""), Column("", r"\(\S+ @ \d+\)", "(SOURCE)", may_be_empty=True)),
          indent="    ", after=r"^\d+ threads? \[stats\]: "),
    Table((Column("PID", r"0x[0-9a-f]+"), Column("", r"0n\d+", joined=True), Column("Address", ADDRESS), Column("Name")),
          rule=True, again=True),
    Table((Column("Name"), Column("Address", rf"{ADDRESS} \(E\|K\|O\)"), Column("Ses", right=True), Column("PID", r"\w+ \(0n\d+\)"),
           Column("Parent", r"\w+ \(0n\d+\)"), Column("PEB", ADDRESS),
           Column("Create Time", r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\.\d{3} [AP]M", "TIME"), Column("Mods", r"\d+", right=True), count("Handle"),
           count("Thrd"), Column("User Name", r"\S.*", "STRING")), rule=True),
    Table((Column("VM", SIZE, "N"), Column("Peak", SIZE, "N"), Column("Commit Size", SIZE, "N", right=True),
           Column("NPP Quota", SIZE, "N", right=True)), indent="    ", rule=True),
    # What the compiler made of the function.
    Table((Column("", r"[0-9a-f]{8}`[0-9a-f]{8}"), Column("", r"(?:[0-9a-f]{2})+", "BUILD", least=15), Column("", r"[a-z]+", "BUILD", least=7),
           Column("", r"\S.*", "BUILD", may_be_empty=True)), after=r"\+0x[0-9a-f]+:$"),
)


def comparable(lines: list[str], pasted: bool = False) -> str:
    """`pasted`: into a document, which has trimmed the end: what pads the call site in the last line of a stack."""
    result, at = [], 0
    while at < len(lines):
        table = next((table for table in TABLES if table.begins(lines, at)), None)
        if not table:
            result.append(masked(lines[at]))
            at += 1
            continue
        rows = table.rows(lines, at)
        drawn = table.drawn(rows)
        printed = lines[at:at + len(drawn)]
        if pasted and at + len(drawn) == len(lines):
            drawn[-1] = drawn[-1].rstrip()
        if printed != drawn:
            raise AssertionError("\n".join(["not aligned:", *printed, "but:", *drawn]))
        result += table.compared(rows)
        at += len(drawn)
    return "\n".join(result)


# What a document has of other processes, and links, of which a paste keeps no more than the text.
OTHERS = {
    "!tl": (r"\n0x2268 \| 0n8808 \| [0-9a-f]{16} \| SystemSettingsBroker\.exe",
            r"\n\nWarning! Zombie process\(es\) detected \(not displayed\)\. Count: 5 \[zombie report\]$"),
    "!mex.p": (r"(?<=\n\n)File Server Threads \(Active threads running srv or srv2 driver\)\nExective Work Queues\n\n"
               r"Show LPC Port information for process\n\n",),
}
# What a machine that runs has not: what stopped it, and where its dump is.
OF_DUMPS = {"!di": r"\nBugcheck: [\s\S]*$", "!mex.di": r"\nBugcheck: [\s\S]*$"}


def expected(command: str, lines: list[str], live: bool) -> str:
    """What kd is to print of a document's machine."""
    text = comparable(lines, pasted=True)
    name = command.split()[0]
    for pattern in (*OTHERS.get(name, ()), *([OF_DUMPS[name]] if live and name in OF_DUMPS else [])):
        text, found = re.subn(pattern, "", text)
        if found != 1:
            raise AssertionError(f"{command} has not: {pattern}")
    return text
