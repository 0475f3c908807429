#!/bin/sh
# Runs tests on another Debian, in a root of its own beside this system's (debootstrap and chroot; no image, no container).
# Usage: test/on.sh SUITE [COMMAND ...]; without a command test/run.sh. SUITE is bookworm (12) or trixie (13).
# Needs root and debootstrap. Exit code 77: roots cannot be made here.
# The root is kept, with its builds: ROOTS names the directory (default: ~/.cache/tsuru-broker). Remove it when you like.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
suite=${1:?SUITE is missing: bookworm or trixie}
shift
roots=${ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/tsuru-broker}
root=$roots/$suite

if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
  echo "a root of $suite needs root and the right to mount" >&2
  exit 77
fi

# Nothing of what is mounted is seen outside, nor outlives this. One run at a time.
if [ "${ON_MOUNTED-}" = "" ]; then
  mkdir -p "$roots"
  ON_MOUNTED=yes exec flock "$roots/$suite.lock" unshare --mount --propagation private sh "$project/test/on.sh" "$suite" "$@"
fi
unset ON_MOUNTED

make_root() {
  rm -rf "$root.new"
  debootstrap --variant=minbase "$suite" "$root.new" http://deb.debian.org/debian
  for part in "debian $suite" "debian $suite-updates" "debian-security $suite-security"; do
    echo "deb http://deb.debian.org/$part main"
  done >"$root.new/etc/apt/sources.list"
  mkdir "$root.new/project" "$root.new/builds"
  rm -rf "$root"
  mv "$root.new" "$root"
}

[ -d "$root" ] || make_root
mount --bind "$project" "$root/project"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
cp /etc/resolv.conf /etc/hosts "$root/etc/"

# inside COMMAND ...: runs it in the root, in the project's folder
inside() {
  chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin BUILD_DIR=/builds/sanitize \
    ${JOBS:+"JOBS=$JOBS"} sh -c 'cd /project && exec "$@"' sh "$@"
}

[ $# != 0 ] || set -- sh test/run.sh
inside "$@"
