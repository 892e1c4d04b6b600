# Volumes that several nodes share, with the real kind in a real Docker: three nodes that have one folder of this machine, in the place where
# `seaworthy cluster create --shared-volumes` mounts it. Written before it was first run.
# engines: docker
# seaworthy
# shellcheck shell=bash

# how a cluster of kind is made here
# shellcheck source=tests/cluster/groups/kind.sh
. "$CLUSTER_DIR/groups/kind.sh"

PLACE=/var/lib/seaworthy/shared

test_a_shared_volume_survives_a_node() {
  local shared mount
  shared=$(mktemp -d)
  at_exit rm -rf "$shared"
  mount="extraMounts: [{hostPath: $shared, containerPath: $PLACE}]"
  create docker "nodes: [{role: control-plane, $mount}, {role: worker, $mount}, {role: worker, $mount}]"
  nodes_are "$CLUSTER-control-plane" "$CLUSTER-worker" "$CLUSTER-worker2"
  load_busybox
  "$KIND" load image-archive "$(image_archive local-path)" --name "$CLUSTER"

  expect "leave only profiles that share volumes need it (all nodes share $shared: survives a node, not this disk)" \
    standing
  # 0.0.37 is not to be had here; what is does not answer probes.
  seaworthy prerequisites install shared-path --set image.tag=v0.0.30 --set provisioner.probes=false --yes -o json >"$WORK/out"
  expect "true pods on $CLUSTER-worker and $CLUSTER-worker2 wrote to one file of a volume and read what the other wrote, and the volume was taken away with its claim" \
    jq -r '.checks[0] | "\(.works) \(.proof)"' "$WORK/out"
  expect "" ls -A "$shared"
  seaworthy prerequisites install shared-path --set image.tag=v0.0.30 --set provisioner.probes=false --no-check --yes -o json >"$WORK/out"
  expect 0 jq '[.runs[].outcome.requests.writes] | add' "$WORK/out"
  expect "$CLUSTER-control-plane,$CLUSTER-worker,$CLUSTER-worker2" \
    k get storageclass shared -o 'jsonpath={.metadata.annotations.seaworthy\.dev/shared-by}'

  k apply -f - >/dev/null <<'END'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: charts}
spec: {accessModes: [ReadWriteMany], storageClassName: shared, resources: {requests: {storage: 1Mi}}}
END
  shell_pod here "$CLUSTER-worker" charts
  shell_pod there "$CLUSTER-worker2" charts
  ready here
  ready there
  k exec here -- sh -c 'echo kept >/data/file'
  expect kept k exec there -- cat /data/file
  if seaworthy prerequisites uninstall shared-path --yes 2>"$WORK/err"; then fail "it is taken away although it is used"; fi
  contains 'of PersistentVolumeClaim/default/charts stays where it is' cat "$WORK/err"
  # A node with its disk is gone for good.
  docker rm --force --volumes "$CLUSTER-worker" >/dev/null
  k delete node "$CLUSTER-worker" >/dev/null
  expect kept k exec there -- cat /data/file
  shell_pod next "$CLUSTER-control-plane" charts
  ready next
  expect kept k exec next -- cat /data/file

  k delete pod here there next --ignore-not-found --force >/dev/null 2>&1
  k delete persistentvolumeclaim charts >/dev/null
  eventually 60 no_volumes
  expect "" ls -A "$shared"
  seaworthy prerequisites uninstall shared-path --yes
  expect "" k get storageclass shared --ignore-not-found -o name
  expect "" k get namespace seaworthy-shared-path --ignore-not-found -o name
  delete
}

seaworthy() { SEAWORTHY_STATE_DIR=$WORK/state timeout 120 "$SEAWORTHY" "$@"; }

# What would be done about shared-path, and why.
standing() { seaworthy prerequisites list -o json | jq -r '.prerequisites[] | select(.prerequisite == "shared-path") | "\(.do) \(.because)"'; }

no_volumes() { [[ -z $(k get persistentvolumes -o name) ]]; }
