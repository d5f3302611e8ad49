"""Every command of kd that looks at something, as the program itself lists them, with arguments; and a machine to look at."""
from inspection_driver import LOCKS
from kd_command import CROWD, KdTest
from machines import MachinesTest

# What each command is given, for all the names it has; several, to look at what it can do.
ARGUMENTS = {
    "vertarget": [""],
    "!irql": ["", "1"],
    "!pcr": ["", "1"],
    "dq": ["@$thread L20", "crowd!Sync L10"],
    "dps": ["@rsp L40"],
    "da": ["crowd!Sync L20"],
    "dS": ["crowd!Sync+0n72"],
    "lm": ["", "-a", "m crowd"],
    "x": ["crowd!*", "nt!Ki*"],
    "ln": ["@rip", "crowd!Sync"],
    "?": ["poi(@$thread) + @rsp", "crowd!Sync"],
    ".lines": ["-k", "-e"],
    "u": ["", "crowd!Mix L4"],
    "uf": ["crowd!Deep"],
    "dv": ["", "-t -v"],
    ".reload": [""],
    "k": ["", "3"],
    ".frame": ["0", "/r 1"],
    "r": ["", "rip"],
    ".thread": [""],
    "~": ["", "*", "*kn", "3s"],
    "dt": ["nt!_KTHREAD @$thread", "-r1 nt!_ETHREAD @$thread", "crowd!Sync", "nt!_EPROCESS @$proc"],
    "!locks": ["", "-v"],
    "!pushlock": ["locks!PushLock"],
    "!deadlock": ["", "--dot"],
    "!object": ["\\", "\\Device", "\\Driver"],
    "!handle": [""],
    "!drvobj": ["locks 3"],
    "!devobj": ["\\Device\\Locks"],
    "!ddt": ["nt!_KTHREAD @$thread"],
    "!mut": ["locks!First"],
    "!evt": ["locks!Event"],
    "!sem": ["locks!Semaphore"],
    "!obj": ["locks!Second", "-waiters locks!Resource"],
    "!poolused": ["", "3", "2 Kdc?"],
    "!pool": ["poi(locks!Small)", "poi(locks!Large)"],
    "!poolfind": ["Kdc*"],
    "!tl": ["", "-t"],
    "!p": [""],
    "!process": ["0 0", "0 7"],
    "!dpcs": [""],
    "!timer": [""],
    "!di": [""],
    ".bugcheck": [""],
    "!analyze": ["", "-v", "-hang"],
    "!us": ["", "locks"],
    "!t": [""],
    "!thread": [""],
    "!verifier": [""],
    "!lt": ["", "-bk", "-s Running", "-wf locks"],
    "!WrFastMutex": [""],
}
# What looks at nothing, or changes what is looked at.
OTHERS = {".echo", ".logopen", ".logclose", ".sympath", "$$", "help", "q", ".dump", ".crash", ".break", ".go"}


class EveryCommandTest(MachinesTest, KdTest):
    """A machine whose drivers' threads wait for everything there is, and run."""

    def setUp(self):
        super().setUp()
        self.boot("--cpus", 2)
        for name, text in (("locks", LOCKS), ("crowd", CROWD)):
            self.expect(self.tool("sc", "create", name, "type=", "kernel", "binPath=", self.build(name, text)), 0)
            self.expect(self.tool("sc", "start", name), 0)
        for reason, start in (("WrFastMutex", "Asker"), ("WrResource", "ResourceReader"), ("WrMutex", "ManyWaiter")):
            self.expect(self.ntemu("wait", "--reason", reason, "--start", start, "--timeout", "60s"), 0)

    def commands(self, every_name: bool = True) -> list:
        """Those that look, by all their names or by the first, each with all its arguments."""
        (told,) = self.json("help")
        found = []
        for row in told["commands"]:
            names = row["names"].split()
            if names[0] not in OTHERS:
                self.assertIn(names[0], ARGUMENTS, "a command that this test does not know")
                found += [f"{name} {arguments}".strip() for name in (names if every_name else names[:1])
                          for arguments in ARGUMENTS[names[0]]]
        return found
