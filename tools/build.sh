#!/bin/bash
# Configure and build presets of the tree, with ccache where it is installed.
# usage: build.sh [PRESET...]    (default: gcc)
#   NTEMU_BUILD_OPTIONS has further options of cmake, such as -D..., and NTEMU_BUILD_TARGETS what to build, if not everything.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

read -ra options <<<"${NTEMU_BUILD_OPTIONS:-}"
read -ra targets <<<"${NTEMU_BUILD_TARGETS:-all}"
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
for preset in "${@:-gcc}"; do
  mkdir -p "build/$preset"
  log="build/$preset/build.log"
  start=$SECONDS
  if ! { cmake --preset "$preset" "${options[@]}" && cmake --build --preset "$preset" --target "${targets[@]}"; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "build: preset $preset failed; the whole log is $log" >&2
    exit 1
  fi
  echo "build: preset $preset is ready in build/$preset ($((SECONDS - start)) s)"
done
