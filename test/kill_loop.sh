#!/bin/sh
# Kills the program at random moments of concurrent work, again and again, and checks that nothing was lost.
# Usage: test/kill_loop.sh [ROUNDS [SEED]]; BROKER names the program (default: test/run.sh's build),
# WORKERS the requests at once (default: 200).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export ROUNDS="${1:-20}"
export WORKERS="${WORKERS:-200}"
[ -z "${2-}" ] || export SEED="$2"
export BROKER="${BROKER:-$root/build-sanitize/tsuru-broker}"
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -q -x -p no:cacheprovider "$root/test/integration/test_recovery.py"
