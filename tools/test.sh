#!/bin/bash
# Install the packages, build, and run every test.
# usage: test.sh [--full] [--preset PRESET]...
#   --full     the long counts (each driver 100 times instead of 5), the tests that need further packages, every test in each
#              build, and builds as developers have them
#   --preset   only this build, e.g. gcc; may be given several times (default: gcc clang asan tsan)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

full=()
presets=()
while (($#)); do
  case $1 in
    --full) full=(--full); export NTEMU_TEST_FULL=1 ;;
    --preset) presets+=("${2:?--preset needs a name}"); shift ;;
    *) sed -n '2,6s/^# \?//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
((${#presets[@]})) || presets=(gcc clang asan tsan)

"$here/install_deps.sh" "${full[@]}"
cd "$here/.."

# The failed tests of a log of ctest with what they printed, to be shown where a reader of a long log looks: at its end.
show_failed() {
  awk -v most=150 '
    /^ *[0-9]+\/[0-9]+ Test +#/ { shown = /\*\*\*(Failed|Timeout|Exception|Not Run)/ ? most : 0 }
    /^ *Start +[0-9]+:|^[0-9]+% tests passed/ { next }
    /^The following tests/ { shown = 0 }
    shown > 0 { print; if (--shown == 0) print "  ... (the rest is in the log)" }' "$1"
}

failed=()
summary=()
for preset in "${presets[@]}"; do
  echo "test: building preset $preset"
  build_options=-DNTEMU_QUICK_BUILD=OFF
  left_out=()
  if ((${#full[@]} == 0)); then
    if ! command -v ccache >/dev/null; then build_options=-DNTEMU_QUICK_BUILD=ON; fi  # which ccache knows little of
    # The preset tsan tests that runtime as a whole; how a plain program starts another runtime is seen with one of them.
    if [[ $preset == gcc ]]; then build_options+=' -DNTEMU_VARIANTS=asan'; fi
    # What these show has little to do with who compiled ntemu.
    if [[ $preset != "${presets[0]}" ]]; then
      left_out=(--exclude-regex '^(bench|docs|kd|ntcc|package|repo)\.|^samples$|\.transcript$|^headers\.compile_alone$|^seeds\.build$')
    fi
  fi
  NTEMU_BUILD_OPTIONS=$build_options tools/build.sh "$preset"
  runner=()
  # TSan's shadow memory is not where a kernel with more than 28 random bits may put the program.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    runner=(setarch "$(uname -m)" -R)
  fi
  echo "test: running the tests of preset $preset"
  log="build/$preset/test.log"
  start=$SECONDS
  if ! "${runner[@]}" ctest --preset "$preset" --parallel "$(nproc)" --progress --no-tests=error "${left_out[@]}" 2>&1 | tee "$log" | grep -v '^$'; then
    failed+=("$preset")
  fi
  summary+=("$preset: $(grep -E '% tests passed|No tests were found' "$log" || echo 'no result') ($((SECONDS - start)) s)")
done

for preset in "${failed[@]}"; do
  echo "test: what failed in preset $preset"
  show_failed "build/$preset/test.log"
done
echo
printf '%s\n' "${summary[@]}"
if ((${#failed[@]})); then
  echo "test: FAILED in ${failed[*]}; the details are in build/<preset>/test.log"
  exit 1
fi
echo "test: every test passed"
