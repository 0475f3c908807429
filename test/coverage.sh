#!/bin/sh
# Says which lines of src/ the tests run, and fails below FLOOR percent. Usage: test/coverage.sh [BUILD]
# BUILD was made with -DCOVERAGE=ON, and its tests have been run; without it one of the type Coverage is made, and they are.
# The report is in BUILD: coverage.txt (what was not run, file by file) and coverage/index.html.
set -eu
FLOOR=90

root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build-coverage}
jobs=${JOBS:-$(nproc)}

if [ $# = 0 ]; then
  # shellcheck source=test/support/packages.sh
  . "$root/test/support/packages.sh"
  # shellcheck disable=SC2086,SC2154 # a list of words, from packages.sh
  install_packages $test_packages
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Coverage -DCMAKE_C_COMPILER=gcc -DSCRIPTED_DRIVER=ON >/dev/null
  cmake --build "$build" -j "$jobs"
  find "$build" -name '*.gcda' -delete
  ctest --test-dir "$build" --output-on-failure -j "$((jobs + 2))" -L 'unit|integration'
fi

mkdir -p "$build/coverage"
status=0
# What another system's compiler has counted (test/on.sh) is not this one's to read.
gcovr --root "$root" --object-directory "$build" --filter "$root/src/" --exclude-directories '.*/roots$' \
  -j "$jobs" --fail-under-line "$FLOOR" --txt "$build/coverage.txt" --html-details "$build/coverage/index.html" "$build" || status=$?
# Those with the most lines that no test runs come first.
echo "files with lines that no test runs (all of them: $build/coverage.txt)"
sed -n 's/^\(src[^ ]*\) *\([0-9]*\) *\([0-9]*\) *\([0-9]*%\) *\(.*\)$/\2 \3 \4 \1 \5/p' "$build/coverage.txt" |
  awk '$1 > $2 { print $1 - $2, $3, $4, $5 }' | sort -k1,1nr -k3 | head -n 15
grep '^TOTAL' "$build/coverage.txt" | awk -v floor="$FLOOR" '{ print $3 " of " $2 " lines are run: " $4 " (the floor is " floor "%)" }'
exit "$status"
