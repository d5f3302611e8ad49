"""What ntcc accepts, refuses and says. usage: ntcc_test.py errors|dialect|link|outputs|pageable"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

STUBS = pathlib.Path(__file__).resolve().parents[2] / "ntemu/api/stubs.def"
NTCC = pathlib.Path(os.environ["NTEMU_BIN"]) / "ntcc"
VARIANTS = NTCC.resolve().parent.parent / "lib/ntemu"
COMPILERS = [compiler for compiler in ("gcc", "clang", "clang-19") if shutil.which(compiler)]
ENTRY = "#include <ntddk.h>\nNTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING r) { (void)d; (void)r;\n%s\nreturn STATUS_SUCCESS; }\n"

failures = []


def check(condition: bool, what: str) -> None:
    if not condition:
        failures.append(what)


def ntcc(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([NTCC, *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment})


def write(name: str, text: str) -> str:
    pathlib.Path(name).write_text(text, encoding="utf-8")
    return name


def expect(status: int, text: str, *arguments: str, **environment: str) -> None:
    """The exit code, and a line that standard error has."""
    result = ntcc(*arguments, **environment)
    shown = f"ntcc {' '.join(arguments)}: exit code {result.returncode}\n{result.stderr}"
    check(result.returncode == status, f"{shown}expected exit code {status}")
    check(not text or text in result.stderr.splitlines(), f"{shown}expected the line: {text}")


def errors() -> None:
    write("good.c", ENTRY % "")
    os.mkdir("folder.c")
    expect(1, "ntcc: error: no input files (ntcc --help shows the options)")
    expect(1, "ntcc: error: none.c: no such file", "none.c")
    expect(1, "ntcc: error: folder.c: is a directory", "folder.c")
    expect(1, "ntcc: error: good.sys: unknown kind of file (expected .c, .cpp, .cc, .cxx, .o or .a)", "good.sys")
    expect(1, "ntcc: error: -o needs an argument", "good.c", "-o")
    expect(1, "ntcc: error: good.c: the output would overwrite this input", "good.c", "-o", "good.c")
    expect(1, "ntcc: error: the compiler 'no-such-cc' cannot be run (--cc)", "--cc", "no-such-cc", "good.c")
    expect(1, "ntcc: error: the compiler 'no-such-cc' cannot be run ($NTCC_CC)", "good.c", NTCC_CC="no-such-cc")
    expect(1, "ntcc: error: no compiler: install clang or gcc", "good.c", PATH="/nonexistent", NTCC_CC="")
    expect(1, "ntcc: error: --asan and --tsan cannot be combined", "--asan", "--tsan", "good.c")
    if "clang" in COMPILERS:
        expect(1, "ntcc: error: --coverage needs gcc as the compiler (--cc gcc)", "--coverage", "--cc", "clang", "good.c")
    expect(1, "ntcc: error: --user is not built yet: ntcc builds kernel drivers only", "--user", "good.c")
    expect(1, "ntcc: error: -fsanitize=address: use --asan or --tsan, so that the image fits the runtime", "-fsanitize=address", "good.c")
    expect(1, "ntcc: error: -m32 is not supported: a driver is a position-independent x86-64 image with 16-bit wchar_t", "-m32", "good.c")
    expect(1, "ntcc: error: -x fortran: a driver is written in c or c++", "-x", "fortran", "good.c")
    write("second.c", "")
    expect(1, "ntcc: error: -o names one file, but there are several sources to compile separately", "-c", "good.c", "second.c", "-o", "x.o")
    expect(1, "ntcc: error: /nowhere/libntoskrnl.so is missing", "--runtime", "/nowhere", "good.c")
    write("list.json", "{}")
    expect(1, "ntcc: error: list.json is not a compile_commands.json", "--compile-commands", "list.json", "good.c")
    write("broken.c", "#include <ntddk.h>\nint x = ;\n")
    for compiler in COMPILERS:
        expect(1, "", "--cc", compiler, "broken.c")
    check(not list(pathlib.Path().glob("*.sys")), "a failure left an image behind")


DIALECT = r"""
typedef __int64 Wide;
C_ASSERT(sizeof(Wide) == 8 && sizeof(WCHAR) == 2 && sizeof(LONG) == 4 && sizeof(L"a") == 4);
C_ASSERT('mvTg' == 0x6d765467);
typedef struct __declspec(align(16)) _ALIGNED { char c; } ALIGNED;
C_ASSERT(__alignof__(ALIGNED) == 16);
#pragma warning(disable : 4100)
EXTERN_C DRIVER_UNLOAD DriverUnload;
#pragma alloc_text(PAGE, DriverUnload)
static __forceinline int Twice(int value) { return 2 * value; }
__declspec(noinline) VOID __stdcall DriverUnload(_In_ PDRIVER_OBJECT DriverObject) { UNREFERENCED_PARAMETER(DriverObject); }
static unsigned __int64 Big = 0xFFFFFFFFFFFFFFFFui64;
"""


def dialect() -> None:
    body = "d->DriverUnload = DriverUnload; KdPrint((\"%d\\n\", Twice(2))); (void)Big;"
    for compiler in COMPILERS:
        for suffix in ("c", "cpp"):
            # gcc has no ui64 suffix, and a macro cannot give it one.
            text = DIALECT.replace("ui64", "ULL") if compiler == "gcc" else DIALECT
            head, rest = (ENTRY % body).split("\n", 1)
            extern = 'extern "C" ' if suffix == "cpp" else ""
            source = write(f"dialect.{suffix}", f"{head}\n{text}{extern}{rest}")
            for level in ("-O0", "-O2"):
                result = ntcc("--cc", compiler, level, "-Werror", source)
                check(result.returncode == 0, f"{compiler} {level} {source}:\n{result.stderr}")
        source = write("long.c", ENTRY % "long a = 1; long long b = a; (void)b; // long")
        expect(0, "long.c:3:1: warning: plain 'long' is 64 bits wide here, 32 on Windows: use LONG", "--cc", compiler, source)
        result = ntcc("--cc", compiler, "--no-long-warning", source)
        check(result.stderr == "", f"--no-long-warning: {result.stderr}")
        source = write("try.c", ENTRY % "__try { d = 0; } __except (1) { }")
        expect(1, "try.c:3:1: note: '__try' is not available: images for ntemu have no structured exception handling", "--cc", compiler, source)
        result = ntcc("--cc", compiler, "-D__try=if (1)", "-D__except(filter)=else", source)
        check(result.returncode == 0 and result.stderr == "", f"__try as a macro: {result.stderr}")
        source = write("null.c", ENTRY % "*(volatile int *)0 = 1;")
        result = ntcc("--cc", compiler, source)
        check(result.returncode == 0, result.stderr)


def link() -> None:
    for compiler in COMPILERS:
        source = write("missing.c", ENTRY % "KeInvented(1);\nKeInvented(2); ZwInvented();")
        result = ntcc("--cc", compiler, source)
        lines = result.stderr.splitlines()
        check(result.returncode != 0, f"{compiler}: a missing API links")
        for line in ("missing.c:3: error: KeInvented is missing: ntemu has no API of this name (used in DriverEntry)",
                     "missing.c:4: error: KeInvented is missing: ntemu has no API of this name (used in DriverEntry)",
                     "missing.c:4: error: ZwInvented is missing: ntemu has no API of this name (used in DriverEntry)",
                     "ntcc: error: missing.sys is not linked: 2 names are missing: KeInvented, ZwInvented"):
            check(line in lines, f"{compiler}: no line: {line}\n{result.stderr}")
        check(not os.path.exists("missing.sys"), f"{compiler}: missing.sys exists")
        no_entry = "ntcc: error: none.sys has no DriverEntry: define NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING) (in C++, as extern \"C\")"
        expect(1, no_entry, "--cc", compiler, write("none.c", "int x;\n"))
        expect(1, no_entry, "--cc", compiler, write("none.cpp", "#include <ntddk.h>\nNTSTATUS DriverEntry(int) { return 0; }\n"))
        # The C library of the host is not the kernel's.
        expect(1, "libc.c:3: error: fopen is missing: ntemu has no API of this name (used in DriverEntry)", "--cc", compiler,
               write("libc.c", ENTRY % "fopen();"))
        for stub in stubs()[:1]:
            expect(0, f"stub.c:3: warning: {stub} is not implemented by ntemu: calling it ends the machine (used in DriverEntry)", "--cc",
                   compiler, write("stub.c", ENTRY % f"PVOID volatile p = (PVOID){stub}; (void)p;"))


def stubs() -> list:
    """The declared APIs that the runtime has as stubs."""
    library = VARIANTS / "plain/libntoskrnl.so"
    exported = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in re.findall(r"^NT_STUB\((\w+),", STUBS.read_text(), re.M) if name in exported]


def outputs() -> None:
    write("a.c", ENTRY % "return Other(L\"x\");".replace("return", "(void)"))
    write("b.c", "#include <ntddk.h>\nNTSTATUS Other(PCWSTR Text) { return Text[0] == L'x' && DBG ? 1 : 0; }\n")
    declared = pathlib.Path("a.c").read_text().replace("NTSTATUS DriverEntry", "NTSTATUS Other(PCWSTR Text);\nNTSTATUS DriverEntry", 1)
    write("a.c", declared)
    for compiler in COMPILERS:
        for variant in ("", "--checked", *(f"--{name}" for name in ("asan", "tsan") if (VARIANTS / name).is_dir())):
            options = ["--cc", compiler] + ([variant] if variant else [])
            result = ntcc(*options, "-Wall", "-Werror", "a.c", "b.c")
            check(result.returncode == 0 and result.stderr == "", f"{options}:\n{result.stderr}")
            check(os.path.exists("a.sys"), "the default output is not a.sys")
            pathlib.Path("a.sys").unlink(missing_ok=True)
            for name in ("a", "b"):
                check(ntcc(*options, "-c", f"{name}.c", "-MD", "-MF", f"{name}.d", "-MT", "target").returncode == 0, f"-c {name}.c")
            check("ntddk.h" in pathlib.Path("b.d").read_text(), "the dependencies lack ntddk.h")
            check(ntcc(*options, "-o", "Both.sys", "a.o", "b.o").returncode == 0, f"{options}: the objects do not link")
            symbols = subprocess.run(["nm", "-D", "--defined-only", "Both.sys"], capture_output=True, text=True, check=True).stdout
            check([line.split()[-1] for line in symbols.splitlines()] == ["DriverEntry", "GsDriverEntry"], f"exports: {symbols}")
        ntcc("--cc", compiler, "--compile-commands", "list.json", "a.c", "b.c")
        ntcc("--cc", compiler, "--compile-commands", "list.json", "b.c", "a.c", "-o", "a.sys")
        entries = json.loads(pathlib.Path("list.json").read_text())
        check(len(entries) == 2, f"compile_commands.json: {entries}")
        for entry in entries:
            check(subprocess.run([*entry["arguments"], "-fsyntax-only"], cwd=entry["directory"], check=False).returncode == 0, "a recorded command fails")
    if "gcc" in COMPILERS:
        for given, used, unused in (((), "-O0", "-O2"), (("-O1",), "-O1", "-O0")):
            flags = ntcc("--cc", "gcc", "--coverage", *given, "--print-flags").stdout.split()
            check(used in flags and unused not in flags, f"--coverage {given}: {flags}")
    flags = ntcc("--print-flags").stdout.splitlines()
    check(len(flags) == 2 and "-fshort-wchar" in flags[0] and "-lntoskrnl" in flags[1], f"--print-flags: {flags}")
    check("#define DBG 1" in ntcc("--checked", "-E", "-dM", "a.c").stdout, "--checked does not define DBG=1")
    check("#define DBG 0" in ntcc("-E", "-dM", "a.c").stdout, "the free build does not define DBG=0")
    check(ntcc("--help").stdout.startswith("usage: ntcc "), "--help")
    check(ntcc("--version").stdout.startswith("ntcc "), "--version")


PAGEABLE = """#include <ntddk.h>
EXTERN_C_START
NTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING r);
VOID Rare(PVOID p);
VOID Other(PVOID p);
VOID Early(PVOID p);
EXTERN_C_END
static VOID Resident(PKSPIN_LOCK l);
#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, Early)
#pragma alloc_text(PAGE, Rare)
#pragma alloc_text(PAGELK, Other)
#endif
static VOID Resident(PKSPIN_LOCK l) { KIRQL i; KeAcquireSpinLock(l, &i); KeReleaseSpinLock(l, i); }
VOID Early(PVOID p) { DbgPrint("%p", p); }
VOID Other(PVOID p) { DbgPrint("%p", p); }
VOID Rare(PVOID p) { KSPIN_LOCK l; (void)p; KeInitializeSpinLock(&l); Resident(&l); Other(p); }
NTSTATUS DriverEntry(PDRIVER_OBJECT d, PUNICODE_STRING r) { (void)r; Rare(d); Early(d); return STATUS_SUCCESS; }
"""


def places(image: str) -> dict:
    lines = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[2]: int(line.split()[0], 16) for line in lines if len(line.split()) == 3}


def pageable() -> None:
    for compiler in COMPILERS:
        for suffix in ("c", "cpp"):
            source = write(f"paged.{suffix}", PAGEABLE)
            for level in ("-O0", "-O2"):
                shown = f"{compiler} {level} {source}"
                result = ntcc("--cc", compiler, level, "-Werror", source, "-MD", "-MF", "paged.d")
                check(result.returncode == 0 and result.stderr == "", f"{shown}:\n{result.stderr}")
                at = places("paged.sys")
                begin, end = at.get("nt_pageable_begin", 0), at.get("nt_pageable_end", 0)
                check(begin % 4096 == 0 and end - begin == 4096, f"{shown}: pageable code is at {begin:x} to {end:x}")
                inside = {name for name, place in at.items() if begin <= place < end and not name.startswith("nt_")}
                check(inside == {"Rare", "Other"}, f"{shown}: pageable are {inside}")
                check(any("Resident" in name for name in at), f"{shown}: a function that is not pageable was inlined into one that is")
                check("ntddk.h" in pathlib.Path("paged.d").read_text(), f"{shown}: the dependencies lack ntddk.h")
                check(ntcc("--cc", compiler, level, "-c", source).returncode == 0, f"{shown}: -c")
                check(ntcc("--cc", compiler, "-o", "again.sys", "paged.o").returncode == 0, f"{shown}: the object does not link")
                check("nt_pageable_begin" in places("again.sys"), f"{shown}: an object's pageable code is not placed")
    if "clang" in COMPILERS:
        write("seg.c", ENTRY.replace("NTSTATUS", '#pragma code_seg("PAGE")\nNTSTATUS', 1) % "")
        check(ntcc("--cc", "clang", "seg.c").returncode == 0, "code_seg does not compile")
        at = places("seg.sys")
        check(at.get("nt_pageable_begin", 0) <= at["DriverEntry"] < at.get("nt_pageable_end", 0), "code_seg does not place")


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in ("errors", "dialect", "link", "outputs", "pageable"):
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="ntcc-test-") as folder:
        os.chdir(folder)
        os.mkdir("tmp")
        os.environ["TMPDIR"] = f"{folder}/tmp"
        globals()[sys.argv[1]]()
        check(not os.listdir("tmp"), f"left behind: {os.listdir('tmp')}")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
