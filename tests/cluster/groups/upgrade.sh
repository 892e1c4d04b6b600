# From one version of an installation to another, and back: what was chosen stays, what does not come up goes back, and what can no longer be
# changed is replaced where that loses nothing. The stack `fixed` (stacks/) has a value for each such field.
# seaworthy
# shellcheck shell=bash
# shellcheck disable=SC2034
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

# stack NAME: that this test is about
stack() {
  begin
  STACK=$1
}

change() { sw --profiles "$CLUSTER_DIR/stacks" "$1" "$STACK" -n "$NAMESPACE" "${@:2}"; }

fixed() {
  stack fixed
  exits 0 change install --yes
}

uid() { k get "$1" -o 'jsonpath={.metadata.uid}'; }

test_what_was_chosen_stays_and_comes_back() {
  stack hello
  exits 0 change install --yes --set page.greeting=First --set resources.requests.memory=32Mi
  exits 0 change upgrade --yes --set page.greeting=Second
  says 'page.greeting: "Second", was "First"'
  expect 32Mi k get deployment hello-web -o 'jsonpath={.spec.template.spec.containers[0].resources.requests.memory}'
  open_door door
  plan_door door
  exits 0 through door change upgrade --yes -o json
  same writes "" "$(writes door)"
  exits 0 change rollback --yes
  says 'answered 200'
  expect First eval 'k get configmap hello-web -o json | grep -o First | head -n 1'
}

test_a_version_that_does_not_come_up_is_explained_and_goes_back() {
  stack hello
  exits 0 change install --yes
  local before
  before=$(k get deployment hello-web -o 'jsonpath={.spec.template.spec.containers[0].image}')
  # Nobody is there to be asked: it stays as it is, and the cause is the last line.
  WAIT=60s exits 1 change upgrade --yes --ignore images --set image.tag=none
  says ErrImagePull 'library/busybox:none' ' rollback hello'
  exits 0 change rollback --yes
  expect "$before" k get deployment hello-web -o 'jsonpath={.spec.template.spec.containers[0].image}'
  WAIT=60s exits 1 change upgrade --yes --ignore images --set image.tag=none --roll-back
  says ErrImagePull 'going back to run'
  expect "$before" k get deployment hello-web -o 'jsonpath={.spec.template.spec.containers[0].image}'
  exits 0 change status
}

# refused_then_replaced KIND/NAME SETTING TEXT...: exit 2 without a write, what it would mean; then with --recreate another of the name
refused_then_replaced() {
  local object=$1 setting=$2 before
  shift 2
  before=$(uid "$object")
  open_door "${object%%/*}"
  plan_door "${object%%/*}"
  exits 2 through "${object%%/*}" change upgrade --yes --set "$setting"
  says --recreate "$@"
  same writes "" "$(writes "${object%%/*}")"
  expect "$before" uid "$object"
  exits 0 change upgrade --yes --set "$setting" --recreate
  says '-/+ replace' '1 to replace'
  [[ $(uid "$object") != "$before" ]] || fail "$object is the same"
  exits 0 change status
}

test_a_set_with_other_claims_leaves_its_pods_and_data() {
  fixed
  local pod claim
  pod=$(uid pod/fixed-store-0) claim=$(uid pvc/data-fixed-store-0)
  refused_then_replaced statefulset/fixed-store size=24Mi 'claims that are there stay as they are'
  expect "$pod" uid pod/fixed-store-0
  expect "$claim" uid pvc/data-fixed-store-0
  expect start k exec fixed-store-0 -- cat /data/starts
  expect 24Mi k get statefulset fixed-store -o 'jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}'
}

test_a_set_whose_claims_would_go_with_it_is_not_replaced() {
  fixed
  exits 0 change upgrade --yes --set whenDeleted=Delete
  exits 2 change upgrade --yes --set size=24Mi --recreate
  says 'its claims would be deleted with it'
  expect start k exec fixed-store-0 -- cat /data/starts
}

test_a_selector_a_job_and_a_binding_are_made_anew() {
  fixed
  local pods
  refused_then_replaced deployment/fixed-web app=two 'its pods end before new ones start'
  pods=$(k get pods -l app=one --field-selector status.phase=Running -o name)
  same "old pods" "" "$pods"
  refused_then_replaced job/fixed-greet word=farewell 'it runs once more'
  expect farewell k logs job/fixed-greet
  refused_then_replaced rolebinding/fixed-web role=edit 'nobody has the rights'
  expect edit k get rolebinding fixed-web -o 'jsonpath={.roleRef.name}'
}

test_a_claim_is_never_replaced() {
  stack fixed
  local class
  class=$(kubectl get storageclass -o 'jsonpath={.items[0].metadata.name}')
  exits 0 change install --yes --set claim="$class"
  exits 2 change upgrade --yes --set claim=other --recreate --ignore references
  says 'it may hold what cannot be had again'
}

one_job_counts() { [[ $(k get resourcequota none -o 'jsonpath={.status.used.count/jobs\.batch}') == 1 ]]; }

# A new one that the API server would not take is found before the old one goes.
test_what_would_not_come_back_is_not_deleted() {
  fixed
  local before
  before=$(uid job/fixed-greet)
  k apply -f - >/dev/null <<END
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: $NAMESPACE}
spec: {hard: {count/jobs.batch: "1"}}
END
  eventually 30 one_job_counts
  exits 2 change upgrade --yes --set word=farewell --recreate
  says 'the quota `none` is used up'
  expect "$before" uid job/fixed-greet
}

test_killed_between_the_delete_and_the_new_one() {
  fixed
  local pod
  pod=$(uid pod/fixed-store-0)
  open_door door
  # Those of the lock come before and between, so each of the first is tried.
  local at before
  for at in 1 2 3 4; do
    before=$(uid statefulset/fixed-store)
    plan_door door "at=$at&when=after&kill=$WORK/killed.pid"
    # shellcheck disable=SC2016
    bash -c 'echo $$ >"$0"; exec "$@"' "$WORK/killed.pid" "$SEAWORTHY" --kubeconfig "$WORK/door.door" --profiles "$CLUSTER_DIR/stacks" \
      upgrade fixed -n "$NAMESPACE" --yes --recreate --set "size=$((24 + at))Mi" >"$WORK/out" 2>"$WORK/err" || true
    k get statefulset fixed-store >/dev/null 2>&1 || figure "write $at: killed while there was none"
    exits 0 change upgrade --yes --recreate --set "size=$((24 + at))Mi"
    [[ $(uid statefulset/fixed-store) != "$before" ]] || fail "write $at: it was not replaced"
    expect "$pod" uid pod/fixed-store-0
    expect "$((24 + at))Mi" k get statefulset fixed-store -o 'jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}'
  done
}
