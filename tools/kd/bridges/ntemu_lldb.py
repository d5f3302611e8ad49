"""kd's commands inside lldb: `command script import ntemu_lldb.py`, then `kd !us`, on a process or on a core file.

kd runs on its own beside lldb: what one selects (a thread, a frame) the other does not know; `kd .thread ADDRESS; k` has
both in one line.
"""
import os
import shutil
import subprocess

PLACES = [os.path.dirname(of(__file__)) for of in (os.path.abspath, os.path.realpath)]
ELF_CORE = 4


def program():
    """The kd that was installed with this file, or the one of $NTEMU_KD or $PATH."""
    beside = [os.path.join(place, "../../bin/kd") for place in PLACES]
    for path in (os.environ.get("NTEMU_KD"), *beside, shutil.which("kd")):
        if path and os.access(path, os.X_OK):
            return path
    return None


def is_core(path):
    try:
        with open(path, "rb") as file:
            head = file.read(18)
    except OSError:
        return False
    return head[:4] == b"\x7fELF" and head[16] == ELF_CORE


def core_file(process):
    """Its path. lldb tells it since version 17; before, it is the core file that this process has open."""
    if hasattr(process, "GetCoreFile"):
        file = process.GetCoreFile()
        if file and file.IsValid():
            return str(file)
    opened = [os.path.realpath(os.path.join("/proc/self/fd", name)) for name in os.listdir("/proc/self/fd")]
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        mapped = [line.rstrip("\n").split(None, 5)[5] for line in maps if line.count("/")]
    found = sorted({path for path in opened + mapped if os.path.isfile(path) and is_core(path)})
    return found[0] if len(found) == 1 else None


def looked_at(process):
    """What lldb looks at, as options of kd; None for nothing."""
    if not process or not process.IsValid():
        return None
    if process.GetPluginName() == "elf-core":
        path = core_file(process)
        return ["-z", path] if path else None
    return ["-p", str(process.GetProcessID())]


def kd(debugger, command, result, _):
    """Runs commands of kd, with ; between them, on the machine or dump that lldb looks at: kd !us

A thread that runs is stopped by lldb alone: its stack is lldb's to show, with bt. `kd help` lists the commands."""
    which = looked_at(debugger.GetSelectedTarget().GetProcess())
    path = program()
    if not path:
        result.SetError("kd: there is no program kd (NTEMU_KD names it)")
    elif not command.strip():
        result.SetError("kd: it needs a command: kd help")
    elif not which:
        result.SetError("kd: there is no process and no core file: process attach --pid PID, or target create --core FILE comes first")
    else:
        done = subprocess.run([path, *which, "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              check=False)
        result.AppendMessage(done.stdout.decode(errors="replace").rstrip("\n"))
        if done.returncode:
            result.SetError(f"kd: exit code {done.returncode}")


def __lldb_init_module(debugger, _):
    debugger.HandleCommand(f"command script add --function {__name__}.kd kd")
