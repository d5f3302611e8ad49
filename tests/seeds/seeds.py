"""The six drivers of the published documents, verbatim, built by ntcc; skipped where the documents are not at hand."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from machine import BIN  # noqa: E402

NAMES = ("race", "kmutex", "fast_mutex", "fast_mutex_recursive", "kmutex_delay", "push_lock")
COMPILERS = [compiler for compiler in ("gcc", "clang", "clang-19") if shutil.which(compiler)]
SKIPPED = 77


def sources() -> pathlib.Path:
    """A temporary folder with the extracted sources; ends the program with "skipped" when there is nothing to extract."""
    extractor = pathlib.Path(os.environ.get("NTEMU_SEED_EXTRACTOR", ROOT.parent / "shared/tools/seed_drivers.py"))
    if not extractor.is_file():
        print("skipped: the documents with the drivers' sources are not here (NTEMU_SEED_EXTRACTOR names their extractor)")
        sys.exit(SKIPPED)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ntemu-seeds-"))
    subprocess.run([sys.executable, extractor, folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def build(source: pathlib.Path, target: pathlib.Path, *options: str) -> str:
    """Empty when ntcc succeeded, else what it said."""
    result = subprocess.run([BIN / "ntcc", "-o", target, source, *options], capture_output=True, text=True, check=False)
    if result.returncode:
        return f"ntcc {' '.join(options)} {source.name}: exit code {result.returncode}\n{result.stdout}{result.stderr}"
    return "" if target.is_file() else f"ntcc {' '.join(options)} {source.name}: success, but no {target.name}"
