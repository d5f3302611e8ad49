"""Requests to a device from outside: what comes back, what is refused, and those that never end."""
import json
import os
import pathlib
import unittest

from command_line import BUGCHECK, source
from machines import NOT_ACTIVE, MachinesTest

DRIVERS = pathlib.Path(os.environ["NTEMU_DRIVERS"])
INVALID_PARAMETER = 87
DEVICE = r"\Device\NtemuIoctl"
UPPERCASE, FILL, STATISTICS, WAIT, WAKE = "0x222000", "0x226006", "0x222010", "0x222014", "0x222018"
WIDE_OPEN = 0x222ffc


class Ioctl(MachinesTest):
    def setUp(self):
        super().setUp()
        self.boot()
        self.expect(self.tool("sc", "create", "ioctl", "type=", "kernel", "binPath=", DRIVERS / "ioctl.sys"), 0)
        self.expect(self.tool("sc", "start", "ioctl"), 0)

    def ioctl(self, *arguments: object):
        return self.ntemu("ioctl", *arguments)

    def answer(self, *arguments: object) -> dict:
        outcome = self.ioctl("--json", *arguments)
        return {"code": outcome.code, **json.loads(outcome.output)}

    def test_output(self):
        outcome = self.ioctl(DEVICE, UPPERCASE, "--input", "61 62 637e00", "--output-length", 8)
        self.assertEqual((outcome.code, outcome.output, outcome.errors),
                         (0, f"status 0x00000000 STATUS_SUCCESS, information 5\n0000  {'41 42 43 7e 00':<48} ABC~.\n", ""))

    def test_output_of_several_rows(self):
        outcome = self.ioctl(DEVICE, FILL, "--input", "5A", "--output-length", 20)
        self.assertEqual(outcome.output.splitlines()[1:], [f"0000  {'5a ' * 16} {'Z' * 16}", f"0010  {'5a ' * 4:<48} ZZZZ"])

    def test_as_JSON_and_by_any_name(self):
        (self.place / "input").write_bytes(b"xyz")
        for name in (DEVICE, r"\\.\NtemuIoctl", r"\??\ntemuioctl", r"\DosDevices\NtemuIoctl", "NtemuIoctl"):
            with self.subTest(name):
                self.assertEqual(self.answer(name, UPPERCASE, "--input-file", "input", "--output-length", 3),
                                 {"code": 0, "status": "0x00000000", "status_name": "STATUS_SUCCESS", "information": 3, "output": "58595a"})

    def test_a_status_of_failure(self):
        outcome = self.ioctl(DEVICE, WIDE_OPEN)
        self.assertEqual((outcome.code, outcome.output, outcome.errors), (1, "", "status 0xC0000010 STATUS_INVALID_DEVICE_REQUEST, information 0\n"))
        self.assertEqual(self.answer(DEVICE, STATISTICS)["status_name"], "STATUS_BUFFER_TOO_SMALL")

    def test_refused(self):
        for arguments, code, text in (
                ((r"\Device\Nothing", UPPERCASE), 2, r"cannot open the device \Device\Nothing: STATUS_OBJECT_NAME_NOT_FOUND (error 2: "),
                (("", UPPERCASE), 0, "cannot open the device "),
                ((DEVICE, "0x22200g"), INVALID_PARAMETER, "'0x22200g' is no control code: a number like 0x222000 (error 87: "),
                ((DEVICE, "0x1ffffffff"), INVALID_PARAMETER, "'0x1ffffffff' is no control code"),
                ((DEVICE, UPPERCASE, "--input", "6"), INVALID_PARAMETER, "'6' is not hexadecimal: pairs of digits, like 01ff (error 87: "),
                ((DEVICE, UPPERCASE, "--input", "xy"), INVALID_PARAMETER, "'xy' is not hexadecimal"),
                ((DEVICE, UPPERCASE, "--input-file", "none"), 2, "cannot read none"),
                ((DEVICE, UPPERCASE, "--output-length", 1 << 20), INVALID_PARAMETER, "the output may have 262144 bytes at most"),
                (("x" * 40000, UPPERCASE), 206, "the device's name is too long: STATUS_NAME_TOO_LONG")):
            with self.subTest(arguments):
                outcome = self.ioctl(*arguments)
                self.assertEqual(outcome.output, "")
                self.assertTrue(outcome.errors.startswith(f"ntemu: {text}"), outcome.text())
                if code:
                    self.assertEqual(outcome.code, code, outcome.text())
        self.assertEqual(self.answer(r"\Device\Nothing", UPPERCASE)["ntstatus"], "0xC0000034")

    def test_without_a_machine(self):
        self.shut_down()
        self.assertEqual(self.ioctl(DEVICE, UPPERCASE).code, 144)

    def wait_in_device(self):
        process = self.background("ioctl", DEVICE, WAIT, "--output-length", 4)
        self.expect(self.ntemu("wait", "--threads", 1, "--start", "DeviceControlThread", "--timeout", "60s"), 0)
        return process

    def test_one_that_waits_until_another_wakes_it(self):
        process = self.wait_in_device()
        self.expect(self.ioctl(DEVICE, WAKE, "--input", "01020304"), 0)
        self.expect(self.ended(process), 0, "status 0x00000000 STATUS_SUCCESS, information 4", "0000  01 02 03 04 .*")

    def test_one_that_waits_when_the_machine_is_shut_down(self):
        process = self.wait_in_device()
        self.shut_down()
        self.assertNotEqual(self.ended(process).code, 0)

    def test_one_that_waits_when_the_machine_is_killed(self):
        process = self.wait_in_device()
        self.kill(self.status()["pid"])
        outcome = self.ended(process)
        self.expect(outcome, 31, "ntemu: the machine stopped while the request was under way: .*killed by signal 9.*")
        self.assertTrue(self.lock_is_free(self.m))

    def test_one_that_stops_the_machine(self):
        text = source(globals="""static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\Device\\\\Stop");
static NTSTATUS Open(PDEVICE_OBJECT Device, PIRP Irp)
{
    (void)Device;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
static NTSTATUS Stop(PDEVICE_OBJECT Device, PIRP Irp) { KeBugCheckEx(0xE2, (ULONG_PTR)Irp - (ULONG_PTR)Irp, 2, (ULONG_PTR)Device * 0, 4); }""",
                      entry="""PDEVICE_OBJECT Device;
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Open;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Stop;""", unload=None)
        driver = self.build("stopping", text)
        self.expect(self.tool("sc", "create", "stopping", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "stopping"), 0)
        outcome = self.ioctl("--json", r"\Device\Stop", "0x222000")
        self.assertEqual(outcome.code, BUGCHECK, outcome.text())
        self.assertEqual(json.loads(outcome.output)["last_stop"]["code"], "0x000000e2")

    def test_of_a_machine_that_runs_one_driver(self):
        self.shut_down()
        self.assertEqual(self.ntemu("status").code, NOT_ACTIVE)
        driver = self.build("open", source(globals="""static UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\\\Device\\\\Open");
static KEVENT Asked;
static HANDLE Thread;
static VOID Wait(PVOID Context)
{
    LARGE_INTEGER Delay;
    Delay.QuadPart = -100000;
    (void)Context;
    while (KeWaitForSingleObject(&Asked, Executive, KernelMode, FALSE, &Delay) == STATUS_TIMEOUT) {
    }
}
static NTSTATUS Answer(PDEVICE_OBJECT Device, PIRP Irp)
{
    (void)Device;
    if (IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL) KeSetEvent(&Asked, 0, FALSE);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}""", entry="""PDEVICE_OBJECT Device;
    KeInitializeEvent(&Asked, NotificationEvent, FALSE);
    IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = DriverObject->MajorFunction[IRP_MJ_CLOSE] = Answer;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Answer;
    Start(Wait, &Thread);
    DbgPrint("ready\\n");""", unload="IoDeleteDevice(DriverObject->DeviceObject);"))
        process = self.start("run", driver, until="ready")
        self.expect(self.ntemu("ioctl", "--pid", process.pid, r"\Device\Open", "0x222000"), 0)
        self.assertEqual(self.ended(process).code, 0)


if __name__ == "__main__":
    unittest.main()
