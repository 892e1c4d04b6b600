# Losses on real volumes with known contents: recognised, brought back, the contents
# compared; and each recovery killed at every one of its writes, and taken up again.
# seaworthy
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"

# --- told once

test_a_volume_deleted_under_a_running_pod_comes_back_with_its_contents() {
  begin
  launch
  delete_volume
  recognised volume-going
  exits 2 sws recover rebind -n "$NAMESPACE" --yes
  says "--destroy-data=PersistentVolume/$(volume_of history)"
  rebound
}

test_a_claim_deleted_under_a_running_pod_comes_back_with_its_contents() {
  begin
  launch
  delete_claim
  recognised claim-going
  rebound
}

# The deadliest: with both gone, the objects vanish together, whatever the policy.
test_claim_and_volume_deleted_come_back_with_their_contents() {
  begin
  launch
  delete_volume
  delete_claim
  recognised claim-going
  rebound
}

test_a_lost_claim_gets_its_volume_back_from_the_record() {
  begin
  launch
  lose_volume
  recognised claim-lost
  rebound
}

# Nothing was kept on this machine: name, path and node follow from the claim.
test_a_lost_claim_gets_its_volume_back_without_any_record() {
  begin
  launch
  rm -rf "$SEAWORTHY_STATE_DIR"
  lose_volume
  recognised claim-lost
  rebound
}

test_a_released_volume_comes_back_to_its_claim() {
  begin
  launch
  release_volume
  recognised volume-released
  rebound
}

# Somebody made the claim anew, and it got a fresh volume.
test_a_released_volume_takes_the_place_of_a_fresh_one() {
  begin
  launch
  release_volume
  k delete pod -l app.kubernetes.io/component=core --wait=false >/dev/null
  manifest_of_history | k apply -f - >/dev/null
  eventually 60 claim_is_bound history
  recognised volume-released
  rebound
}

test_a_history_that_is_lost_is_replaced_and_everything_else_is_untouched() {
  begin
  launch
  local workspace
  workspace=$(volume_of workspace)
  erase_history
  recognised claim-gone
  exits 0 sws recover sloop/history -n "$NAMESPACE" --yes
  all_run
  expect "" in_core ls /history
  same "the workspace" "$workspace" "$(volume_of workspace)"
  well
}

test_a_workspace_that_is_emptied_shows_and_is_imported_again() {
  begin
  launch
  local old
  old=$(volume_of workspace)
  in_core sh -c 'rm -rf /workspace/*'
  recognised volume-emptied
  exits 0 sws recover sloop/workspace -n "$NAMESPACE" --yes --destroy-data="pvc/$NAMESPACE/sloop-workspace"
  says "service import finished"
  all_run
  expect 21 eval 'in_core ls /workspace | wc -l'
  # The old volume is kept aside, and nobody takes it for lost.
  expect Released kubectl get pv "$old" -o 'jsonpath={.status.phase}'
  well
}

test_the_brake_takes_two_seconds_and_saves_the_volume_from_its_own_policy() {
  begin
  launch
  local began=$EPOCHREALTIME took
  exits 0 sws hold sloop -n "$NAMESPACE"
  took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  figure "hold took $took s"
  awk -v took="$took" 'BEGIN { exit took > 2 }' || fail "it took $took s"
  for volume in $(volume_of history) $(volume_of workspace); do
    expect Retain kubectl get pv "$volume" -o 'jsonpath={.spec.persistentVolumeReclaimPolicy}'
  done
  (cd "$SEAWORTHY_STATE_DIR"/exports/*-hold && sha256sum --quiet -c SHA256SUMS) || fail "the export is not what was written"
  expect "" find "$SEAWORTHY_STATE_DIR/exports" ! -perm 600 -type f
  expect "" find "$SEAWORTHY_STATE_DIR/exports" -path '*Secret*'
  # What was kept survives what would have erased it.
  release_volume
  recognised volume-released
  rebound
}

test_a_healthy_cluster_has_no_loss_and_a_dry_run_writes_nothing() {
  begin
  launch
  well
  delete_volume
  local mark
  mark=$(audit_mark)
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run
  says "cannot be taken back" "gate" "proof"
  exits 3 sws recover -n "$NAMESPACE"
  same "writes" "" "$(audited_writes "$mark")"
}

# --- killed at every write, with kill -9, and taken up again. Half of the writes each, so that no test is long.

# Practised where it may be: every loss that the API alone can make, with what a person types. Without the label and the name nothing is lost.
test_drills_on_the_cluster_in_a_namespace_that_is_there_for_it() {
  begin
  exits 0 sw install hello -n "$NAMESPACE" --yes
  local context before
  context=$(kubectl config current-context)
  before=$(k get pvc,pod -o yaml)
  exits 2 sw drill rebind --cluster -n "$NAMESPACE" --consent="$context/$NAMESPACE"
  says "kubectl label namespace $NAMESPACE seaworthy.dev/drill=allowed"
  kubectl label namespace "$NAMESPACE" seaworthy.dev/drill=allowed >/dev/null
  exits 2 sw drill rebind --cluster -n "$NAMESPACE"
  says "--consent=$context/$NAMESPACE"
  exits 2 sw drill node-off --cluster -n "$NAMESPACE" --consent="$context/$NAMESPACE"
  same "claims and pods" "$before" "$(k get pvc,pod -o yaml)"
  exits 0 sw drill rebind --cluster -n "$NAMESPACE" --consent="$context/$NAMESPACE" -o json
  expect '4 true saved' jq -r '[(.drills | length), .passed, (.drills | map(.data) | unique | join(" "))] | join(" ")' "$WORK/out"
  figure "drill rebind --cluster | $(jq -r '[.drills[] | "\(.loss) \(.millis) ms"] | join(", ")' "$WORK/out")"
  exits 0 sw drill replace --cluster -n "$NAMESPACE" --consent="$context/$NAMESPACE" -o json
  expect 'claim-gone volume-emptied' jq -r '[.drills[].loss] | sort | join(" ")' "$WORK/out"
  exits 0 sw status hello -n "$NAMESPACE"
  exits 0 sw recover -n "$NAMESPACE"
}

test_killed_before_each_odd_write_of_a_deleted_volume() { walk_recovery before delete_volume 1; }
test_killed_before_each_even_write_of_a_deleted_volume() { walk_recovery before delete_volume 2; }
test_killed_after_each_odd_write_of_a_deleted_volume() { walk_recovery after delete_volume 1; }
test_killed_after_each_even_write_of_a_deleted_volume() { walk_recovery after delete_volume 2; }
test_killed_before_each_odd_write_of_a_deleted_claim() { walk_recovery before delete_claim 1; }
test_killed_before_each_even_write_of_a_deleted_claim() { walk_recovery before delete_claim 2; }
test_killed_after_each_odd_write_of_a_deleted_claim() { walk_recovery after delete_claim 1; }
test_killed_after_each_even_write_of_a_deleted_claim() { walk_recovery after delete_claim 2; }
test_killed_before_each_odd_write_of_a_lost_history() { walk_recovery before erase_history 1; }
test_killed_before_each_even_write_of_a_lost_history() { walk_recovery before erase_history 2; }
test_killed_after_each_odd_write_of_a_lost_history() { walk_recovery after erase_history 1; }
test_killed_after_each_even_write_of_a_lost_history() { walk_recovery after erase_history 2; }
test_killed_before_each_odd_write_of_a_lost_workspace() { walk_recovery before empty_workspace 1; }
test_killed_before_each_even_write_of_a_lost_workspace() { walk_recovery before empty_workspace 2; }
test_killed_after_each_odd_write_of_a_lost_workspace() { walk_recovery after empty_workspace 1; }
test_killed_after_each_even_write_of_a_lost_workspace() { walk_recovery after empty_workspace 2; }
