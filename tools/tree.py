"""Which files of the repository the checks look at."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = {"build", ".git", "__pycache__"}
SOURCE_SUFFIXES = {".c", ".cpp", ".h", ".py", ".sh"}


def files(root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """The repository's files, relative to root: what git knows, or everything outside build/ where git cannot tell."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True, text=True, check=False) if (root / ".git").exists() else None
    if listing is not None and listing.returncode == 0:
        names = [pathlib.Path(name) for name in listing.stdout.split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*")]
    return sorted(name for name in names
                  if not SKIPPED.intersection(name.parts) and (root / name).is_file() and not (root / name).is_symlink())
