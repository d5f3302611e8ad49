"""Every crash and every hang of notmyfault on a fresh machine: the stop, its record, its dump, and the next boot."""
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BUGCHECK, plain_only  # noqa: E402
from machines import MachinesTest  # noqa: E402

WRONG = 103  # the low byte of ERROR_INVALID_COMMAND_LINE
ANY = r"0x[0-9a-f]{16}"
BREAKPOINT = r"0x0*80000003"


def hexadecimal(value: int) -> str:
    return f"0x{value:016x}"


class NotMyFault(MachinesTest):
    def notmyfault(self, *arguments: object, program: str = "notmyfault"):
        return self.tool(program, *arguments)

    def stops(self, arguments: tuple, code: int, name: str, parameters: tuple, place: str, program: str = "notmyfault64.exe") -> dict:
        """The machine of the record that is returned has stopped so, and the next one is none the worse for it."""
        pid = self.boot()["pid"]
        outcome = self.notmyfault(*arguments, program=program)
        self.expect(outcome, BUGCHECK, r"The machine has stopped\.", rf"\*\*\* STOP: 0x{code:08x} \({', '.join(parameters)}\) {name}")
        record = json.loads((self.m / "last_stop.json").read_text("utf-8"))
        self.assertEqual((record["process"], record["code"], record["name"]), (pid, f"0x{code:08x}", name))
        for value, pattern in zip(record["parameters"], parameters, strict=True):
            self.assertRegex(value, f"^{pattern}$")
        self.assertRegex(record["at"], place)
        self.assertEqual(record["dump"], str(self.m / "MEMORY.DMP"))
        self.assertEqual((self.m / "MEMORY.DMP").read_bytes()[:4], b"\x7fELF")
        self.assert_clean(pid)
        return record

    def assert_clean(self, before: int) -> None:
        self.assertFalse((self.m / "control.sock").exists())
        status = self.boot()
        self.assertNotEqual(status["pid"], before)
        self.assertEqual((status["state"], status["drivers"]), ("running", []))
        query = json.loads(self.tool("sc", "--json", "query", "MyFault").output)
        self.assertEqual(query["service"]["state_name"], "STOPPED", query)
        self.shut_down()


@plain_only
class Crash(NotMyFault):
    def test_1_high_irql_in_kernel_memory(self):
        self.stops(("/crash",), 0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", (ANY, hexadecimal(2), hexadecimal(0), ANY),
                   r"^myfault!ReadPagesAtDispatch\+.*\(.*myfault\.c:\d+\)$")

    def test_2_buffer_overflow(self):
        self.stops(("/crash", 2), 0x13A, "KERNEL_MODE_HEAP_CORRUPTION", (ANY, ANY, ANY, ANY), r"^myfault!BufferOverflow\+.*\(.*myfault\.c:\d+\)$")

    def test_3_code_overwrite(self):
        self.stops(("/crash", "0x03"), 0xBE, "ATTEMPTED_WRITE_TO_READONLY_MEMORY", (ANY, ANY, ANY, ANY), r"^myfault!CodeOverwrite\+.*")

    def test_4_stack_trash(self):
        self.stops(("/crash", 4), 0xF7, "DRIVER_OVERRAN_STACK_BUFFER", (ANY, ANY, ANY, ANY), r"^myfault.*")
        self.assertRegex(self.log(), r"stack buffer overrun in the function before 0x[0-9a-f]+ \(myfault!StackTrash\+")

    def test_5_high_irql_in_user_memory(self):
        self.stops(("/crash", 5), 0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", (hexadecimal(0x8000), hexadecimal(2), hexadecimal(0), ANY),
                   r"^myfault!ReadPagesAtDispatch\+.*")

    def test_6_stack_overflow(self):
        self.stops(("/crash", 6), 0x7F, "UNEXPECTED_KERNEL_MODE_TRAP", (hexadecimal(8), ANY, ANY, ANY), r"^myfault!StackOverflow\+.*")

    def test_7_breakpoint(self):
        self.stops(("/crash", 7), 0x3B, "SYSTEM_SERVICE_EXCEPTION", (BREAKPOINT, ANY, ANY, hexadecimal(0)), r"^myfault!.*")

    def test_8_double_free(self):
        self.stops(("/crash", 8), 0xC2, "BAD_POOL_CALLER", (hexadecimal(7), ANY, ANY, ANY), r"^myfault!DoubleFree\+.*")

    def test_as_other_command_lines_have_it(self):
        self.stops(("-accepteula", "crash", "0x08"), 0xC2, "BAD_POOL_CALLER", (hexadecimal(7), ANY, ANY, ANY), r"^myfault!DoubleFree\+.*",
                   program="notmyfault.exe")


class Bugcheck(NotMyFault):
    def test_any_code(self):
        self.stops(("/bugcheck", "0xE2"), 0xE2, "MANUALLY_INITIATED_CRASH", (hexadecimal(0),) * 4, r"^myfault.*\(.*myfault\.c:\d+\)$")

    def test_as_JSON(self):
        self.boot()
        outcome = self.notmyfault("--json", "/bugcheck", "DEADDEAD")
        self.assertEqual(outcome.code, BUGCHECK, outcome.text())
        self.assertEqual(json.loads(outcome.output)["last_stop"]["code"], "0xdeaddead")

    def test_by_ioctl(self):
        self.boot()
        self.start_service()
        outcome = self.ntemu("ioctl", r"\\.\Myfault", "0x22200c", "--input", "e2 00 00 00")
        self.expect(outcome, BUGCHECK, r"ntemu: the machine stopped while the request was under way: .*bugcheck 0x000000e2 .*")

    def start_service(self) -> None:
        image = pathlib.Path(self.environment["NTEMU_DRIVERS"]) / "myfault.sys"
        self.expect(self.tool("sc", "create", "MyFault", "type=", "kernel", "binPath=", image), 0)
        self.expect(self.tool("sc", "start", "MyFault"), 0)


class Hang(NotMyFault):
    def hang_request(self):
        process = self.popen("notmyfault64.exe", "/hang", 1)
        self.assertEqual(process.stdout.readline(), "The driver never completes this request. Ctrl-C leaves it so.\n")
        self.expect(self.ntemu("wait", "--threads", 1, "--start", "DeviceControlThread", "--timeout", "60s"), 0)
        return process

    def threads(self) -> list:
        return json.loads(self.ntemu("threads", "--json").output)

    def is_spinning(self) -> bool:
        return any(thread["state"] == "Running" and "DeviceControlThread" in thread["start"] for thread in self.threads())

    def test_1_a_request_is_never_completed(self):
        self.boot()
        process = self.hang_request()
        threads = self.threads()
        waiting = [thread for thread in threads if "DeviceControlThread" in thread["start"]]
        self.assertEqual([(thread["state"], thread["wait_reason"]) for thread in waiting], [("Waiting", "Executive")], threads)
        # Others are served meanwhile.
        self.expect(self.ntemu("ioctl", "Myfault", "0x222ffc", "--input", "00000000"), 1, "status 0xC0000010 STATUS_INVALID_DEVICE_REQUEST, information 0")
        self.expect(self.shut_down(), 0)
        self.expect(self.ended(process), 0, r"The machine was shut down\.")
        self.assertFalse((self.m / "last_stop.json").exists())

    def test_1_more_often_than_there_are_workers(self):
        self.boot()
        processes = [self.hang_request()] + [self.popen("notmyfault", "/hang") for _ in range(19)]
        self.expect(self.ntemu("wait", "--threads", 20, "--start", "DeviceControlThread", "--timeout", "60s"), 0)
        image = pathlib.Path(self.environment["NTEMU_DRIVERS"]) / "hello.sys"
        self.expect(self.tool("sc", "create", "hello", "type=", "kernel", "binPath=", image), 0)
        self.expect(self.tool("sc", "start", "hello"), 0)
        self.expect(self.shut_down(), 0)
        for process in processes:
            self.expect(self.ended(process), 0)

    @plain_only
    def test_2_a_DPC_never_ends(self):
        self.boot()
        process = self.popen("notmyfault", "/hang", 2)
        self.assertEqual(process.stdout.readline(), "The DPC that this request queues never ends. Ctrl-C leaves it so.\n")
        while not self.is_spinning():
            self.assertIsNone(process.poll())
        # The other processor goes on: another request is served.
        self.expect(self.ntemu("ioctl", "Myfault", "0x222ffc", "--input", "00000000"), 1)
        self.assertEqual(self.status()["state"], "running")
        self.assertTrue(self.is_spinning())
        self.expect(self.shut_down(), 0)
        self.expect(self.ended(process), 0, r"The machine was shut down\.")
        self.assertFalse((self.m / "control.sock").exists())
        self.assertEqual(self.boot()["drivers"], [])


class CommandLine(NotMyFault):
    def test_wrong(self):
        for arguments, text in ((("/crash", 9), "'9' is no type of crash: they are 1 to 8"), (("/crash", 0), "'0' is no type of crash: they are 1 to 8"),
                                (("/hang", 3), "'3' is no type of hang: they are 1 to 2"), (("/bugcheck",), "/bugcheck has no value"),
                                (("/bugcheck", "x"), "'x' is no bugcheck's code, like 0xE2"), (("/bogus",), "'/bogus' is no option"),
                                (("/crash", "/hang"), "one thing at a time: /crash, /hang or /bugcheck")):
            with self.subTest(arguments):
                outcome = self.notmyfault(*arguments)
                self.assertEqual((outcome.code, outcome.output, outcome.errors), (WRONG, "", f"notmyfault: {text}\nTry 'notmyfault /?'.\n"))

    def test_help(self):
        for option in ("/?", "-?", "--help"):
            outcome = self.notmyfault(option)
            self.assertEqual(outcome.code, 0)
            self.assertTrue(re.match("DESCRIPTION:\n        notmyfault crashes or hangs a machine", outcome.output))
        self.assertRegex(self.notmyfault("--version").output, r"^notmyfault \(ntemu \d+\.\d+\.\d+\)\n$")

    def test_boots_a_machine_and_uses_the_service_that_is_there(self):
        self.expect(self.tool("sc", "create", "MyFault", "type=", "kernel", "binPath=", "/nowhere/myfault.sys"), 0)
        self.shut_down()
        outcome = self.notmyfault("/bugcheck", "0xE2")
        self.expect(outcome, BUGCHECK, r"ntemu: booted the machine in .*", r"\*\*\* STOP: 0x000000e2 .*")


if __name__ == "__main__":
    unittest.main()
