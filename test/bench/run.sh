#!/bin/sh
# Installs what is needed, builds Release, and measures the broker beside other servers on this machine.
# Usage: test/bench/run.sh [--rounds N] [--seconds S] [--only CASE[,CASE]] [--output DIRECTORY]   (--help tells the cases)
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
build=${BUILD_DIR:-$root/build-bench}

case ${1-} in
  -h | --help) exec /usr/bin/python3 "$root/test/bench/bench.py" --help ;; # builds nothing
esac

# shellcheck disable=SC2086 # a list of words
install_packages $build_packages python3 postgresql redis-server wrk nginx gunicorn python3-flask python3-psycopg2
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF -DBENCH=ON >/dev/null
cmake --build "$build" --target bench
exec /usr/bin/python3 "$root/test/bench/bench.py" --build "$build" "$@"
