"""ntcc --asan and --tsan under `ntemu run`: what the sanitizers report of a driver; skipped where those runtimes are not built."""
import json
import sys
import unittest

from command_line import BUGCHECK, SANITIZED, VARIANTS, CommandLineTest, source
from machines import await_end

OVERFLOW = source("""volatile char *Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 'tseT');
    if (!Block) return STATUS_NO_MEMORY;
    Block[Size] = 1;
    ExFreePoolWithTag((PVOID)Block, 'tseT');""", globals="static volatile int Size = 100;")
USE_AFTER_FREE = OVERFLOW.replace("Block[Size] = 1;", "").replace("'tseT');\n    return", "'tseT');\n    Block[0] = 1;\n    return")
# Both threads wait for the start and then, by relaxed atomics, for each other: nothing orders what they do after that but
# the mutex, not even that one has ended before the other comes to run.
LOCKED = source("""KeInitializeMutex(&Mutex, 0);
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    Start(Worker, &Threads[0]);
    Start(Worker, &Threads[1]);
    KeSetEvent(&Go, 0, FALSE);""", globals="""static KMUTEX Mutex;
static KEVENT Go;
static int Shared;
static int Running;
static HANDLE Threads[2];
static VOID Worker(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&Go, Executive, KernelMode, FALSE, NULL);
    __atomic_fetch_add(&Running, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&Running, __ATOMIC_RELAXED) < 2) {
    }
    for (int I = 0; I < 1000; I++) {
        KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);
        Shared++;
        KeReleaseMutex(&Mutex, FALSE);
    }
}""", unload="""for (int I = 0; I < 2; I++) {
        ZwWaitForSingleObject(Threads[I], FALSE, NULL);
        ZwClose(Threads[I]);
    }
    DbgPrint("%d\\n", Shared);""")
UNDEFINED = source("return Values[Index];", globals="static volatile NTSTATUS Values[4];\nstatic volatile int Index = 4;")
STACK = source("volatile char Text[10];\n    volatile char *volatile At = Text;\n    return At[Index];", globals="static volatile int Index = 12;")
WILD_WRITE = source("*(volatile int *)(ULONG_PTR)0x1000 = 1;")
RACE = LOCKED.replace("KeWaitForSingleObject(&Mutex, Executive, KernelMode, FALSE, NULL);\n", "").replace("KeReleaseMutex(&Mutex, FALSE);\n", "")


def line_of(text: str, needle: str) -> int:
    """The line in driver.c, as the #line directive of the drivers counts."""
    after = text.split('#line 1 "driver.c"\n', 1)[1]
    return after[:after.index(needle)].count("\n") + 1


class Sanitizer(CommandLineTest):
    variant = ""

    def setUp(self):
        super().setUp()
        if SANITIZED:
            self.skipTest("this whole build has its own sanitizer")
        if not (VARIANTS / self.variant / "ntemu").exists():
            self.skipTest(f"the runtime for --{self.variant} was not built (NTEMU_VARIANTS)")
        self.environment.pop("ASAN_OPTIONS", None)
        self.environment.pop("TSAN_OPTIONS", None)

    def run_instrumented(self, name: str, text: str):
        return self.ntemu("run", self.build(name, text, f"--{self.variant}", "--cc", "gcc"))

    def stop_of(self, name: str, text: str, code: int = 0x1F2) -> list:
        """The parameters of the stop in a machine that lives on, checked for being complete and for naming `text`'s line."""
        self.build(name, text, f"--{self.variant}", "--cc", "gcc")
        self.environment["NTEMU_MACHINE"] = str(self.place / "m")
        self.addCleanup(self.ntemu, "shutdown")
        self.expect(self.ntemu("boot", "--sanitizer", self.variant, "--sanitizer-stops"), 0)
        status = json.loads(self.ntemu("status", "--json").output)
        self.tool("sc", "create", name, "type=", "kernel", "binPath=", self.place / f"{name}.sys")
        self.tool("sc", "start", name)
        await_end(status["pid"], status["supervisor"])
        log = (self.place / "m/debug.log").read_text(encoding="utf-8")
        last = json.loads(self.ntemu("status", "--json").output)["last_stop"]
        self.assertEqual(int(last.get("code", "0"), 16), code, log)
        self.assertIn(f"ended by a bugcheck (exit code {BUGCHECK})", log)
        self.assertTrue((self.place / "m/MEMORY.DMP").exists(), log)
        self.log = log
        self.site = last["at"]
        return [int(parameter, 16) for parameter in last["parameters"]]

    def assert_site(self, function: str, *lines: int) -> None:
        line = "|".join(map(str, lines))
        self.assertRegex(self.site, rf"!{function}\+0x[0-9a-f]+ \(.*driver\.c:({line})\)$", self.log)
        self.assertRegex(self.log, rf"bugcheck error +at \w+!{function}\+0x[0-9a-f]+ \(.*driver\.c:({line})\)", self.log)

    def expect_clean(self, outcome, output: str):
        self.expect(outcome, 0)
        self.assertEqual((outcome.output, outcome.errors), (output, ""))


class Address(Sanitizer):
    variant = "asan"

    def reports(self, name: str, text: str, place: str):
        outcome = self.run_instrumented(name, text)
        self.assertNotEqual(outcome.code, 0, outcome.text())
        self.assertIn("AddressSanitizer: use-after-poison", outcome.errors, outcome.text())
        self.assertRegex(outcome.errors, rf"(?m)^ +#0 0x[0-9a-f]+ in DriverEntry .*driver\.c:{line_of(text, place)}\b", outcome.text())

    def test_overflow_of_a_pool_block(self):
        self.reports("overflow", OVERFLOW, "Block[Size] = 1")

    def test_use_of_a_freed_pool_block(self):
        self.reports("freed", USE_AFTER_FREE, "Block[0] = 1")

    def test_undefined_behaviour(self):
        outcome = self.run_instrumented("undefined", UNDEFINED)
        self.assertNotEqual(outcome.code, 0, outcome.text())
        self.assertRegex(outcome.errors, rf"driver\.c:{line_of(UNDEFINED, 'return Values')}:\d+: runtime error: index 4 out of bounds", outcome.text())

    def test_stop_for_an_overflow(self):
        address, size, _, kind = self.stop_of("overflow", OVERFLOW)
        self.assertEqual((address % 16, size, kind), (100 % 16, 1, 0x186), self.log)
        self.assert_site("DriverEntry", line_of(OVERFLOW, "Block[Size] = 1"))
        self.assertRegex(self.log, r"sanitizer .*ERROR: AddressSanitizer: use-after-poison")
        self.assertRegex(self.log, rf"sanitizer error +#0 0x[0-9a-f]+ in DriverEntry .*driver\.c:{line_of(OVERFLOW, 'Block[Size] = 1')}")
        self.assertRegex(self.log, r"sanitizer error AddressSanitizer: use-after-poison, a write of 1 byte\n")

    def test_stop_for_a_use_of_a_freed_block(self):
        self.assertEqual(self.stop_of("freed", USE_AFTER_FREE)[3], 0x187, self.log)
        self.assert_site("DriverEntry", line_of(USE_AFTER_FREE, "Block[0] = 1"))

    def test_stop_for_the_stack(self):
        _, size, _, kind = self.stop_of("stack", STACK)
        self.assertEqual((size, kind), (1, 0xF3), self.log)
        self.assert_site("DriverEntry", line_of(STACK, "return At"))

    def test_stop_for_undefined_behaviour(self):
        address, size, _, kind = self.stop_of("undefined", UNDEFINED)
        self.assertEqual((address, size, kind), (0, 0, 0x10000), self.log)
        self.assert_site("DriverEntry", line_of(UNDEFINED, "return Values"))
        self.assertRegex(self.log, r"sanitizer error UndefinedBehaviorSanitizer: Index 4 out of bounds for type .* \(driver\.c:")

    def test_a_fault_is_the_stop_that_it_is_without_sanitizer(self):
        code, *_ = self.stop_of("wild", WILD_WRITE, 0x7E)
        self.assertEqual(code, 0xFFFFFFFFC0000005, self.log)
        self.assert_site("DriverEntry", line_of(WILD_WRITE, "*(volatile"))

    def test_run_with_stops(self):
        image = self.build("overflow", OVERFLOW, "--asan", "--cc", "gcc")
        outcome = self.ntemu("run", "--sanitizer-stops", "--json", image)
        self.expect(outcome, BUGCHECK, r"==\d+==ERROR: AddressSanitizer: use-after-poison.*", r"ntemu: bugcheck: \*\*\* STOP: 0x000001F2.*")
        check = self.result(outcome)["bugcheck"]
        self.assertEqual((check["code"], check["name"]), ("0x000001F2", "KASAN_ILLEGAL_ACCESS"))
        self.assertIn(f"driver.c:{line_of(OVERFLOW, 'Block[Size] = 1')}", check["at"])

    def test_nothing_of_a_driver_without_faults(self):
        self.expect_clean(self.run_instrumented("clean", LOCKED), "2000\n")


class Thread(Sanitizer):
    variant = "tsan"

    def test_a_data_race(self):
        outcome = self.run_instrumented("race", RACE)
        self.assertNotEqual(outcome.code, 0, outcome.text())
        self.assertIn("ThreadSanitizer: data race", outcome.errors, outcome.text())
        self.assertRegex(outcome.errors, rf"#0 Worker .*driver\.c:{line_of(RACE, 'Shared++')}\b", outcome.text())

    def test_stop_for_a_race(self):
        _, size, _, kind = self.stop_of("race", RACE)
        self.assertEqual((size, kind & ~0x100), (4, 0x20000), self.log)
        # The compiler may have moved the read out of the loop.
        self.assert_site("Worker", *range(line_of(RACE, "while (__atomic"), line_of(RACE, "Shared++") + 1))
        self.assertRegex(self.log, r"sanitizer .*WARNING: ThreadSanitizer: data race")
        self.assertRegex(self.log, rf"sanitizer error +#0 Worker .*driver\.c:{line_of(RACE, 'Shared++')}")

    def test_nothing_of_a_driver_without_races(self):
        self.expect_clean(self.run_instrumented("clean", LOCKED), "2000\n")


class OtherRuntime(CommandLineTest):
    """What is said where the runtime that a driver needs is missing."""

    @unittest.skipIf(SANITIZED, "this whole build has its own sanitizer")
    def test_ntcc_names_the_missing_runtime(self):
        for variant in ("asan", "tsan"):
            if (VARIANTS / variant / "libntoskrnl.so").exists():
                continue
            (self.place / "d.c").write_text(source(), encoding="utf-8")
            self.expect(self.tool("ntcc", f"--{variant}", "d.c"), 1, rf"ntcc: error: --{variant}: this ntemu was built without that runtime \(.* is missing\)")


    @unittest.skipIf(SANITIZED, "this whole build has its own sanitizer")
    def test_stops_need_a_sanitizer(self):
        image = self.build("plain", source())
        for command in (("run", "--sanitizer-stops", image), ("boot", "--machine", "m", "--sanitizer-stops")):
            outcome = self.ntemu(*command)
            self.expect(outcome, 50)
            self.assertRegex(outcome.errors, "--sanitizer-stops needs a runtime with a sanitizer")
        self.assertFalse((self.place / "m").exists())


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    # Nothing could be tried: that is a skip for ctest, too.
    sys.exit(1 if not result.wasSuccessful() else 77 if len(result.skipped) == result.testsRun else 0)
