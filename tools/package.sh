#!/bin/bash
# Install what is missing, build, and make the Debian package; its path is the last line.
# usage: package.sh [-D CMAKE-OPTION]...    e.g. -D NTEMU_VARIANTS= for a package without the sanitized runtimes
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
"$here/install_deps.sh" --package
cd "$here/.."

options=(-D NTEMU_BUILD_TESTS=OFF)
if command -v ccache >/dev/null; then
  options+=(-D CMAKE_C_COMPILER_LAUNCHER=ccache -D CMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
log=build/package/build.log
mkdir -p build/package
if ! { cmake --preset release -B build/package "${options[@]}" "$@" && cmake --build build/package &&
       cpack --config build/package/CPackConfig.cmake -G DEB -B build/package; } >"$log" 2>&1; then
  tail -n 60 "$log" >&2
  echo "package: failed; the whole log is $PWD/$log" >&2
  exit 1
fi
ls -t "$PWD"/build/package/ntemu_*.deb | head -n 1
