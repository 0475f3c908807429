#!/bin/sh
# Every C file is as clang-format leaves it, and every file as .editorconfig says. Usage: test/check_format.sh [ROOT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/support/linters.sh
. "$here/support/linters.sh"
cd "${1:-$here/..}"
if has_version clang-format 14; then
  find src include test -name '*.[ch]' -print0 | xargs -0 -r clang-format --dry-run --Werror
fi

found=$(mktemp)
trap 'rm -f "$found"' EXIT

# files [NAMES]: those whose names end so, an extended expression; inputs of tests are as they have to be.
files() {
  find . -regextype posix-extended \( -path ./.git -o -path './build*' -o -path ./test/fixtures -o -path ./test/fuzz/corpus \
    -o -name .cache -o -name __pycache__ \) -prune -o -type f -regex ".*(${1-})" -print
}

# look SENTENCE NAMES PATTERN ...: the sentence is told of each line in files of these names that a pattern of grep's fits.
look() {
  sentence=$1
  names=$2
  shift 2
  files "$names" | LC_ALL=C.UTF-8 xargs -r grep -anH "$@" | cut -d: -f1,2 | sed "s/\$/: $sentence/" >>"$found"
}
look 'white space at the end' '' -e '[[:blank:]]$' -e "$(printf '\r')\$"
look 'no UTF-8' '' -xv '.*'
look 'a tab where spaces indent' '\.(json|py|sh|ya?ml)|CMakeLists\.txt' -e "^ *$(printf '\t')"
# shellcheck disable=SC2016 # for the inner shell
files | xargs -r sh -c 'for file; do [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at its end"; done' sh >>"$found"

cat "$found" >&2
[ ! -s "$found" ]
