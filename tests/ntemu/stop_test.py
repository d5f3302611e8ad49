"""How a machine ends before its time: bugchecks, faults, signals; and that nothing of it is left lying about."""
import signal
import unittest

from command_line import BUGCHECK, BUSY, CANCELLED, CommandLineTest, literal, plain_only, source

SHELL_SIGINT = 128 + signal.SIGINT


class Stop(CommandLineTest):
    def stops(self, driver, *lines: str):
        for machine in ([], ["--machine", "m"]):
            outcome = self.ntemu("run", *machine, driver)
            self.expect(outcome, BUGCHECK, *lines)
            self.assertEqual(self.left(), [])
        self.assert_no_images()
        self.assertFalse((self.place / "m/control.sock").exists())

    def test_by_the_driver(self):
        self.stops(self.build("crash", source('DbgPrint("last words\\n"); KeBugCheckEx(0xE2, 1, 2, 3, 4);')),
                   "last words", r"ntemu: bugcheck: \*\*\* STOP: 0x000000E2 \(0x0{15}1, 0x0{15}2, 0x0{15}3, 0x0{15}4\) MANUALLY_INITIATED_CRASH")

    @plain_only
    def test_by_a_null_pointer_in_a_thread(self):
        text = source("HANDLE Thread; Start(Worker, &Thread);", globals="""static DECLSPEC_NOINLINE VOID Touch(volatile int *Pointer) { *Pointer = 1; }
static VOID Worker(PVOID Context) { Touch(Context); DbgPrint("not reached\\n"); }""")
        self.stops(self.build("null", text), r"ntemu: bugcheck:     exception 0xC0000005 at null!Touch\+0x[0-9a-f]+ writing 0x0",
                   r"ntemu: bugcheck: \*\*\* STOP: 0x0000007E \(0xffffffffc0000005, .*\) SYSTEM_THREAD_EXCEPTION_NOT_HANDLED")

    @plain_only
    def test_by_a_division_by_zero(self):
        text = source("return 7 / Zero;", globals="static volatile int Zero;")
        self.stops(self.build("divide", text), r"ntemu: bugcheck:     exception 0xC0000094 at divide!DriverEntry\+.*", r".*STOP: 0x0000007E \(0xffffffffc0000094, .*")

    @plain_only
    def test_by_a_breakpoint(self):
        self.stops(self.build("break", source("DbgBreakPoint();")), r"ntemu: bugcheck:     exception 0x80000003 at break!DriverEntry\+.*",
                   r".*STOP: 0x0000007E \(0xffffffff80000003, .*")

    def test_by_an_API_that_is_a_stub(self):
        driver = self.build("stub", source("return RtlIsGenericTableEmpty(NULL);"), warns=True)
        self.stops(driver, r"ntemu: api: RtlIsGenericTableEmpty is not implemented; called from 0x[0-9a-f]+ \(stub!DriverEntry\+0x[0-9a-f]+\)",
                   r"ntemu: bugcheck: \*\*\* STOP: 0xDEAD0001 \(.*\) MISSING_KERNEL_API")

    def test_by_an_overrun_of_the_stack(self):
        text = source('Small(40);', globals="""static DECLSPEC_NOINLINE VOID Fill(volatile char *Bytes, int Count) { while (Count--) Bytes[Count] = 'x'; }
static DECLSPEC_NOINLINE VOID Small(int Count) { volatile char Bytes[16]; Fill(Bytes, Count); }""")
        self.stops(self.build("smash", text), r"ntemu: ke: stack buffer overrun in the function before 0x[0-9a-f]+ \(smash!Small\+0x[0-9a-f]+\)",
                   r"ntemu: bugcheck: \*\*\* STOP: 0x000000F7 \(.*\) DRIVER_OVERRAN_STACK_BUFFER")

    def test_is_a_result_as_JSON(self):
        driver = self.build("crash", source('DbgPrint("last words\\n"); KeBugCheckEx(0xE2, 1, 2, 3, 4);'))
        outcome = self.ntemu("run", "--json", driver)
        self.expect(outcome, BUGCHECK, "last words")
        result = self.result(outcome)
        self.assertEqual((result["driver"], result["result"]), ("crash", "bugcheck"))
        self.assertRegex(result["bugcheck"].pop("at"), r"crash!DriverEntry\+0x[0-9a-f]+ \(.*driver\.c:\d+\)")
        self.assertEqual(result["bugcheck"], {"code": "0x000000E2", "name": "MANUALLY_INITIATED_CRASH",
                                              "parameters": ["0x1", "0x2", "0x3", "0x4"]})


class Signals(CommandLineTest):
    def test_interrupt_unloads(self):
        process = self.start("run", self.build("busy", BUSY), until="busy: ready")
        outcome = self.interrupt(process)
        self.expect(outcome, CANCELLED, "busy: stopping", "busy: unloaded",
                    literal("ntemu: interrupted; unloading (once more to end at once)"), "ntemu: interrupted while 1 of the driver's threads were left")

    def test_interrupt_as_JSON(self):
        process = self.start("run", "--json", self.build("busy", BUSY), until="busy: ready")
        outcome = self.interrupt(process)
        result = self.result(outcome)
        self.assertEqual((outcome.code, result["result"], result["win32_error"]), (CANCELLED, "interrupted", 1223))

    def test_terminate_and_hang_up_unload(self):
        driver = self.build("busy", BUSY)
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number):
                self.expect(self.interrupt(self.start("run", driver, until="busy: ready"), number), CANCELLED, "busy: unloaded")

    def test_a_second_interrupt_ends_at_once(self):
        # DriverUnload never returns, so only the second signal can end the process.
        driver = self.build("clinging", BUSY.replace("KeSetEvent(&Stop, 0, FALSE);", 'DbgPrint("busy: clinging\\n");'))
        process = self.start("run", driver, until="busy: ready")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), "busy: clinging\n")
        self.expect(self.interrupt(process), SHELL_SIGINT)

    def test_interrupt_while_DriverEntry_runs(self):
        text = source('DbgPrint("asleep\\n"); LARGE_INTEGER Time; Time.QuadPart = -36000000000LL; KeDelayExecutionThread(KernelMode, FALSE, &Time);')
        process = self.start("run", self.build("sleep", text), until="asleep")
        self.expect(self.interrupt(process), CANCELLED, "ntemu: DriverEntry has not returned: interrupted.*")

    def test_kill_hinders_nobody(self):
        driver = self.build("busy", BUSY)
        first = self.start("run", "--machine", "m", driver, until="busy: ready")
        first.kill()
        first.wait()
        self.expect(self.ntemu("threads"), 144, "ntemu: no machine runs; .*")
        self.expect(self.ntemu("threads", "--machine", "m"), 144, "ntemu: no machine answers at .*")
        second = self.start("run", "--machine", "m", driver, until="busy: ready")
        self.expect(self.ntemu("wait", "--machine", "m", "--start", "Worker", "--timeout", "60s"), 0)
        self.expect(self.interrupt(second), CANCELLED, "busy: unloaded")
        self.assertFalse((self.place / "m/control.sock").exists())
        self.assert_no_images()

    def test_kill_of_a_machine_in_memory_is_cleaned_up_by_the_next(self):
        driver = self.build("busy", BUSY)
        first = self.start("run", driver, until="busy: ready")
        first.kill()
        first.wait()
        self.expect(self.ntemu("run", self.build("hello", source())), 0)


class Busy(CommandLineTest):
    def test_a_directory_has_one_machine_at_a_time(self):
        driver = self.build("busy", BUSY)
        first = self.start("run", "--machine", "m", driver, until="busy: ready")
        self.expect(self.ntemu("run", "--machine", "m", driver), 32, r"ntemu: .*/m is in use by another machine \(error 32: .*\)")
        self.expect(self.ntemu("wait", "--machine", "m", "--start", "Worker", "--timeout", "60s"), 0)
        self.expect(self.interrupt(first), CANCELLED, "busy: unloaded")


if __name__ == "__main__":
    unittest.main()
