#!/bin/bash
# The Debian package in a bare Debian 12, with no source tree in reach: demo, a new driver, a host program.
# usage: debian_test.sh [PACKAGE.deb]    $NTEMU_BARE_ROOT: a bare root made before (debootstrap --variant=minbase bookworm DIR)
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
tree=$here/../..

skip() { echo "skipped: $*"; exit 77; }
[[ ${NTEMU_TEST_FULL:-} == 1 ]] || skip "takes minutes; the full test run has it (NTEMU_TEST_FULL=1)"
((EUID == 0)) || skip "needs root for a root directory of its own"
[[ ${NTEMU_BARE_ROOT:-} ]] || command -v debootstrap >/dev/null || skip "needs debootstrap"

package=${1:-$("$tree/tools/package.sh" | tail -n 1)}
[[ -f $package ]]
if command -v lintian >/dev/null; then
  lintian --allow-root --fail-on error,warning "$package"
fi

. "$tree/tools/bare_root.sh"
bare_pristine=${NTEMU_BARE_ROOT:-}
[[ $bare_pristine ]] || bare_make_pristine "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
bare_root package
cp "$package" "$root/tmp/ntemu.deb"
cp "$here/consumer/host.cpp" "$root/tmp/"
for dependency in libdw1 libelf1 libedit2; do
  dpkg-deb --field "$package" Depends | grep "\b$dependency\b" >/dev/null || { echo "package: it does not depend on $dependency"; exit 1; }
done
for file in bin/kd share/man/man1/kd.1.gz share/bash-completion/completions/kd share/ntemu/ntemu-gdb.py share/ntemu/ntemu_lldb.py; do
  dpkg-deb --contents "$package" | grep " ./usr/$file\$" >/dev/null || { echo "package: it has no $file"; exit 1; }
done
echo "package: installing"
bare_install /tmp/ntemu.deb
chroot "$root" useradd --create-home user

bare_environment /home/user
as_user() { chroot --userspec=user:user "$root" "${env_of_root[@]}" bash -euo pipefail -c "cd && $1"; }

echo "package: the demonstration"
as_user 'ntemu demo' | tail -n 3
echo "package: a host program"
as_user 'g++ /tmp/host.cpp $(pkg-config --cflags --libs ntemu) -o host && ./host'
as_user 'ntemu new driver Sample'
presets=(default coverage)
[[ ! -d $root/usr/lib/ntemu/asan ]] || presets+=(asan)
for preset in "${presets[@]}"; do
  echo "package: a new driver, preset $preset"
  as_user "cd Sample && cmake --preset $preset && cmake --build --preset $preset && ctest --preset $preset" | tail -n 3
done
as_user 'export NTEMU_MACHINE=$PWD/m && sc create Sample type= kernel binPath= Sample/build/default/drivers/Sample.sys &&
  sc start Sample && ntemu threads && kd -c vertarget -c "dt nt!_KMUTANT ApcDisable" && sc stop Sample && ntemu shutdown'
echo "package: removing"
chroot "$root" apt-get -qq remove -y ntemu >/dev/null
left=$(chroot "$root" find /usr -name '*ntemu*')
[[ ! $left ]] || { echo "left behind: $left"; exit 1; }
echo "package: everything succeeded"
