"""Checked and free builds at run time: what only ntcc --checked prints, finds and stops. usage: checked_test.py own|seed"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from machine import BIN, Machine, Outcome, expect_names, wrong_content  # noqa: E402

SKIPPED = 77
BUGCHECK = 188
COUNT = 1000
ENTRY = """#include <ntddk.h>
DRIVER_INITIALIZE DriverEntry;
static VOID Unload(PDRIVER_OBJECT DriverObject) { (void)DriverObject; DbgPrint("unloaded\\n"); }
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    DriverObject->DriverUnload = Unload;
    (void)RegistryPath;
#line 1
    %s
    return STATUS_SUCCESS;
}
"""
# A name copied to where a structure has no room for it, but the padding after it has.
OVERFLOW = """volatile ULONG Length = 8;
    for (int I = 0; I < 3; I++) {
        static DECLSPEC_ALIGN(8) struct { ULONG Length, Flags; WCHAR Name[1]; } Info;
        RtlCopyMemory(Info.Name, L"a name longer than it", Length);
        if (*(volatile WCHAR *)Info.Name != L'a') return STATUS_UNSUCCESSFUL;
    }"""
REPORT = re.compile(r"^.*?(\w+\.c:\d+): RtlCopyMemory writes (\d+) bytes into an object with (\d+) left", re.M)

failures = []


def check(condition: bool, what: str) -> None:
    if not condition:
        failures.append(what)


def build(source: pathlib.Path, *options: str) -> pathlib.Path:
    target = source.with_suffix(".sys")
    result = subprocess.run([BIN / "ntcc", *options, source, "-o", target], capture_output=True, text=True, check=False)
    check(result.returncode == 0, f"ntcc {options} {source.name}: {result.stderr}")
    return target


def run(folder: pathlib.Path, name: str, body: str, *options: str) -> Outcome:
    source = folder / f"{name}.c"
    source.write_text(ENTRY % body, encoding="utf-8")
    driver = build(source, *options)
    with Machine() as machine:
        return machine.run(driver)


def expect(title: str, outcome: Outcome, code: int, output: "list[str]") -> None:
    check(outcome.code == code and outcome.output.splitlines() == output, f"{title}: expected exit code {code} and {output}\n{outcome.text()}")


def own(folder: pathlib.Path) -> None:
    for compiler in ("gcc", "clang"):
        cc = ("--cc", compiler)
        checked = ("--checked", *cc)
        text = 'KdPrint(("checked %d\\n", DBG)); DbgPrint("always\\n"); KdPrintEx((DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "too\\n"));'
        expect(f"KdPrint, {compiler}, free", run(folder, "kdprint", text, *cc), 0, ["always", "unloaded"])
        expect(f"KdPrint, {compiler}, checked", run(folder, "kdprint", text, *checked), 0, ["checked 1", "always", "too", "unloaded"])

        text = 'ASSERT(DriverObject != NULL); ASSERTMSG("no driver", DriverObject == NULL); DbgPrint("after\\n");'
        expect(f"ASSERT, {compiler}, free", run(folder, "failing", text, *cc), 0, ["after", "unloaded"])
        outcome = run(folder, "failing", text, *checked)
        expect(f"ASSERT, {compiler}, checked", outcome, BUGCHECK,
               ["*** Assertion failed: no driverDriverObject == NULL", f"***   Source File: {folder}/failing.c, line 1"])
        check("STOP: 0x0000007E (0xffffffffc0000420" in outcome.errors, f"ASSERT, {compiler}: no STATUS_ASSERTION_FAILURE\n{outcome.text()}")

        outcome = run(folder, "overflow", OVERFLOW, *cc)
        expect(f"overflow, {compiler}, free", outcome, 0, ["unloaded"])
        check(outcome.errors == "", f"overflow, {compiler}, free: {outcome.text()}")
        outcome = run(folder, "overflow", OVERFLOW, *checked)
        check(outcome.code == 0, f"overflow, {compiler}, checked: {outcome.text()}")
        check(REPORT.findall(outcome.output + outcome.errors) == [("overflow.c:4", "8", "4")],
              f"overflow, {compiler}, checked: not one report\n{outcome.text()}")


def seed(folder: pathlib.Path) -> None:
    extractor = pathlib.Path(os.environ.get("NTEMU_SEED_EXTRACTOR", ROOT.parent / "shared/tools/seed_drivers.py"))
    if not extractor.is_file():
        print("skipped: the documents with the drivers' sources are not here (NTEMU_SEED_EXTRACTOR names their extractor)")
        sys.exit(SKIPPED)
    subprocess.run([sys.executable, extractor, folder], check=True, stdout=subprocess.DEVNULL)
    source = folder / "kmutex.c"
    lines = source.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines, 1) if "RtlCopyMemory(renameInfo.FileName" in line)
    for compiler in ("gcc", "clang"):
        for checked in (False, True):
            driver = build(source, "--cc", compiler, *(["--checked"] if checked else []))
            with Machine() as machine:
                outcome = machine.run(driver)
                problems = expect_names(machine.temp, set())
                problems += expect_names(machine.temp2, {f"NewFile_{index}.txt" for index in range(COUNT)})
                problems += wrong_content(machine.temp2, b"Hello, World!\r\n" * 100)[:3]
            places = [report[0] for report in REPORT.findall(outcome.output + outcome.errors)]
            title = f"kmutex, {compiler}, {'checked' if checked else 'free'}"
            check(outcome.code == 0 and not problems, f"{title}: {problems} {outcome.text()}")
            check(places == [f"kmutex.c:{place}"] * checked, f"{title}: the overflow in line {place} is reported at {places}\n{outcome.text()}")


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in ("own", "seed"):
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="ntcc-test-") as folder:
        globals()[sys.argv[1]](pathlib.Path(folder))
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
