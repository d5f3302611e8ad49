"""kd's commands inside gdb: `source ntemu-gdb.py`, then `kd !us`, on a process or on a core file.

gdb takes `!` for the shell, so that each of them has `kd` before it. kd runs on its own beside gdb: what one selects (a
thread, a frame) the other does not know; `kd .thread ADDRESS; k` has both in one line.
"""
import os
import re
import shutil
import subprocess

import gdb

PLACES = [os.path.dirname(of(__file__)) for of in (os.path.abspath, os.path.realpath)]


def program():
    """The kd that was installed with this file, or the one of $NTEMU_KD or $PATH."""
    beside = [os.path.join(place, "../../bin/kd") for place in PLACES]
    for path in (os.environ.get("NTEMU_KD"), *beside, shutil.which("kd")):
        if path and os.access(path, os.X_OK):
            return path
    raise gdb.GdbError("kd: there is no program kd (NTEMU_KD names it)")


def looked_at():
    """What gdb looks at, as options of kd."""
    core = re.search(r"Local core dump file:\n\s*`(.+)', file type", gdb.execute("info files", to_string=True))
    if core:
        return ["-z", core[1]]
    inferior = gdb.selected_inferior()
    if inferior and inferior.pid:
        return ["-p", str(inferior.pid)]
    raise gdb.GdbError("kd: there is no process and no core file: attach PID, run, or core-file FILE comes first")


class Kd(gdb.Command):
    """Runs commands of kd, with ; between them, on the machine or dump that gdb looks at: kd !us

A thread that runs is stopped by gdb alone: its stack is gdb's to show, with bt. `kd help` lists the commands."""

    def __init__(self):
        super().__init__("kd", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        if not argument.strip():
            raise gdb.GdbError("kd: it needs a command: kd help")
        paths = [path for path in gdb.parameter("solib-search-path").split(":") if path]
        symbols = ["-y", ":".join(paths)] if paths else []
        done = subprocess.run([program(), *looked_at(), *symbols, "-c", argument], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False)
        gdb.write(done.stdout.decode(errors="replace"))
        if done.returncode:
            raise gdb.GdbError(f"kd: exit code {done.returncode}")


Kd()
