"""ntemu deadlocks: what it says of a machine whose threads wait for each other, and of one that runs."""
import json
import unittest

from command_line import BUSY, CANCELLED, HANG, CommandLineTest, source

NOT_FOUND = 1168 & 0xff
# A thread that acquires a fast mutex twice, in a machine that goes on.
TWICE = BUSY.replace("static VOID Worker", """static FAST_MUTEX Lock;
static VOID Twice(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Lock);
    ExAcquireFastMutex(&Lock);
}
static VOID Worker""", 1).replace("    Start(Worker, &Thread);", """    HANDLE Other;
    ExInitializeFastMutex(&Lock);
    Start(Twice, &Other);
    Start(Worker, &Thread);""", 1)
ALONE = source(globals=TWICE[TWICE.index("static FAST_MUTEX"):TWICE.index("static VOID Worker")],
               entry="HANDLE Other; ExInitializeFastMutex(&Lock); Start(Twice, &Other);", unload=None)
REPORT = [r"Deadlock detected \(1 resource in 1 thread\):", "Thread 0: A A", "Where:", "Thread 0 = [0-9a-f]{16}",
          "Lock A = [0-9a-f]{16} Type 'FastMutex'", r"Thread 0 is \d+ \(twice!Twice\)",
          r"  acquired A at twice!Twice\+0x[0-9a-f]+ \(.*driver\.c @ 7\)",
          r"  waits for A at twice!Twice\+0x[0-9a-f]+ \(.*driver\.c @ 8\)"]


class Deadlocks(CommandLineTest):
    def test_of_a_machine_that_goes_on(self):
        process = self.start("run", self.build("twice", TWICE), until="busy: ready")
        self.expect(self.ntemu("wait", "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        outcome = self.ntemu("deadlocks")
        self.assertEqual(outcome.code, 0, outcome.text())
        lines = outcome.output.splitlines()
        self.assertEqual(len(lines), len(REPORT), outcome.output)
        for line, wanted in zip(lines, REPORT):
            self.assertRegex(line, f"^{wanted}$")
        reply = json.loads(self.ntemu("deadlocks", "--json", "--pid", process.pid).output)
        self.assertEqual([cycle["text"] for cycle in reply["cycles"]], [lines])
        [thread] = reply["cycles"][0]["threads"]
        self.assertEqual((thread["wants"]["type"], thread["wants"]["lock"]), ("FastMutex", thread["has"]["lock"]))
        self.assertEqual(reply["inversions"], [])
        dot = self.ntemu("deadlocks", "--dot").output
        self.assertRegex(dot, r'^digraph deadlocks \{\n(  .*;\n){4}\}\n$')
        self.expect(self.interrupt(process), CANCELLED)

    def test_of_one_without(self):
        process = self.start("run", self.build("busy", BUSY), until="busy: ready")
        outcome = self.ntemu("deadlocks")
        self.assertEqual((outcome.code, outcome.output), (0, "No deadlock.\n"))
        self.expect(self.interrupt(process), CANCELLED)

    def test_of_none(self):
        self.expect(self.ntemu("deadlocks"), NOT_FOUND, "ntemu: no machine runs; .*")

    def test_are_told_by_run(self):
        outcome = self.ntemu("run", self.build("twice", ALONE))
        self.assertEqual(outcome.code, HANG, outcome.text())
        for wanted in REPORT[:3]:
            self.assertRegex(outcome.errors, f"(?m)^ntemu: deadlock: {wanted}$")


if __name__ == "__main__":
    unittest.main()
