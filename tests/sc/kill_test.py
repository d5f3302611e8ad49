"""A machine that is killed at any moment loses no change that sc has acknowledged, and boots again cleanly.

Clients create, configure, start, stop and delete services without a pause; the machine is killed at a random moment.
What was acknowledged has to be there afterwards; the one command that was under way may be there or not, but whole.
"""
import json
import os
import random
import signal
import sys
import threading
import time
import unittest

from sc_command import STATUS_DRIVER, ScTest

ROUNDS = 200 if os.environ.get("NTEMU_TEST_FULL") == "1" else 12
SEED = int(os.environ.get("NTEMU_TEST_SEED", random.SystemRandom().randrange(1 << 32)))


class Client(threading.Thread):
    """Works on services of its own and knows what each has to be: its settings, or None when it is deleted."""

    def __init__(self, test: ScTest, index: int, known: dict, random_: random.Random):
        super().__init__()
        self.test, self.index, self.known, self.random = test, index, known, random_
        self.open = None  # the service of a command that was not answered, and what it was to be
        self.stopping = threading.Event()
        self.acknowledged = 0
        self.problem = None

    def run(self) -> None:
        while not self.stopping.is_set() and self.step():
            pass

    def step(self) -> bool:
        """False when the machine did not answer."""
        name = f"c{self.index}_{self.random.randrange(4)}"
        now = self.known.get(name)
        if now is None:
            start, text = self.random.choice(("demand", "disabled")), str(self.random.random())
            command, after = f"create {name} type= kernel start= {start} binPath= '{self.test.image}' DisplayName= {text}", (start, text)
        else:
            kind = self.random.choice(("config", "start", "stop", "delete"))
            command, after = f"{kind} {name}", now
            if kind == "config":
                after = (self.random.choice(("demand", "disabled")), str(self.random.random()))
                command += f" start= {after[0]} DisplayName= {after[1]}"
            elif kind == "delete":
                after = None
        outcome = self.test.sc(f"--json {command}")
        reply = json.loads(outcome.output)
        if reply.get("function") == "OpenSCManager":
            self.open = (name, after)
            return False
        if reply.get("ok"):
            self.known[name] = after
            self.acknowledged += 1
        elif reply.get("win32") == 1072:
            self.known[name] = None  # it runs, was deleted and goes with the machine
        elif reply.get("win32") not in (1056, 1058, 1062):
            self.problem = f"{command}: {outcome.text()}"
            return False
        return True


class Kill(ScTest):
    def check_service(self, name: str, allowed: list) -> None:
        outcome = self.sc(f"--json qc {name}")
        reply = json.loads(outcome.output)
        found = None
        if reply["ok"]:
            config = reply["config"]
            found = ({"DEMAND_START": "demand", "DISABLED": "disabled"}[config["start_name"]], config["display_name"])
            self.assertEqual((config["type"], config["binary_path"]), (1, str(self.image)))
        else:
            self.assertEqual(reply["win32"], 1060, outcome.text())
        self.assertIn(found, allowed, f"{name}, seed {SEED}")

    def test_nothing_acknowledged_is_lost(self):
        self.image = self.build("status", STATUS_DRIVER)
        random_ = random.Random(SEED)
        known = [{}, {}]
        acknowledged = 0
        for _ in range(ROUNDS):
            self.boot()
            pid = json.loads(self.ntemu("status", "--json").output)["pid"]
            clients = [Client(self, index, known[index], random.Random(random_.random())) for index in range(2)]
            for client in clients:
                client.start()
            time.sleep(random_.random() * 0.3)  # the random moment; nothing depends on how long it is
            os.kill(pid, signal.SIGKILL)
            for client in clients:
                client.stopping.set()  # a command that comes too late boots the machine again
            for client in clients:
                client.join()
                self.assertIsNone(client.problem)
                acknowledged += client.acknowledged
            self.boot()
            for client in clients:
                for name, settings in client.known.items():
                    allowed = [settings]
                    if client.open and client.open[0] == name:
                        allowed.append(client.open[1])
                    self.check_service(name, allowed)
                if client.open:
                    name = client.open[0]
                    reply = json.loads(self.sc(f"--json qc {name}").output)
                    client.known[name] = None
                    if reply["ok"]:
                        config = reply["config"]
                        client.known[name] = ("disabled" if config["start"] == 4 else "demand", config["display_name"])
        print(f"{ROUNDS} machines killed, {acknowledged} changes acknowledged", file=sys.stderr)
        self.assertGreater(acknowledged, ROUNDS)


if __name__ == "__main__":
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main()
