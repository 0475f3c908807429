#!/bin/sh
# Every shell script is clean under shellcheck.
set -eu
cd "$(dirname "$0")/.."
find test .ci conf -type f \( -name '*.sh' -o -path .ci/run \) -print0 | xargs -0 shellcheck -x
