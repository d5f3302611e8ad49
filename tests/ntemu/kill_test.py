"""kill -9 at random moments while a client changes services and drives: what was acknowledged is there at the next boot."""
import contextlib
import json
import os
import pathlib
import random
import signal
import sys
import threading
import unittest

from command_line import GUARD_SECONDS, PATIENT
from machine import FULL, complaints
from machines import MachinesTest, await_end, mounts_below

SEED = int(os.environ.get("NTEMU_TEST_SEED", "20271"))
ROUNDS = 200 if FULL else 20
START = {"auto": 2, "demand": 3, "disabled": 4}


class Model:
    """What the hive has to hold: {service: (start type, display name)} and {drive: directory}."""

    def __init__(self, services=(), drives=()):
        self.services = dict(services)
        self.drives = dict(drives)

    def copy(self):
        return Model(self.services, self.drives)

    def __eq__(self, other):
        return (self.services, self.drives) == (other.services, other.drives)

    def __repr__(self):
        return f"{self.services} {self.drives}"


class Kill(MachinesTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.driver = self.build("patient", PATIENT)
        self.model = Model()
        self.names = 0
        self.acknowledged = self.unanswered = 0
        for letter in "DEFG":
            (self.place / f"drive{letter}").mkdir()

    def choose(self):
        """A change as (command line, its effect on a model); the effect of start and stop does not outlive a machine."""
        services = [name for name in self.model.services if name not in self.deleted]
        kinds = ["create", "drive"] + ["config", "display", "start", "stop", "delete"] * bool(services)
        kind = self.random.choice(kinds)
        if kind == "create":
            self.names += 1
            name, start = f"svc{self.names}", self.random.choice(("auto", "demand"))
            return (("sc", "create", name, "type=", "kernel", "start=", start, "binPath=", self.driver),
                    lambda model: model.services.__setitem__(name, (START[start], name)))
        if kind == "drive":
            letter = self.random.choice("DEFG")
            directory = str(self.place / f"drive{letter}")
            if f"{letter}:" in self.model.drives:
                return ("ntemu", "drive", "remove", f"{letter}:"), lambda model: model.drives.pop(f"{letter}:")
            return ("ntemu", "drive", "add", f"{letter}:", directory), lambda model: model.drives.__setitem__(f"{letter}:", directory)
        name = self.random.choice(services)
        if kind == "config":
            start = self.random.choice(list(START))
            return (("sc", "config", name, "start=", start),
                    lambda model: model.services.__setitem__(name, (START[start], model.services[name][1])))
        if kind == "display":
            text = f"display {self.random.randrange(1000)}"
            return (("sc", "config", name, "DisplayName=", text),
                    lambda model: model.services.__setitem__(name, (model.services[name][0], text)))
        if kind == "delete":
            self.deleted.add(name)
            return ("sc", "delete", name), lambda model: model.services.pop(name)
        return ("sc", kind, name), lambda model: None

    def change_until(self, killed: threading.Event) -> list:
        """Changes until the kill. The models that may be true: that of all acknowledged changes, and one with the last, unanswered one."""
        self.deleted = set()
        while not killed.is_set():
            command, effect = self.choose()
            with_it = self.model.copy()
            effect(with_it)
            outcome = self.tool(*command)
            refused = command[1] in ("start", "stop") and outcome.code in (1056 & 0xff, 1058 & 0xff, 1062 & 0xff)
            if outcome.code == 0 or refused:
                self.model = with_it
                self.acknowledged += 1
            elif killed.wait(GUARD_SECONDS):
                self.unanswered += 1
                return [self.model, with_it]
            else:
                self.fail(f"{command}: {outcome.text()}")
        return [self.model]

    def machine_says(self) -> Model:
        client = self.connect()
        replies = client.makefile("rb")

        def ask(operation, **arguments):
            client.sendall(json.dumps({"v": 1, "op": operation, "args": arguments}).encode() + b"\n")
            reply = json.loads(replies.readline())
            self.assertTrue(reply["ok"], reply)
            return reply

        model = Model()
        for service in ask("sc.enumerate")["services"]:
            config = ask("sc.qc", name=service["name"])["config"]
            model.services[service["name"]] = (config["start"], config["display_name"])
            # What starts by itself runs, and nothing else does.
            self.assertEqual(service["state"] == 4, config["start"] == 2, service)
        for drive in ask("drive.list")["drives"]:
            self.assertIsNone(drive["problem"])
            if drive["letter"] != "C:":
                model.drives[drive["letter"]] = drive["directory"]
        return model

    def check_boot(self, possible: list) -> dict:
        outcome = self.ntemu("boot")
        self.expect(outcome, 0)
        self.assertEqual(complaints(outcome.errors), "")
        status = self.status()
        self.assertIn(self.machine_says(), possible)
        self.model = next(model for model in possible if model == self.machine_says())
        self.assertEqual(mounts_below(self.m), [status["mount"]] if status["mount"] else [])
        self.assertEqual([path.name for path in (self.runtime / "ntemu").glob("*.sock")], [f"{status['pid']}.sock"])
        return status

    def kill_now(self, pids: list) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_during_boot(self) -> None:
        process = self.background("boot", "--foreground")
        pids = [process.pid]
        timer = threading.Event()
        timer.wait(self.random.uniform(0, 0.08))
        with contextlib.suppress(FileNotFoundError):
            pids += map(int, pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split())
        self.kill_now(pids)
        process.communicate()
        await_end(*pids)

    def test_at_random_moments(self):
        print(f"seed {SEED}, {ROUNDS} rounds", file=sys.stderr)
        possible = [self.model]
        for number in range(ROUNDS):
            if self.random.random() < 0.2:
                self.kill_during_boot()
            with self.subTest(round=number):
                status = self.check_boot(possible)
                both = [status["pid"], status["supervisor"]]
                victims = self.random.choice((both[:1], both[1:], both, both[::-1]))
                killed = threading.Event()

                def kill(victims=victims, killed=killed):
                    self.kill_now(victims)
                    killed.set()

                timer = threading.Timer(self.random.uniform(0, 0.3), kill)
                timer.start()
                try:
                    possible = self.change_until(killed)
                finally:
                    timer.join()
                await_end(*both)
                self.assertFalse(any(map(self.is_alive, both)))
                self.shut_down()  # sc may have booted another one after the kill
        status = self.check_boot(possible)
        self.shut_down()
        self.assert_gone(status)
        print(f"{self.acknowledged} changes acknowledged, {self.unanswered} cut off", file=sys.stderr)
        self.assertGreater(self.acknowledged, ROUNDS)


if __name__ == "__main__":
    unittest.main()
