# Bare Debian 12 roots, for scripts that show that nothing but what they install is needed. To be sourced.
#
# Sets bare_work, a directory that is removed in the end unless bare_keep is set.

bare_work=$(mktemp -d /var/tmp/bare-debian.XXXXXX)
bare_keep=

bare_cleanup() {
  local mounted
  for mounted in "$bare_work"/*/proc "$bare_work"/*/dev "$bare_work"/*/var/cache/ccache; do
    ! mountpoint -q "$mounted" || umount --recursive --lazy "$mounted"
  done
  [[ $bare_keep ]] || rm -rf --one-file-system "$bare_work"
}
trap bare_cleanup EXIT

# bare_make_pristine MIRROR: sets bare_pristine to a root that nothing was done to.
bare_make_pristine() {
  bare_pristine=$bare_work/pristine
  echo "bare: making Debian 12 from $1"
  debootstrap --variant=minbase bookworm "$bare_pristine" "$1" >"$bare_work/debootstrap.log"
}

# bare_root NAME: sets root to a copy of bare_pristine, with this machine's devices and name resolution.
bare_root() {
  root=$bare_work/$1
  cp -a "$bare_pristine" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --make-rslave "$root/dev"
  cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
}

# What a command in a root has as its environment.
bare_environment() { # bare_environment HOME
  env_of_root=(env -i "HOME=$1" PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
    "http_proxy=${http_proxy:-}" "https_proxy=${https_proxy:-}")
}

bare_install() { # bare_install PACKAGE...
  chroot "$root" sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y "$@" >/dev/null' sh "$@"
}
