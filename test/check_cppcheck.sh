#!/bin/sh
# cppcheck finds nothing in src/ and test/, as BUILD compiles them. Usage: test/check_cppcheck.sh BUILD
# A finding is mended; one that is wrong is silenced where it stands, by "cppcheck-suppress ID" with the reason. Everywhere:
#  varFuncNullUB: NULL is a pointer on every system that POSIX describes; unusedStructMember: it does not see what queue.h's
#  macros use; variableScope: here declarations stand at the head of a function; unmatchedSuppression, missingInclude: only
#  headers whose macros matter are read (-I would read all of the system's).
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=test/support/linters.sh
. test/support/linters.sh
has_version cppcheck 2.10 || exit 77

# header NAME: the option that reads the system's header NAME first, so that its macros are known.
header() {
  printf '#include <%s>\n' "$1" | cc -E -M - | tr ' ' '\n' | sed -n "s|.*/$1\$|--include=&|p"
}

# shellcheck disable=SC2046 # paths of system headers hold no spaces
exec cppcheck --quiet -j "${JOBS:-$(nproc)}" --project="$1/compile_commands.json" --error-exitcode=1 --inline-suppr \
  --enable=warning,style,performance,portability --suppress=varFuncNullUB --suppress=unusedStructMember \
  --suppress=variableScope -DHASH_NONFATAL_OOM=1 \
  $(header sys/queue.h) $(header uthash.h) $(header cjson/cJSON.h)
