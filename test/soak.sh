#!/bin/sh
# Mixed load on every driver's real server while all that can fail does; at the end nothing is lost or leaked, and memory is flat.
# Usage: test/soak.sh [MINUTES [SEED]]. BROKER names the program (default: test/run.sh's build without sanitizers, whose memory can be
# measured), OUT the directory for samples.csv and samples.svg. SHARED=1 has three brokers on one store, and that fails, too.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
export MINUTES="${1:-60}"
[ -z "${2-}" ] || export SEED="$2"
export BROKER="${BROKER:-$root/build-sanitize-plain/tsuru-broker}"
export OUT="${OUT:-$root/build-soak}"
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -q -s -p no:cacheprovider "$root/test/integration/test_soak.py"
