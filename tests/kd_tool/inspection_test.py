"""kd's commands for locks, objects, pool, drivers and stops, on a running machine and on its dumps."""
import pathlib
import random
import re
import sys
import unittest

from inspection_driver import LOCKS
from kd_command import KdTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ntemu"))
from command_line import BUGCHECK, SANITIZED, source  # noqa: E402
from machines import MachinesTest, await_end  # noqa: E402

# Every command that tells of the machine as a whole.
ALL = ["!verifier", "!us", "!us locks", "!lt", "!lt -bk", "!lt -wf locks", "!tl -t", "!p", "!process 0 7", "!t", "!thread", "!WrResource",
       "!WrPushLock", "!Executive", "!UserRequest", "!DelayExecution", "!di", ".bugcheck", "!analyze -v", "!deadlock",
       "!deadlock --dot", "!locks -v", "!dpcs", "!timer", "!poolused 3", "!poolfind *", "!handle", "!object \\",
       "!drvobj locks 3", "!devobj \\Device\\Locks", "!mut locks!First", "!evt locks!Event", "!sem locks!Semaphore",
       "!obj locks!Second", "!obj -waiters locks!Resource", "!pushlock locks!PushLock", "!pool poi(locks!Small)",
       "!pool poi(locks!Large)", "!ddt nt!_KTHREAD @$thread", "!ddt -r2 nt!_KMUTANT locks!First"]


class InspectionTest(MachinesTest, KdTest):
    def setUp(self):
        super().setUp()
        self.boot()
        driver = self.build("locks", LOCKS)
        self.expect(self.tool("sc", "create", "Locks", "type=", "kernel", "binPath=", driver), 0)
        self.expect(self.tool("sc", "start", "Locks"), 0)
        for reason, start in (("Executive", "FirstThenSecond"), ("Executive", "SecondThenFirst"), ("WrResource", "ResourceReader"),
                              ("WrPushLock", "PushWriter"), ("WrMutex", "ManyWaiter"), ("DelayExecution", "Sleeper"),
                              ("Executive", "SemaphoreWaiter"), ("UserRequest", "Owner")):
            outcome = self.ntemu("wait", "--reason", reason, "--start", start, "--timeout", "60s")
            self.assertEqual(outcome.code, 0, f"{start}: {outcome.text()}\n{self.log()}")

    def both(self):
        """Options for the machine, and for a dump of it."""
        yield ()
        yield "-z", self.dump(), "-y", self.place

    def one(self, command: str, *which: object) -> dict:
        (told,) = self.json(command, *which)
        self.assertNotIn("errors", told, told)
        return told

    def address(self, symbol: str, *which: object) -> str:
        return f"{self.one('? locks!' + symbol, *which)['value']:016x}"

    def pointer(self, symbol: str, *which: object) -> str:
        return f"{self.one(f'? poi(locks!{symbol})', *which)['value']:016x}"

    def start_of(self, start: str, *which: object) -> str:
        return self.thread(f"locks!{start}", *which)


class Locks(InspectionTest):
    def test_resources(self):
        for which in self.both():
            owner, reader = self.start_of("Owner", *which), self.start_of("ResourceReader", *which)
            told = self.one("!locks", *which)
            (resource,) = told["resources"]
            self.assertEqual((told["total"], told["held"]), (1, 1))
            self.assertEqual(resource["address"], self.address("Resource", *which))
            self.assertTrue(resource["exclusive"])
            self.assertEqual(resource["owners"], [{"thread": owner, "count": 1}])
            self.assertEqual((resource["contention"], resource["waiting_shared"]), (1, [reader]))
            text = self.text("!locks locks!Resource", *which)
            self.assertRegex(text, rf"(?m)^Resource @ locks!Resource \(0x{resource['address']}\)    Exclusively owned$")
            self.assertRegex(text, rf"(?m)^     Threads: {owner}-01<\*> $")
            self.assertIn("    NumberOfSharedWaiters = 1\n", text)
            (row,) = self.one("!WrResource", *which)["threads"]
            self.assertEqual((row["thread"], row["waiting_on"]), (reader, f"Owning Thread: {owner}"))
            self.assertTrue(row["wait_function"].startswith("nt!ExAcquireResourceSharedLite+"), row)

    def test_push_lock(self):
        for which in self.both():
            owner, writer = self.start_of("Owner", *which), self.start_of("PushWriter", *which)
            told = self.one("!pushlock locks!PushLock", *which)
            self.assertEqual(told["state"], "exclusive")
            self.assertEqual([(one["thread"], one["site"].partition("+")[0]) for one in told["owners"]], [(owner, "locks!Owner")])
            self.assertEqual(told["queue"], [{"thread": writer, "exclusive": True}])
            (row,) = self.one("!WrPushLock", *which)["threads"]
            self.assertEqual((row["thread"], row["waiting_on"]), (writer, f"Owning Thread: {owner}"))
            (block,) = self.one(f"!t {writer}", *which)["wait_blocks"]
            self.assertEqual(block["info"], f"Push Lock: {self.address('PushLock', *which)}")

    def test_deadlock_of_two_mutexes(self):
        for which in self.both():
            one, two = self.start_of("FirstThenSecond", *which), self.start_of("SecondThenFirst", *which)
            told = self.one("!deadlock", *which)
            (cycle,) = told["cycles"]
            self.assertEqual({(row["thread"], row["owner"], row["lock"]) for row in cycle["threads"]},
                             {(one, two, self.address("Second", *which)), (two, one, self.address("First", *which))})
            self.assertIn("Deadlock detected (2 resources in 2 threads):\n", self.text("!deadlock", *which))
            # Threads that wait for one of a cycle are in none themselves.
            waits = {row["type"] for wait in told["waits"] for row in wait["threads"]}
            self.assertEqual(waits, {"Resource (shared)", "Push Lock", "Mutant"})
            blocked = {row["thread"] for row in self.one("!lt -bk", *which)["threads"]}
            names = ("ResourceReader", "PushWriter", "ManyWaiter", "FirstThenSecond", "SecondThenFirst")
            self.assertEqual(blocked, {self.start_of(name, *which) for name in names})


class Objects(InspectionTest):
    def test_what_is_waited_for(self):
        for which in self.both():
            waiter, many = self.start_of("SemaphoreWaiter", *which), self.start_of("ManyWaiter", *which)
            told = self.one("!sem locks!Semaphore", *which)
            fields = {field["name"]: field.get("value") for field in told["fields"]}
            self.assertEqual((fields["Limit"], told["waiters"]), (7, 2))
            rows = self.one("!obj -waiters locks!Semaphore", *which)["threads"]
            self.assertEqual([row["thread"] for row in rows], [waiter, many])
            self.assertEqual(self.one("!evt locks!Event", *which)["waiters"], 1)
            mutex = self.one("!mut locks!Second", *which)
            self.assertEqual((mutex["waiters"], mutex["owner"]), (1, self.start_of("SecondThenFirst", *which)))
            blocks = self.one(f"!t {many}", *which)["wait_blocks"]
            self.assertEqual([block["object"] for block in blocks],
                             [self.address(name, *which) for name in ("Event", "Semaphore", "First", "Never")])
            self.assertEqual([block["type"] for block in blocks],
                             ["SynchronizationEvent", "Semaphore", "Mutant", "NotificationEvent"])
            self.assertEqual(blocks[1]["info"], "Limit: 7")

    def test_the_wrong_kind_is_told(self):
        text = self.text("!mut locks!Event")
        self.assertIn("is no Mutant, but a SynchronizationEvent\n", text)
        self.assertIn("cannot be read", self.kd("-c", "!mut 10", succeeds=False).output)
        self.assertIn("it is no thread", self.kd("-c", "!t 10", succeeds=False).output)

    def test_filters(self):
        sleeper = self.start_of("Sleeper")
        for command in ("!lt -wr DelayExecution", "!lt -wf locks!Sleeper", "!DelayExecution", "!mex.lt -s waiting -wr Delay*"):
            self.assertEqual([row["thread"] for row in self.one(command)["threads"]], [sleeper], command)
        self.assertEqual(self.one("!us no such text")["matching"], 0)

    def test_names_handles_drivers_devices(self):
        for which in self.both():
            driver = self.one("!drvobj Locks 3", *which)
            self.assertEqual((driver["name"], len(driver["dispatch"]), len(driver["devices"])), ("\\Driver\\Locks", 28, 1))
            self.assertEqual(driver["dispatch"][0], {"major": "IRP_MJ_CREATE", "function": "nt!IopInvalidDeviceRequest"})
            device = self.one("!devobj \\Device\\Locks", *which)
            self.assertEqual((device["device"], device["driver"], device["name"]), (driver["devices"][0], driver["driver"], "Locks"))
            self.assertEqual((device["type"], device["characteristics"], device["busy"]), (0x22, 0x100, False))
            self.assertEqual(self.one("!drvobj \\Driver\\Locks", *which)["driver"], driver["driver"])
            found = self.one("!object \\Device", *which)["entries"]
            self.assertIn({"object": device["device"], "type": "Device", "name": "Locks"}, found)
            handle = int(self.pointer("EventHandle", *which), 16)
            (entry,) = self.one(f"!handle {handle:x}", *which)["entries"]
            self.assertEqual((entry["type"], entry["handles"], entry["handle"]), ("Event", 1, handle & 0x7fffffff))
            self.assertIn("dt nt!_KEVENT", self.text(f"!obj {entry['object']}", *which))
            self.assertIn("not found", self.kd(*which, "-c", "!object \\Device\\None", succeeds=False).output)

    def test_timers(self):
        for which in self.both():
            rows = self.one("!timer", *which)["timers"]
            (row,) = [row for row in rows if row["timer"] == self.address("Timer", *which)]
            self.assertEqual((row["target"], row["period_milliseconds"]), ("locks!OnTimer", 250))
            self.assertGreater(row["seconds_left"], 3000)
            self.assertLessEqual(row["seconds_left"], 3600)


class Pool(InspectionTest):
    def test_tags_and_blocks(self):
        for which in self.both():
            rows = {row["tag"].strip(): row for row in self.one("!poolused Kdc?", *which)["tags"]}
            self.assertEqual((rows["Kdc1"]["nonpaged_allocs"], rows["Kdc1"]["nonpaged_bytes"]), (1, 100))
            self.assertEqual((rows["Kdc2"]["paged_allocs"], rows["Kdc2"]["paged_bytes"]), (1, 10000))
            self.assertNotIn("Kdc3", rows)
            self.assertIn("Kdc3", {row["tag"].strip() for row in self.one("!poolused 1 Kdc?", *which)["tags"]})
            blocks = {row["tag"]: row for row in self.one("!poolfind Kdc*", *which)["blocks"]}
            self.assertEqual({tag: row["bytes"] for tag, row in blocks.items()}, {"Kdc1": 100, "Kdc2": 10000})
            self.assertTrue(all(row["site"].startswith("locks!DriverEntry+") for row in blocks.values()), blocks)
            for symbol, tag, state in (("Small", "Kdc1", "allocated"), ("Large", "Kdc2", "allocated"), ("Freed", "Kdc3", "free")):
                (block,) = [row for row in self.one(f"!pool poi(locks!{symbol})", *which)["blocks"] if row["wanted"]]
                self.assertEqual((block["tag"], block["state"]), (tag, state))
            self.assertIn("not a pool address", self.kd(*which, "-c", "!pool locks!Small", succeeds=False).output)


class Verified(MachinesTest, KdTest):
    def test_drivers_and_options(self):
        self.boot()
        self.assertIn("No driver is verified.\n", self.text("!verifier"))
        driver = self.build("locks", LOCKS)
        self.expect(self.tool("sc", "create", "Locks", "type=", "kernel", "binPath=", driver), 0)
        self.tool("verifier", "/flags", "0x9", "/driver", "locks.sys")
        self.expect(self.tool("sc", "start", "Locks"), 0)
        dump = self.dump()
        for which in ((), ("-z", dump)):
            (told,) = self.json("!verifier", *which)
            self.assertEqual([(row["name"], row["flags"]) for row in told["drivers"]], [("locks.sys", 9)])
            self.assertEqual({row["name"] for row in told["flags"] if row["enabled"]}, {"Special pool", "Pool tracking"})
            (block,) = self.json("!pool poi(locks!Small)", *which, "-y", self.place)[0]["blocks"]
            self.assertEqual((block["tag"], block["bytes"], block["state"]), ("Kdc1", 100, "allocated"))


class Control(InspectionTest):
    def test_dump(self):
        path = self.place / "own.dmp"
        self.assertIn("Dump successfully written\n", self.text(f".dump /f {path}"))
        self.assertIn("it exists", self.kd("-c", f".dump /f {path}", succeeds=False).output)
        self.assertIn("Dump successfully written\n", self.text(f".break; .dump /o /f {path}; .go"))
        self.assertEqual(self.text("!us locks", "-z", path, "-y", self.place), self.text("!us locks"))
        self.assertIn("this is a dump", self.kd("-z", path, "-c", ".crash", succeeds=False).output)

    def test_crash(self):
        self.assertIn("MANUALLY_INITIATED_CRASH", self.text(".crash"))
        dump = self.m / "MEMORY.DMP"
        told = self.one("!analyze -v", "-z", dump)
        self.assertEqual((told["name"], told["code"]), ("MANUALLY_INITIATED_CRASH", 0xe2))
        self.assertIn("Bugcheck: E2 (0, 0, 0, 0)\n", self.text("!di", "-z", dump))
        self.assertIn("Bugcheck code 000000E2\n", self.text(".bugcheck", "-z", dump))


class Analysis(MachinesTest, KdTest):
    def stop(self, name: str, text: str) -> tuple:
        machine = self.boot()
        self.expect(self.tool("sc", "create", name, "type=", "kernel", "binPath=", self.build(name, text)), 0)
        self.tool("sc", "start", name)
        await_end(machine["pid"], machine["supervisor"])
        return "-z", self.m / "MEMORY.DMP", "-y", self.place

    def test_a_lock_that_is_kept(self):
        text = source(globals="""static KMUTEX Kept;
static HANDLE Thread;
static VOID Leaver(PVOID Context)
{
    (void)Context;
    KeWaitForSingleObject(&Kept, Executive, KernelMode, FALSE, NULL);
}""", entry="""KeInitializeMutex(&Kept, 0);
    Start(Leaver, &Thread);
    ZwWaitForSingleObject(Thread, FALSE, NULL);""")
        which = self.stop("leaver", text)
        (told,) = self.json("!analyze -v", *which)
        self.assertEqual(told["name"], "KERNEL_APC_PENDING_DURING_EXIT")
        ((kind, site),) = [(row["kind"], row["site"].partition("+")[0]) for row in told["locks"]]
        self.assertEqual((kind, site), ("Mutex", "leaver!Leaver"))

    def test_a_block_that_is_freed_twice(self):
        text = source(globals="PVOID Block;", entry="""Block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 40, 'ciwT');
    ExFreePool(Block);
    ExFreePool(Block);""")
        which = self.stop("twice", text)
        (told,) = self.json("!analyze -v", *which)
        self.assertEqual((told["name"], told["module"], told["image"]), ("BAD_POOL_CALLER", "twice", "twice.sys"))
        ((tag, state),) = [(row["tag"], row["state"]) for row in told["pool"]]
        self.assertEqual((tag, state), ("Twic", "freed"))
        self.assertIn("Probably caused by : twice.sys ( twice!DriverEntry+", self.text("!analyze", *which))

    def test_an_access_violation(self):
        which = self.stop("wild", source(entry="*(volatile ULONG *)(ULONG_PTR)0x18 = 1;"))
        (told,) = self.json("!analyze -v", *which)
        self.assertEqual((told["module"], told["exception"]), ("wild", 0xc0000005))
        self.assertTrue(told["stack"][0]["call_site"].startswith("wild!DriverEntry"), told["stack"])
        self.assertEqual(told["stack"][0]["address"], told["instruction"])


class Damage(InspectionTest):
    def test_no_command_ends_kd(self):
        """Each of them tells what it can of a dump in which anything may be anything."""
        original = self.dump().read_bytes()
        for seed in range(6):
            chance = random.Random(seed)
            damaged = bytearray(original)
            # What is there, not the holes; headers and notes are another test's.
            for _ in range(20_000):
                at = chance.randrange(0x10000, len(damaged) - 8) & ~7
                if damaged[at:at + 8] != bytes(8):
                    damaged[at:at + 8] = chance.choice((bytes(8), chance.randbytes(8), b"\xff" * 8, damaged[at - 8:at]))
            path = self.place / "damaged.dmp"
            path.write_bytes(damaged)
            outcome = self.tool("kd", "-z", path, "-y", self.place, "-c", "; ".join(ALL))
            self.assertIn(outcome.code, (0, 1), f"seed {seed}: {outcome.text()[-2000:]}")
            self.assertEqual(outcome.errors, "", f"seed {seed}")

    def test_every_command_tells_the_same_of_a_dump_as_of_the_machine(self):
        path = self.dump()
        for command in ALL:
            if command.startswith(("!di", "!analyze", ".bugcheck", "!us", "!process", "!p", "!lt", "!thread", "!t", "!poolused", "!tl")):
                continue  # what only one of them has: the host, the threads that answer kd's questions
            # Times pass, and columns are as wide as they are.
            live, dead = (re.sub(r"[ =]+", " ", re.sub(r"\b\d[0-9hms:.]*", "N", text)) for text in
                          (self.text(command), self.text(command, "-z", path, "-y", self.place)))
            self.assertEqual(live, dead, command)


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: the sanitizer's own frames and names are not what is looked at here")
        raise SystemExit(77)
    unittest.main()
