#!/bin/sh
# Runs the fuzzers one after the other. Usage: test/fuzz/run.sh [SECONDS-EACH [NAME ...]]
# What they find is written to the working directory; put it into test/fuzz/corpus/NAME once it is mended.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD_DIR:-$root/build-fuzz}
seconds=${1:-600}
[ $# = 0 ] || shift
if [ $# = 0 ]; then
  for source in "$root"/test/fuzz/*_fuzz.c; do
    name=$(basename "$source" _fuzz.c)
    set -- "$@" "$name"
  done
fi

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Sanitize -DCMAKE_C_COMPILER=clang -DFUZZ=ON \
  -DSCRIPTED_DRIVER=ON >/dev/null
cmake --build "$build" --target fuzzers
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for name in "$@"; do
  echo "== $name for $seconds s"
  mkdir -p "$scratch/$name"
  set -- # the dictionary, where there is one
  [ ! -e "$root/test/fuzz/$name.dict" ] || set -- "-dict=$root/test/fuzz/$name.dict"
  "$build/fuzz/fuzz_$name" "$@" -max_total_time="$seconds" -max_len=8192 -print_final_stats=1 -verbosity=0 \
    "$scratch/$name" "$root/test/fuzz/corpus/$name"
done
