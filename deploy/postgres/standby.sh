#!/bin/sh
# A standby: it copies the primary once, and follows it from then on.
# $1 is the primary's address.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	until pg_basebackup -d "host=$1 user=$POSTGRES_USER application_name=standby" -D "$PGDATA" -X stream -R; do
		sleep 1
	done
	chmod 700 "$PGDATA"
fi
exec postgres
