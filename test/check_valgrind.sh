#!/bin/sh
# Runs one unit test of a build without sanitizers under valgrind. Usage: test/check_valgrind.sh BUILD NAME
set -eu
exec valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
  "$1/unit/$2"
