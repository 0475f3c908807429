#!/bin/sh
# Starts one of the two PostgreSQL servers of docker-compose-replicas.yaml, as user postgres. PEER is the other one.
# One that was the primary does not start beside a PEER that takes writes: "records.sh copy" makes it that one's standby.
set -eu

# A copy that was broken off counts as none. Promoted, it waits for no standby until it is told to.
copy_peer() {
    rm -rf "$PGDATA.new"
    pg_basebackup -h "$PEER" -U "$POSTGRES_USER" -D "$PGDATA.new" -R -c fast || return 1
    echo "synchronous_standby_names = ''" >>"$PGDATA.new/postgresql.auto.conf"
    rm -rf "$PGDATA"
    mv "$PGDATA.new" "$PGDATA"
}

peer_takes_writes() {
    [ "$(psql -h "$PEER" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -XAtc 'SELECT NOT pg_is_in_recovery()')" = t ]
}

if [ "${1:-}" = copy ]; then
    copy_peer
    exit
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ "$BEGINS" = yes ] || until copy_peer; do sleep 1; done
elif [ ! -f "$PGDATA/standby.signal" ] && peer_takes_writes; then
    echo "$PEER takes writes, and this server was the primary before it: docs/replicas.md tells how it becomes the standby" >&2
    exit 1
fi
exec docker-entrypoint.sh postgres "$@"
