#!/bin/sh
# check_floors.sh must find what it is for: a header of a higher floor, and a library away from its home.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/src/base" "$scratch/src/http" "$scratch/include/base"
printf '#include "base/text.h"\n' >"$scratch/src/http/good.c"
sh "$here/check_floors.sh" "$scratch"

# refuses FILE LINE
refuses() {
  printf '%s\n' "$2" >"$scratch/$1"
  if sh "$here/check_floors.sh" "$scratch" 2>/dev/null; then
    echo "check_floors.sh let pass: $1: $2" >&2
    exit 1
  fi
  rm "$scratch/$1"
}
refuses src/base/bad.c '#include "http/http.h"'
refuses src/base/bad.c '#include "nowhere/http.h"'
refuses src/http/bad.c '#include <lmdb.h>'
refuses include/base/bad.h '#include <yaml.h>'
