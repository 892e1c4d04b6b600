# Losses of newton-v2t and telemetry-pipeline on three nodes, made for real on volumes with known contents: recognised, recovered from, and the
# contents compared. Each test keeps a row of the table: what was done | recognised as | recovered | seconds | bytes lost / of them not to be saved.
# seaworthy
# nodes: 3
# images: etcd
# standins: newton-v2t telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/newton.sh
. "$CLUSTER_DIR/groups/lib/newton.sh"

HISTORY=/var/lib/newton/history

# --- newton-v2t: Core and all that shares its volumes on one node, etcd on another one

# The volumes were kept: they would outlive the test. Nodes that were stopped or taken away come back.
eval "$(declare -f end | sed '1s/^end/end_of_test/')"
end() {
  local volume
  for volume in $(kubectl get pv -o json | jq -r --arg own "$NAMESPACE" '.items[] | select(.spec.claimRef.namespace == $own) | .metadata.name'); do
    kubectl patch pv "$volume" -p '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}' >/dev/null 2>&1 || true
  done
  kubectl get node -o json | jq -r '.items[].metadata.name' | xargs -r -I{} kubectl label node {} "core-$ID-" >/dev/null 2>&1 || true
  [[ -z ${LOST_NODE:-} ]] || "$CLUSTER_DIR/node" start "$LOST_NODE" --name "$NAME" >/dev/null 2>&1 || true
  end_of_test
}

launch_newton() {
  STACK=newton-v2t
  VALUES=$CLUSTER_DIR/values/newton-v2t.yaml
  kubectl label node "$NAME-3" "core-$ID=yes" >/dev/null
  printf 'etcd: {nodeSelector: {kubernetes.io/hostname: %s}}\ncore: {nodeSelector: {core-%s: "yes"}}\n' "$NAME-1" "$ID" >"$WORK/places.yaml"
  exits 0 install -f "$WORK/places.yaml" --yes
  eventually 20 imported
  eventually 20 works
  expect 204 status_of etcd/user -X PUT -d ann
  in_core sh -c "i=0; while [ \$i -lt 40 ]; do echo \"\$i of known contents\" >$HISTORY/file-\$i; i=\$((i + 1)); done"
  CONTENTS=$(contents)
  BYTES=$(in_core sh -c "cat $HISTORY/file-* | wc -c")
  # What is there now is what a healthy installation looks like.
  exits 0 install -f "$WORK/places.yaml" --yes --set core.health.startupSeconds=61
}

in_core() { k exec "$(pod_of core)" -- "$@" 2>"$WORK/exec.err" || fail "in core, $*: $(cat "$WORK/exec.err")"; }

contents() { in_core sh -c "cd $HISTORY && sha256sum file-* | sha256sum"; }

claim_named() { printf '%s-%s' "$STACK" "$1"; }

volume_of() { k get pvc "$(claim_named "$1")" -o 'jsonpath={.spec.volumeName}'; }

core_to() { k scale deployment "$STACK-core" "$STACK-agent" --replicas="$1" >/dev/null; }

no_users() { [[ -z $(k get pod -l 'app.kubernetes.io/component in (core,agent)' -o name) ]]; }

is_gone() { [[ -z $(kubectl get pv "$1" --ignore-not-found -o name) ]]; }

# recognised KIND CLAIM: certain, with two facts.
recognised() {
  exits 3 sw recover -n "$NAMESPACE" -o json
  jq -e --arg kind "$1" --arg claim "$2" '.losses[].loss | select(.kind == $kind and .claim.name == $claim and .certain and (.facts | length) >= 2)' "$WORK/out" >/dev/null ||
    fail "no certain $1 of $2: $(jq -c '[.losses[].loss | {kind, certain, claim: .claim.name, facts}]' "$WORK/out")"
  FIRST=$(jq -r '.losses[0].loss | "\(.kind) of \(.claim.name)"' "$WORK/out")
}

is_recognised() { (recognised "$@") >/dev/null 2>&1; }

# recovered WHAT LOST NOT-TO-SAVE PLAYBOOK ARGUMENT...: all names typed; a row of the table.
recovered() {
  local what=$1 lost=$2 unsavable=$3 names began=$EPOCHREALTIME
  shift 3
  exits 0 sw recover "$@" -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  exits 0 sw recover "$@" -n "$NAMESPACE" --yes "${names[@]}"
  says "report: $1" "written to"
  figure "$what | $FIRST | $1 | $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }') s | $lost / $unsavable bytes"
  [[ -n $(find "$SEAWORTHY_STATE_DIR/reports" -name '*.md' -size +0) ]] || fail "no report"
}

irreversible() {
  jq -r '.plan.steps[].action | select(.do == "rescue").verb | select(.verb == "delete" or .verb == "release")
    | (.object // .volume).object | select(.kind != "Pod") | "--destroy-data=" + ([.kind, .namespace, .name] | map(select(. != null)) | join("/"))' "$WORK/out"
}

newton_is_well() {
  eventually 90 all_parts
  eventually 60 imported
  eventually 30 works
  expect ann api etcd/user
  exits 0 sw status "$STACK" -n "$NAMESPACE"
  exits 0 sw recover -n "$NAMESPACE"
}

all_parts() {
  [[ $(k get pod -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null) | select(.status.conditions[]? | .type == "Ready" and .status == "True")
    | .metadata.labels["app.kubernetes.io/component"]] | sort | join(" ")') == 'agent core dashboard etcd' ]]
}

test_newton_history_claim_deleted() {
  begin
  launch_newton
  k delete pvc "$(claim_named history)" --wait=false >/dev/null
  recognised claim-going "$(claim_named history)"
  recovered "claim deleted in use" 0 0 rebind --claim "$NAMESPACE/$(claim_named history)"
  newton_is_well
  same "the contents" "$CONTENTS" "$(contents)"
}

test_newton_history_volume_object_lost() {
  begin
  launch_newton
  local volume
  volume=$(volume_of history)
  kubectl delete pv "$volume" --wait=false >/dev/null
  kubectl patch pv "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  eventually 30 is_recognised claim-lost "$(claim_named history)"
  recognised claim-lost "$(claim_named history)"
  recovered "PersistentVolume gone" 0 0 rebind --claim "$NAMESPACE/$(claim_named history)"
  newton_is_well
  same "the contents" "$CONTENTS" "$(contents)"
}

# erase_history: claim, volume and folder are gone, and Core waits for them.
erase_history() {
  local volume
  volume=$(volume_of history)
  core_to 0
  eventually 60 no_users
  k delete pvc "$(claim_named history)" --wait=false >/dev/null
  eventually 60 is_gone "$volume"
  core_to 1
}

test_newton_history_erased() {
  begin
  launch_newton
  local workspace
  workspace=$(volume_of workspace)
  erase_history
  recognised claim-gone "$(claim_named history)"
  recovered "claim, volume and folder gone" "$BYTES" "$BYTES" newton-v2t/history
  newton_is_well
  expect 0 in_core sh -c "ls $HISTORY | grep -c ^file- || true"
  same "the workspace" "$workspace" "$(volume_of workspace)"
}

test_newton_workspace_emptied() {
  begin
  launch_newton
  in_core sh -c 'rm -rf /var/lib/newton/workspace/*'
  recognised volume-emptied "$(claim_named workspace)"
  recovered "files of the workspace deleted" 0 0 newton-v2t/workspace
  newton_is_well
  same "the contents of the history" "$CONTENTS" "$(contents)"
}

test_newton_folder_of_the_workspace_deleted_on_its_node() {
  begin
  launch_newton
  local path
  path=$(kubectl get pv "$(volume_of workspace)" -o json | jq -r '.spec.local.path // .spec.hostPath.path')
  [[ $path == */"$(volume_of workspace)"_* ]] || fail "the folder is $path"
  # The node's own view of its disk: a pod that mounts the folder above.
  k run "rm-$ID" --image "$BUSYBOX" --restart Never --overrides '{"spec": {"nodeName": "'"$NAME-3"'", "containers": [{"name": "rm", "image": "'"$BUSYBOX"'",
    "command": ["rm", "-rf", "/above/'"${path##*/}"'"], "volumeMounts": [{"name": "above", "mountPath": "/above"}]}],
    "volumes": [{"name": "above", "hostPath": {"path": "'"${path%/*}"'"}}]}}' >/dev/null
  eventually 60 pod_is "rm-$ID" Succeeded
  k delete pod "rm-$ID" >/dev/null
  recognised volume-emptied "$(claim_named workspace)"
  recovered "folder of the workspace deleted" 0 0 newton-v2t/workspace
  newton_is_well
  same "the contents of the history" "$CONTENTS" "$(contents)"
}

pod_is() { [[ $(k get pod "$1" -o 'jsonpath={.status.phase}') == "$2" ]]; }

node_is() { [[ $(kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == "$2" ]]; }

test_newton_node_of_core_is_gone() {
  begin
  launch_newton
  LOST_NODE=$NAME-3
  "$CLUSTER_DIR/node" stop "$NAME-3" --name "$NAME"
  kubectl delete node "$NAME-3" >/dev/null
  kubectl label node "$NAME-2" "core-$ID=yes" >/dev/null
  eventually 400 is_recognised node-gone "$(claim_named history)"
  recognised node-gone "$(claim_named workspace)"
  # The history could only be saved by that machine's disk.
  recovered "node gone with both of Core's volumes" "$BYTES" "$BYTES" newton-v2t/node
  newton_is_well
  expect 0 in_core sh -c "ls $HISTORY | grep -c ^file- || true"
}

# The look-alike: nothing is lost, and it must not be called so before it is certain; then it is waited for.
test_newton_node_of_core_comes_back() {
  begin
  launch_newton
  LOST_NODE=$NAME-3
  "$CLUSTER_DIR/node" stop "$NAME-3" --name "$NAME"
  eventually 90 node_is "$NAME-3" Unknown
  exits 0 sw recover -n "$NAMESPACE" -o json
  expect 0 jq '[.losses[] | select(.loss.certain)] | length' "$WORK/out"
  eventually 500 is_recognised node-unreachable "$(claim_named history)"
  recognised node-unreachable "$(claim_named history)"
  ("$CLUSTER_DIR/node" start "$NAME-3" --name "$NAME" >"$WORK/started" 2>&1 && touch "$WORK/back") &
  recovered "node away, and back" 0 0 node-back --claim "$NAMESPACE/$(claim_named history)"
  [[ -e $WORK/back ]] || eventually 30 test -e "$WORK/back"
  LOST_NODE=
  newton_is_well
  same "the contents" "$CONTENTS" "$(contents)"
}

# --- Newton's three playbooks, killed with kill -9 in every step that they have

# killed_in_every_step PLAYBOOK ARGUMENT...: killed as soon as a step begins in which it was not killed before, and taken up by the same command,
# until one comes to its end.
killed_in_every_step() {
  local names step pid
  exits 0 sw recover "$@" -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  : >"$WORK/killed"
  while :; do
    rm -f "$WORK/events"
    "$SEAWORTHY" --kubeconfig "$CONFIG" recover "$@" -n "$NAMESPACE" --yes --events "$WORK/events" "${names[@]}" >"$WORK/out" 2>"$WORK/err" </dev/null &
    pid=$!
    step=$(new_step "$pid")
    [[ -n $step ]] || break
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    printf '%s\n' "$step" >>"$WORK/killed"
    # In the last step it may have come to its end before it was killed.
    [[ $(sw runs list -o json | jq -r '.items[-1].state') != 'done' ]] || break
  done
  if [[ -z $step ]]; then wait "$pid" || fail "after $(wc -l <"$WORK/killed") kills it failed: $(tail -n 8 "$WORK/err")"; fi
  (($(wc -l <"$WORK/killed") >= 6)) || fail "only $(wc -l <"$WORK/killed") kills: $(paste -sd ' ' "$WORK/killed")"
  figure "killed in every step | $1 | $(wc -l <"$WORK/killed") kills"
}

# new_step PID: the first step that begins and was not killed in; nothing when the program ends before there is one.
new_step() {
  local step
  while kill -0 "$1" 2>/dev/null; do
    step=$(steps_begun | grep -vxFf "$WORK/killed" | head -n 1) || true
    [[ -z $step ]] || break
  done
  printf '%s' "$step"
}

# The last line may be half written.
steps_begun() { jq -Rr 'fromjson? | select(.event == "step" and .state.state == "running") | .id' "$WORK/events" 2>/dev/null || true; }

test_newton_history_killed_in_every_step() {
  begin
  launch_newton
  local workspace
  workspace=$(volume_of workspace)
  erase_history
  recognised claim-gone "$(claim_named history)"
  killed_in_every_step newton-v2t/history
  newton_is_well
  expect 0 in_core sh -c "ls $HISTORY | grep -c ^file- || true"
  same "the workspace" "$workspace" "$(volume_of workspace)"
}

test_newton_workspace_killed_in_every_step() {
  begin
  launch_newton
  in_core sh -c 'rm -rf /var/lib/newton/workspace/*'
  recognised volume-emptied "$(claim_named workspace)"
  killed_in_every_step newton-v2t/workspace
  newton_is_well
  same "the contents of the history" "$CONTENTS" "$(contents)"
}

test_newton_etcd_killed_in_every_step() {
  begin
  launch_newton
  local workspace
  workspace=$(volume_of workspace)
  k exec "$STACK-etcd-0" -c etcd -- sh -c 'rm -rf /var/lib/etcd/data'
  k delete pod "$STACK-etcd-0" --wait=false >/dev/null
  eventually 120 is_recognised etcd-emptied "data-$STACK-etcd-0"
  killed_in_every_step newton-v2t/etcd --claim "$NAMESPACE/data-$STACK-etcd-0" --consent=lose-users
  eventually 90 all_parts
  eventually 60 imported
  eventually 30 works
  exits 0 sw status "$STACK" -n "$NAMESPACE"
  exits 0 sw recover -n "$NAMESPACE"
  same "the contents of the history" "$CONTENTS" "$(contents)"
  same "the workspace" "$workspace" "$(volume_of workspace)"
}

# --- telemetry-pipeline

launch_telemetry() {
  exits 0 install --yes
  eventually 60 has_points
  in_collector sh -c 'i=0; while [ $i -lt 40 ]; do echo "$i of known contents" >/data/known-$i; i=$((i + 1)); done'
  KNOWN=$(known)
  BYTES=$(in_collector sh -c 'cat /data/*.jsonl /data/known-* | wc -c')
  exits 0 install --yes --set streamer.rate=0.9
}

in_collector() { k exec "$(pod_of collector)" -- "$@" 2>"$WORK/exec.err" || fail "in the collector, $*: $(cat "$WORK/exec.err")"; }

has_points() { (($(in_collector sh -c 'ls /data | grep -c jsonl') > 0)); }

known() { in_collector sh -c 'cd /data && sha256sum known-* | sha256sum'; }

telemetry_is_well() {
  eventually 120 all_well
  exits 0 sw status "$STACK" -n "$NAMESPACE"
  eventually 60 has_points
  exits 0 sw recover -n "$NAMESPACE"
}

test_telemetry_collector_claim_deleted() {
  begin
  launch_telemetry
  k delete pvc "$(claim)" --wait=false >/dev/null
  recognised claim-going "$(claim)"
  recovered "claim deleted in use" 0 0 rebind --claim "$NAMESPACE/$(claim)"
  telemetry_is_well
  same "the contents" "$KNOWN" "$(known)"
}

test_telemetry_collector_volume_object_lost() {
  begin
  launch_telemetry
  local volume
  volume=$(k get pvc "$(claim)" -o 'jsonpath={.spec.volumeName}')
  kubectl delete pv "$volume" --wait=false >/dev/null
  kubectl patch pv "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  eventually 30 is_recognised claim-lost "$(claim)"
  recognised claim-lost "$(claim)"
  recovered "PersistentVolume gone" 0 0 rebind --claim "$NAMESPACE/$(claim)"
  telemetry_is_well
  same "the contents" "$KNOWN" "$(known)"
}

test_telemetry_collector_erased() {
  begin
  launch_telemetry
  local volume
  volume=$(k get pvc "$(claim)" -o 'jsonpath={.spec.volumeName}')
  k scale deployment "$STACK-collector" --replicas=0 >/dev/null
  eventually 60 no_collector
  k delete pvc "$(claim)" --wait=false >/dev/null
  eventually 60 is_gone "$volume"
  k scale deployment "$STACK-collector" --replicas=1 >/dev/null
  recognised claim-gone "$(claim)"
  recovered "claim, volume and folder gone" "$BYTES" "$BYTES" telemetry-pipeline/collector
  telemetry_is_well
  expect 0 in_collector sh -c 'ls /data | grep -c ^known- || true'
}

no_collector() { [[ -z $(k get pod -l app.kubernetes.io/component=collector -o name) ]]; }

test_telemetry_collector_emptied() {
  begin
  launch_telemetry
  in_collector sh -c 'rm -rf /data/*'
  # The collector goes on writing: it is empty only until the next point comes.
  is_recognised volume-emptied "$(claim)" || figure "files deleted under a running collector | not recognised: it had written again | - | - | $BYTES / $BYTES bytes"
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

# --- backups

# A backup of one moment, the loss of everything on a volume, and back.
test_newton_backup_and_restore() {
  begin
  launch_newton
  local began=$EPOCHREALTIME folder
  exits 0 sw backup "$STACK" -n "$NAMESPACE" --yes --consistent -o json
  folder=$(jq -r .folder "$WORK/out")
  figure "backup --consistent | $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }') s | $(du -sb "$folder" | cut -f1) bytes"
  expect true jq -r .consistent "$folder/manifest.json"
  exits 0 sw backup list --verify
  says "$STACK"
  newton_is_well
  in_core sh -c "rm -rf $HISTORY/file-*; echo other >$HISTORY/file-1"
  exits 2 sw restore "$STACK" -n "$NAMESPACE" --yes -o json
  says "--destroy-data=PersistentVolumeClaim/$NAMESPACE/$STACK-history"
  local names
  mapfile -t names < <(jq -r .error.hint "$WORK/out" | grep -o -e '--destroy-data=[^ ]*')
  began=$EPOCHREALTIME
  exits 0 sw restore "$STACK" -n "$NAMESPACE" --yes "${names[@]}"
  figure "restore | $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }') s"
  newton_is_well
  same "the contents" "$CONTENTS" "$(contents)"
  expect "" eval "k get pod -l seaworthy.dev/helper -o name"
}

# What can be read is copied out before a volume is replaced, while the application runs.
test_telemetry_backup_live_and_a_copy_before_a_volume_is_replaced() {
  begin
  launch_telemetry
  exits 0 sw backup "$STACK" -n "$NAMESPACE" --yes -o json
  expect false jq -r .backup.consistent "$WORK/out"
  expect "" eval "k get pod -l seaworthy.dev/helper -o name"
  exits 0 sw recover replace -n "$NAMESPACE" --claim "$NAMESPACE/$(claim)" --yes --destroy-data "pvc/$NAMESPACE/$(claim)"
  local archive
  archive=$(find "$SEAWORTHY_STATE_DIR/exports" -name "$NAMESPACE.$(claim).tar")
  [[ -s $archive ]] || fail "no copy was made"
  expect 40 eval "tar -tf '$archive' | grep -c '/known-'"
  telemetry_is_well
  expect 0 in_collector sh -c 'ls /data | grep -c ^known- || true'
}
