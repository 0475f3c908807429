#!/bin/sh
# What to run while you work: builds, then runs all unit tests beside one driver's suite. Once the build is warm, that takes
# under a minute where nothing else runs. Usage: test/quick.sh [DRIVER]; a name of test/support/backends.py, such as redis;
# without one, postgres.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
driver=${1:-postgres}
build=${BUILD_DIR:-$root/build-quick}
jobs=${JOBS:-$(nproc)}

# shellcheck disable=SC2086 # a list of words
install_packages $test_packages
cmake -S "$root" -B "$build" -G Ninja -DSCRIPTED_DRIVER=ON -DWARNINGS_AS_ERRORS=ON -DCMAKE_BUILD_TYPE=Sanitize \
  -DCMAKE_C_COMPILER=gcc >/dev/null
cmake --build "$build" -j "$jobs"
ln -sfn "$build/compile_commands.json" "$root/compile_commands.json" # where editors look for it

said=$(mktemp -d)
running=
trap 'rm -rf "$said"' EXIT
# shellcheck disable=SC2086 # a list of numbers
trap 'kill $running; exit 130' INT TERM

# begin NAME COMMAND ...: runs it beside the others.
begin() {
  name=$1
  shift
  "$@" >"$said/$name" 2>&1 &
  running="$running $!"
}

# suite NAME TESTS: those of the driver's tests; each part has a server of its own.
suite() {
  begin "$1" env BROKER="$build/tsuru-broker" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider \
    "$root/test/integration/test_drivers.py" -k "$driver and ($2)"
}

# The tests of outages wait most of their time: they do it beside the others.
outages="in_the_middle or answers_nothing"
suite returns "comes_back"
suite outages "$outages"
suite others "not (comes_back or $outages)"
begin units ctest --test-dir "$build" -R '^unit/' -j "$((jobs + 2))" --output-on-failure

status=0
for process in $running; do
  wait "$process" || status=1
done
for name in units others outages returns; do
  echo "== $name"
  if [ "$status" = 0 ]; then tail -n 3 "$said/$name"; else cat "$said/$name"; fi
done
exit "$status"
