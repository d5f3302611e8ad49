"""ntcc --asan and --tsan under `ntemu run`: what the sanitizers report of a driver; skipped where those runtimes are not built."""
import sys
import unittest

from command_line import SANITIZED, VARIANTS, CommandLineTest, source

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
        text = source("return Values[Index];", globals="static volatile NTSTATUS Values[4];\nstatic volatile int Index = 4;")
        self.leaves_nothing = False  # libubsan ends the process in its own way; the next machine removes what is left
        outcome = self.run_instrumented("undefined", text)
        self.assertNotEqual(outcome.code, 0, outcome.text())
        self.assertRegex(outcome.errors, rf"driver\.c:{line_of(text, 'return Values')}:\d+: runtime error: index 4 out of bounds", outcome.text())

    def test_nothing_of_a_driver_without_faults(self):
        self.expect_clean(self.run_instrumented("clean", LOCKED), "2000\n")


class Thread(Sanitizer):
    variant = "tsan"

    def test_a_data_race(self):
        outcome = self.run_instrumented("race", RACE)
        self.assertNotEqual(outcome.code, 0, outcome.text())
        self.assertIn("ThreadSanitizer: data race", outcome.errors, outcome.text())
        self.assertRegex(outcome.errors, rf"#0 Worker .*driver\.c:{line_of(RACE, 'Shared++')}\b", outcome.text())

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


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    # Nothing could be tried: that is a skip for ctest, too.
    sys.exit(1 if not result.wasSuccessful() else 77 if len(result.skipped) == result.testsRun else 0)
