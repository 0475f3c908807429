#!/bin/sh
# When the first server is made: the other one may copy it, with the password of the records' role, and from the first
# real start on a commit waits for it.
set -e
echo "host replication $POSTGRES_USER all scram-sha-256" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'"
