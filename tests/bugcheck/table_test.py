"""Each mistake that Windows punishes, made by a driver that sc starts: the stop code and what its four parameters are."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BUGCHECK, plain_only  # noqa: E402
from machines import MachinesTest, await_end  # noqa: E402

DRIVERS = pathlib.Path(sys.argv.pop(1))
ANY = object()
TAG, OTHER_TAG = 0x7373654D, 0x7265684F  # 'sseM' and 'rehO' in the source
MUTANT_NOT_OWNED, ACCESS_VIOLATION = 0xFFFFFFFFC0000046, 0xFFFFFFFFC0000005


class In:
    """An address that the stop screen shows to lie in this function."""

    def __init__(self, function: str):
        self.function = function


class Near:
    """An address at most a page from one that the driver printed."""

    def __init__(self, name: str):
        self.name = name


# A name stands for the address that the driver printed of it. Source: the stop codes' own pages, and public dumps.
TABLE = {
    "ExitWithMutex": (0x20, 0, 0xFFFF, 0, 1),
    "ExitInCriticalRegion": (0x20, 0, 0xFFFF, 0, 1),
    "ExitInGuardedRegion": (0x20, 0, 0xFFFF0000, 0, 1),
    "ExitAfterUnmatchedLeave": (0x20, 0, 1, 0, 1),
    "ExitWithFastMutex": (0x20, 0, 0, 1, 1),
    "ExitWithGuardedMutex": (0x20, 0, 0, 1, 1),
    "ExitWithCompensatedMutex": (0x4000008A, "thread", "mutex", 0, 0),
    "ExitWithPushLock": (0x153, "thread", Near("thread"), 1, "lock"),
    "ExitWithResource": (0x13C, "thread", 1, 1, 0),
    "EntryKeepsMutex": (0x39, In("nt!IopLoadUnloadDriver"), ANY, ANY, 0),
    "WorkKeepsMutex": (0x39, "routine", "item", "item", 0),
    "WorkKeepsRegion": (0x1, "routine", 0, 0xFFFF, 1),
    "WorkKeepsIrql": (0xE1, "routine", 2, "item", "item"),
    "ReleaseOthersMutex": (0x7E, MUTANT_NOT_OWNED, In("nt!"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "ReleaseOthersPushLock": (0x162, "thread", "lock", 0xFFFFFFFF, 0),
    "ReleaseUnownedResource": (0xE3, "lock", "thread", 0, 2),
    "ReleaseUnownedSpinLock": (0x10, "lock", ANY, 0, 0),
    "CreateFileAtDispatch": (0xD1, In("!CreateFile"), 2, 8, In("!CreateFile")),
    "CreateFileUnderFastMutexAtDispatch": (0xD1, In("!CreateFile"), 2, 8, In("!CreateFile")),
    "TouchAtDispatch": (0xD1, "address", 2, 1, In("!TouchAtDispatch")),
    "WaitInDpc": (0xB8, "thread", "object", 0, 0),
    "LowerToRaise": (0x9, 2, 1, 0, 0),
    "WaitForTooMany": (0xC, 0, 0, 0, 0),
    "WaitForNoObject": (0x139, 5, "object", ANY, 0),
    "DereferenceRunningThread": (0x18, ANY, "object", 2, 0),
    "DereferenceBehindHandle": (0x18, ANY, "object", 2, 0),
    "ReadNull": (0x7E, ACCESS_VIOLATION, In("!ReadNull"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "ReadNoncanonical": (0x7E, ACCESS_VIOLATION, In("!ReadNoncanonical"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "ReadUpperHalf": (0x50, 0xFFFF800000001000, 0, In("!ReadUpperHalf"), 2),
    "EntryReadsNull": (0x7E, ACCESS_VIOLATION, In("!DriverEntry"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "Divide": (0x7E, 0xFFFFFFFFC0000094, In("!Divide"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "Illegal": (0x7E, 0xFFFFFFFFC000001D, In("!Illegal"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "Breakpoint": (0x7E, 0xFFFFFFFF80000003, In("!Breakpoint"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "OverflowStack": (0x7F, 8, ANY, ANY, In("!Recurse")),
    "WriteCode": (0xBE, "address", 0, In("!WriteCode"), 0),
    "CallData": (0xFC, "address", 0, 0, 0),
    "CallNull": (0x7E, ACCESS_VIOLATION, 0, In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "UseAfterFree": (0x50, "address", 0, In("!UseAfterFree"), 2),
    "FreeTwice": (0xC2, 7, 0, ANY, "block"),
    "FreeLargeTwice": (0x19, 0x22, "block", 0, 0),
    "FreeWithAnotherTag": (0xC2, 0xA, "block", TAG, OTHER_TAG),
    "FreeNoBlock": (0xC2, 0x42, "block", 0, 0),
    "Overrun": (0x13A, 0x12, ANY, Near("block"), 0),
    "OverrunByOne": (0x19, 0x21, "block", 90, ANY),
    "CorruptList": (0x139, 3, In("nt!KiTrapFrame"), In("nt!KiExceptionRecord"), 0),
    "FailFast": (0x139, 5, In("nt!KiTrapFrame"), In("nt!KiExceptionRecord"), 0),
    "Raise": (0x7E, 0xFFFFFFFFC0000006, In("nt!"), In("nt!KiExceptionRecord"), In("nt!KiContextRecord")),
    "Stop": (0xE2, 1, 2, 3, 4),
}

STANDARD = 0x209BB
# The same drivers, verified with these options. Source: the page of bug check 0xC4.
VERIFIED = {
    "CreateFileUnderFastMutex": (STANDARD, 0xC4, 0xE6, In("!CreateFile"), 1, 0),
    "WaitAtDispatch": (0x2, 0xC4, 0x121, ANY, "object", 0),
    "CloseTwice": (0x800, 0x93, "handle", 1, 0, 0),
    "Leave": (0, 0xC4, 0x3E, 0, 0, 0),
    "PushLockWithApcs": (0, 0xC4, 0xEA, ANY, ANY, ANY),
    "ReleaseUnownedSpinLock": (0x2, 0xC4, 0x32, ANY, ANY, ANY),
    "Recursive": (0x20, 0xC4, 0x1000, "lock", 0, 0),
    "Invert": (0x20, 0xC4, 0x1001, ANY, 0, 0),
    "ExitWithMutex": (0x20, 0xC4, 0x100A, ANY, ANY, 0),
    "AllocateNothing": (0, 0xC4, 0x00, 0, ANY, 0),
    "FreeTwice": (0, 0xC4, 0x13, 0, ANY, ANY),
    "FreeNoBlock": (0, 0xC4, 0x10, "block", 0, 0),
    "FreeWithAnotherTag": (0, 0xC2, 0xA, "block", ANY, ANY),
    "Overrun": (0x1, 0xD6, Near("block"), 1, In("misuse!"), 0),
    "OverrunByOne": (0x1, 0xC1, ANY, ANY, ANY, ANY),
    "UseAfterFree": (0x1, 0xD5, "address", 0, In("!UseAfterFree"), 0),
    "UseSmallAfterFree": (0x1, 0xD5, "address", 1, In("!UseSmallAfterFree"), 0),
}
# The same, when the driver is stopped.
VERIFIED_UNLOAD = {
    "Leak": (0x8, 0xC4, 0x62, ANY, 0, 1),
    "SetTimer": (0x800, 0xC7, 0, "timer", ANY, ANY),
}


class Provocation(MachinesTest):
    def make_ready(self, case: str, driver: str, flags: "int | None") -> dict:
        """A machine with the service, whose driver is verified with these options; None: not."""
        status = self.boot()
        shutil.copy(DRIVERS / f"{driver}.sys", self.m / "drive_c")
        self.expect(self.tool("sc", "create", case, "type=", "kernel", "binPath=", f"C:\\{driver}.sys"), 0)
        if flags is not None:
            self.expect(self.tool("verifier", "/flags", hex(flags), "/driver", f"{driver}.sys"), 0)
        return status

    def provoke(self, case: str, driver: str = "misuse", then: str = "", flags: "int | None" = None, request: tuple = (),
                read: str = "") -> dict:
        """The stop's record, with what the driver and the stop screen have said in `log`."""
        status = self.make_ready(case, driver, flags)
        if read and not status["mount"]:
            self.skipTest(status["mount_problem"])
        self.tool("sc", "start", case)
        if then:
            self.tool("sc", then, case)
        if request:
            self.expect(self.ntemu("ioctl", *request), BUGCHECK)
        if read:  # by a program of its own: a read through a mount that dies is not to take the test with it
            subprocess.run(["cat", pathlib.Path(status["mount"], read)], capture_output=True, check=False, timeout=60)
        await_end(status["pid"], status["supervisor"])
        self.assert_gone(status)
        log = (self.m / "debug.log").read_text(encoding="utf-8", errors="replace")
        last = json.loads(self.ntemu("status", "--json").output).get("last_stop")
        self.assertIsNotNone(last, log)
        return {**last, "log": log}

    def run_through(self, case: str, driver: str, flags: "int | None") -> str:
        """The log of a machine that goes on."""
        self.make_ready(case, driver, flags)
        for verb in ("start", "stop"):
            self.expect(self.tool("sc", verb, case), 0)
        self.expect(self.ntemu("shutdown"), 0)
        return (self.m / "debug.log").read_text(encoding="utf-8")

    def check(self, stop: dict, code: int, *parameters) -> None:
        log = stop["log"]
        self.assertEqual(int(stop["code"], 16), code, log)
        shown = dict(re.findall(r"(\w+)=(?:0x)?([0-9A-Fa-f]{8,16})$", log, re.MULTILINE))
        for i, (wanted, text) in enumerate(zip(parameters, stop["parameters"]), 1):
            value = int(text, 16)
            with self.subTest(parameter=i, value=text):
                if isinstance(wanted, str):
                    self.assertEqual(value, int(shown[wanted], 16), log)
                elif isinstance(wanted, Near):
                    self.assertLess(abs(value - int(shown[wanted.name], 16)), 4096, log)
                elif isinstance(wanted, In):
                    line = re.search(rf"    {i}: 0x{value:x}  .*? = (\S+)", log)
                    self.assertIn(wanted.function, line.group(1) if line else f"no line for parameter {i}", log)
                elif wanted is not ANY:
                    self.assertEqual(value, wanted, log)


class Table(Provocation):
    pass


def add(case: str, row: tuple) -> None:
    def test(self):
        stop = self.provoke(case)
        self.check(stop, *row)
        self.ntemu("boot")
        self.assertIn("unplanned end before: ", (self.m / "debug.log").read_text(encoding="utf-8", errors="replace"))
    setattr(Table, f"test_{case}", plain_only(test))


for name, row_of_name in TABLE.items():
    add(name, row_of_name)


class Verified(Provocation):
    pass


def add_verified(case: str, flags: int, row: tuple, then: str) -> None:
    def test(self):
        self.check(self.provoke(case, then=then, flags=flags), *row)
    setattr(Verified, f"test_{case}", plain_only(test))


for rows, then_stop in ((VERIFIED, ""), (VERIFIED_UNLOAD, "stop")):
    for name, (flags_of_name, *row_of_name) in rows.items():
        add_verified(name, flags_of_name, tuple(row_of_name), then_stop)


# Source: the pages of "alloc_text" and of Driver Verifier's option Force IRQL Checking.
@plain_only
class PageableCode(Provocation):
    def every_compiler(self, run):
        drivers = list(DRIVERS.glob("pageable_*.sys"))
        self.assertTrue(drivers)
        for driver in drivers:
            with self.subTest(driver=driver.stem):
                run(driver.stem)
            shutil.rmtree(self.m, ignore_errors=True)

    def test_called_at_dispatch_level(self):
        def run(driver):
            stop = self.provoke("case1", driver=driver, flags=0x2)
            self.check(stop, 0xD1, In("!Pageable"), 2, 8, In("!Pageable"))
            self.assertRegex(stop["log"], r"verifier error pageable_\w+!Pageable\S* is pageable code, and its page is not there at IRQL 2")
            self.assertRegex(stop["log"], r"(?m)!CallAtDispatch\S* \(.*pageable\.c:\d+\)$")
        self.every_compiler(run)

    def test_left_by_a_raise(self):
        def run(driver):
            stop = self.provoke("case2", driver=driver, flags=0x2)
            self.check(stop, 0xD1, In("!RaiseInPageable"), 2, 8, In("!RaiseInPageable"))
            self.assertRegex(stop["at"], r"RaiseInPageable.*pageable\.c:\d+\)")
        self.every_compiler(run)

    def test_below_dispatch_level_it_comes_back(self):
        self.every_compiler(lambda driver: self.assertIn("calls: enough", self.run_through("case3", driver, 0x2)))

    def test_without_the_option_it_is_always_there(self):
        def run(driver):
            for case, flags in (("case1", None), ("case2", None), ("case1", 0x8), ("case2", 0x8)):
                self.assertIn("went on", self.run_through(case, driver, flags))
                shutil.rmtree(self.m)
        self.every_compiler(run)


# Source: the page of Driver Verifier's option Force IRQL Checking.
@plain_only
class PagedPool(Provocation):
    def stops(self, case: str, code: int, access: int, function: str) -> dict:
        stop = self.provoke(case, driver="paged_pool", flags=0x2)
        self.check(stop, code, "address", 2, access, In(function))
        self.assertRegex(stop["log"], r"verifier error 0x[0-9a-f]+ is paged pool, and its page is not there at IRQL 2")
        self.assertRegex(stop["log"], r"lies \d+ bytes into a block of 1048576 bytes, tag 'Pago', at 0x")
        self.assertNotIn("went on", stop["log"])
        return stop

    def goes_on(self, case: str) -> str:
        return self.run_through(case, "paged_pool", 0x2)

    def test_written_after_a_raise(self):
        stop = self.stops("WriteRaised", 0xD1, 1, "!WriteRaised")
        self.assertRegex(stop["at"], r"WriteRaised.*paged_pool\.c:\d+\)")
        held = self.tool("kd", "-z", stop["dump"], "-c", f"da {stop['parameters'][0]}")
        self.assertIn('"held while trimmed"', held.output, held.text())

    def test_read_after_a_raise(self):
        self.stops("ReadRaised", 0xD1, 0, "!ReadRaised")

    def test_written_under_a_spin_lock(self):
        self.stops("WriteUnderSpinLock", 0xD1, 1, "!WriteUnderSpinLock")

    def test_read_in_a_dpc(self):
        self.stops("QueueDpc", 0xD1, 0, "!ReadInDpc")

    def test_read_by_the_kernel(self):
        self.stops("CompareRaised", 0xA, 0, "nt!")

    def test_without_the_option_it_is_always_there(self):
        for case in ("WriteRaised", "ReadRaised", "WriteUnderSpinLock", "QueueDpc", "CompareRaised"):
            for flags in (None, 0x9):
                with self.subTest(case, flags=flags):
                    self.assertIn("went on", self.run_through(case, "paged_pool", flags))
                shutil.rmtree(self.m)

    def test_touched_below(self):
        self.assertIn("sum: 4950", self.goes_on("TouchBelow"))

    def test_touched_while_its_pages_are_locked(self):
        self.assertIn("locked: 22 11", self.goes_on("TouchLocked"))

    def test_written_to_a_file_and_read_again(self):
        self.assertIn("failures: 0", self.goes_on("WriteFile"))

    def test_written_to_a_file_while_another_thread_raises(self):
        self.assertIn("failures: 0", self.goes_on("WriteWhileRaising"))

    def test_seen_by_the_debugger(self):
        self.make_ready("Hold", "paged_pool", 0x2)
        self.expect(self.tool("sc", "start", "Hold"), 0)
        self.expect(self.ntemu("wait"), 0)
        address = re.search(r"address=(\S+)", (self.m / "debug.log").read_text(encoding="utf-8"))[1]
        self.expect(self.ntemu("dump", "--output", "held.dmp"), 0)
        for options in ((), ("-z", "held.dmp")):
            with self.subTest(options=options):
                held = self.tool("kd", *options, "-c", f"da {address}")
                self.assertIn('"held while trimmed"', held.output, held.text())
                guard = self.tool("kd", *options, "-c", f"db {address}+100000 L4")
                self.assertIn("?? ?? ?? ??", guard.output, guard.text())


@plain_only
class Others(Provocation):
    def test_stack_cookie(self):
        stop = self.provoke("Cookie", driver="stack_cookie")
        self.check(stop, 0xF7, ANY, ANY, ANY, 0)

    def test_exceptions_in_a_request_from_outside(self):
        for control, image, code in ((0x222000, "misuse!", 0xC0000005), (0x222004, "nt!", 0xC0000006)):
            with self.subTest(code):
                stop = self.provoke("Serve", request=(r"\Device\Misuse", hex(control)))
                self.check(stop, 0x3B, code, In(image), In("nt!KiContextRecord"), 0)
                self.assertRegex(stop["at"], r"^misuse!\w+\+0x[0-9a-f]+ \(.*misuse\.c:\d+\)$")
                self.assertIn("a system thread: 0", stop["log"])
                self.assertIn("SYSTEM_SERVICE_EXCEPTION", stop["log"])
            shutil.rmtree(self.m)

    def test_exceptions_in_a_request_through_the_mount(self):
        stop = self.provoke("Serve", read="Misuse")
        self.check(stop, 0x3B, ACCESS_VIOLATION & 0xFFFFFFFF, In("misuse!"), In("nt!KiContextRecord"), 0)
        self.assertRegex(stop["at"], r"^misuse!\w+\+0x[0-9a-f]+ \(.*misuse\.c:\d+\)$")

    def test_the_line_of_a_driver_on_a_drive(self):
        self.assertRegex(self.provoke("ReadNull")["at"], r"^misuse!ReadNull\+0x[0-9a-f]+ \(.*misuse\.c:\d+\)$")

    def test_callback_that_does_not_return(self):
        stop = self.provoke("StopWithCallback")
        self.check(stop, 0xE2, 1, 2, 3, 4)
        self.assertRegex(stop["log"], r"(?m) callback misuse!CallBackForEver\S* of 'misuse', which did not return$")
        self.assertTrue(pathlib.Path(stop["dump"]).exists())

    def test_report_that_faults_goes_on(self):
        stop = self.provoke("StopWithBadComponent")
        self.check(stop, 0xE2, 1, 2, 3, 4)
        self.assertIn("misuse!Stop", stop["at"])
        self.assertTrue(pathlib.Path(stop["dump"]).exists())

    def test_unloaded_with_a_thread(self):
        stop = self.provoke("WaitLong", then="stop")
        self.check(stop, 0xCE, In("!WaitLong"), 16, In("!WaitLong"), 0)

    def test_unloaded_with_a_timer(self):
        stop = self.provoke("SetTimer", then="stop")
        self.assertEqual(int(stop["code"], 16), 0xCE, stop["log"])


if __name__ == "__main__":
    unittest.main()
