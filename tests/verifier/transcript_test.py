"""Transcripts: the settings, what is verified, and every error of verifier, with all that it prints."""
import json
import unittest

from verifier_command import BUGCHECK, BUSY, NEEDY, NONE, TICKING, TICKING_IN_POOL, WHEN, WRONG, VerifierTest, settings

BAD = 1639 & 0xFF  # ERROR_INVALID_COMMAND_LINE
NOT_SUPPORTED = 50


class Settings(VerifierTest):
    def setUp(self):
        super().setUp()
        self.boot()

    def test_nothing_at_first(self):
        self.check("/querysettings", settings(0, "    None\n"))
        self.check("/reset", "\nNo settings were changed.\n")
        self.check("/query", NONE)

    def test_standard(self):
        self.check("/standard /driver kmutex.sys race.sys", settings(0x209BB, "    kmutex.sys\n    race.sys\n") + WHEN)
        self.check("/querysettings", settings(0x209BB, "    kmutex.sys\n    race.sys\n"))
        self.check("/standard /all", settings(0x209BB, "    All\n") + WHEN)
        self.check("/standard /all /driver.exclude race.sys",
                   settings(0x209BB, "    All\n\n  Excluded Drivers:\n\n    race.sys\n") + WHEN)
        self.check("/reset", "\nThe settings are removed: drivers are not verified from their next load on.\n")
        self.check("/querysettings", settings(0, "    None\n"))

    def test_flags_in_every_form(self):
        for words in ("0x802", "2050", "0o4002", "0b100000000010", "2 0x800", "force_irql,miscellaneous", "Force_IRQL 0x800"):
            self.check(f"/flags {words} /driver a.sys", settings(0x802, "    a.sys\n") + WHEN)
            self.verifier("/reset")
        self.check("-FLAGS 2 -Driver a.sys", settings(2, "    a.sys\n") + WHEN)

    def test_rule_classes(self):
        self.check("/rc 1 2 4 5 6 8 9 12 18 34 /driver a.sys", settings(0x209BB, "    a.sys\n") + WHEN)
        self.check("/ruleclasses 24 /driver a.sys", settings(0x800000, "    a.sys\n") + WHEN)
        self.check("/dif 19 36 /driver a.sys", settings(0x40000, "    a.sys\n") + WHEN)

    def test_what_is_not_named_stays(self):
        self.verifier("/flags 2 /driver a.sys")
        self.check("/flags 0x800", settings(0x800, "    a.sys\n") + WHEN)
        self.check("/driver b.sys", settings(0x800, "    b.sys\n") + WHEN)

    def test_faults(self):
        def low(probability: int, tags: str, applications: str, minutes: int) -> str:
            return (f"\n  Low Resources:\n\n    Probability: {probability}/10000\n    Pool tags: {tags}\n"
                    f"    Applications: {applications}\n    Minutes after boot: {minutes}\n")
        self.check("/faults /driver a.sys", settings(4, "    a.sys\n", low(600, "all", "all", 7)) + WHEN)
        self.check("/faults 0x64 'Fred W*' app.exe 0 /driver a.sys",
                   settings(4, "    a.sys\n", low(100, "Fred W*", "app.exe", 0)) + WHEN)

    def test_seed(self):
        self.check("/flags delay_fuzzing /seed 7 /driver a.sys",
                   settings(0x800000, "    a.sys\n", seed="\n  Seed of the delays: 7\n") + WHEN)

    def test_they_survive_the_machine(self):
        self.verifier("/standard /driver kmutex.sys")
        self.assertEqual(self.ntemu("shutdown").code, 0)
        outcome = self.verifier("/querysettings")
        self.assertEqual(outcome.output, settings(0x209BB, "    kmutex.sys\n"))
        self.assertEqual(outcome.errors, f"ntemu: booted the machine in {self.machine}\n")

    def test_as_json(self):
        self.verifier("/flags 2 /driver a.sys")
        reply = json.loads(self.verifier("/querysettings --json").output)
        self.assertEqual((reply["ok"], reply["level"], reply["drivers"], reply["all"], reply["problems"]), (True, 2, ["a.sys"], False, []))
        self.assertEqual([row["name"] for row in reply["options"] if row["enabled"]], ["Force IRQL checking"])

    def test_by_the_other_name(self):
        self.assertEqual(self.verifier("/reset", "verifier.exe").output, "\nNo settings were changed.\n")


class Verified(VerifierTest):
    def load(self, name: str) -> None:
        image = self.build("verified", WRONG)
        self.assertEqual(self.tool("sc", "create", name, "type=", "kernel", "binPath=", image).code, 0)
        self.assertEqual(self.tool("sc", "start", name).code, 0)

    def test_from_the_next_load_on(self):
        self.boot()
        self.load("good")
        self.verifier("/flags 2 /driver verified.sys")
        self.check("/query", NONE)
        self.tool("sc", "stop", "good")
        self.tool("sc", "start", "good")
        reply = json.loads(self.verifier("/query --json").output)
        self.assertEqual(reply["drivers"], [{"name": "verified.sys", "loads": 1, "unloads": 0, "loaded": True, "verified": True, "level": 2}])
        self.tool("sc", "stop", "good")
        self.check("/query", NONE)

    def test_query(self):
        self.boot()
        self.verifier("/flags 0x801002 /driver verified.sys")
        self.verifier("/flags 0x802 /driver verified.sys")
        self.load("good")
        self.check("/query", "\nLevel: 00000802\nRaiseIrqls: 0\nAcquireSpinLocks: 0\nSynchronizeExecutions: 0\nAllocationsAttempted: 0\n"
                   "AllocationsWithNoTag: 0\nAllocationsFailedDeliberately: 0\nDelays: 0\n\nOptions in force:\n\n"
                   "0x00000002 Force IRQL checking. partial: pageable data is not paged out; 0x36 has no call here\n"
                   "0x00000800 Miscellaneous checks. partial: 0xF6 has no meaning, as every driver runs in the System process\n\n"
                   "Verified drivers:\n\nName: verified.sys, loads: 1, unloads: 0\n")

    def test_the_image_is_the_same(self):
        """A wrong driver runs unverified, and stops the machine when it is verified, without being built again."""
        image = self.build("wrong", WRONG)
        self.expect(self.ntemu("run", "--machine", self.machine, image), 0, "loaded")
        self.verifier("/flags 0 /driver WRONG")
        self.ntemu("shutdown")
        outcome = self.ntemu("run", "--machine", self.machine, image)
        self.expect(outcome, BUGCHECK, r".*KeLeaveCriticalRegion at IRQL 0, called from 0x[0-9a-f]+ \(wrong!DriverEntry\+0x[0-9a-f]+\): "
                    "the thread is in no critical region", r".*\*\*\* STOP: 0x000000C4 \(0x000000000000003e, .*")

    def test_a_timer_that_is_left_set(self):
        for text, what, kind in ((TICKING, r"timer at 0x[0-9a-f]+ \(ticking!Timer\+0x0\)", 0),
                                 (TICKING_IN_POOL, r"timer of the DPC routine at 0x[0-9a-f]+ \(ticking!Expired\+0x0\)", 2)):
            with self.subTest(what):
                image = self.build("ticking", text)
                self.verifier("/flags miscellaneous /driver ticking.sys")
                self.ntemu("shutdown")
                outcome = self.ntemu("run", "--machine", self.machine, "--for", "1ms", image)
                self.expect(outcome, BUGCHECK, rf".*ticking.sys is unloaded while the {what} is still set",
                            rf".*\*\*\* STOP: 0x000000C7 \(0x0{{15}}{kind}, .*")

    def test_volatile(self):
        self.boot()
        self.load("good")
        outcome = self.verifier("/volatile /adddriver verified.sys")
        self.assertIn("\nLevel: 00000000\n", outcome.output)
        outcome = self.verifier("/volatile /flags 0x800")
        self.assertIn("\nLevel: 00000800\n", outcome.output)
        self.assertIn("Name: verified.sys, loads: 1, unloads: 0\n", outcome.output)
        self.check("/querysettings", settings(0, "    None\n"))
        self.check("/volatile /removedriver verified.sys", NONE)
        self.verifier("/volatile /adddriver verified.sys")
        self.ntemu("shutdown")
        self.boot()
        self.tool("sc", "start", "good")
        self.check("/query", NONE)

    def test_of_ntemu_run(self):
        image = self.build("busy", BUSY)
        self.verifier("/flags 2 /driver busy.sys")
        self.ntemu("shutdown")
        process = self.start("run", "--machine", self.machine, image, until="busy: ready")
        self.assertIn("\nName: busy.sys, loads: 1, unloads: 0\n", self.verifier("/query").output)
        self.assertEqual(self.interrupt(process).code, 199)

    def test_seed_of_the_delays(self):
        image = self.build("busy", BUSY)
        self.verifier("/flags delay_fuzzing /seed 7 /driver busy.sys")
        self.ntemu("shutdown")
        process = self.start("run", "--machine", self.machine, image, until="busy: ready")
        self.assertIn("\nDelaySeed: 7\n", self.verifier("/query").output)
        self.expect(self.interrupt(process), 199, "ntemu: verifier: synchronization delays follow from the seed 7")

    def test_allocations_that_fail(self):
        image = self.build("needy", NEEDY)
        self.verifier("/faults 10000 Nedy '' 0 /driver needy.sys")
        self.ntemu("shutdown")
        self.expect(self.ntemu("run", "--machine", self.machine, image), 0, "needy: 0 of 100")
        self.verifier("/reset")
        self.verifier("/flags systematic /driver needy.sys")
        self.ntemu("shutdown")
        self.expect(self.ntemu("run", "--machine", self.machine, image), 0, "needy: 99 of 100")
        self.expect(self.ntemu("run", "--machine", self.machine, image), 0, "needy: 100 of 100")

    def test_without_a_machine(self):
        why = f"no machine runs in {self.machine}"
        for command, output, code in (("/query", NONE, 0), ("/volatile /flags 2", "", None)):
            outcome = self.verifier(command)
            self.assertEqual(outcome.output, output)
            if code is None:
                self.assertNotEqual(outcome.code, 0)
                self.assertIn("/volatile needs one that runs", outcome.errors)
            else:
                self.assertEqual(outcome.code, code)
            self.assertIn(str(self.machine), outcome.errors, why)


class Wrong(VerifierTest):
    def test_syntax(self):
        for command, text in (
                ("/flags", "/flags has no value"), ("/flags /driver a.sys", "/flags has no value"),
                ("/flags 0xZ /driver a.sys", "'0xz' is no number and no option"),
                ("/flags 0x80000000 /driver a.sys", "0x80000000 holds flags that are none of Driver Verifier's"),
                ("/rc 99 /driver a.sys", "'99' is no rule class"), ("/driver", "/driver has no value"),
                ("/driver 'n*.sys' /standard", "'n*.sys' is no driver's name: wildcards and paths are not supported"),
                ("/standard /all /driver a.sys", "/all and /driver do not go together"),
                ("/driver.exclude a.sys /standard", "/driver.exclude needs /all"),
                ("/adddriver a.sys", "/adddriver and /removedriver need /volatile"),
                ("/volatile", "/volatile needs /flags, /faults, /adddriver or /removedriver"),
                ("/volatile /standard /driver a.sys", "with /volatile, drivers are named by /adddriver and /removedriver"),
                ("/query /reset", "these options do not go together"), ("/query /standard", "these options do not go together"),
                ("/faults 10001 /driver a.sys", "'10001' is no probability (0 to 10000)"),
                ("/faults 1 a b 7 more", "'more' is too much for /faults"), ("/bogus", "'/bogus' is no option"),
                ("bogus", "'bogus' is no option"), ("--machine", "--machine has no value"), ("/seed x", "'x' is no seed (0 to 4294967295)")):
            with self.subTest(command):
                self.check(command, "", BAD, f"verifier: {text}\nTry 'verifier /?'.\n")

    def test_what_only_windows_has(self):
        self.check("/bootmode oneboot", "", NOT_SUPPORTED, "verifier: /bootmode is not supported: settings hold until they are reset\n")
        for option in ("/log x", "/rules query", "/domain wdm", "/livedump", "/bc 2", "/faultssystematic querystatistics"):
            self.assertEqual(self.verifier(option).code, NOT_SUPPORTED)

    def test_as_json(self):
        outcome = self.verifier("/bogus --json")
        self.assertEqual(json.loads(outcome.output), {"ok": False, "win32": 1639, "error": "'/bogus' is no option"})
        self.assertEqual((outcome.code, outcome.errors), (BAD, ""))

    def test_help(self):
        for command in ("", "/?", "/help", "--help"):
            outcome = self.verifier(command)
            self.assertEqual((outcome.code, outcome.errors), (0, ""))
            self.assertTrue(outcome.output.startswith("DESCRIPTION:\n        verifier chooses drivers"))
        self.assertRegex(self.verifier("--version").output, r"^verifier \(ntemu \d+\.\d+\.\d+\)\n$")


if __name__ == "__main__":
    unittest.main()
