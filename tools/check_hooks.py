#!/usr/bin/env python3
"""Check that every implemented API begins with NT_ENTER or NT_FAST, so that it can be mocked, traced and made to fail.

usage: check_hooks.py [ROOT]
Printf-like APIs are hooked in their va_list form, and those that never return not at all. Prints one line for each API
without a hook and exits 1 if there is any.
"""
import pathlib
import re
import sys

import tree

NEVER_RETURN = {"KeBugCheck", "KeBugCheckEx", "ExRaiseStatus"}
ROW = re.compile(r"^NT_API\((\w+),", re.MULTILINE)
HOOK = re.compile(r"\bNT_(?:ENTER|FAST)\((\w+)\b|Signature<&(\w+)>")


def check(root: pathlib.Path) -> tuple[set, list]:
    """The names of the APIs, and of those without a hook."""
    named, hooked = set(), set()
    for table in root.glob("ntemu/*/*.def"):
        named |= set(ROW.findall(table.read_text(encoding="utf-8")))
    for folder in ("ntemu", "fs"):
        for source in (root / folder).rglob("*.cpp"):
            for name, other in HOOK.findall(source.read_text(encoding="utf-8")):
                hooked.add(name or other)
    # DbgPrint calls vDbgPrintEx, RtlStringCchPrintfW calls RtlStringCchVPrintfW.
    through_list = {name for name in named if name.startswith("DbgPrint") or re.sub("Printf", "VPrintf", name) in hooked}
    return named, sorted(named - hooked - through_list - NEVER_RETURN)


def main() -> int:
    named, missing = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else tree.ROOT)
    for name in missing:
        print(f"{name} has no NT_ENTER: it cannot be mocked, traced or made to fail")
    if not missing:
        print(f"{len(named)} APIs are hooked")
    return 1 if missing or not named else 0


if __name__ == "__main__":
    sys.exit(main())
