#!/bin/bash
# Install the Debian packages that building and testing need; does nothing when all are there.
# usage: install_deps.sh [--full] [--package]
#   --full     adds what kd disassembles with, and what a few tests skip without: clang 19, mingw-w64's headers, and what
#              looks at packages
#   --package  adds what makes a Debian package
set -euo pipefail

packages=(
  gcc g++ libc6-dev binutils clang clang-format clang-tidy libclang-rt-14-dev
  cmake ninja-build make pkg-config python3 git util-linux
  libfmt-dev libcli11-dev nlohmann-json3-dev libsqlite3-dev libelf-dev libdw-dev libedit-dev libfuse3-dev fuse3 libgtest-dev libgmock-dev libbenchmark-dev
)
for option; do
  case $option in
    --full) packages+=(libzydis-dev clang-19 mingw-w64-x86-64-dev gdb lldb dpkg-dev file debootstrap lintian groff-base fish) ;;
    --package) packages+=(dpkg-dev file) ;;
    *) sed -n '2,6s/^# \?//p' "$0" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  echo "packages: all ${#packages[@]} are installed"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "install_deps: missing packages, and neither root nor sudo: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "packages: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
