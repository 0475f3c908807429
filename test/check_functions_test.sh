#!/bin/sh
# check_functions.sh must find what it is for: long functions, which may be longer in tests, branchy ones, and long files.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/src" "$scratch/include" "$scratch/test"

# repeat COUNT LINE
repeat() {
  count=$1
  while [ "$count" -gt 0 ]; do
    echo "$2"
    count=$((count - 1))
  done
}

# body COUNT LINE: a function that holds a line so often; it is 3 lines longer
body() {
  printf 'void f(int a)\n{\n'
  repeat "$@"
  echo '}'
}

passes() {
  sh "$here/check_functions.sh" "$scratch"
}

# refuses WHAT: the tree as it is, for a reason that says WHAT
refuses() {
  if sh "$here/check_functions.sh" "$scratch" 2>"$scratch/reasons" || ! grep -qF "$1" "$scratch/reasons"; then
    echo "check_functions.sh did not refuse \"$1\"; it said:" >&2
    cat "$scratch/reasons" >&2
    exit 1
  fi
}

body 42 '	a++;' >"$scratch/src/one.c"
body 57 '	a++;' >"$scratch/test/one.c"
repeat 450 '/* */' >"$scratch/include/one.h"
passes

body 43 '	a++;' >"$scratch/src/one.c"
refuses '46 lines are over 45'
body 15 '	if (a) a++;' >"$scratch/src/one.c"
refuses 'complexity 16 is over 15'
rm "$scratch/src/one.c"
body 58 '	a++;' >"$scratch/test/one.c"
refuses '61 lines are over 60'
rm "$scratch/test/one.c"
repeat 451 '/* */' >"$scratch/include/one.h"
refuses 'include/one.h: 451 lines are over 450'
rm "$scratch/include/one.h"
repeat 1 '/* */' >"$scratch/src/one.c"
passes
