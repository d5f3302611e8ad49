#!/usr/bin/env python3
"""Writes case_table.inc: runs of one-to-one case pairs of the basic plane, from Python's Unicode data."""
import pathlib
import unicodedata


def single(text):
    return ord(text) if len(text) == 1 and ord(text) < 0x10000 else None


def pairs():
    for lower in range(0x80, 0x10000):
        if 0xD800 <= lower < 0xE000 or 0x10D0 <= lower <= 0x10FF:  # NT leaves Georgian alone
            continue
        upper = single(chr(lower).upper())
        # NT folds only what folds back, so that the dotless i and the long s stay; final sigma is its one exception.
        if upper not in (None, lower) and (single(chr(upper).lower()) == lower or lower == 0x3C2):
            yield lower, upper


def runs(table):
    """[first, last, step, delta] with step 1 or 2."""
    out = []
    for key, value in sorted(table):
        delta = value - key
        if out and out[-1][3] == delta:
            run = out[-1]
            gap = key - run[1]
            if gap in (1, 2) and (run[0] == run[1] or gap == run[2]):
                run[1], run[2] = key, gap
                continue
        out.append([key, key, 1, delta])
    return out


def rows(name, table):
    cells = ["{0x%04X, 0x%04X, %d, %d}" % tuple(run) for run in runs(table)]
    lines = [", ".join(cells[i:i + 4]) for i in range(0, len(cells), 4)]
    return "constexpr Run %s[] = {\n    %s};\n" % (name, ",\n    ".join(lines))


def main():
    up = list(pairs())
    down = [(upper, lower) for lower, upper in up if lower != 0x3C2]
    text = "// Written by make_case_table.py from Unicode %s.\n" % unicodedata.unidata_version
    text += rows("kUpcase", up) + rows("kDowncase", down)
    pathlib.Path(__file__).with_name("case_table.inc").write_text(text)


main()
