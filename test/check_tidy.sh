#!/bin/sh
# clang-tidy finds nothing in src/ and test/, as BUILD (made by clang) compiles them. Usage: test/check_tidy.sh BUILD [FILE ...]
# What is looked for stands in .clang-tidy. One file a process: clang-tidy 14's analyzer forgets its va_lists between files.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/linters.sh
. "$root/test/support/linters.sh"
has_version clang-tidy 14 || exit 77
build=$1
shift
if [ $# = 0 ]; then
  # shellcheck disable=SC2046 # our paths hold no spaces
  set -- $(jq -r '.[].file' "$build/compile_commands.json" | sort -u)
fi
findings=$(mktemp)
trap 'rm -f "$findings"' EXIT
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -n 1 clang-tidy -quiet -p "$build" \
  --extra-arg-before=-include --extra-arg-before="$root/test/support/tidy.h" >"$findings" 2>&1 && exit 0
# It counts what it left out to the standard error, too.
grep -vE '^([0-9]+ warnings? (generated|treated)|Suppressed )' "$findings" >&2
exit 1
