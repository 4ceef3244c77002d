#!/bin/sh
# Of the primary of profile scale, once, when its data is made: a standby may follow, and
# from the next start on commits wait for one. (With the setting on the command line
# making the data would wait for a standby that cannot be there yet.)
set -eu
echo "host replication $POSTGRES_USER all scram-sha-256" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "alter system set synchronous_standby_names = '*'"
