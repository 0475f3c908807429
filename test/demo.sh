#!/bin/sh
# Installs what is needed, builds, starts a private PostgreSQL and the broker, and walks one instance's life with the
# requests that tsuru sends. Then it stays up for you to play with, until Ctrl-C.
# Usage: test/demo.sh [--once]   (--once: stops after the walk; the exit status tells whether all went well)
set -eu

once=
case ${1-} in
--once) once=yes ;;
"") ;;
*)
  echo "usage: test/demo.sh [--once]" >&2
  exit 2
  ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=test/support/packages.sh
. "$root/test/support/packages.sh"
build=${BUILD_DIR:-$root/build}

# shellcheck disable=SC2086 # a list of words
install_packages $demo_packages
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF >/dev/null
cmake --build "$build"

scratch=$(mktemp -d /tmp/tsuru-broker-demo.XXXXXX)
chmod 755 "$scratch"
broker_pid=
postgres_bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$scratch" && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

clean_up() {
  status=$?
  trap - EXIT INT TERM
  if [ -n "$broker_pid" ]; then
    kill "$broker_pid" 2>/dev/null || true
    wait "$broker_pid" || true
  fi
  if [ -e "$scratch/postgres/postmaster.pid" ]; then
    as_postgres "$postgres_bin/pg_ctl" -D "$scratch/postgres" -m immediate stop >/dev/null || true
  fi
  rm -rf "$scratch"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold=
plain=
if [ -t 1 ]; then
  bold=$(printf '\033[1m')
  plain=$(printf '\033[0m')
fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

fail() {
  echo "the demo failed: $*" >&2
  [ ! -e "$scratch/broker.log" ] || tail -n 20 "$scratch/broker.log" >&2
  exit 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

say "a private PostgreSQL in $scratch"
PG_ADMIN_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
API_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export PG_ADMIN_PASSWORD API_PASSWORD
postgres_port=$(free_port)
mkdir "$scratch/postgres"
(umask 077 && printf '%s' "$PG_ADMIN_PASSWORD" >"$scratch/admin-password")
[ "$(id -u)" != 0 ] || chown postgres "$scratch/postgres" "$scratch/admin-password"
as_postgres "$postgres_bin/initdb" -D "$scratch/postgres" -A scram-sha-256 -U admin --pwfile="$scratch/admin-password" \
  -E UTF8 >/dev/null
as_postgres "$postgres_bin/pg_ctl" -D "$scratch/postgres" -w -l "$scratch/postgres/log" \
  -o "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$scratch/postgres" start >/dev/null
echo "listens on 127.0.0.1:$postgres_port"

say "the broker, with this configuration"
cat >"$scratch/broker.yaml" <<END
listen: 127.0.0.1:0
data_dir: $scratch/data
services:
  - name: postgres
    driver: postgres
    password: \${API_PASSWORD}
    servers:
      - {name: main, url: "postgres://admin:\${PG_ADMIN_PASSWORD}@127.0.0.1:$postgres_port/postgres"}
    plans:
      - {name: small, description: "10 connections", connection_limit: 10, retain: 0}
      - {name: large, description: "100 connections, trigram search", connection_limit: 100, retain: 0, extensions: [pg_trgm]}
END
cat "$scratch/broker.yaml"
"$build/tsuru-broker" serve -c "$scratch/broker.yaml" 2>"$scratch/broker.log" &
broker_pid=$!
address=
for _ in $(seq 100); do
  address=$(sed -n 's/.*event=listening address=\([^ ]*\).*/\1/p' "$scratch/broker.log")
  [ -z "$address" ] || break
  kill -0 "$broker_pid" 2>/dev/null || fail "the broker did not start"
  sleep 0.1
done
[ -n "$address" ] || fail "the broker does not listen"
url="http://$address/postgres"
echo "listens on $address"

# tsuru METHOD PATH EXPECTED-STATUS [FIELD=VALUE ...]: shows a request as tsuru sends it, and the answer.
tsuru() {
  method=$1
  path=$2
  expected=$3
  shift 3
  event=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  printf '\n%s%s %s%s' "$bold" "$method" "$path" "$plain"
  data=
  for field in "$@"; do
    printf ' %s' "$field"
    data="$data&$field"
  done
  set --
  [ -z "$data" ] || set -- --data "user=you@example.com&eventid=$event$data"
  [ "$method" = GET ] || set -- "$@" -H "X-Tsuru-User: you@example.com" -H "X-Tsuru-Eventid: $event"
  status=$(curl -sS -o "$scratch/answer" -w '%{http_code}' -X "$method" -u "postgres:$API_PASSWORD" \
    -H 'Connection: close' -H 'Accept: application/json' "$@" "$url$path")
  answer=$(cat "$scratch/answer")
  printf '\n  %s %s\n' "$status" "$answer"
  [ "$status" = "$expected" ] || fail "$method $path was answered $status, not $expected"
}

# value NAME: one variable of the last answer's environment.
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$scratch/answer" "$1"; }

# wait_until_up: as tsuru's user, who looks at the status.
wait_until_up() {
  for _ in $(seq 300); do
    [ "$(curl -sS -o /dev/null -w '%{http_code}' -u "postgres:$API_PASSWORD" "$url/resources/mydb/status")" != 204 ] ||
      return 0
    sleep 0.1
  done
  fail "the instance does not come up"
}

say "tsuru service plan list postgres"
tsuru GET /resources/plans 200

say "tsuru service instance add postgres mydb small"
tsuru POST /resources 201 name=mydb plan=small team=admin
wait_until_up
tsuru GET /resources/mydb/status 204

say "tsuru service instance bind postgres mydb -a shop"
tsuru POST /resources/mydb/bind-app 201 app-name=shop app-host=shop.example.com
database_url=$(value DATABASE_URL)

say "the app uses its DATABASE_URL"
psql_as_app() {
  printf '%s> %s%s\n' "$bold" "$1" "$plain"
  psql --no-psqlrc -q -A -v ON_ERROR_STOP=1 "$database_url" -c "$1" || fail "the app's statement failed"
}
psql_as_app "CREATE TABLE notes (id serial PRIMARY KEY, text text)"
psql_as_app "INSERT INTO notes (text) VALUES ('hello from the app')"
psql_as_app "SELECT * FROM notes"

say "tsuru service instance info postgres mydb"
tsuru GET /resources/mydb 200

say "tsuru service instance update postgres mydb -p large"
tsuru PUT /resources/mydb 200 plan=large team=admin
psql_as_app "SELECT similarity('broker', 'brokers') > 0.5 AS trigrams_work"

say "tsuru service instance unbind postgres mydb -a shop"
tsuru DELETE /resources/mydb/bind-app 200 app-name=shop
if psql --no-psqlrc -q "$database_url" -c "SELECT 1" 2>"$scratch/refused"; then
  fail "the app's password still works after the unbind"
fi
printf 'the app is refused: %s\n' "$(cat "$scratch/refused")"

if [ -z "$once" ]; then
  say "it stays up for you: Ctrl-C ends it and removes everything"
  cat <<END
curl -u postgres:$API_PASSWORD $url/resources/mydb
curl -u postgres:$API_PASSWORD -d app-name=myapp $url/resources/mydb/bind-app
curl -u postgres:$API_PASSWORD $url/resources/mydb/operations
curl -u postgres:$API_PASSWORD -X DELETE $url/resources/mydb
PGPASSWORD=$PG_ADMIN_PASSWORD psql -h 127.0.0.1 -p $postgres_port -U admin postgres
tail -f $scratch/broker.log
END
  wait "$broker_pid"
  exit
fi

say "tsuru service instance remove postgres mydb"
tsuru DELETE /resources/mydb 200
databases=$(PGPASSWORD=$PG_ADMIN_PASSWORD psql --no-psqlrc -At -h 127.0.0.1 -p "$postgres_port" -U admin postgres \
  -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'mydb%'")
[ "$databases" = 0 ] || fail "the database is still there"
echo "the database is gone"

say "the walk went well"
