"""An installation of the build in a directory, and commands run as its users run them."""
import os
import pathlib
import subprocess


def environment(**more: object) -> dict:
    """The process's environment without what the tests of the tree set."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NTEMU_", "CMAKE_"))}
    return clean | {name: str(value) for name, value in more.items()}


def call(*command: object, cwd: pathlib.Path, code: int = 0, **more: object) -> str:
    """Runs a command in the directory; its output."""
    result = subprocess.run([*map(str, command)], cwd=cwd, env=environment(**more),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if result.returncode != code:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


def libraries(prefix: pathlib.Path) -> pathlib.Path:
    """The directory with the variants of the runtime."""
    plain = prefix / "lib/ntemu/plain"
    return (plain if plain.exists() else next((prefix / "lib").glob("*/ntemu/plain"))).parent


def install(build: pathlib.Path, prefix: pathlib.Path) -> None:
    call("cmake", "--install", build, "--prefix", prefix, cwd=prefix.parent)
