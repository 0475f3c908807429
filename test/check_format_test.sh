#!/bin/sh
# check_format.sh must find what it is for: C that clang-format would change, and files that are not as .editorconfig says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/support/linters.sh
. "$here/support/linters.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/src" "$scratch/include" "$scratch/test/fixtures" "$scratch/docs"
cp "$here/../.clang-format" "$scratch"
printf 'int good(void)\n{\n\treturn 1; /* \303\244 */\n}\n' >"$scratch/src/good.c"
printf 'all:\n\tcode in a manual\n' >"$scratch/docs/good.md"
printf 'as it is \r' >"$scratch/test/fixtures/input"
sh "$here/check_format.sh" "$scratch"

# refuses FILE CONTENT, which is printf's format
refuses() {
  # shellcheck disable=SC2059
  printf "$2" >"$scratch/$1"
  if sh "$here/check_format.sh" "$scratch" 2>/dev/null; then
    echo "check_format.sh let pass: $1: $2" >&2
    exit 1
  fi
  rm "$scratch/$1"
}
if has_version clang-format 14; then
  refuses src/bad.c 'int  bad;\n'
fi
refuses docs/bad.md 'blank at the end \n'
refuses docs/bad.md 'from another system\r\n'
refuses docs/bad.md 'no newline'
refuses docs/bad.md 'no UTF-8: \344\n'
refuses test/bad.sh 'if true; then\n\texit\nfi\n'
refuses CMakeLists.txt 'if(A)\n\tb()\nendif()\n'
