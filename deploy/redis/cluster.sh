#!/bin/sh
# cluster.sh ADDRESS…: makes a Cluster of these nodes, half of them masters with a replica
# each, unless they are one already, and returns when every node sees the whole of it and
# every replica has its master's data: before that a failover would lose what it lacks.
set -eu
nodes=
for node; do
  until [ "$(redis-cli -h "$node" ping)" = PONG ]; do sleep 1; done
  nodes="$nodes $node:6379"
done
if redis-cli -h "$1" cluster info | grep -q cluster_slots_assigned:0; then
  # shellcheck disable=SC2086 # one argument a node
  redis-cli --cluster create $nodes --cluster-replicas 1 --cluster-yes
fi
for node; do
  until redis-cli -h "$node" cluster info | grep -q cluster_state:ok &&
    redis-cli -h "$node" info replication | grep -qE 'role:master|master_link_status:up'; do sleep 1; done
done
echo "the cluster is ready"
