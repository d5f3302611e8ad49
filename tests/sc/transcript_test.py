"""Transcripts: every command and every error of sc, with all that it prints, on a machine that runs."""
import json
import signal
import unittest
from os import kill

from sc_command import GATE_DRIVER, RUNNING, STATUS_DRIVER, STOPPED, TEXTS, ScTest, source, status

CREATED = "[SC] CreateService SUCCESS\n"
CHANGED = "[SC] ChangeServiceConfig SUCCESS\n"
DELETED = "[SC] DeleteService SUCCESS\n"
NEVER = 1077


def config(name: str, path: str, *, kind: str = "1  KERNEL_DRIVER", start: str = "3   DEMAND_START",
           error: str = "1   NORMAL", group: str = "", tag: int = 0, display: str = "", depend: tuple = ()) -> str:
    def row(title: str, value: str) -> str:
        return f"        {title:<19}:{' ' if value else ''}{value}\n"
    rows = [row("TYPE", kind), row("START_TYPE", start), row("ERROR_CONTROL", error), row("BINARY_PATH_NAME", path),
            row("LOAD_ORDER_GROUP", group), row("TAG", str(tag)), row("DISPLAY_NAME", display or name)]
    rows += [row("" if index else "DEPENDENCIES", value) for index, value in enumerate(depend or ("",))]
    return f"[SC] QueryServiceConfig SUCCESS\n\nSERVICE_NAME: {name}\n" + "".join(rows) + row("SERVICE_START_NAME", "")


class Transcript(ScTest):
    def setUp(self):
        super().setUp()
        self.boot()
        self.image = self.build("status", STATUS_DRIVER)

    def create(self, name: str, options: str = "") -> None:
        self.check(f"create {name} type= kernel binPath= '{self.image}' {options}", CREATED)

    def test_a_driver_from_create_to_delete(self):
        (self.drive_c / "Drivers").mkdir(parents=True, exist_ok=True)
        (self.drive_c / "Drivers/TestDriver.sys").write_bytes(self.image.read_bytes())
        self.check(r"create TestDrv type= kernel 'binPath=C:\Drivers\TestDriver.sys'", CREATED)
        self.check("query TestDrv", status("TestDrv", STOPPED, code=NEVER))
        self.check("qc TestDrv", config("TestDrv", r"\??\C:\Drivers\TestDriver.sys"))
        self.check("start TestDrv", status("TestDrv", RUNNING, extended=True))
        self.check("query testdrv", status("TestDrv", RUNNING))
        self.check("queryex TestDrv", status("TestDrv", RUNNING, extended=True))
        self.check("interrogate TestDrv", status("TestDrv", RUNNING))
        self.check("stop TestDrv", status("TestDrv", STOPPED))
        self.check("query TestDrv", status("TestDrv", STOPPED))
        self.check("delete TestDrv", DELETED)
        self.fails("query TestDrv", "EnumQueryServicesStatus:OpenService", 1060)
        self.assertEqual(self.log(), [r"TestDrv: loaded as \Driver\TestDrv", "TestDrv: unloaded"])

    def test_a_service_that_is_not_there(self):
        """The shape of query's is unverified."""
        self.fails("start Missing", "StartService: OpenService", 1060)
        self.fails("query Missing", "EnumQueryServicesStatus:OpenService", 1060)
        self.fails("queryex Missing", "EnumQueryServicesStatus:OpenService", 1060)
        for command in ("stop Missing", "delete Missing", "qc Missing", "config Missing start= auto", "description Missing x",
                        "description Missing", "qdescription Missing", "pause Missing", "interrogate Missing",
                        "control Missing 200"):
            self.fails(command, "OpenService", 1060)

    def test_names(self):
        for name in ("a/b", r"a\b", "a,b", "a b", "", "n" * 257):
            self.fails(f"create '{name}' type= kernel binPath= /x.sys", "CreateService", 123, "1 to 256 characters")
        self.check(f"create {'n' * 256} type= kernel binPath= /x.sys", CREATED)
        self.fails(r"query 'a\b'", "EnumQueryServicesStatus:OpenService", 123)
        self.fails("start a/b", "StartService: OpenService", 123)
        self.fails("stop a,b", "OpenService", 123)

    def test_what_exists(self):
        self.create("First", "DisplayName= 'The first'")
        self.fails("create FIRST type= kernel binPath= /x.sys", "CreateService", 1073)
        self.fails("create Second type= kernel binPath= /x.sys DisplayName= 'the FIRST'", "CreateService", 1078)
        self.fails("create Second type= kernel binPath= /x.sys DisplayName= first", "CreateService", 1078)
        self.create("Second")
        self.fails("config Second DisplayName= 'The first'", "ChangeServiceConfig", 1078)

    def test_running_or_not(self):
        self.create("Test")
        self.fails("stop Test", "ControlService", 1062)
        self.fails("interrogate Test", "ControlService", 1062)
        self.check("start Test some arguments", status("Test", RUNNING, extended=True))
        self.fails("start Test", "StartService", 1056)
        for command in ("pause Test", "continue Test", "control Test 200"):
            self.fails(command, "ControlService", 1052, "drivers accept no control but a stop")
        self.check("control Test 1", status("Test", STOPPED))

    def test_without_driver_unload(self):
        self.create("stuck")
        self.check("start stuck", status("stuck", RUNNING, stoppable=False, extended=True))
        self.fails("stop stuck", "ControlService", 1052, "has no DriverUnload routine")
        self.check("query stuck", status("stuck", RUNNING, stoppable=False))

    def test_pending(self):
        gate = self.build("gate", GATE_DRIVER)
        self.check(f"create Gate type= kernel binPath= '{gate}'", CREATED)
        starting = self.start_sc("start Gate")
        self.await_state("Gate", "2  START_PENDING")
        self.check("query Gate", status("Gate", "2  START_PENDING", stoppable=False))
        self.fails("start Gate", "StartService", 1056)
        self.fails("stop Gate", "ControlService", 1061)
        (self.drive_c / "start").touch()
        self.assertEqual(self.ended(starting).output, status("Gate", RUNNING, extended=True))
        stopping = self.start_sc("stop Gate")
        self.await_state("Gate", "3  STOP_PENDING")
        self.check("query Gate", status("Gate", "3  STOP_PENDING", stoppable=False))
        self.fails("start Gate", "StartService", 1056)
        self.fails("stop Gate", "ControlService", 1061)
        (self.drive_c / "stop").touch()
        self.assertEqual(self.ended(stopping).output, status("Gate", STOPPED))

    def test_a_failed_driver_entry(self):
        """Each status of the table; the code stays as the service's exit code."""
        for code, error in (("C0000001", 31), ("C000000D", 87), ("C0000022", 5), ("C0000033", 123), ("C0000034", 2),
                            ("C0000035", 183), ("C000003A", 3), ("C000007A", 127), ("C000007B", 193), ("C000009A", 1450),
                            ("C0000135", 126), ("C000026C", 2001), ("C000036C", 1275), ("C0000428", 577), ("C000010E", 1056)):
            self.create(f"s_{code}")
            self.fails(f"start s_{code}", "StartService", error, f"^sc: DriverEntry failed: .*0x{code}")
            self.check(f"query s_{code}", status(f"s_{code}", STOPPED, code=error))

    def test_a_status_without_a_win32_error(self):
        """What sc prints for a driver's own status, which has no text, is unverified."""
        self.create("s_C000CAFE")
        self.check("start s_C000CAFE", "[SC] StartService FAILED 317:\n\nThe system cannot find message text for message number "
                   "0x%1 in the message file for %2.\n\n", 317, "0xC000CAFE")
        self.create("s_E0000001")
        self.check("start s_E0000001", "[SC] StartService FAILED 3758096385:\n\nThe driver ended with the code 0xe0000001.\n\n",
                   0xE0000001, "0xE0000001")

    def test_images(self):
        (self.drive_c / "Drivers").mkdir(parents=True, exist_ok=True)
        (self.drive_c / "Drivers/text.sys").write_text("no image")
        for name, path, error in (("missing", r"C:\Drivers\missing.sys", 2), ("nowhere", r"C:\Nowhere\x.sys", 3),
                                  ("folder", r"C:\Drivers", 5), ("text", r"C:\Drivers\TEXT.SYS", 193), ("drive", r"Q:\x.sys", 3),
                                  ("host", "/nonexistent.sys", 2), ("relative", r"System32\drivers\x.sys", 3)):
            self.check(f"create {name} type= kernel 'binPath={path}'", CREATED)
            self.fails(f"start {name}", "StartService", error, "^sc: cannot (read|load) ")
            self.check(f"query {name}", status(name, STOPPED, code=error))

    def test_a_file_of_the_host(self):
        self.check("create Relative type= kernel binPath= status.sys", CREATED)
        self.check("qc Relative", config("Relative", str(self.image)))
        self.check("start Relative", status("Relative", RUNNING, extended=True))

    def test_disabled(self):
        self.create("Test", "start= disabled")
        self.fails("start Test", "StartService", 1058)
        self.check("config Test start= demand", CHANGED)
        self.check("start Test", status("Test", RUNNING, extended=True))

    def test_delete_while_it_runs(self):
        self.create("Test")
        self.check("start Test", status("Test", RUNNING, extended=True))
        self.check("delete Test", DELETED)
        self.check("query Test", status("Test", RUNNING))
        self.check("qc Test", config("Test", str(self.image), start="4   DISABLED"))
        self.fails("delete Test", "DeleteService", 1072)
        self.fails("create Test type= kernel binPath= /x.sys", "CreateService", 1072)
        self.fails("config Test start= auto", "ChangeServiceConfig", 1072)
        self.fails("description Test text", "ChangeServiceConfig2", 1072)
        self.check("stop Test", status("Test", STOPPED))
        self.fails("start Test", "StartService: OpenService", 1060)
        self.create("Test")

    def test_delete_survives_the_machine(self):
        self.create("Deleted")
        self.create("Kept")
        self.check("start Deleted", status("Deleted", RUNNING, extended=True))
        self.check("delete Deleted", DELETED)
        pid = json.loads(self.ntemu("status", "--json").output)["pid"]
        kill(pid, signal.SIGKILL)
        self.boot()
        self.fails("query Deleted", "EnumQueryServicesStatus:OpenService", 1060)
        self.check("query Kept", status("Kept", STOPPED, code=NEVER))

    def test_dependencies(self):
        self.fails("create Self type= kernel binPath= /x.sys depend= Self", "CreateService", 1059)
        self.create("Upper", "depend= Lower/+Helpers")
        self.fails("create Lower type= kernel binPath= /x.sys depend= Upper", "CreateService", 1059)
        self.check("qc Upper", config("Upper", str(self.image), depend=("Lower", "+Helpers")))
        self.fails("start Upper", "StartService", 1075, "depends on Lower, which does not exist")
        self.create("Lower")
        self.fails("start Upper", "StartService", 1068, "no service of the group Helpers runs")
        self.create("Helper", "group= Helpers")
        self.check("start Upper", status("Upper", RUNNING, extended=True))
        self.check("query Helper", status("Helper", RUNNING))
        self.fails("stop Lower", "ControlService", 1051)
        self.fails("stop Helper", "ControlService", 1051)
        self.check("stop Upper", status("Upper", STOPPED))
        self.check("stop Lower", status("Lower", STOPPED))
        self.check("config Lower start= disabled", CHANGED)
        self.fails("start Upper", "StartService", 1068, "depends on Lower, which cannot be started")
        self.check("config Upper depend= ''", CHANGED)
        self.check("start Upper", status("Upper", RUNNING, extended=True))

    def test_config(self):
        self.create("Test", "start= auto error= severe group= Base tag= yes DisplayName= 'A test'")
        self.check("qc Test", config("Test", str(self.image), start="2   AUTO_START", error="2   SEVERE", group="Base", tag=1,
                                     display="A test"))
        self.check("config Test TYPE= filesys START=boot Error= CRITICAL BINPATH=x.sys tag=no displayname= Other", CHANGED)
        self.check("qc Test", config("Test", "x.sys", kind="2  FILE_SYSTEM_DRIVER", start="0   BOOT_START", error="3   CRITICAL",
                                     group="Base", display="Other"))
        self.check("config Test start= system error= ignore group= ''", CHANGED)
        self.check("qc Test", config("Test", "x.sys", kind="2  FILE_SYSTEM_DRIVER", start="1   SYSTEM_START", error="0   IGNORE",
                                     display="Other"))
        self.check("config Test", CHANGED)
        self.fails("config Test tag= yes", "ChangeServiceConfig", 87, "group= is missing")
        self.fails("config Test binPath= ''", "ChangeServiceConfig", 87, "binPath= is missing")

    def test_file_system_drivers(self):
        self.check(f"create Test type= filesys binPath= '{self.image}'", CREATED)
        self.check("start Test", status("Test", RUNNING, kind="2  FILE_SYSTEM_DRIVER", extended=True))
        self.assertEqual(self.log(), [r"Test: loaded as \FileSystem\Test"])

    def test_description(self):
        """The shape of qdescription's is unverified."""
        self.create("Test")
        self.check("qdescription Test", "[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: Test\nDESCRIPTION:\n")
        self.check("description Test 'What it does: ünïcode'", "[SC] ChangeServiceConfig2 SUCCESS\n")
        shown = "[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: Test\nDESCRIPTION:  What it does: ünïcode\n"
        self.check("qdescription Test 1024", shown)
        self.check("description Test", "[SC] ChangeServiceConfig2 SUCCESS\n")
        self.check("qdescription Test", shown)
        self.check("description Test ''", "[SC] ChangeServiceConfig2 SUCCESS\n")
        self.check("qdescription Test", "[SC] QueryServiceConfig2 SUCCESS\n\nSERVICE_NAME: Test\nDESCRIPTION:\n")

    def test_enumeration(self):
        """What a limited buffer says is unverified."""
        self.create("beta", "group= Base DisplayName= 'The second'")
        self.create("Alpha")
        self.check(f"create gamma type= filesys binPath= '{self.image}'", CREATED)
        self.check("start beta", status("beta", RUNNING, extended=True))
        alpha = status("Alpha", STOPPED, display="Alpha", code=NEVER)
        beta = status("beta", RUNNING, display="The second")
        gamma = status("gamma", STOPPED, display="gamma", kind="2  FILE_SYSTEM_DRIVER", code=NEVER)
        self.check("query", "", says="type= driver")
        self.check("query type= service state= all", "")
        self.check("query type= driver", beta)
        self.check("query type= driver state= all", alpha + beta + gamma)
        self.check("query type= all state= all", alpha + beta + gamma)
        self.check("query state= inactive type=driver", alpha + gamma)
        self.check("query type= driver type= filesys state= all", gamma)
        self.check("query type= kernel state= all", alpha + beta)
        self.check("query type= driver state= all group= BASE", beta)
        self.check("query type= driver state= all group= ''", alpha + gamma)
        self.check("query type= driver state= all ri= 1", beta + gamma)
        self.check("query type= driver state= all bufsize= 100",
                   alpha + "\nEnum: more data, need 168 bytes start resume at index 1\n", 234)
        self.check("queryex type= driver", status("beta", RUNNING, display="The second", extended=True))

    def test_what_has_no_meaning_here(self):
        self.fails("create Process binPath= /x.exe", "CreateService", 50, "only drivers: type= kernel or type= filesys")
        for kind in ("own", "share", "rec", "adapt", "own type= interact", "userown"):
            self.fails(f"create Process type= {kind} binPath= /x.exe", "CreateService", 50, "type= kernel or type= filesys")
        for option in ("obj= LocalSystem", "password= secret", "obj= .\\me password= secret"):
            self.fails(f"create Test type= kernel binPath= /x.sys {option.replace(chr(92), chr(92) * 2)}", "CreateService", 1057,
                       "under no account")
        self.fails("create Test type= kernel binPath= /x.sys start= delayed-auto", "CreateService", 87, "cannot be delayed")
        self.fails(r"'\\server' query", "OpenSCManager", 50, r"\\\\server: the services of another computer")
        for command in ("failure", "sdshow", "privs", "triggerinfo", "boot", "EnumDepend"):
            self.fails(f"{command} Test", command.lower(), 50, "has no meaning here")
        self.check("query type= driver state= all", "")

    def test_syntax_errors(self):
        """The text is ntemu's own; that it is 1639 is unverified."""
        for command, verb, problem in (
                ("nonsense", "", "'nonsense' is no command"),
                ("create", "create", "the service's name is missing"),
                ("create Test type= kernel", "create", "binPath= is missing"),
                ("create Test type= kernel binPath=", "create", "binpath= has no value"),
                ("create Test type= odd binPath= x", "create",
                 "'odd' is no value of type= (it takes adapt|filesys|interact|kernel|own|rec|share|userown|usershare)"),
                ("create Test start= odd binPath= x", "create",
                 "'odd' is no value of start= (it takes auto|boot|demand|disabled|system)"),
                ("create Test error= odd binPath= x", "create",
                 "'odd' is no value of error= (it takes critical|ignore|normal|severe)"),
                ("create Test tag= odd binPath= x", "create", "'odd' is no value of tag= (it takes no|yes)"),
                ("create Test type kernel", "create", "'type' is no option of this command"),
                ("create Test color= red binPath= x", "create", "'color=' is no option of this command"),
                ("config", "config", "the service's name is missing"),
                ("start", "start", "the service's name is missing"),
                ("stop", "stop", "the service's name is missing"),
                ("stop a b", "stop", "'b' is too much"),
                ("delete", "delete", "the service's name is missing"),
                ("qc", "qc", "the service's name is missing"),
                ("control a", "control", "the control's number is missing"),
                ("control a b", "control", "'b' is no number for control"),
                ("query a b", "query", "'b' is too much: one service, or options"),
                ("query state= odd", "query", "'odd' is no value of state= (it takes active|inactive|all)"),
                ("query bufsize= many", "query", "'many' is no number for bufsize="),
                ("description", "description", "the service's name is missing"),
                ("qdescription a b", "qdescription", "'b' is no number for the buffer's size"),
                ("--machine", "", "--machine has no directory")):
            usage = self.sc(f"{verb} --help")
            self.assertEqual((usage.code, usage.errors), (0, ""), usage.text())
            self.assertIn("USAGE:\n", usage.output)
            self.check(command, f"\nERROR:  {problem}\n\n{usage.output}", 1639)
        self.assertEqual(self.sc("").output, self.sc("--help").output)

    def test_json(self):
        self.create("Test")
        started = json.loads(self.sc("start Test --json").output)
        self.assertEqual(started, {"ok": True, "service": {
            "name": "Test", "display_name": "Test", "type": 1, "type_name": "KERNEL_DRIVER", "state": 4, "state_name": "RUNNING",
            "stoppable": True, "win32_exit_code": 0, "service_exit_code": 0, "checkpoint": 0, "wait_hint": 0}})
        self.assertEqual(json.loads(self.sc("query type= driver --json").output),
                         {"ok": True, "services": [started["service"] | {"group": ""}]})
        qc = json.loads(self.sc("--json qc Test").output)["config"]
        self.assertEqual((qc["start_name"], qc["binary_path"], qc["dependencies"]), ("DEMAND_START", str(self.image), []))
        outcome = self.sc("start Missing --json")
        self.assertEqual(json.loads(outcome.output) | {"error": ""}, {
            "ok": False, "win32": 1060, "function": "OpenService", "text": TEXTS[1060], "error": "", "detail": ""})
        self.assertEqual(outcome.code, 1060 & 0xFF)
        self.create("s_C0000001")
        failed = json.loads(self.sc("--json start s_C0000001").output)
        self.assertEqual((failed["win32"], failed["ntstatus"]), (31, "0xC0000001"))
        self.assertEqual(json.loads(self.sc("--json nonsense").output)["win32"], 1639)

    def test_threads_that_are_left(self):
        image = self.build("left", source(globals="static VOID Run(PVOID Context) { KEVENT Never; (void)Context; KeInitializeEvent("
                                          "&Never, NotificationEvent, FALSE); KeWaitForSingleObject(&Never, Executive, KernelMode,"
                                          " FALSE, NULL); }", entry="HANDLE Thread; Start(Run, &Thread); ZwClose(Thread);"))
        self.check(f"create Left type= kernel binPath= '{image}'", CREATED)
        self.check("start Left", status("Left", RUNNING, extended=True))
        self.check("stop Left", status("Left", STOPPED), says="^sc: Left: 1 of the driver's threads still runs: its image stays mapped")
        self.check("start Left", status("Left", RUNNING, extended=True))

    def test_boot_starts_them_in_order(self):
        self.create("auto", "start= auto")
        self.create("system", "start= system depend= needed")
        self.create("second", "start= boot group= Base")
        self.create("first", "start= boot group= 'Boot Bus Extender'")
        self.create("needed")
        self.create("s_C0000001", "start= boot")
        self.create("disabled", "start= disabled")
        self.ntemu("shutdown")
        self.boot()
        self.assertEqual([line.split(":")[0] for line in self.log() if "loaded as" in line],
                         ["first", "second", "s_C0000001", "needed", "system", "auto"])
        self.check("query s_C0000001", status("s_C0000001", STOPPED, code=31))
        self.check("query disabled", status("disabled", STOPPED, code=NEVER))
        self.check("query auto", status("auto", RUNNING))


class Boots(ScTest):
    def test_a_machine_is_booted_when_none_runs(self):
        self.check("query Missing", "[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\n\n" + TEXTS[1060] + "\n\n", 1060,
                   "booted the machine in ")
        self.fails("query Missing", "EnumQueryServicesStatus:OpenService", 1060)

    def test_a_syntax_error_boots_nothing(self):
        self.assertEqual(self.sc("create").code, 1639 & 0xFF)
        self.assertFalse(self.machine.exists())

    def test_several_machines(self):
        image = self.build("status", STATUS_DRIVER)
        for name in ("one", "two"):
            self.addCleanup(self.ntemu, "shutdown", "--machine", self.place / name)
            outcome = self.sc(f"--machine {name} create Only{name} type= kernel binPath= '{image}'")
            self.assertEqual((outcome.code, outcome.output), (0, CREATED), outcome.text())
        self.fails("query Onetwo --machine one", "EnumQueryServicesStatus:OpenService", 1060)
        self.check("query Onlytwo --machine=two", status("Onlytwo", STOPPED, code=NEVER))
        for name in ("one", "two"):
            self.ntemu("shutdown", "--machine", name)

    def test_a_directory_that_cannot_be_one(self):
        (self.place / "file").touch()
        outcome = self.sc("query --machine file")
        self.assertNotEqual(outcome.code, 0)
        self.assertRegex(outcome.output, r"^\[SC\] OpenSCManager FAILED \d+:\n\n")
        self.assertIn("could not be booted", outcome.errors)


if __name__ == "__main__":
    unittest.main()
