#!/bin/bash
# Run tools/demo.sh and tools/test.sh on a clean clone in a bare Debian 12, as root and as a user with sudo.
# usage: check_bare_debian.sh [--mirror URL] [--root DIR] [--ccache DIR] [--keep] [--as root|user]... [-- TEST.SH-OPTION...]
#   --mirror   where Debian's packages come from (default: $DEBIAN_MIRROR or http://deb.debian.org/debian)
#   --root     a bare root made before (debootstrap --variant=minbase bookworm DIR); it is copied, not changed
#   --ccache   compile through a cache kept in DIR, so that the second root compiles nothing that the first one did
#   --keep     leave the used root behind
# Needs root, debootstrap and git. The network and apt configuration of this machine serve the bare one.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
pristine=
keep=
cache=
as=()
while (($#)); do
  case $1 in
    --mirror) mirror=$2; shift ;;
    --root) pristine=$2; shift ;;
    --ccache) mkdir -p "$2"; cache=$(readlink -f "$2"); shift ;;
    --keep) keep=1 ;;
    --as) as+=("$2"); shift ;;
    --) shift; break ;;
    *) sed -n '2,8s/^# \?//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
((${#as[@]})) || as=(root user)
((EUID == 0)) || { echo "check_bare_debian: needs root" >&2; exit 1; }

. "$here/bare_root.sh"
bare_keep=$keep
bare_pristine=$pristine
[[ $bare_pristine ]] || bare_make_pristine "$mirror"

for who in "${as[@]}"; do
  echo "bare: a fresh root for $who"
  bare_root "$who"
  user=(chroot "$root")
  if [[ $who == user ]]; then
    bare_install sudo
    chroot "$root" useradd --create-home --shell /bin/bash tester
    echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/tester"
    user=(chroot --userspec=tester:tester "$root")
  fi
  if [[ $cache ]]; then
    bare_install ccache
    mkdir -p "$root/var/cache/ccache"
    mount --bind "$cache" "$root/var/cache/ccache"
    chmod -R a+rwX "$cache"
  fi
  git clone --quiet --no-hardlinks "$here/.." "$root/opt/ntemu"
  [[ $who == user ]] && chroot "$root" chown -R tester:tester /opt/ntemu
  bare_environment "/$([[ $who == user ]] && echo home/tester || echo root)"
  for script in demo.sh "test.sh $*"; do
    echo "bare: $script as $who"
    start=$SECONDS
    # From another directory, since both must work from any.
    "${user[@]}" "${env_of_root[@]}" CCACHE_DIR=/var/cache/ccache CCACHE_UMASK=000 bash -c "cd / && /opt/ntemu/tools/$script"
    echo "bare: $script as $who succeeded in $((SECONDS - start)) s"
  done
done
echo "bare: everything succeeded as ${as[*]}"
