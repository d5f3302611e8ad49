"""Debugger sessions of the published documents, and what of them no two machines have in common."""
import pathlib
import re

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


# What of a line is of that machine and that moment: addresses, offsets in functions, times, counts, ids, source lines.
MASKS = [
    (r"\b[0-9a-f]{8}`[0-9a-f]{8}\b", "A"),
    (r"0x[0-9a-f]{8}`[0-9a-f]{8}\b", "A"),
    (r"0xA\b", "A"),
    (r"\b[0-9a-f]{16}\b", "A"),
    (r"\(\S[^()]* @ \d+\)", "(SOURCE)"),
    (r"\S+ @ \d+$", "SOURCE"),
    (r"(?<=\w)\+0x[0-9a-f]+", "+OFFSET"),
    (r"\b(\d+d\.|\d+h:|\d+m:|\d+s\.)[0-9:.]*\d\b|\b\d+ms\b", "TIME"),
    # Id, context switches, user and kernel time
    (r"^(System (?:4 )?)A [0-9a-f]+ \d+ \S+ \S+ (\w+) \S+", r"\1A ID N N N \2 TIME"),
    # UserTime, KernelTime, ContextSwitches
    (r"^(System \(A\) A \(E\|K\|W\|R\|V\) 4\.)[0-9a-f]+ \S+ \S+ \d+ (\w+) \S+ (\w+)$", r"\1ID N N N \2 TIME \3"),
    (r"^(Threads matching filter: \d+ out of) \d+$", r"\1 N"),
    (r"\((\d+) procs\)", "(N procs)"),
    (r"^(Computer Name:|Edition build lab:|Debug session time:|System Uptime:|SystemManufacturer =|SystemProductName =|"
     r"Processor:|KernelMode Dump Path:) .*", r"\1 X"),
    (r"^(Bugcheck: [0-9A-F]+) \([0-9A-F]{6,}, 2, 0, [0-9A-F]{6,}\)", r"\1 (X, 2, 0, X)"),
    (r"^(System A \(E\|K\|O\) 0 4 \(0n4\) 0 \(0n0\) A) .*", r"\1 CREATED"),
    # A dump does not have what the host knows: the first three.
    (r"^(([0-9.]+ [MG]B ){2}[0-9.]+ [KMG]?B|- - -) [0-9.]+ [KMG]?B$", "SIZES"),
]
# What is of a Windows alone: a share of the machine, its other processes, links to what is not here.
OTHERS = re.compile(r"^(Share Path:|0x[0-9a-f]+ 0n\d+ A (?!System$)|Warning! Zombie|File Server Threads|Exective Work Queues|"
                    r"Show LPC Port information)")


def masked(lines: list[str]) -> list[str]:
    result = []
    for line in lines:
        line = re.sub(r"={3,}", "===", re.sub(r"[ \t]+", " ", line)).strip()
        for pattern, replacement in MASKS:
            line = re.sub(pattern, replacement, line)
        if not OTHERS.match(line):
            result.append(line)
    text = "\n".join(result)
    # Shown only while a boost lasts.
    text = re.sub(r"Priority:\n.*\n.*\n\n", "", text)
    # As wide as what stands in a column.
    text = re.sub(r"(?m)^[ =]*==[ =]*$", "RULE", text)
    return re.sub(r"\n{2,}", "\n\n", text).strip().splitlines()
