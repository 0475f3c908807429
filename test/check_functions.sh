#!/bin/sh
# No function over 45 lines, in tests over 60, or of a cyclomatic complexity over 15 (pmccabe counts), and no file of the
# program over 450 lines. Usage: test/check_functions.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

status=0
find src test -name '*.c' -print0 | sort -z | xargs -0 pmccabe |
  awk '{ most = $6 ~ /^test/ ? 60 : 45 }
       $1 > 15 { print $6 " " $7 ": complexity " $1 " is over 15"; bad = 1 }
       $5 > most { print $6 " " $7 ": " $5 " lines are over " most; bad = 1 }
       END { exit bad }' >&2 || status=1

find src include -name '*.[ch]' -exec wc -l {} + | sort -k 2 |
  awk '$2 != "total" && $1 > 450 { print $2 ": " $1 " lines are over 450"; bad = 1 } END { exit bad }' >&2 || status=1
exit "$status"
