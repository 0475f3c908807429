#!/bin/sh
# Builds with gcc, sanitizers and -Werror, runs the unit tests and the drivers' shared suite on real servers.
# Usage: test/short.sh
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
build=${BUILD_DIR:-$root/build-sanitize}
jobs=${JOBS:-$(nproc)}

# shellcheck disable=SC2086 # a list of words
install_packages $test_packages
cmake -S "$root" -B "$build" -G Ninja -DSCRIPTED_DRIVER=ON -DWARNINGS_AS_ERRORS=ON -DCMAKE_BUILD_TYPE=Sanitize \
  -DCMAKE_C_COMPILER=gcc -DCRASH_POINTS=ON >/dev/null
cmake --build "$build" -j "$jobs"
ctest --test-dir "$build" --output-on-failure -j "$jobs" -R '^unit/|^integration/drivers_'
