"""Every verbatim driver builds with every compiler at -O0 and -O2, in C, and in C++ where the source is legal C++."""
import concurrent.futures
import os
import shutil
import sys

import seeds


def main() -> int:
    folder = seeds.sources()
    try:
        jobs = []
        for name in seeds.NAMES:
            shutil.copy(folder / f"{name}.c", folder / f"{name}.cpp")
            for compiler in seeds.COMPILERS:
                for level in ("-O0", "-O2"):
                    for suffix in ("c", "cpp"):
                        target = folder / f"{name}-{compiler}{level}-{suffix}.sys"
                        jobs.append((folder / f"{name}.{suffix}", target, "--cc", compiler, level))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = [text for text in pool.map(lambda job: seeds.build(*job), jobs) if text]
    finally:
        shutil.rmtree(folder)
    print("\n".join(failures))
    print(f"{len(jobs) - len(failures)} of {len(jobs)} builds succeeded with {', '.join(seeds.COMPILERS)}")
    return 1 if failures or not seeds.COMPILERS else 0


if __name__ == "__main__":
    sys.exit(main())
