# Volumes that several nodes share, on three nodes that share nothing: machines of their own as far as anybody can tell. Written before it
# was first run: nothing is installed, nothing is written, and what is said is why, and what would do.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

test_on_machines_there_is_no_shared_path() {
  local mark
  begin
  mark=$(audit_mark)
  exits 0 sw prerequisites list -o json
  same "what would be done" blocked "$(jq -r '.prerequisites[] | select(.prerequisite == "shared-path") | .do' "$WORK/out")"
  exits 2 sw prerequisites install shared-path --yes
  says 'shared-path cannot be installed: its 3 nodes are not proved to be containers of this machine' 'bring a StorageClass' 'nothing was written'
  exits 0 sw prerequisites install --dry-run -o json --pool "$(free_addresses)"
  same "plans of shared-path without its name" 0 "$(jq '[.plans[] | select(.installation.stack == "shared-path")] | length' "$WORK/out")"
  same "what is written" "" "$(audited_writes "$mark")"
}

test_a_profile_that_shares_is_refused() {
  local mark
  begin
  mark=$(audit_mark)
  exits 2 sw install newton-v2t --profile ha -f "$CLUSTER_DIR/values/newton-v2t.yaml" -n "$NAMESPACE" --yes
  says 'profile ha wants volumes that several nodes write to, and nobody can make them; nothing was written' \
    'there is no storage class ceph-filesystem, for PersistentVolumeClaim/newton-v2t-history, PersistentVolumeClaim/newton-v2t-workspace' \
    'shared-path cannot be had here: its 3 nodes are not proved to be containers of this machine'
  exits 2 sw install newton-v2t --profile ha -f "$CLUSTER_DIR/values/newton-v2t.yaml" -n "$NAMESPACE" --yes --set global.storageClass=standard
  says 'there is no storage class standard'
  # Somebody who brings a class knows what it can do.
  kubectl create -f - >/dev/null <<END
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: $ID}, provisioner: example.com/anything}
END
  trap 'kubectl delete storageclass "$ID" --ignore-not-found >/dev/null; end' EXIT
  exits 2 sw install newton-v2t --profile ha -f "$CLUSTER_DIR/values/newton-v2t.yaml" -n "$NAMESPACE" --yes
  says "name a class that can: \`--set global.storageClass=$ID\`"
  exits 0 sw install newton-v2t --profile ha -f "$CLUSTER_DIR/values/newton-v2t.yaml" -n "$NAMESPACE" --set "global.storageClass=$ID" --dry-run
  same "what is written" "" "$(audited_writes "$mark")"
}

# Some of the nodes' own network, which no node has.
free_addresses() { kubectl get nodes -o json | jq -r '[.items[0].status.addresses[] | select(.type == "InternalIP")][0].address | sub("[0-9]+$"; "200") + "-" + sub("[0-9]+$"; "210")'; }
