"""Write manual pages and completions for ntemu, ntcc, sc, verifier, notmyfault and kd, out of what the programs print as their help.

usage: python3 tools/manual BIN_DIRECTORY VERSION OUTPUT_DIRECTORY
"""
import gzip
import pathlib
import sys

import completion
import model
import roff

ALIASES = {"sc": ["sc.exe"], "verifier": ["verifier.exe"], "notmyfault": ["notmyfault.exe", "notmyfault64.exe"]}
TAKES_FILES = {"ntcc"}


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    programs, version, output = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    for name in ("ntemu", "ntcc", "sc", "verifier", "notmyfault", "kd"):
        program = model.read(programs / name)
        more = (pathlib.Path(__file__).parent / f"{name}.roff").read_text("utf-8")
        files = {f"man/man1/{name}.1.gz": gzip.compress(roff.page(program, version, more).encode(), 9, mtime=0)}
        of_shells = {f"bash-completion/completions/{name}": completion.bash, f"fish/vendor_completions.d/{name}.fish": completion.fish}
        for path, generate in of_shells.items():
            files[path] = generate(program, ALIASES.get(name, []), name in TAKES_FILES).encode()
        for path, content in files.items():
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            (output / path).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
