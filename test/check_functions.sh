#!/bin/sh
# No function over 60 lines or a cyclomatic complexity of 15 (conventions of this project; pmccabe counts).
set -eu
cd "$(dirname "$0")/.."

find src test -name '*.c' -print0 | sort -z | xargs -0 pmccabe |
  awk '$1 > 15 { print $6 " " $7 ": complexity " $1 " is over 15"; bad = 1 }
       $5 > 60 { print $6 " " $7 ": " $5 " lines are over 60"; bad = 1 }
       END { exit bad }' >&2
