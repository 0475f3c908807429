#!/bin/sh
# Installs what is needed, builds with sanitizers, and runs every test on private servers.
# Usage: test/run.sh [short | PATTERN]. PATTERN is ctest's -R: those tests alone. short builds with gcc alone, and runs the
# unit tests and the drivers' shared suite.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
build=${BUILD_DIR:-$root/build-sanitize}
jobs=${JOBS:-$(nproc)}

# shellcheck disable=SC2086 # a list of words
install_packages $test_packages

# configure DIRECTORY OPTION ...
configure() {
  directory=$1
  shift
  cmake -S "$root" -B "$directory" -G Ninja -DSCRIPTED_DRIVER=ON -DWARNINGS_AS_ERRORS=ON "$@" >/dev/null
}

echo "== building with gcc and sanitizers in $build"
configure "$build" -DCMAKE_BUILD_TYPE=Sanitize -DCMAKE_C_COMPILER=gcc -DCRASH_POINTS=ON -DCOVERAGE=ON \
  -DTHREAD_BUILD="$build-thread" -DPLAIN_BUILD="$build-plain" -DCLANG_BUILD="$build-clang" -DFUZZ_BUILD="$build-fuzz"
cmake --build "$build" -j "$jobs"
if [ "${1-}" = short ]; then
  exec ctest --test-dir "$build" --output-on-failure -j "$((jobs + 2))" -R '^unit/|^integration/drivers_'
fi

echo "== building with clang in $build-clang"
configure "$build-clang" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang
cmake --build "$build-clang" -j "$jobs"

echo "== building for the thread sanitizer in $build-thread and for valgrind in $build-plain"
configure "$build-thread" -DCMAKE_BUILD_TYPE=Thread -DCMAKE_C_COMPILER=gcc
cmake --build "$build-thread" -j "$jobs" --target store_tests driver_login_test
configure "$build-plain" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc
cmake --build "$build-plain" -j "$jobs"

echo "== building the fuzzers in $build-fuzz"
configure "$build-fuzz" -DCMAKE_BUILD_TYPE=Sanitize -DCMAKE_C_COMPILER=clang -DFUZZ=ON
cmake --build "$build-fuzz" -j "$jobs" --target fuzzers

echo "== running the tests"
find "$build" -name '*.gcda' -delete # what earlier runs have counted
ctest --test-dir "$build" --output-on-failure -j "$((jobs + 2))" ${1:+-R "$1"}

# The sanitizers' build counts lines, too: all tests run once, not twice. A part of them says nothing of the whole.
if [ $# = 0 ]; then
  echo "== what the tests do not run"
  sh "$root/test/coverage.sh" "$build"
fi
