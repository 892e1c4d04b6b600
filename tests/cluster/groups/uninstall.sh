# Taking a stack away: everything goes but what may hold data, and nothing else
# in the cluster is touched.
# seaworthy
# standins: telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"
# shellcheck source=tests/cluster/groups/lib/everything.sh
. "$CLUSTER_DIR/groups/lib/everything.sh"

mark_data() { k exec "$(pod_of collector)" -c telemetry-collector -- sh -c "echo $1 >/data/marker"; }

data_mark() { k exec "$(pod_of collector)" -c telemetry-collector -- cat /data/marker; }

claim_uid() { k get persistentvolumeclaim "$(claim)" --ignore-not-found -o 'jsonpath={.metadata.uid}:{.status.phase}'; }

# What an uninstall may leave, and that each namespace has by itself.
may_stay() {
  local volume
  volume=$(k get persistentvolumeclaim "$(claim)" -o 'jsonpath={.spec.volumeName}')
  printf '%s\n' "ConfigMap $NAMESPACE/kube-root-ca.crt" "Namespace /$NAMESPACE" "PersistentVolume /$volume" \
    "PersistentVolumeClaim $NAMESPACE/$(claim)" "ServiceAccount $NAMESPACE/default"
}

only_data_is_left() { [[ "$(added "$1")" == "$(may_stay | sort)" ]]; }

nothing_is_going() {
  [[ -z $(kubectl get namespaces,persistentvolumes,clusterrolebindings -o json |
    jq -r '.items[] | select(.metadata.deletionTimestamp or .status.phase == "Released") | .metadata.name') ]]
}

test_only_data_is_left_and_nothing_else_is_touched() {
  begin
  # What earlier tests have left is still going; nothing else moves in this cluster.
  eventually 120 nothing_is_going
  everything >"$WORK/before"
  exits 0 install --yes
  k create configmap somebodys --from-literal=a=b >/dev/null
  k create secret generic somebodys --from-literal=a=b >/dev/null
  everything >"$WORK/installed"
  (($(comm -13 "$WORK/before" "$WORK/installed" | wc -l) > 30)) || fail "the walk sees nothing of the installation"
  local began=$EPOCHREALTIME
  exits 0 uninstall -o json
  figure "$(seconds_since "$began") s, $(jq -r '"\(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  # It does not end before the pods have.
  expect "" k get pod,replicaset -o name
  no_lock
  expect b k get configmap somebodys -o 'jsonpath={.data.a}'
  k delete configmap/somebodys secret/somebodys >/dev/null
  # What controllers made (endpoint slices) is theirs to take away, a moment later.
  (eventually 30 only_data_is_left "$WORK/before") || same "what is left" "$(may_stay | sort)" "$(added "$WORK/before")"
  same "what is gone of what was there before" "" "$(comm -23 "$WORK/before" <(everything))"
  expect 'done' eval 'run_states | tail -n 1'
}

test_a_second_uninstall_says_that_it_is_not_installed() {
  begin
  exits 2 uninstall
  says 'not installed' "$NAMESPACE"
  exits 0 install --yes
  exits 0 uninstall
  open_door door
  plan_door door
  exits 2 through door uninstall
  says 'not installed' "$NAMESPACE"
  same writes "" "$(writes door)"
  # The data that was left is not forgotten either.
  says "$(claim)"
}

test_an_install_takes_up_the_data_that_was_kept() {
  begin
  exits 0 install --yes
  local before
  mark_data kept
  before=$(claim_uid)
  exits 0 uninstall
  says "$(claim)"
  expect "$before" claim_uid
  exits 0 install --yes
  all_well
  expect "$before" claim_uid
  expect kept data_mark
}

test_data_goes_only_when_it_is_named() {
  begin
  exits 0 install --yes
  local volume
  volume=$(k get persistentvolumeclaim "$(claim)" -o 'jsonpath={.spec.volumeName}')
  open_door door
  plan_door door
  # A name that is not there is a slip, and nothing has happened yet.
  exits 2 through door uninstall --destroy-data="PersistentVolumeClaim/$NAMESPACE/nosuch"
  says nosuch
  same writes "" "$(writes door)"
  exits 0 uninstall --destroy-data="PersistentVolumeClaim/$NAMESPACE/$(claim)"
  expect "" k get persistentvolumeclaim -o name
  eventually 30 gone persistentvolume "$volume"
  expect "namespace/$NAMESPACE" kubectl get namespace "$NAMESPACE" -o name
}

gone() { [[ -z $(kubectl get "$1" "$2" --ignore-not-found -o name) ]]; }

# A namespace takes along what is in it, so it goes only when all the data in it is named too.
test_the_namespace_goes_when_it_and_all_data_in_it_are_named() {
  begin
  exits 0 install --yes
  mark_data kept
  local before
  before=$(claim_uid)
  k create secret generic somebodys --from-literal=a=b >/dev/null
  exits 0 uninstall --destroy-data="Namespace/$NAMESPACE"
  expect "$before" claim_uid
  expect "namespace/$NAMESPACE" kubectl get namespace "$NAMESPACE" -o name
  k delete secret somebodys >/dev/null
  exits 0 uninstall --destroy-data="Namespace/$NAMESPACE" --destroy-data="PersistentVolumeClaim/$NAMESPACE/$(claim)"
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
}

test_a_dry_run_says_what_would_go_and_stay() {
  begin
  exits 0 install --yes
  open_door door
  plan_door door
  local before
  before=$(uids)
  exits 0 through door uninstall --dry-run
  says "delete Deployment/$STACK-mq" "keep   PersistentVolumeClaim/$(claim)" "keep   Namespace/$NAMESPACE"
  same writes "" "$(writes door)"
  same objects "$before" "$(uids)"
}

test_another_machine_can_uninstall() {
  begin
  exits 0 install --yes
  mark_data kept
  export SEAWORTHY_STATE_DIR=$WORK/elsewhere
  exits 0 uninstall
  expect "" belongings_but_data
  expect 'done' run_states
}

belongings_but_data() { belongings | grep -v '^PersistentVolumeClaim ' || true; }

# Neither a journal nor the cluster's own record: the labels suffice.
test_without_any_record_the_labels_suffice() {
  begin
  exits 0 install --yes
  kubectl --namespace "$SYSTEM" delete configmap "$NAMESPACE.$STACK" >/dev/null
  export SEAWORTHY_STATE_DIR=$WORK/elsewhere
  exits 0 uninstall
  expect "" belongings_but_data
}

# Killed at its fourth write, of which two or three are the lock's, until it comes through.
test_killed_again_and_again() {
  begin
  exits 0 install --yes
  mark_data kept
  open_door door
  local tries=0 code=137 when=(before during after) before
  before=$(claim_uid)
  while ((code == 137)); do
    # Deleted pods take their time to end, and every try is over in a moment.
    ((SECONDS < 150)) || fail "no end after $tries tries"
    tries=$((tries + 1))
    plan_door door "at=4&when=${when[tries % 3]}&kill=$WORK/killed"
    code=0
    through door sw_as "$WORK/killed" uninstall "$STACK" -n "$NAMESPACE" --yes >"$WORK/out" 2>"$WORK/err" || code=$?
  done
  # The try before may have been killed when all was gone and only the lock was still to be given back.
  ((code == 0)) || { ((code == 2)) && says 'not installed' && no_lock_but_a_dead_ones; } || fail "try $tries ended with $code: $(cat "$WORK/err")"
  ((tries > 4)) || fail "it was killed only $((tries - 1)) times"
  expect "" belongings_but_data
  ((code != 0)) || no_lock
  expect "$before" claim_uid
  exits 0 install --yes
  expect kept data_mark
  figure "$tries tries"
}

no_lock_but_a_dead_ones() {
  local holder
  holder=$(kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK" --ignore-not-found -o 'jsonpath={.spec.holderIdentity}' | cut -d/ -f3)
  [[ -z $holder ]] || ! kill -0 "$holder" 2>/dev/null
}

test_a_killed_uninstall_is_gone_on_with_from_its_journal() {
  begin
  exits 0 install --yes
  open_door door
  plan_door door "at=6&when=during&kill=$WORK/killed"
  local code=0
  through door sw_as "$WORK/killed" uninstall "$STACK" -n "$NAMESPACE" --yes >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 137)) || fail "ended with $code: $(cat "$WORK/err")"
  exits 0 sw runs resume --yes
  expect "" belongings_but_data
  expect "done done" eval 'run_states | paste -sd " "'
  expect "" kubectl --namespace "$SYSTEM" get configmap "$NAMESPACE.$STACK" --ignore-not-found -o name
  no_lock
}

test_an_install_that_was_killed_can_be_uninstalled() {
  begin
  open_door door
  plan_door door "at=12&when=during&kill=$WORK/killed"
  local code=0
  through door sw_as "$WORK/killed" install_arguments >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 137)) || fail "ended with $code: $(cat "$WORK/err")"
  exits 0 uninstall
  expect "" belongings_but_data
  no_lock
  expect "abandoned done" eval 'run_states | paste -sd " "'
}

# All that was ever installed: stacks, then what the program keeps for itself. What may hold data is named, and what is somebody's stays.
test_everything_goes() {
  local hello
  begin
  hello=hello-$ID
  forget_later "$hello"
  exits 0 install --yes
  exits 0 sw install hello -n "$hello" --yes
  k create configmap somebodys --from-literal=a=b >/dev/null
  exits 0 sw uninstall --all --dry-run
  says "take telemetry-pipeline away from namespace $NAMESPACE" "take hello away from namespace $hello" "dry run: nothing was deleted"
  expect 1 eval "kubectl -n $hello get deployment -o name | wc -l"
  exits 0 sw uninstall --all --yes
  says "the namespace of records is deleted" "nothing is known to be left on this machine" \
    "--destroy-data=PersistentVolumeClaim/$hello/hello-data"
  expect "" kubectl get deployment,statefulset,daemonset,service,pod -A -l seaworthy.dev/stack -o name
  eventually 60 eval '! kubectl get namespace "$SYSTEM"'
  expect b k get configmap somebodys -o 'jsonpath={.data.a}'
  expect Bound kubectl -n "$hello" get persistentvolumeclaim hello-data -o 'jsonpath={.status.phase}'
  # Data that is left is known by its labels, and goes when it is named; another name is a slip.
  exits 2 sw uninstall --all --destroy-data="PersistentVolumeClaim/$hello/other" --yes
  says "other is not there, or not part of any installation; nothing was deleted"
  exits 0 sw uninstall --all --destroy-data="PersistentVolumeClaim/$hello/hello-data" --yes
  says "delete PersistentVolumeClaim/hello-data"
  # Nobody can take a lock in a namespace that is going.
  eventually 60 eval '! kubectl get namespace "$SYSTEM"'
}
