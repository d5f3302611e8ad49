"""ntemu boot, shutdown and status: what a script may rely on, side by side and one after another."""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import unittest

from command_line import BIN, BUSY, CANCELLED, PATIENT, source
from machine import complaints
from machines import NOT_ACTIVE, MachinesTest, await_end, mounts_below

SPINNING = source(globals="""static VOID Spin(PVOID Context) { (void)Context; for (volatile int I = 0;; I++) { } }
static HANDLE Thread;""", entry="""Start(Spin, &Thread);
    DbgPrint("spin: ready\\n");""", unload='DbgPrint("spin: unloaded\\n");')
HANGING = source(globals="static KEVENT Never;", entry="""KeInitializeEvent(&Never, NotificationEvent, FALSE);
    DbgPrint("hang: waits\\n");
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);""")


class Boot(MachinesTest):
    def test_twice(self):
        outcome = self.ntemu("boot")
        self.expect(outcome, 0, rf"the machine in {self.m} runs, process \d+")
        self.assertEqual(complaints(outcome.errors), "")
        first = self.status()
        self.expect(self.ntemu("boot"), 0, rf"the machine in {self.m} runs already, process {first['pid']}")
        self.assertEqual(self.status()["pid"], first["pid"])
        self.shut_down()
        self.assert_gone(first)

    def test_is_what_other_commands_find(self):
        self.boot("--machine", "other")
        self.expect(self.ntemu("threads"), 144, f"ntemu: no machine answers at {self.m}/control.sock")
        self.boot()
        self.expect(self.ntemu("threads"), 0, " +Id Thread .*")
        self.expect(self.ntemu("wait", "--timeout", "60s"), 0)

    def test_as_JSON(self):
        for booted in (True, False):
            outcome = self.ntemu("boot", "--json")
            self.expect(outcome, 0)
            self.assertEqual(json.loads(outcome.output), {"running": True, "booted": booted, "pid": self.status()["pid"],
                                                          "directory": str(self.m)})

    def test_with_drive_C_made_beforehand(self):
        (self.m / "drive_c/Temp").mkdir(parents=True)
        (self.m / "drive_c/Temp/a.txt").write_text("kept", encoding="utf-8")
        self.boot()
        self.shut_down()
        self.assertEqual((self.m / "drive_c/Temp/a.txt").read_text(encoding="utf-8"), "kept")

    def test_two_side_by_side(self):
        first, second = self.boot("--machine", self.place / "a"), self.boot("--machine", self.place / "b")
        self.assertNotEqual(first["pid"], second["pid"])
        self.shut_down("--machine", self.place / "a")
        self.assertFalse(self.is_alive(first["pid"]))
        self.assertEqual(self.status(self.place / "b")["pid"], second["pid"])
        self.shut_down("--machine", self.place / "b")
        self.assert_gone(second, self.place / "b")

    def test_during_a_boot(self):
        boots = [self.background("boot", "--json") for _ in range(8)]
        outcomes = [self.ended(boot) for boot in boots]
        self.assertEqual([outcome.code for outcome in outcomes], [0] * 8, "\n".join(outcome.text() for outcome in outcomes))
        rows = [json.loads(outcome.output) for outcome in outcomes]
        self.assertEqual({row["pid"] for row in rows}, {self.status()["pid"]})
        self.assertEqual(sum(row["booted"] for row in rows), 1)

    def test_in_a_directory_of_a_long_path(self):
        long = self.place / ("long" * 40) / ("longer" * 30)
        status = self.boot("--machine", long)
        self.assertGreater(len(str(long)), 300)
        self.shut_down("--machine", long)
        self.assert_gone(status, long)

    def test_without_a_directory_takes_the_default(self):
        del self.environment["NTEMU_MACHINE"]
        self.environment["XDG_STATE_HOME"] = str(self.place / "state")
        self.assertEqual(self.boot_default(), str(self.place / "state/ntemu/machine"))
        self.environment["XDG_STATE_HOME"] = "relative"  # to be ignored, as its specification says
        self.assertEqual(self.boot_default(), str(self.place / ".local/state/ntemu/machine"))

    def boot_default(self) -> str:
        outcome = self.ntemu("boot", "--json")
        self.expect(outcome, 0)
        self.expect(self.ntemu("status"), 0)
        self.expect(self.ntemu("shutdown"), 0)
        return json.loads(outcome.output)["directory"]

    def test_keeps_nothing_of_the_caller(self):
        status = self.boot()
        for pid in (status["pid"], status["supervisor"]):
            self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
            self.assertEqual([os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)], ["/dev/null"] * 3)
            session = int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[3])
            self.assertEqual(session, status["supervisor"])

    def test_below_a_file(self):
        (self.place / "file").write_text("kept", encoding="utf-8")
        for name in ("file", "file/m"):
            outcome = self.ntemu("boot", "--machine", name)
            self.expect(outcome, 11, rf"ntemu: cannot use .*/{name} as a machine: .* \(error 267: .*\)")
        self.assertEqual((self.place / "file").read_text(encoding="utf-8"), "kept")

    def test_in_a_directory_that_takes_nothing(self):
        # Whoever runs the tests may be allowed everything, but not in /proc.
        outcome = self.ntemu("boot", "--machine", "/proc/machine")
        self.expect(outcome, 3, r"ntemu: cannot use /proc/machine as a machine: .* \(error 3: .*\)")
        outcome = self.ntemu("boot", "--json", "--machine", "/proc/1")
        self.assertNotEqual(outcome.code, 0)
        self.assertEqual(json.loads(outcome.output)["running"], False)

    def test_with_a_hive_that_cannot_be_used(self):
        self.m.mkdir()
        (self.m / "hive.db").write_bytes(b"no database" * 1000)
        outcome = self.ntemu("boot")
        self.expect(outcome, 1015 & 0xff, r"ntemu: cannot use the registry hive .*/m/hive.db: .*it was left as it is.*")
        self.assertEqual((self.m / "hive.db").read_bytes(), b"no database" * 1000)
        self.assertIn("cannot boot", self.log())
        self.assertTrue(self.lock_is_free(self.m))
        (self.m / "hive.db").unlink()
        self.boot()

    def test_where_another_program_has_the_lock(self):
        process = self.start("run", "--machine", "m", self.build("busy", BUSY), until="busy: ready")
        self.expect(self.ntemu("boot"), 0, rf"the machine in {self.m} runs already, process {process.pid}")
        self.expect(self.ntemu("shutdown"), 50, "ntemu: this machine ends with the command that started it .*")
        self.expect(self.interrupt(process), CANCELLED, "busy: unloaded")


class WithoutMount(MachinesTest):
    def setUp(self):
        super().setUp()
        # A /dev with /dev/null alone.
        devices = self.place / "dev"
        devices.mkdir()
        (devices / "null").touch()
        namespace = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null "$0/null" && mount --rbind "$0" /dev && exec "$@"', devices]
        if os.getuid() != 0 or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("only who may hide /dev/fuse can see what happens then")
        self.namespace = namespace

    def test_the_machine_runs_and_says_so_once(self):
        booted = subprocess.run([*self.namespace, BIN.resolve() / "ntemu", "boot"], capture_output=True, text=True, check=False,
                                cwd=self.place, env=self.environment)
        self.assertEqual(booted.returncode, 0, booted.stderr)
        self.assertEqual(len(re.findall("(?m)^ntemu: machine: the machine runs without a mount: .*fuse.*$", booted.stderr)), 1, booted.stderr)
        status = self.status()
        self.assertIsNone(status["mount"])
        self.assertIn("fuse", status["mount_problem"])
        self.expect(self.ntemu("status"), 0, "mount +none: .*fuse.*")
        driver = self.build("patient", PATIENT)
        self.expect(self.tool("sc", "create", "patient", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "patient"), 0)
        self.shut_down()
        self.assert_gone(status)


class Foreground(MachinesTest):
    def test_prints_and_ends_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process = self.background("boot", "--foreground")
                self.assertRegex(process.stdout.readline(), rf"^the machine in {self.m} runs, process \d+$")
                status = self.status()
                self.assertEqual(status["supervisor"], process.pid)
                driver = self.build("patient", PATIENT)
                self.expect(self.tool("sc", "create", "patient", "type=", "kernel", "binPath=", driver), 0)
                self.expect(self.tool("sc", "start", "patient"), 0)
                self.assertEqual(process.stdout.readline(), "patient: ready\n")
                self.expect(self.interrupt(process, number), 0)
                self.assert_gone(status)
                self.expect(self.ntemu("reset"), 0)


class Shutdown(MachinesTest):
    def test_with_a_thread_that_never_ends(self):
        status = self.boot()
        driver = self.build("spin", SPINNING)
        self.expect(self.tool("sc", "create", "spin", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "spin"), 0)
        self.expect(self.ntemu("shutdown"), 0, "ntemu: 1 of the drivers' threads could not be ended in order; .*", ".*spin!Spin.*",
                    rf"the machine in {self.m} has ended")
        self.assert_gone(status)
        self.assertIn("could not be ended in order", self.log())

    def test_with_a_DriverEntry_that_never_returns(self):
        status = self.boot()
        driver = self.build("hang", HANGING)
        self.expect(self.tool("sc", "create", "hang", "type=", "kernel", "binPath=", driver), 0)
        starter = self.background("logs", "-f")
        start = self.popen("sc", "start", "hang")
        for line in starter.stdout:
            if "hang: waits" in line:
                break
        starter.kill()
        self.expect(self.ntemu("shutdown"), 0, "ntemu: .* could not be ended in order; .*")
        self.assert_gone(status)
        self.assertNotEqual(self.ended(start).code, 0)

    def test_with_a_driver_that_waits_for_its_unload(self):
        status = self.boot()
        driver = self.build("patient", PATIENT)
        self.expect(self.tool("sc", "create", "patient", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "patient"), 0)
        outcome = self.shut_down("--json")
        self.assertEqual(json.loads(outcome.output), {"running": False, "directory": str(self.m), "threads_left": 0, "text": ""})
        self.assert_gone(status)

    def test_when_none_runs(self):
        for _ in range(2):
            self.expect(self.ntemu("shutdown"), 0, f"ntemu: no machine runs in {self.m}")
            self.m.mkdir(exist_ok=True)

    def test_from_several_at_once(self):
        status = self.boot()
        outcomes = [self.ended(process) for process in [self.background("shutdown") for _ in range(4)]]
        self.assertEqual([outcome.code for outcome in outcomes], [0] * 4, "\n".join(outcome.text() for outcome in outcomes))
        self.assert_gone(status)

    def test_after_the_supervisor_was_killed(self):
        status = self.boot()
        os.kill(status["pid"], signal.SIGSTOP)  # so that it is still there to be asked
        self.kill(status["supervisor"])
        asking = self.background("shutdown")
        os.kill(status["pid"], signal.SIGCONT)
        self.assertEqual(self.ended(asking).code, 0)
        self.assert_gone(status)

    def test_by_a_signal(self):
        for victim in ("pid", "supervisor"):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                with self.subTest(f"{victim} {number}"):
                    status = self.boot()
                    os.kill(status[victim], number)
                    await_end(status["pid"], status["supervisor"])
                    self.assert_gone(status)
                    self.assertRegex(self.log(), rf"(?m) machine info ends: signal {int(number)} .*\n.* machine info has ended\n.*"
                                     rf" supervisor info machine {status['pid']} ended with exit code 0$")


class Killed(MachinesTest):
    """kill -9 leaves nothing that a next boot minds."""

    def boots_again(self, before: dict) -> None:
        after = self.boot()
        self.assertNotEqual(after["pid"], before["pid"])
        self.assertEqual(after["mount"], before["mount"])
        if after["mount"]:
            self.assertIn("C:", os.listdir(after["mount"]))
            self.assertEqual(mounts_below(self.m), [after["mount"]])
        self.shut_down()
        self.assert_gone(after)

    def test_machine(self):
        status = self.boot()
        self.kill(status["pid"])
        await_end(status["supervisor"])
        self.assert_gone(status)
        self.assertRegex(self.log(), rf"supervisor error machine {status['pid']} ended killed by signal 9 \(Killed\)")
        self.boots_again(status)

    def test_machine_and_booted_at_once(self):
        status = self.boot()
        os.kill(status["pid"], signal.SIGKILL)
        self.boots_again(status)

    def test_supervisor(self):
        status = self.boot()
        self.kill(status["supervisor"])
        await_end(status["pid"])  # told by the kernel
        self.assert_gone(status)
        self.boots_again(status)

    def test_both(self):
        status = self.boot()
        os.kill(status["supervisor"], signal.SIGSTOP)
        self.kill(status["pid"], status["supervisor"])
        self.assertTrue((self.m / "control.sock").exists())
        self.expect(self.ntemu("status"), NOT_ACTIVE, f"ntemu: no machine runs in {self.m}")
        self.boots_again(status)

    def test_both_and_ended(self):
        status = self.boot()
        os.kill(status["supervisor"], signal.SIGSTOP)
        self.kill(status["pid"], status["supervisor"])
        self.expect(self.ntemu("shutdown"), 0, f"ntemu: no machine runs in {self.m}")
        self.boots_again(status)

    def test_bugcheck(self):
        process = self.background("boot", "--foreground")
        process.stdout.readline()
        status = self.status()
        driver = self.build("crash", source(entry="KeBugCheckEx(0xE2, 1, 2, 3, 4);"))
        self.expect(self.tool("sc", "create", "crash", "type=", "kernel", "binPath=", driver), 0)
        self.assertNotEqual(self.tool("sc", "start", "crash").code, 0)
        self.assertEqual(self.ended(process).code, 188)
        self.assert_gone(status)
        self.assertRegex(self.log(), r"bugcheck error \*\*\* STOP: 0x000000E2 .*\n(.*\n)*.*ended by a bugcheck \(exit code 188\)")


class Status(MachinesTest):
    def test_JSON(self):
        self.boot()
        status = self.status()
        self.assertTrue(status["running"])
        self.assertEqual(status["directory"], str(self.m))
        self.assertEqual(status["log"], str(self.m / "debug.log"))
        self.assertEqual(os.path.realpath(f"/proc/{status['pid']}/exe"), os.path.realpath(BIN / "ntemu"))
        self.assertGreaterEqual(status["uptime"], 0)
        self.assertEqual([(drive["letter"], drive["directory"]) for drive in status["drives"]], [("C:", str(self.m / "drive_c"))])
        self.assertEqual((status["mount"] is None), bool(status["mount_problem"]))
        self.assertEqual(self.keys_named_pid(status), 1)

    def keys_named_pid(self, value) -> int:
        if isinstance(value, dict):
            return sum((key == "pid") + self.keys_named_pid(inner) for key, inner in value.items())
        return sum(map(self.keys_named_pid, value)) if isinstance(value, list) else 0

    def test_text(self):
        status = self.boot()
        self.expect(self.ntemu("status"), 0, rf"machine +{self.m}", rf"state +running, process {status['pid']}, for \S+", "drives +C:",
                    "drivers +none", "services +0, 0 of them running", rf"log +{self.m}/debug.log", "mount +.+")

    def test_when_none_runs(self):
        outcome = self.ntemu("status")
        self.expect(outcome, NOT_ACTIVE, f"ntemu: no machine runs in {self.m}")
        self.assertEqual(outcome.output, "")
        outcome = self.ntemu("status", "--json")
        self.assertEqual((outcome.code, json.loads(outcome.output)), (NOT_ACTIVE, {"running": False, "directory": str(self.m)}))

    def test_socket_is_for_the_user_only(self):
        self.boot()
        self.assertEqual(stat.S_IMODE((self.m / "control.sock").lstat().st_mode), 0o600)


class Logs(MachinesTest):
    LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \d+ \d+ \S+ (error|warning|info|debug) .*$")

    def test_lines(self):
        self.boot()
        driver = self.build("hello", source(entry='DbgPrint("gr\\xc3\\xbc\\xc3\\x9f dich \\xff \\x1b[31m\\ttab\\n");'))
        self.expect(self.tool("sc", "create", "hello", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "hello"), 0)
        self.shut_down()
        outcome = self.ntemu("logs")
        self.expect(outcome, 0, ".* machine info ntemu .* boots, process .*", ".* machine info ends: 'ntemu shutdown'",
                    ".* DbgPrint info grüß dich \ufffd \\\\x1b\\[31m\ttab", ".* supervisor info machine .* ended with exit code 0")
        self.assertEqual(outcome.output, self.log())
        for line in outcome.output.splitlines():
            self.assertRegex(line, self.LINE)

    def test_follows(self):
        self.boot()
        follower = self.background("logs", "-f")
        self.assertIn("boots, process", follower.stdout.readline())
        self.shut_down()
        for line in follower.stdout:
            if "supervisor info" in line:
                break
        self.assertIn("ended with exit code 0", line)
        self.expect(self.ntemu("reset"), 0)  # a new file is followed as well
        self.boot()
        self.assertIn("boots, process", follower.stdout.readline())
        follower.kill()

    def test_of_no_machine(self):
        for options in ((), ("-f",)):
            self.expect(self.ntemu("logs", *options), 2, rf"ntemu: there is no log to read at {self.m}/debug.log: .* \(error 2: .*\)")


class Reset(MachinesTest):
    def test_refuses_while_it_runs(self):
        status = self.boot()
        self.expect(self.ntemu("reset", "--drive-c"), 32, rf"ntemu: the machine in {self.m} runs: end it with 'ntemu shutdown' first .*")
        self.assertEqual(self.status()["pid"], status["pid"])
        self.assertTrue((self.m / "hive.db").exists())

    def test_keeps_drive_C_unless_told(self):
        (self.m / "drive_c").mkdir(parents=True)
        (self.m / "drive_c/a.txt").write_text("a", encoding="utf-8")
        (self.m / "mine.txt").write_text("mine", encoding="utf-8")
        self.boot()
        self.shut_down()
        self.expect(self.ntemu("reset"), 0, rf"removed from {self.m}: hive.db, debug.log.*", rf"kept: {self.m}/drive_c .*")
        self.assertEqual(sorted(path.name for path in self.m.iterdir()), ["drive_c", "mine.txt"])
        self.assertTrue((self.m / "drive_c/a.txt").exists())
        self.expect(self.ntemu("reset", "--drive-c"), 0, rf"removed from {self.m}: drive_c")
        self.assertEqual([path.name for path in self.m.iterdir()], ["mine.txt"])

    def test_of_what_a_kill_left(self):
        status = self.boot()
        os.kill(status["supervisor"], signal.SIGSTOP)
        self.kill(status["pid"], status["supervisor"])
        self.expect(self.ntemu("reset"), 0)
        self.assertEqual([path.name for path in self.m.iterdir()], ["drive_c"])

    def test_of_no_machine(self):
        folder = self.place / "pictures"
        (folder / "images").mkdir(parents=True)
        for name in ("pictures", "none"):
            self.expect(self.ntemu("reset", "--machine", name), 2, rf"ntemu: there is no machine in .*/{name} \(error 2: .*\)")
        self.assertTrue((folder / "images").exists())


class Drives(MachinesTest):
    def setUp(self):
        super().setUp()
        self.data = self.place / "data"
        self.data.mkdir()
        (self.data / "a.txt").write_text("a", encoding="utf-8")

    def letters(self) -> dict:
        outcome = self.ntemu("drive", "list", "--json")
        self.expect(outcome, 0)
        return {drive["letter"]: drive["directory"] for drive in json.loads(outcome.output)}

    def test_added_are_remembered_and_removed_are_not(self):
        status = self.boot()
        self.expect(self.ntemu("drive", "add", "d:", "data"), 0)
        if status["mount"]:
            self.assertEqual(os.listdir(self.m / "DosDevices/D:"), ["a.txt"])
        c = {"C:": str(self.m / "drive_c")}
        self.assertEqual(self.letters(), {**c, "D:": str(self.data)})
        self.expect(self.ntemu("drive", "list"), 0, f"C:  {self.m}/drive_c", f"D:  {self.data}")
        self.shut_down()
        self.boot()
        self.assertEqual(self.letters(), {**c, "D:": str(self.data)})
        self.expect(self.ntemu("drive", "remove", "D:"), 0)
        self.assertEqual(self.letters(), c)
        self.shut_down()
        self.boot()
        self.assertEqual(self.letters(), c)
        self.assertTrue((self.data / "a.txt").exists())

    def test_a_driver_uses_it_at_once(self):
        self.boot()
        self.expect(self.ntemu("drive", "add", "E:", "data"), 0)
        driver = self.build("reader", source(entry="""UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\DosDevices\\\\E:\\\\A.TXT");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Status;
    HANDLE File;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    DbgPrint("reader: 0x%08lX\\n", (ULONG)ZwOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Status, FILE_SHARE_READ, 0));
    ZwClose(File);"""))
        self.expect(self.tool("sc", "create", "reader", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "reader"), 0)
        self.assertIn("reader: 0x00000000", self.log())

    def test_a_directory_that_vanished_stops_nothing(self):
        self.boot()
        self.expect(self.ntemu("drive", "add", "D:", "data"), 0)
        self.shut_down()
        shutil.move(self.data, self.place / "elsewhere")
        self.expect(self.ntemu("boot"), 0, rf"ntemu: drives: D: is not there now: {self.data} cannot be a drive: there is no such directory")
        self.expect(self.ntemu("drive", "list"), 0, rf"D:  {self.data}  not there now: .*")
        self.shut_down()
        shutil.move(self.place / "elsewhere", self.data)
        self.boot()
        self.expect(self.ntemu("drive", "list"), 0, f"D:  {self.data}")

    def test_refused(self):
        self.boot()
        (self.place / "file").write_text("", encoding="utf-8")
        (self.data / "inner").mkdir()
        self.expect(self.ntemu("drive", "add", "D:", "data"), 0)
        before = self.letters()
        for code, letter, directory, text in (
                (123, "DD:", "data", "'DD:' is not a drive letter: A: to Z: are"), (123, "1:", "data", "'1:' is not a drive letter.*"),
                (123, "", "data", "'' is not a drive letter.*"), (5, "C:", "data", "C: is the machine's own drive"),
                (85, "d", "data", rf"D: is taken by {self.data}"), (3, "E:", "none", ".*/none cannot be a drive: there is no such directory"),
                (11, "E:", "file", ".*/file cannot be a drive: it is not a directory"),
                (32, "E:", "data/inner", ".*/inner lies in the directory of D:, .*"), (32, "E:", "/", "/ contains the directory of C:, .*"),
                (87, "E:", "m/DosDevices", ".* lies in the machine's own mount, which shows its drives")):
            with self.subTest(f"{letter} {directory}"):
                self.expect(self.ntemu("drive", "add", letter, directory), code, rf"ntemu: {text} \(error {267 if code == 11 else code}.*\)")
        self.expect(self.ntemu("drive", "remove", "C:"), 5, r"ntemu: C: is the machine's own drive \(error 5.*\)")
        self.expect(self.ntemu("drive", "remove", "X:"), 15, r"ntemu: there is no drive X: \(error 15.*\)")
        self.assertEqual(self.letters(), before)

    def test_of_no_machine(self):
        self.expect(self.ntemu("drive", "list"), 144, rf"ntemu: no machine runs in {self.m} \(error 1168: .*\)")


if __name__ == "__main__":
    unittest.main()
