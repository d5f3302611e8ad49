"""ntemu run, from DriverEntry to DriverUnload: what it prints and how it exits."""
import shutil
import subprocess
import unittest

from command_line import BIN, GUARD_SECONDS, HANG, PATIENT, STUCK, CommandLineTest, literal, plain_only, source


class DriverEntry(CommandLineTest):
    def fails(self, status: str, code: int, text: str):
        driver = self.build("refuse", source('DbgPrint("refusing\\n"); if (DriverObject) return %s;' % status))
        outcome = self.ntemu("run", driver)
        self.expect(outcome, code, "refusing", f"ntemu: DriverEntry failed: {text}")
        self.assertEqual(outcome.output, "refusing\n")

    def test_fails_unsuccessful(self):
        self.fails("STATUS_UNSUCCESSFUL", 31, r"status 0xC0000001 \(error 31: A device attached .*\)")

    def test_fails_access_denied(self):
        self.fails("STATUS_ACCESS_DENIED", 5, r"status 0xC0000022 \(error 5: Access is denied\.\)")

    def test_fails_with_an_error_above_a_byte(self):
        self.fails("STATUS_INSUFFICIENT_RESOURCES", 1450 & 0xff, r"status 0xC000009A \(error 1450: .*\)")

    def test_fails_with_a_status_of_its_own(self):
        self.fails("(NTSTATUS)0xE0000100", 1, r"status 0xE0000100 \(error 3758096640\)")  # the low byte is 0

    def test_fails_with_a_status_that_Win32_does_not_know(self):
        self.fails("(NTSTATUS)0xC000FFF0", 317 & 0xff, r"status 0xC000FFF0 \(error 317.*\)")

    def test_that_failed_is_not_unloaded(self):
        driver = self.build("refuse", source("if (DriverObject) return STATUS_UNSUCCESSFUL;", unload='DbgPrint("unloaded\\n");'))
        self.assertEqual(self.ntemu("run", driver).output, "")

    @plain_only
    @unittest.skipUnless(shutil.which("gdb"), "needs gdb")
    def test_in_gdb(self):
        driver = self.build("debugged", source('DbgPrint("debugged\\n");'))
        result = subprocess.run([BIN / "ntemu", "run", "--gdb", driver], input="frame\ncontinue\n", capture_output=True, text=True,
                                env=self.environment, timeout=GUARD_SECONDS, check=False)
        if "ptrace" in result.stderr:
            self.skipTest("nothing can be traced here")
        self.assertRegex(result.stdout, r"Breakpoint 1, DriverEntry \(")
        self.assertRegex(result.stdout, r"(?m)^debugged$")
        self.assertNotIn("(y or n)", result.stdout + result.stderr)

    def test_that_hangs(self):
        driver = self.build("hang", source("KEVENT Event; KeInitializeEvent(&Event, NotificationEvent, FALSE);"
                                           "KeWaitForSingleObject(&Event, UserRequest, KernelMode, FALSE, NULL);"))
        self.expect(self.ntemu("run", driver), HANG, "ntemu: DriverEntry has not returned: every thread of hang waits, and nothing .*",
                    r"  thread \d+ \(.*\) Waiting UserRequest for .*, on NotificationEvent 0x[0-9a-f]+")

    def test_that_sleeps_past_the_time_limit(self):
        driver = self.build("sleep", source("LARGE_INTEGER Time; Time.QuadPart = -36000000000LL;"
                                            "KeDelayExecutionThread(KernelMode, FALSE, &Time);"))
        outcome = self.ntemu("run", "--for", "100ms", "--json", driver)
        self.expect(outcome, HANG)
        self.assertIn("DriverEntry has not returned", self.result(outcome)["text"])


class DriverUnload(CommandLineTest):
    def test_does_not_run_while_a_device_is_open(self):
        driver = self.build("open", source(
            globals="""static NTSTATUS Complete(PDEVICE_OBJECT Device, PIRP Irp)
                       {
                           (void)Device;
                           Irp->IoStatus.Status = STATUS_SUCCESS;
                           Irp->IoStatus.Information = 0;
                           IoCompleteRequest(Irp, IO_NO_INCREMENT);
                           return STATUS_SUCCESS;
                       }""",
            entry="""UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\Device\\\\Own");
                     PDEVICE_OBJECT Device;
                     OBJECT_ATTRIBUTES Attributes;
                     IO_STATUS_BLOCK IoStatus;
                     HANDLE Handle;
                     DriverObject->MajorFunction[IRP_MJ_CREATE] = Complete;
                     IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
                     Device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
                     InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE, NULL, NULL);
                     DbgPrint("%08x\\n", ZwOpenFile(&Handle, GENERIC_READ, &Attributes, &IoStatus, 0, 0));""",
            unload='DbgPrint("unloaded\\n");'))
        outcome = self.ntemu("run", driver)
        self.expect(outcome, 0, "00000000", "ntemu: DriverUnload of open has not run: a device of it is still open")
        self.assertEqual(outcome.output, "00000000\n")


class Output(CommandLineTest):
    def test_of_DbgPrint_goes_to_standard_output(self):
        driver = self.build("print", source('DbgPrint("one %d %ws\\n", 1, L"zw\\u00f6lf"); DbgPrint("tw"); DbgPrint("o\\nthree");'))
        outcome = self.ntemu("run", driver)
        self.expect(outcome, 0)
        self.assertEqual((outcome.output, outcome.errors), ("one 1 zwölf\ntwo\nthree\n", ""))

    def test_may_have_no_reader(self):
        driver = self.build("print", source('for (int I = 0; I < 20000; I++) DbgPrint("line %d\\n", I);'))
        process = self.start("run", driver, until="line 0")
        process.stdout.close()
        process.stdout = None
        self.assertEqual(process.wait(timeout=120), 0)

    def test_of_a_result_as_JSON(self):
        driver = self.build("print", source('DbgPrint("hello\\n");'))
        outcome = self.ntemu("run", "--json", driver)
        self.expect(outcome, 0, "hello")
        self.assertEqual(self.result(outcome), {"driver": "print", "result": "done", "win32_error": 0, "ntstatus": "0x00000000",
                                                "text": "", "threads": []})

    def test_of_a_failure_as_JSON(self):
        driver = self.build("refuse", source("if (DriverObject) return STATUS_ACCESS_DENIED;"))
        outcome = self.ntemu("run", "--json", driver)
        result = self.result(outcome)
        self.assertEqual((outcome.code, outcome.errors), (5, ""))
        self.assertEqual((result["result"], result["win32_error"], result["ntstatus"]), ("failed", 5, "0xC0000022"))

    def test_of_a_trace(self):
        driver = self.build("trace", source("ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_PAGED, 4711, 'cart'), 'cart');"))
        outcome = self.ntemu("run", "--trace", driver)
        self.expect(outcome, 0, literal("ntemu: trace: ExAllocatePool2(0x100, 0x1267, 0x63617274)"),
                    r"ntemu: trace: ExFreePoolWithTag\(0x[0-9a-f]+, 0x63617274\)")
        self.assertNotIn("trace", self.ntemu("run", driver).errors)

    def test_names_the_service(self):
        driver = self.build("named", source('DbgPrint("%wZ\\n%wZ\\n", RegistryPath, &DriverObject->DriverName);'))
        for options, name in (([], "named"), (["--name", "Other"], "Other")):
            outcome = self.ntemu("run", *options, driver)
            self.assertEqual(outcome.output.splitlines(),
                             [f"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\{name}", f"\\Driver\\{name}"])


class Ending(CommandLineTest):
    def test_of_a_thread_that_waits_for_the_unload(self):
        driver = self.build("patient", PATIENT)
        outcome = self.ntemu("run", driver)
        self.expect(outcome, 0)
        self.assertEqual(outcome.output.splitlines(), ["patient: ready", "patient: stopping", "patient: unloaded"])
        self.assertEqual(outcome.errors, "")
        self.assertEqual(self.result(self.ntemu("run", "--json", driver))["result"], "done")

    def test_of_a_hang_names_the_owner(self):
        outcome = self.ntemu("run", self.build("stuck", STUCK))
        self.expect(outcome, HANG, "stuck: unload", "ntemu: every thread of stuck waits, and nothing will wake them:",
                    r"  thread \d+ \(stuck!Keeper\) Waiting UserRequest for .*, on NotificationEvent 0x[0-9a-f]+",
                    r"  thread \d+ \(stuck!Asker\) Waiting WrFastMutex for .*, on fast mutex event 0x[0-9a-f]+, owned by thread \d+")

    def test_of_a_hang_as_JSON(self):
        outcome = self.ntemu("run", "--json", self.build("stuck", STUCK))
        self.expect(outcome, HANG)
        result = self.result(outcome)
        self.assertEqual((result["result"], result["win32_error"]), ("hang", 1131))
        keeper, asker = sorted(result["threads"], key=lambda thread: thread["start"], reverse=True)
        self.assertEqual((keeper["start"], asker["start"]), ("stuck!Keeper", "stuck!Asker"))
        self.assertEqual((asker["object"]["owner"], asker["object"]["owner_id"]), (keeper["address"], keeper["id"]))
        self.assertIsNone(asker["timeout_seconds"])

    def test_after_a_time(self):
        sleeper = source("HANDLE Thread; Start(Sleeper, &Thread); ZwClose(Thread);", globals="""static VOID Sleeper(PVOID Context)
{
    LARGE_INTEGER Time;
    (void)Context;
    Time.QuadPart = -36000000000LL;
    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}""")
        outcome = self.ntemu("run", "--for", "100ms", "--json", self.build("sleeper", sleeper))
        result = self.result(outcome)
        self.assertEqual((outcome.code, result["result"], result["win32_error"]), (0, "time", 0), outcome.text())
        self.assertEqual([thread["wait_reason"] for thread in result["threads"]], ["DelayExecution"])
        self.assertEqual(result["text"], "1 threads of sleeper are left after 100ms:")

    def test_early_when_done_before_the_time(self):
        self.expect(self.ntemu("run", "--for", "1h", self.build("hello", source())), 0)

    def test_of_a_driver_that_cannot_be_unloaded(self):
        outcome = self.ntemu("run", self.build("stays", source('DbgPrint("here\\n");', unload=None)))
        self.expect(outcome, 0, "here", "ntemu: stays has no DriverUnload routine: it stays loaded until the machine ends")

    def test_keeps_what_the_machine_holds(self):
        driver = self.build("writer", source("""UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\DosDevices\\\\C:\\\\Temp\\\\new.txt");
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Io;
    HANDLE File;
    NTSTATUS Status;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = ZwCreateFile(&File, GENERIC_WRITE | SYNCHRONIZE, &Attributes, &Io, NULL, FILE_ATTRIBUTE_NORMAL, 0, FILE_CREATE,
                          FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0);
    if (!NT_SUCCESS(Status)) return Status;
    ZwWriteFile(File, NULL, NULL, NULL, &Io, "kept", 4, NULL, NULL);
    ZwClose(File);"""))
        run = ("run", "--machine", "m", "--mkdir", "Temp", driver)
        self.expect(self.ntemu(*run), 0)
        self.assertEqual((self.place / "m/drive_c/Temp/new.txt").read_bytes(), b"kept")
        self.expect(self.ntemu(*run), 183, r"ntemu: DriverEntry failed: status 0xC0000035 \(error 183: .*\)")
        self.assert_no_images()
        self.assertFalse((self.place / "m/control.sock").exists())


if __name__ == "__main__":
    unittest.main()
