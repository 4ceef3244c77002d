#!/bin/sh
# start.sh FILE [LINE…]: starts Redis with a configuration of its own in /data, made once
# from FILE beside this script and the lines. Sentinel, Cluster and CONFIG REWRITE change
# it, and it must outlive the container: a master that comes back must know that it is a
# replica now.
set -eu
file=$1
shift
data=/data
if [ ! -f "$data/$file" ]; then
  cp "$(dirname "$0")/$file" "$data/$file.new"
  for line; do echo "$line" >>"$data/$file.new"; done
  mv "$data/$file.new" "$data/$file"
fi
case $file in
sentinel.conf) exec redis-server "$data/$file" --sentinel ;;
*) exec redis-server "$data/$file" ;;
esac
