"""ntemu threads and ntemu wait: what they say of a running machine, and how they find it."""
import contextlib
import json
import os
import stat
import unittest

from command_line import BUSY, CANCELLED, STUCK, CommandLineTest, source

NOT_FOUND = 1168 & 0xff
TIMEOUT = 258 & 0xff
AMBIGUOUS = 87
# A driver like STUCK for which the machine goes on, because a third thread keeps looking whether it is to end.
HELD = STUCK.replace("static VOID Asker", """static VOID Watch(PVOID Context)
{
    LARGE_INTEGER Time;
    (void)Context;
    Time.QuadPart = -36000000000LL;
    KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, &Time);
}
static VOID Asker""", 1).replace("Start(Asker,", "Start(Watch, &Threads[2]);\n    Start(Asker,").replace("Threads[2];", "Threads[3];", 1).replace(
    'DbgPrint("stuck: unload\\n");', """KeSetEvent(&Never, 0, FALSE);
    for (int I = 0; I < 3; I++) {
        ZwWaitForSingleObject(Threads[I], FALSE, NULL);
        ZwClose(Threads[I]);
    }
    DbgPrint("stuck: unload\\n");""")


class Inspection(CommandLineTest):
    def held(self, *options: object):
        return self.start("run", *options, self.build("held", HELD), until="stuck: ready")

    def wait_for_both(self, *which: object):
        self.expect(self.ntemu("wait", *which, "--threads", 1, "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        self.expect(self.ntemu("wait", *which, "--threads", 1, "--reason", "UserRequest", "--start", "Keeper", "--timeout", "60s"), 0)

    def release(self, process):
        self.expect(self.interrupt(process), CANCELLED, "stuck: unload")


class Threads(Inspection):
    def test_table(self):
        process = self.held()
        self.wait_for_both()
        outcome = self.ntemu("threads")
        self.expect(outcome, 0, r" +Id Thread +State +Reason +Time +Object +Start",
                    r" +\d+ 0x[0-9a-f]+ +Waiting +UserRequest +\S+ +NotificationEvent +held!Keeper",
                    r" +\d+ 0x[0-9a-f]+ +Waiting +WrFastMutex +\S+ +SynchronizationEvent owner \d+ +held!Asker",
                    r" +\d+ 0x[0-9a-f]+ +Waiting +Executive +\S+ +NotificationEvent +held!Watch")
        self.release(process)

    def test_JSON(self):
        process = self.held()
        self.wait_for_both()
        outcome = self.ntemu("threads", "--json")
        self.expect(outcome, 0)
        threads = {thread["start"]: thread for thread in json.loads(outcome.output)}
        keeper, asker, watch = (threads[f"held!{name}"] for name in ("Keeper", "Asker", "Watch"))
        self.assertEqual((asker["state"], asker["wait_reason"], asker["kernel"]), ("Waiting", "WrFastMutex", False))
        self.assertEqual((asker["object"]["owner"], asker["object"]["owner_id"]), (keeper["address"], keeper["id"]))
        self.assertEqual(asker["object"]["contention"], 1)
        self.assertIsNone(keeper["timeout_seconds"])
        self.assertGreater(watch["timeout_seconds"], 3000)
        self.assertLessEqual(watch["timeout_seconds"], 3600)
        self.assertGreaterEqual(asker["wait_seconds"], 0)
        self.release(process)


class Wait(Inspection):
    def test_for_rest(self):
        process = self.held()
        outcome = self.ntemu("wait", "--timeout", "60s")
        self.expect(outcome, 0)
        self.assertEqual((outcome.output, outcome.errors), ("", ""))
        self.release(process)

    def test_for_threads_of_one_reason(self):
        text = HELD.replace("Start(Watch,", "Start(Asker,").replace("static VOID Watch", "__attribute__((unused)) static VOID Watch")
        text = text.replace('DbgPrint("stuck: ready\\n");', 'HANDLE Thread; Start(Watch, &Thread); DbgPrint("stuck: ready\\n");')
        process = self.start("run", self.build("held", text), until="stuck: ready")
        self.expect(self.ntemu("wait", "--threads", 2, "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        outcome = self.ntemu("threads", "--json")
        self.assertEqual(sum(thread.get("wait_reason") == "WrFastMutex" for thread in json.loads(outcome.output)), 2)
        self.release(process)

    def test_gives_up_after_the_time(self):
        process = self.held()
        self.wait_for_both()
        outcome = self.ntemu("wait", "--threads", 2, "--reason", "WrFastMutex", "--timeout", "10ms")
        self.expect(outcome, TIMEOUT, "ntemu: the condition did not come true in time", ".* WrFastMutex .* held!Asker")
        outcome = self.ntemu("wait", "--reason", "WrPushLock", "--timeout", "0", "--json")
        self.expect(outcome, TIMEOUT)
        self.assertIn("held!Asker", [thread["start"] for thread in json.loads(outcome.output)])
        self.release(process)

    def test_ends_with_the_machine(self):
        process = self.held()
        waiter = self.background("wait", "--reason", "WrPushLock")
        # Its connection is the machine's second socket beside the one that listens.
        while self.sockets(process.pid) < 2:
            self.assertIsNone(waiter.poll())
        self.release(process)
        # It is told so, or finds the connection closed.
        self.assertIn(self.ended(waiter).code, (TIMEOUT, 31))

    @staticmethod
    def sockets(pid: int) -> int:
        count = 0
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed since
                count += os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
        return count


class Finding(Inspection):
    def test_no_machine(self):
        for command in ("threads", "wait"):
            self.expect(self.ntemu(command), NOT_FOUND, "ntemu: no machine runs; start one with 'ntemu boot' or 'ntemu run'")

    def test_no_such_machine(self):
        self.expect(self.ntemu("threads", "--pid", 1), NOT_FOUND, "ntemu: no machine answers at .*/1.sock")
        self.expect(self.ntemu("wait", "--machine", "none"), NOT_FOUND, "ntemu: no machine answers at none/control.sock")

    def test_by_directory_and_by_process(self):
        process = self.held("--machine", "m")
        for which in (["--machine", "m"], ["--machine", self.place / "m"], ["--pid", process.pid], []):
            self.expect(self.ntemu("threads", *which), 0, ".*held!Keeper")
        self.release(process)

    def test_in_a_directory_of_a_long_name(self):
        long = self.place / ("long" * 40)
        process = self.held("--machine", long)
        self.expect(self.ntemu("threads", "--machine", long), 0, ".*held!Keeper")
        self.release(process)

    def test_among_two(self):
        first = self.held("--machine", "m")
        second = self.start("run", self.build("busy", BUSY), until="busy: ready")
        self.expect(self.ntemu("threads"), AMBIGUOUS, "ntemu: several machines run: choose one with --machine or --pid")
        self.expect(self.ntemu("threads", "--pid", second.pid), 0, ".*busy!Worker")
        self.expect(self.ntemu("threads", "--machine", "m"), 0, ".*held!Keeper")
        self.release(first)
        self.expect(self.ntemu("threads"), 0, ".*busy!Worker")
        self.expect(self.interrupt(second), CANCELLED, "busy: unloaded")

    def test_is_for_the_same_user_only(self):
        first = self.held("--machine", "m")
        second = self.start("run", self.build("busy", BUSY), until="busy: ready")
        self.wait_for_both("--machine", "m")
        self.assertEqual(self.mode(self.runtime / "ntemu"), 0o700)
        for path in (self.place / "m/control.sock", self.runtime / f"ntemu/{second.pid}.sock"):
            self.assertTrue(stat.S_ISSOCK(path.lstat().st_mode))
            self.assertEqual(self.mode(path), 0o600)
        self.release(first)
        self.expect(self.interrupt(second), CANCELLED, "busy: unloaded")

    @staticmethod
    def mode(path) -> int:
        return stat.S_IMODE(path.lstat().st_mode)

    def test_a_directory_that_is_not_its_own_is_refused(self):
        (self.runtime / "elsewhere").mkdir()
        (self.runtime / "ntemu").symlink_to("elsewhere")
        outcome = self.ntemu("run", self.build("hello", source()))
        self.expect(outcome, 0, "ntemu: .*/ntemu is not a directory of this user; 'ntemu threads' and 'ntemu wait' cannot reach this machine")
        (self.runtime / "elsewhere").rmdir()


if __name__ == "__main__":
    unittest.main()
