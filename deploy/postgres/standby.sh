#!/bin/sh
# A standby: it copies the primary once, and follows it from then on.
# $1 is the primary's address; what follows are arguments of postgres.
set -eu
primary=$1
shift
data=$PGDATA/data
if [ ! -d "$data" ]; then
	# A copy that was broken off is not started: it would be a primary of its own.
	until rm -rf "$PGDATA/copy" && pg_basebackup -d "host=$primary user=$POSTGRES_USER application_name=standby" -D "$PGDATA/copy" -X stream -R -c fast; do
		sleep 1
	done
	mv "$PGDATA/copy" "$data"
fi
exec postgres -D "$data" "$@"
