#!/usr/bin/env python3
"""Compare the layouts and constants of km/nt with mingw-w64's DDK headers, two independent sources of one ABI.

Layouts come from our NTEMU_ASSERT_SIZE and NTEMU_ASSERT_OFFSET lines, constants from macros and enumerators evaluated by the
host compiler; a cross compiler then checks them as static assertions. What mingw-w64 does not declare is skipped and counted.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CROSS = "x86_64-w64-mingw32-gcc"
DDK = pathlib.Path("/usr/share/mingw-w64/include/ddk")
SKIPPED = 77
MINIMUM = {"layout": 150, "constant": 1500}

# mingw-w64 follows older or wrong declarations here; each was checked against the WDK or public dumps.
MINGW_IS_WRONG = re.compile(
    r"^(DEVICE_OBJECT$"  # lacks the 16-byte alignment, so its size is 0x148
    r"|KWAIT_BLOCK\."  # the order of Windows 7
    r"|KTIMER\.(Processor|TimerType)|KDPC\.(DpcListEntry|ProcessorHistory)"
    r"|DISPATCHER_HEADER\.(Signalling|Size|MutantSize|DpcActive|TimerMiscFlags|QueueSize|DebugActive)"
    r"|KMUTANT\.MutantFlags|OWNER_ENTRY|KGUARDED_MUTEX"
    r"|EX_PUSH_LOCK"
    r"|MaximumWaitReason$)"  # grows with each release
)
OUR_OWN = re.compile(r"^(NTEMU_|NTAPI|NTKERNELAPI|NTSYSAPI|DECLSPEC|FORCEINLINE|NTDDI_VERSION|_WIN32_WINNT|DBG$)")


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def layouts(text):
    for kind, body in re.findall(r"NTEMU_ASSERT_(SIZE|OFFSET)\((.*)\);", text):
        parts = [part.strip() for part in body.split(",", 2 if kind == "OFFSET" else 1)]
        if kind == "SIZE":
            yield parts[0], f"sizeof({parts[0]})", parts[1]
        else:
            yield f"{parts[0]}.{parts[1]}", f"__builtin_offsetof({parts[0]}, {parts[1]})", parts[2]


def constant_names(text):
    joined = text.replace("\\\n", " ")
    macros = [name for name, value in re.findall(r"^#define ([A-Z]\w*)[ \t]+(.+)$", joined, re.M)
              if re.fullmatch(r"[\s()0-9A-Za-z_|~&<+]+", value) and re.search(r"\d|\||_", value)
              and not OUR_OWN.match(name) and "__" not in value]
    enumerators = [name for body in re.findall(r"enum \w+ \{(.*?)\}", text, re.S)
                   for name in re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", body)]
    return macros, enumerators


def evaluate(headers, names, cc, directory):
    """Values of those names that are integer constants, by asking the compiler until no name is refused."""
    names = list(names)
    while True:
        lines = [f'#include "{h}"' for h in headers] + ["extern int printf(const char *, ...);"]
        first = len(lines) + 1
        lines += [f"static const unsigned long long probe_{i} = (unsigned long long)({n});" for i, n in enumerate(names)]
        lines += ["int main(void) {", *(f'  printf("%llu\\n", probe_{i});' for i in range(len(names))), "}"]
        source = directory / "ours.c"
        source.write_text("\n".join(lines) + "\n")
        run = subprocess.run([cc, "-std=gnu17", "-w", "-o", str(directory / "ours"), str(source)], capture_output=True,
                             text=True, env={**os.environ, "LC_ALL": "C"})
        if run.returncode == 0:
            values = subprocess.run([str(directory / "ours")], capture_output=True, text=True, check=True).stdout.split()
            return dict(zip(names, map(int, values)))
        refused = {int(n) - first for n in re.findall(r"ours\.c:(\d+):\d+: error", run.stderr)}
        kept = [n for i, n in enumerate(names) if i not in refused]
        if len(kept) == len(names):
            raise SystemExit(run.stderr)
        names = kept


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("km", type=pathlib.Path, help="the km include directory")
    parser.add_argument("--cc", default="gcc", help="host compiler")
    options = parser.parse_args()
    if not shutil.which(CROSS) or not (DDK / "ntifs.h").exists():
        print(f"skipped: {CROSS} or {DDK} is not installed (Debian package gcc-mingw-w64-x86-64)")
        return SKIPPED

    # Our rtl and string headers are left out: they hold functions, not layouts.
    headers = sorted(p.resolve() for p in options.km.glob("nt/*.h") if p.name not in ("rtl.h", "sal.h"))
    text = strip_comments("\n".join(p.read_text() for p in headers))
    macros, enumerators = constant_names(text)
    lines = ["#include <ntifs.h>", "#include <ntddk.h>"]
    checks = {}

    def check(kind, label, assertion, guard=None):
        if MINGW_IS_WRONG.match(label):
            return
        if guard:
            lines.append(f"#ifdef {guard}")
        lines.append(assertion)
        checks[len(lines)] = (kind, label)
        if guard:
            lines.extend(["#else", f"#warning absent {len(lines)}", "#endif"])

    for label, expression, value in layouts(text):
        check("layout", label, f'_Static_assert({expression} == ({value}), "ours: {value}");')
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        values = evaluate(headers, dict.fromkeys(macros + enumerators), options.cc, directory)
        for constant, value in values.items():
            # Compared as 32 bits: the two sides differ in the signedness and width of literals, which drivers cannot see.
            check("constant", constant,
                  f'_Static_assert((unsigned)({constant}) == {value & 0xFFFFFFFF}u, "ours: {value & 0xFFFFFFFF:#x}");',
                  constant if constant in macros else None)
        source = directory / "mingw.c"
        source.write_text("\n".join(lines) + "\n")
        run = subprocess.run([CROSS, "-std=gnu17", "-DDBG=0", "-D_AMD64_", f"-I{DDK}", "-fsyntax-only",
                              "-fmax-errors=0", str(source)], capture_output=True, text=True,
                             env={**os.environ, "LC_ALL": "C"})

    absent = {int(n) for n in re.findall(r"#warning absent (\d+)", run.stderr)}
    differing = {}
    for line, message in re.findall(r"mingw\.c:(\d+):\d+: error: (.*)", run.stderr):
        if "static assertion failed" in message:
            differing[int(line)] = message
        else:
            absent.add(int(line))
    stray = [line for line in absent | set(differing) if line not in checks]
    if stray:
        print("errors outside the probes:", *re.findall(r".*error: .*", run.stderr)[:10], sep="\n")
        return 1
    compared = {kind: sum(1 for line, (k, _) in checks.items() if k == kind and line not in absent) for kind in MINIMUM}
    for line, message in sorted(differing.items()):
        print(f"{checks[line][1]}: {message}")
    print(f"compared {compared['layout']} layouts and {compared['constant']} constants; {len(absent)} unknown to mingw-w64; "
          f"{len(differing)} differ")
    too_few = [kind for kind, least in MINIMUM.items() if compared[kind] < least]
    if too_few:
        print(f"too few comparisons to mean anything: {too_few}")
    return 1 if differing or too_few else 0


if __name__ == "__main__":
    sys.exit(main())
