#!/bin/sh
# Runs one unit test of a build without sanitizers under valgrind. Usage: test/check_valgrind.sh BUILD NAME
# "Possible" leaks are not counted: LMDB keeps pointers to the inside of its blocks, which looks like one.
set -eu
exec valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect \
  --errors-for-leak-kinds=definite,indirect "$1/unit/$2"
