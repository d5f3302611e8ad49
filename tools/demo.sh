#!/bin/bash
# Install the packages, build, and run the demonstration: the sample drivers on a machine of their own.
# usage: demo.sh
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
"$here/install_deps.sh"
cd "$here/.."
echo "demo: building what it needs (the first time takes a few minutes)"
NTEMU_BUILD_TARGETS="ntemu ntcc sc" tools/build.sh gcc
exec build/gcc/bin/ntemu demo
