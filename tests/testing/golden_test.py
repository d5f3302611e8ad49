"""What the kit prints when a test fails, compared with golden/*.txt.

usage: golden_test.py PROGRAM [--update]
Each case of PROGRAM runs alone. Numbers that differ from run to run are written as words first. --update writes the
files instead.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def normalize(text: str) -> str:
    text = text.replace(str(ROOT) + "/", "").replace("../../", "")
    text = re.sub(r"0x[0-9a-f]{6,}", "ADDRESS", text)
    text = re.sub(r"(?m)^ntemu: bugcheck:       (?!testing_).*\n", "", text)  # frames that are not the driver's
    text = re.sub(r"@?0x[0-9a-f]+(?= pointing to)", "ADDRESS", text)
    text = re.sub(r"0x0000[0-9A-Fa-f]{12}|0xADDRESS", "ADDRESS", text)
    text = re.sub(r"thread \d+", "thread N", text)
    text = re.sub(r" for \d\S*, on", " for TIME, on", text)
    text = re.sub(r"\(\d+ ms( total)?\)", "(TIME)", text)
    text = re.sub(r"\+0x[0-9a-f]+", "+OFFSET", text)
    return text


def run(program: str, case: str) -> str:
    result = subprocess.run([program, f"--gtest_filter={case}", "--gtest_brief=1"], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60, check=False)
    lines = [line for line in result.stdout.splitlines() if not line.startswith(("Running main", "Note:"))]
    return normalize("\n".join([*lines, f"exit code {result.returncode}", ""]))


def main() -> int:
    program, update = sys.argv[1], "--update" in sys.argv
    if os.environ.get("NTEMU_SANITIZE"):
        print("sanitizers report crashes and leaks in their own words")
        return 77
    listed = subprocess.run([program, "--gtest_list_tests"], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    cases = [line.strip() for line in listed.splitlines() if line.startswith("  ")]
    failed = 0
    for case in cases:
        path = HERE / "golden" / f"{case}.txt"
        printed = run(program, f"Golden.{case}")
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_text(printed, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != printed:
            failed += 1
            print(f"--- {path.name} is not what was printed:\n{printed}")
    print(f"{len(cases)} cases, {failed} differ")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
