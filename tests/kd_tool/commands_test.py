"""kd's commands and its command line, on running machines and on dumps."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import unittest

from kd_command import BIN, CROWD, KdTest
from command_line import GUARD_SECONDS, SANITIZED

HALF = "[0-9a-f]{8}"
ADDRESS = f"{HALF}`{HALF}"


class Types(KdTest):
    def test_of_the_kernel(self):
        process = self.crowd()
        self.assertEqual(self.text("dt nt!_FAST_MUTEX"), """\
   +0x000 Count            : Int4B
   +0x008 Owner            : Ptr64 Void
   +0x010 Contention       : Uint4B
   +0x018 Event            : _KEVENT
   +0x030 OldIrql          : Uint4B
""")
        self.assertEqual(self.text("dt KMUTANT"), self.text("dt nt!_KMUTANT"))
        self.assertEqual(self.text("dt nt!_KMUTANT ApcDisable Spare1"), """\
   +0x030 Spare1           : Pos 1, 7 Bits
   +0x031 ApcDisable       : UChar
""")
        self.assertIn("nt!_FAST_MUTEX\n", self.text("dt nt!_FAST*"))
        self.release(process)

    def test_of_a_lock_that_is_held(self):
        process = self.crowd()
        keeper = self.thread("crowd!Keeper")
        self.assertEqual(self.text("dt nt!_FAST_MUTEX crowd!Sync"), f"""\
   +0x000 Count            : 0n4
   +0x008 Owner            : 0x{keeper[:8]}`{keeper[8:]} Void
   +0x010 Contention       : 1
   +0x018 Event            : _KEVENT
   +0x030 OldIrql          : 0
""")
        fields = {field["name"]: field["value"] for field in self.json("dt nt!_FAST_MUTEX crowd!Sync")[0]["fields"]}
        self.assertEqual((fields["Count"], fields["Owner"], fields["Contention"]), (4, keeper, 1))
        self.release(process)

    def test_of_a_driver(self):
        for compiler in ("clang", "gcc"):
            if not shutil.which(compiler):
                continue
            process = self.crowd(compiler=compiler)
            text = self.text("dt -r1 crowd!Sync")
            self.assertRegex(text, rf"""(?s)^crowd!Sync @ 0x{ADDRESS} Type _SYNC_RESOURCES
   \+0x000 FileMutex        : _FAST_MUTEX
      \+0x000 Count            : 0n4
.*   \+0x038 Mutex            : _KMUTANT
.*      \+0x018 MutantListEntry  : _LIST_ENTRY \[ 0x{ADDRESS} - 0x{ADDRESS} \]
      \+0x028 OwnerThread      : \(null\) 
      \+0x030 MutantFlags      : 0 ''
      \+0x030 Abandoned        : 0y0
      \+0x030 Spare1           : 0y0000000 \(0\)
.*      \+0x031 ApcDisable       : 0x1 ''
   \+0x070 Bits             : <unnamed-tag>
      \+0x000 All              : 0x35
      \+0x000 Low              : 0y0101 \(5\)
      \+0x000 High             : 0y0000000000000000000000000011 \(3\)
   \+0x074 Color            : 7 \( Green \)
   \+0x078 Wide             : \[8\]  "wide"
   \+0x088 Narrow           : \[6\]  "hello"
   \+0x090 Numbers          : \[3\] \[2\] Int4B
   \+0x0a8 Name             : _UNICODE_STRING "\\Device\\Crowd"
.*   \+0x0b8 Large            : _LARGE_INTEGER 0x00000012`3456789a
.*   \+0x0c0 Negative         : 0n-5
   \+0x0c8 Next             : 0x{ADDRESS} _SYNC_RESOURCES
   \+0x0d0 Nothing          : \(null\) 
   \+0x0d8 Routine          : 0x{ADDRESS} void  crowd!Sleeper
$""", compiler)
            self.assertEqual(self.text("dt crowd!_SYNC_RESOURCES crowd!Sync Bits.Low Name."), """\
   +0x070 Low              : 0y0101 (5)
   +0x0a8 Length           : 0x1a
   +0x0aa MaximumLength    : 0x1c
   +0x0b0 Buffer           : 0x%s "\\Device\\Crowd"
""" % re.search(rf"Buffer +: 0x({ADDRESS})", self.text("dt crowd!_SYNC_RESOURCES crowd!Sync Name.")).group(1), compiler)
            self.release(process)

    def test_what_cannot_be_told(self):
        process = self.crowd()
        for command, text in (("dt nt!_NOTHING", "Symbol nt!_NOTHING not found."), ("dt", "dt needs the name of a type"),
                              ("dt nt!_KTHREAD @$thread Nothing", "_KTHREAD has no member Nothing"), ("dt nt!_Q*", "Symbol nt!_Q* not found.")):
            self.assertIn(text, self.kd("-c", command, succeeds=False).output)
        self.assertIn("   +0x000 Count            : ??", self.text("dt nt!_FAST_MUTEX 10"))
        self.release(process)


class Memory(KdTest):
    def test_as_numbers_and_text(self):
        process = self.crowd()
        dump = self.dump()
        for options in ((), ("-z", dump)):
            self.assertRegex(self.text("dd crowd!Sync+90 L6", *options), rf"^{ADDRESS}  00000001 00000002 00000003 fffffffc\n"
                             rf"{ADDRESS}  00000005 00000006\n$")
            self.assertRegex(self.text("dq crowd!Sync+c0 crowd!Sync+c7", *options), rf"^{ADDRESS}  ffffffff`fffffffb\n$")
            self.assertRegex(self.text("dw crowd!Sync+78 L 4", *options), rf"^{ADDRESS}  0077 0069 0064 0065\n$")
            self.assertRegex(self.text("db crowd!Sync+88 L9", *options),
                             rf"^{ADDRESS}  68 65 6c 6c 6f 00 00 00-01 +hello\.\.\.\.\n$")
            self.assertRegex(self.text("da crowd!Sync+88", *options), rf'^{ADDRESS}  "hello"\n$')
            self.assertRegex(self.text("du crowd!Sync+78", *options), rf'^{ADDRESS}  "wide"\n$')
            self.assertRegex(self.text("dS crowd!Sync+a8", *options), rf'^{ADDRESS}  "\\Device\\Crowd"\n$')
            self.assertRegex(self.text("dps crowd!Sync+d8 L1", *options), rf"^{ADDRESS}  {ADDRESS} crowd!Sleeper\n$")
        self.release(process)

    def test_that_is_not_there(self):
        process = self.crowd()
        outcome = self.kd("-c", "dd 0 L4", succeeds=False)
        self.assertEqual(outcome.output, "00000000`00000000  ???????? ???????? ???????? ????????\nMemory access error at '0 L4'\n")
        for command in ("da 10", "dS 10", "du 10", "dq 10 L1", "dd crowd!Sync Lfffffffff", "dd crowd!Sync 0"):
            self.kd("-c", command, succeeds=False)
        self.release(process)


class Frames(KdTest):
    def test_have_the_documented_shape(self):
        process = self.crowd()
        asker = self.thread("crowd!Asker")
        text = self.text(f".thread {asker}; kn; k 1; kL 1; kb 1; .frame /r 0n1")
        self.assertRegex(text, rf"""(?x)^Implicit\ thread\ is\ now\ {asker[:8]}`{asker[8:]}\n
\ \#\ Child-SP\ {{10}}RetAddr\ {{15}}Call\ Site\n
00\ {ADDRESS}\ {ADDRESS}\ {{5}}nt!KiSwapContext\+0x[0-9a-f]+\n
01\ {ADDRESS}\ {ADDRESS}\ {{5}}nt!KiSwapThread\+0x[0-9a-f]+\n""")
        self.assertRegex(text, rf"crowd!Asker\+0x[0-9a-f]+ \[{self.place}/driver\.c @ \d+\] \n")
        self.assertRegex(text, rf"(?m)^0\w {ADDRESS} 00000000`00000000     nt!KiStartSystemThread\+0x[0-9a-f]+\n")
        self.assertRegex(text, rf"""(?x)
01\ {ADDRESS}\ {ADDRESS}\ {{5}}nt!KiSwapThread\+0x[0-9a-f]+\n
rax=\w{{16}}\ rbx=\w{{16}}\ rcx=\w{{16}}\n
rdx=\w{{16}}\ rsi=\w{{16}}\ rdi=\w{{16}}\n
rip=\w{{16}}\ rsp=\w{{16}}\ rbp=\w{{16}}\n
\ r8=\w{{16}}\ \ r9=\w{{16}}\ r10=\w{{16}}\n
r11=\w{{16}}\ r12=\w{{16}}\ r13=\w{{16}}\n
r14=\w{{16}}\ r15=\w{{16}}\n
iopl=0\ {{9}}nv\ up\ di\ pl\ nz\ na\ pe\ nc\n
cs=0000\ \ ss=0000\ \ ds=0000\ \ es=0000\ \ fs=0000\ \ gs=0000\ {{13}}efl=00000000\n
nt!KiSwapThread\+0x[0-9a-f]+:\n
{ADDRESS}\ [0-9a-f]+""")
        self.release(process)

    def test_are_selected(self):
        process = self.crowd()
        asker = self.thread("crowd!Asker")
        answers = self.json(f".thread {asker}; .frame 2; r rsp; .frame; ? @$thread; .frame 3; r")
        self.assertEqual(answers[1]["frames"][0]["child_sp"], answers[2]["rsp"])
        self.assertEqual(answers[3]["frames"], answers[1]["frames"])
        self.assertEqual(answers[4]["hex"], asker)
        self.assertEqual(answers[6]["registers"]["rsp"], answers[5]["frames"][0]["child_sp"])
        self.assertIsNone(answers[6]["registers"]["rax"], "what a call does not keep is not known")
        self.assertIn("previous scope unchanged", self.kd("-c", ".frame ff", succeeds=False).output)
        self.assertIn("Unable to read the thread", self.kd("-c", ".thread 1234", succeeds=False).output)
        self.release(process)

    def test_tell_parameters_and_variables(self):
        for compiler in filter(shutil.which, ("clang", "gcc")):
            process = self.crowd(compiler=compiler)
            sleeper = self.thread("crowd!Sleeper")
            frames = self.json(f".thread {sleeper}; kv")[1]["frames"]
            for frame in frames:
                for argument in frame["arguments"]:
                    if frame["call_site"].startswith("crowd!Deep+"):
                        self.assertIn((argument["name"], int(argument["value"] or "1", 16)), (("A", 1), ("B", 0x5555)), compiler)
            deep = next(i for i, frame in enumerate(frames) if frame["call_site"].startswith("crowd!Deep+"))
            variables = {row["name"]: row for row in self.json(f".thread {sleeper}; .frame {deep:x}; dv")[2]["variables"]}
            self.assertTrue(variables["A"]["parameter"])
            self.assertEqual(variables["Area"]["type"], "[40] Int8B")
            area = variables["Area"]["address"]
            self.assertRegex(self.text(f"dq {area}+18 L1"), rf"^{ADDRESS}  00000000`00005558\n$", compiler)
            self.assertRegex(self.text(f".thread {sleeper}; .frame {deep:x}; dv Ar*"), rf"= \[40\] 0n21845 @ 0x{ADDRESS}\n$", compiler)
            self.assertRegex(self.text(f".thread {sleeper}; kb 1"), rf"""(?x)
RetAddr\ {{15}}:\ Args\ to\ Child\ {{59}}:\ Call\ Site\n{ADDRESS}\ {{5}}:(\ [0-9a-f?]{{8}}`[0-9a-f?]{{8}}){{4}}\ :\ nt!KiSwapContext""")
            self.release(process)

    def test_of_code_show_its_instructions(self):
        process = self.crowd()
        if "without a disassembler" in self.tool("kd", "-c", "u crowd!Sleeper").output:
            self.release(process)
            self.skipTest("kd is built without Zydis")
        text = self.text("uf crowd!Sleeper")
        self.assertRegex(text, rf"^crowd!Sleeper:\n{ADDRESS} 55              push    rbp\n{ADDRESS} 4889e5          mov     rbp,rsp\n")
        self.assertRegex(text, rf"(?m)^{ADDRESS} e8[0-9a-f]{{8}}      call    crowd!Deep \({ADDRESS}\)$")
        self.assertTrue(text.endswith("ret\n"), text)
        self.assertEqual(len(self.json("u crowd!Sleeper L3")[0]["instructions"]), 3)
        self.kd("-c", "u 10", succeeds=False)
        self.release(process)

    def test_of_a_running_thread_have_its_registers(self):
        process = self.crowd()
        spinner = self.thread("crowd!Spinner")
        registers = self.json(f".thread {spinner}; r")[1]["registers"]
        self.assertIsNotNone(registers["rax"])
        self.assertRegex(self.text(f".thread {spinner}; r"), r"cs=0033  ss=002b ")
        self.release(process)


class Symbols(KdTest):
    def test_modules(self):
        process = self.crowd()
        self.assertRegex(self.text("lm"), rf"^start             end                 module name\n"
                         rf"{ADDRESS} {ADDRESS}   nt         \(deferred\)[^\n]*\n{ADDRESS} {ADDRESS}   crowd      \(deferred\)[^\n]*\n$")
        self.assertIn("libc.so.6", self.text("lm -a"))
        text = self.text("lmvm crowd")
        self.assertRegex(text, r"crowd      \(dwarf symbols\)")
        self.assertRegex(text, r"Image name: +crowd\.sys\n.*Mapped file: +/\S+/crowd\.sys\n.*Build id: +[0-9a-f]{40}\n")
        self.release(process)

    def test_names_and_addresses(self):
        process = self.crowd()
        self.assertRegex(self.text("x crowd!*eeper"), rf"^(?s:{ADDRESS}          crowd!\w+\n){{3}}$")
        self.assertRegex(self.text("ln crowd!Keeper+1"), rf"^{self.place}/driver\.c\(\d+\)\n"
                         rf"\({ADDRESS}\)   crowd!Keeper\+0x1   \|  \({ADDRESS}\)   crowd!\w+\n$")
        answers = self.json("? nt!KeSetEvent; x nt!KeSetEvent; ? poi(crowd!Sync+c8)-crowd!Sync")
        self.assertEqual(answers[0]["hex"], answers[1]["symbols"][0]["address"])
        self.assertEqual(answers[2]["value"], 0)
        self.release(process)


class Dumps(KdTest):
    def test_say_what_they_are(self):
        process = self.crowd()
        dump = self.dump()
        text = self.text("vertarget", "-z", dump)
        self.assertRegex(text, rf"""(?x)^Windows\ 10\ Kernel\ Version\ 22621\ MP\ \(2\ procs\)\ Free\ x64\n
Machine:\ {dump}\n
Kernel\ base\ =\ 0x{ADDRESS}\ PsLoadedModuleList\ =\ 0x{ADDRESS}\n
Debug\ session\ time:\ \w+\ \w+\ +\d+\ [\d:.]+\ \d+\ \(UTC\ [+-]\ \d+:\d\d\)\n
System\ Uptime:\ 0\ days\ 0:\d\d:\d\d\.\d\d\d\n$""")
        self.release(process)

    def test_of_a_machine_that_is_gone(self):
        process = self.crowd()
        dump = self.dump("elsewhere.dmp")
        self.release(process)
        (self.place / "apart").mkdir()
        shutil.move(dump, self.place / "apart")
        dump = self.place / "apart/elsewhere.dmp"
        self.assertIn("crowd!Deeper+0x", self.text("~*k", "-z", dump), "in the current directory")
        (self.place / "crowd.sys").rename(self.place / "apart/another.sys")
        self.assertIn("crowd!Deeper+0x", self.text("~*k", "-z", dump), "beside the dump, by another name")
        (self.place / "files").mkdir()
        (self.place / "apart/another.sys").rename(self.place / "files/crowd.sys")
        text = self.text("~*k", "-z", dump)
        self.assertRegex(text, r"WARNING: no symbols of crowd: \S+/crowd\.sys: No such file or directory")
        self.assertRegex(text, r"crowd\+0x[0-9a-f]+\n")
        self.assertNotIn("crowd!", text)
        self.assertIn("crowd!Deeper+0x", self.text("~*k", "-z", dump, "-y", self.place / "files"))
        self.assertIn("crowd!Deeper+0x", self.text(f".sympath {self.place}/files; ~*k", "-z", dump))
        # Built anew from another source, it is not what the dump had.
        self.build("crowd", CROWD.replace("A + 3 * B", "A + 4 * B"))
        text = self.text("~*k; lmvm crowd", "-z", dump, "-y", self.place)
        self.assertRegex(text, r"WARNING: no symbols of crowd: \S+")
        self.assertNotIn("crowd!", text)


class CommandLine(KdTest):
    def test_exit_codes(self):
        process = self.crowd()
        self.assertEqual(self.tool("kd", "-c", "? 1; nothing; ? 2").code, 1)
        self.assertEqual(self.tool("kd", "-c", "? 1", "-c", "? 2").output.count("Evaluate"), 2)
        for arguments in (("--nothing",), ("-p", "x"), ("-p", "1", "-z", "f")):
            self.assertEqual(self.tool("kd", *arguments).code, 2, arguments)
        self.assertEqual(self.tool("kd", "--help").code, 0)
        self.release(process)

    def test_what_is_no_machine(self):
        outcome = self.kd("-c", "? 1", succeeds=False)
        self.assertIn("no machine runs", outcome.errors)
        outcome = self.kd("-p", os.getpid(), "-c", "? 1", succeeds=False)
        self.assertEqual(outcome.errors, f"kd: process {os.getpid()} is no machine\n")
        (self.place / "text").write_text("x" * 10_000, encoding="ascii")
        self.assertIn("it is no dump", self.kd("-z", "text", succeeds=False).errors)
        self.assertIn("No such file or directory", self.kd("-z", "nothing", succeeds=False).errors)
        self.assertIn("it is no file", self.kd("-z", ".", succeeds=False).errors)
        self.assertIn("no dump of this processor", self.kd("-z", BIN.resolve() / "kd", succeeds=False).errors)

    @unittest.skipIf(os.getuid(), "only root becomes another user")
    def test_another_users_machine(self):
        process = self.crowd()
        result = subprocess.run([BIN.resolve() / "kd", "-p", str(process.pid), "-c", "k"], capture_output=True, text=True, user=65534, group=65534,
                                check=False, timeout=GUARD_SECONDS, cwd="/")
        if "Permission denied" in result.stderr and "libntemu" in result.stderr:
            self.skipTest("the programs may not be run by others")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"process {process.pid} may not be looked into: it is another user's", result.stderr)
        self.release(process)

    def test_commands_from_standard_input(self):
        process = self.crowd()
        result = subprocess.run([BIN / "kd"], input="? 1\n\n* a comment\n? 2;? 3\nnothing\nq\n? 4\n", capture_output=True, text=True,
                                cwd=self.place, env=self.environment, check=False, timeout=GUARD_SECONDS)
        self.assertEqual(re.findall(r"expression: (\d)", result.stdout), ["1", "2", "3"])
        self.assertIn("there is no command nothing", result.stdout)
        self.assertNotIn("kd>", result.stdout)
        self.assertEqual(result.returncode, 0)
        self.release(process)

    def test_scripts_and_logs(self):
        process = self.crowd()
        (self.place / "inner.txt").write_text("? 2\n", encoding="ascii")
        (self.place / "script.txt").write_text("? 1\n$$<inner.txt\n? 3\n", encoding="ascii")
        (self.place / "endless.txt").write_text("$$<endless.txt\n", encoding="ascii")
        text = self.kd("-c", ".logopen log.txt", "-c", "$$<script.txt", "-c", ".logclose; ? 4").output
        self.assertEqual(re.findall(r"expression: (\d)", text), ["1", "2", "3", "4"])
        log = (self.place / "log.txt").read_text("ascii")
        self.assertEqual(re.findall(r"expression: (\d)", log), ["1", "2", "3"])
        self.kd("-c", "$$<nothing.txt", succeeds=False)
        self.assertIn("too deeply", self.kd("-c", "$$<endless.txt", succeeds=False).output)
        self.release(process)

    def test_help_names_every_command(self):
        process = self.crowd()
        rows = self.json("help")[0]["commands"]
        for row in rows:
            for name in row["names"].split():
                self.assertIn(row["help"], self.text(f"help {name}"), name)
        self.assertTrue(all(row["help"] for row in rows))
        self.release(process)

    def test_json_of_every_command(self):
        process = self.crowd()
        rows = self.json("help")[0]["commands"]
        names = [name for row in rows for name in row["names"].split() if name not in ("q", "qq", "qd", ".detach", "$$", "*", ".crash")]
        outcome = self.tool("kd", "--json", *(word for name in names for word in ("-c", name)))
        answers = [json.loads(line) for line in outcome.output.splitlines()]
        self.assertEqual([answer["command"] for answer in answers], names)
        for answer in answers:
            self.assertTrue(answer["ok"] or answer["errors"], answer)
        self.release(process)

    def test_the_prompt(self):
        process = self.crowd()
        controller, terminal = pty.openpty()
        kd = subprocess.Popen([BIN / "kd"], stdin=terminal, stdout=terminal, stderr=terminal, cwd=self.place,
                              env={**self.environment, "TERM": "dumb", "HOME": str(self.place)})
        self.processes.append(kd)
        os.close(terminal)
        seen = ""

        def read_until(pattern: str) -> None:
            nonlocal seen
            deadline = time.monotonic() + GUARD_SECONDS
            while not re.search(pattern, seen):
                self.assertTrue(select.select([controller], [], [], max(0, deadline - time.monotonic()))[0], seen)
                seen += os.read(controller, 4096).decode(errors="replace").replace("\r", "")

        read_until(r"System Uptime: .*\n0: kd> $")
        os.write(controller, b"? 0n41\n")
        read_until(r"expression: 41 = .*\n0: kd> $")
        os.write(controller, b"vert\t\n")
        read_until(r"vertarget \n(.*\n)*System Uptime: .*\n0: kd> $")
        os.write(controller, b"? 0n1234")
        read_until(r"\? 0n1234$")
        kd.send_signal(signal.SIGINT)  # gives up the line
        read_until(r"\^C\n0: kd> $")
        os.write(controller, b"? 0n42\n")
        read_until(r"\^C\n0: kd> \? 0n42\nEvaluate expression: 42 = .*\n0: kd> $")
        os.write(controller, b"q\n")
        self.assertEqual(kd.wait(GUARD_SECONDS), 0)
        os.close(controller)
        self.assertIn("? 0n41", (self.place / "state/ntemu/kd_history").read_text("utf-8").replace("\\040", " "))
        self.release(process)


class Machines(KdTest):
    def state(self, process: subprocess.Popen) -> str:
        return pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]

    def test_one_that_ends_meanwhile(self):
        process = self.crowd()
        kd = self.popen("kd", "-p", process.pid)
        kd.kill()
        kd.communicate()
        kd = subprocess.Popen([BIN / "kd", "-p", str(process.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=self.place,
                              env=self.environment)
        self.processes.append(kd)
        kd.stdin.write("? 1\n")
        kd.stdin.flush()
        self.assertIn("Evaluate", kd.stdout.readline())
        pid = process.pid
        self.release(process)
        output, _ = kd.communicate("k\n? 2\n", timeout=GUARD_SECONDS)
        self.assertIn(f"the machine, process {pid}, has ended\n", output)
        self.assertIn("expression: 2", output)

    def test_one_that_is_frozen_goes_on_when_kd_is_killed(self):
        process = self.crowd()
        kd = subprocess.Popen([BIN / "kd", "--freeze", "-p", str(process.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              cwd=self.place, env=self.environment)
        self.processes.append(kd)
        kd.stdin.write("? 1\n")
        kd.stdin.flush()
        self.assertIn("Evaluate", kd.stdout.readline())
        self.assertEqual(self.state(process), "t")
        kd.send_signal(signal.SIGKILL)
        kd.communicate()
        before = self.json("dq crowd!Rounds L1")
        self.expect(self.ntemu("wait", "--threads", 1, "--reason", "WrFastMutex", "--timeout", "60s"), 0)
        self.assertNotEqual(self.json("dq crowd!Rounds L1")[0]["rows"], before[0]["rows"])
        self.release(process)

    def test_one_that_does_not_answer(self):
        process = self.crowd()
        os.kill(process.pid, signal.SIGSTOP)
        self.assertIn("crowd!Deeper", self.text("~*k", "-p", process.pid))
        self.assertEqual(self.state(process), "T")
        os.kill(process.pid, signal.SIGCONT)
        self.release(process)


if __name__ == "__main__":
    if SANITIZED:
        print("skipped: the sanitizer's own frames and names are not what is looked at here")
        raise SystemExit(77)
    unittest.main()
