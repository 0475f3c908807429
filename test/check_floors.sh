#!/bin/sh
# Every floor includes only itself and lower ones, every library has one home, no files include or call each other in a
# circle of more than two, and no function is in two of them. Usage: test/check_floors.sh BUILD [ROOT] (BUILD is built,
# its objects tell who calls whom)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?BUILD is missing}" && pwd)
cd "${2:-$here/..}"

floor_of() {
  case $1 in
  base) echo 0 ;;
  config | model | pq) echo 1 ;;
  store | driver) echo 2 ;;
  records | tsuru) echo 3 ;;
  catalog) echo 4 ;;
  queue) echo 5 ;;
  watch) echo 6 ;;
  life) echo 7 ;;
  requests) echo 8 ;;
  upkeep) echo 9 ;;
  view) echo 10 ;;
  broker) echo 11 ;;
  http) echo 12 ;;
  relay) echo 13 ;;
  api | admin) echo 14 ;;
  cli | main.c) echo 15 ;;
  *) echo "?" ;;
  esac
}

status=0
complain() {
  echo "$1" >&2
  status=1
}

# Our own headers: "FOLDER/name.h" must be of the same floor's folder or of a lower floor (equal floors: config and model,
# store and driver, records and tsuru may see each other's contracts).
for file in $(find src include -name '*.[ch]' | sort); do
  folder=$(echo "$file" | cut -d/ -f2)
  own=$(floor_of "$folder")
  [ "$own" != "?" ] || complain "$file: the folder $folder is on no floor"
  # shellcheck disable=SC2013 # headers hold no spaces
  for header in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
    case $header in
    */*) included=$(floor_of "${header%%/*}") ;;
    *) continue ;;
    esac
    if [ "$included" = "?" ] || [ "$included" -gt "$own" ]; then
      complain "$file: includes $header, which is not of its floor or a lower one"
    fi
  done
done

# one_home HEADER-PATTERN FOLDER [SECOND-FOLDER]
one_home() {
  # shellcheck disable=SC2013 # nor do our file names
  for file in $(grep -rlE "^#include <$1>" src include | sort); do
    case $file in
    "$2"/* | "${3:-$2}"/*) ;;
    *) complain "$file: includes <$1>, whose home is $2" ;;
    esac
  done
}
one_home 'lmdb\.h' src/store
one_home 'event2/http.*\.h' src/http
one_home 'yaml\.h' src/config
one_home 'libpq.*\.h|libpq-fe\.h' include/pq
one_home 'sched\.h' src/driver/exec
one_home 'mysql.*\.h|errmsg\.h' src/driver/mysql
one_home 'hiredis/.*\.h' src/driver/redis
one_home 'curl/.*\.h' include/driver
one_home 'dlfcn\.h' src/base
one_home 'sodium\.h' src/base

/usr/bin/python3 "$here/support/circles.py" "$build" || status=1
exit "$status"
