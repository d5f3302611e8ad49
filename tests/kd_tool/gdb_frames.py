"""For gdb: prints, as JSON, the frames of each thread with the registers that calls keep, without inlined functions."""
import json

import gdb

KEPT = ("rip", "rsp", "rbx", "rbp", "r12", "r13", "r14", "r15")


def frames(thread):
    thread.switch()
    found = []
    frame = gdb.newest_frame()
    while frame is not None:
        if frame.type() != gdb.INLINE_FRAME:
            registers = {name: int(frame.read_register(name)) & (2**64 - 1) for name in KEPT}
            place = frame.find_sal()
            found.append({"function": frame.name(), "registers": registers, "line": place.line})
        if frame.name() and "KiStartSystemThread" in frame.name():
            break
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


gdb.execute("set pagination off")
print("FRAMES " + json.dumps({thread.ptid[1]: frames(thread) for thread in gdb.selected_inferior().threads()}))
