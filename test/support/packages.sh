# Installs what a fresh Debian 12 or 13 lacks; sourced by test/run.sh and test/demo.sh. Does nothing when all is there.
# Services of the packages are not started: the tests start private servers of their own.
# shellcheck shell=sh

build_packages="build-essential cmake ninja-build pkg-config libevent-dev libcjson-dev libyaml-dev liblmdb-dev
  libpq-dev libmariadb-dev libhiredis-dev libsodium-dev libcurl4-openssl-dev libssl-dev uthash-dev"
demo_packages="$build_packages curl ca-certificates postgresql postgresql-contrib python3"
case $(. /etc/os-release && echo "${VERSION_ID-}") in
12) clang_runtime=libclang-rt-14-dev ;;
*) clang_runtime=libclang-rt-19-dev ;;
esac
# shellcheck disable=SC2034 # used by those who source this
test_packages="$demo_packages debootstrap git libcmocka-dev clang clang-format clang-tidy cppcheck gcovr $clang_runtime valgrind shellcheck pmccabe
  openssl jq file
  prometheus man-db groff-base systemd dpkg-dev
  mariadb-server nginx-light pgbouncer rabbitmq-server redis-server redis-sentinel redis-tools
  python3-pika python3-pytest python3-psycopg2 python3-pymysql python3-redis python3-yaml"

# as_root COMMAND ...: runs it as root, by sudo when need be.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "packages are missing and neither root nor sudo is at hand to install them" >&2
    return 1
  fi
}

# missing_packages PACKAGE ...: prints those that are not installed.
missing_packages() {
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
  done
}

# install_packages PACKAGE ...
install_packages() {
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  echo "installing: $missing"
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made_policy=yes
  fi
  status=0
  # shellcheck disable=SC2086 # a list of words
  as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing || status=$?
  [ -z "${made_policy-}" ] || as_root rm -f "$policy"
  return "$status"
}
