#!/bin/sh
# Every C file is as clang-format leaves it.
set -eu
cd "$(dirname "$0")/.."
find src include test -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run --Werror
