# Claims that wait for a volume in vain, that a set has made anew, or whose volume names
# another claim: made on a real cluster, recognised, recovered, the contents compared. And
# wrong turns: whatever is done wrong with a loss on hand, nothing more is lost.
# seaworthy
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"

MAKER=(-n local-path-storage deployment/local-path-provisioner)

# What belongs to the whole cluster is put back, however a test ends.
eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  kubectl scale "${MAKER[@]}" --replicas=1 >/dev/null 2>&1 || true
  kubectl uncordon -l kubernetes.io/os=linux >/dev/null 2>&1 || true
  [[ ! -s $WORK/class.json ]] || kubectl create -f "$WORK/class.json" >/dev/null 2>&1 || true
  end_of_loss
}

shows() {
  sws recover -n "$NAMESPACE" -o json >"$WORK/shown" 2>/dev/null || true
  jq -e --arg kind "$1" '.losses[] | select(.loss.kind == $kind and .loss.certain and (.loss.facts | length) >= 2)' "$WORK/shown" >/dev/null
}

# claim_anew [FILTER]: the claim of the history as it was recorded, changed by a filter.
claim_anew() { manifest_of_history | jq "${1:-.}" | k apply -f - >/dev/null; }

# provisioned: the playbook brings about that the claim is served; the rest goes on.
provisioned() {
  local workspace took=$SECONDS
  workspace=$(volume_of workspace)
  exits 0 sws recover provision -n "$NAMESPACE" --yes
  figure "$1 | recovered in $((SECONDS - took)) s"
  all_run
  expect "" in_core ls /history
  same "the workspace" "$workspace" "$(volume_of workspace)"
  well
}

test_a_claim_whose_class_is_gone_gets_its_class_and_a_volume() {
  begin
  launch
  kubectl get storageclass local-path -o json | jq 'del(.metadata.uid, .metadata.resourceVersion)' >"$WORK/class.json"
  erase_history
  kubectl delete storageclass local-path >/dev/null
  claim_anew
  recognised class-gone
  provisioned class-gone
  expect 'rancher.io/local-path true WaitForFirstConsumer Delete' kubectl get storageclass local-path -o \
    'jsonpath={.provisioner} {.metadata.annotations.storageclass\.kubernetes\.io/is-default-class} {.volumeBindingMode} {.reclaimPolicy}'
}

test_a_claim_whose_provisioner_was_stopped_gets_a_volume() {
  begin
  launch
  erase_history
  kubectl scale "${MAKER[@]}" --replicas=0 >/dev/null
  claim_anew
  # Two minutes are nothing for a provisioner that is slow.
  eventually 200 shows provisioner-gone
  provisioned provisioner-gone
}

# With its provisioner at work such a choice is taken back by that one. The scheduler hears of the
# claim twice: at the first time it may still look at what it remembers of it, and would come back
# to the pod only after five minutes (kubernetes/kubernetes#93552).
test_a_claim_that_was_given_a_node_that_is_not_there_gets_another() {
  begin
  launch
  erase_history
  kubectl scale "${MAKER[@]}" --replicas=0 >/dev/null
  claim_anew '.metadata.annotations["volume.kubernetes.io/selected-node"] = "no-such-node"'
  eventually 200 shows claim-stranded
  exits 0 sws recover provision -n "$NAMESPACE" --dry-run -o json
  expect 'rechoose requeue' jq -r '[.plan.steps[].action.verb?.act? // empty | select(test("rechoose|requeue"))] | join(" ")' "$WORK/out"
  local took=$SECONDS
  provisioned claim-stranded
  ((SECONDS - took < 270)) || fail "it took $((SECONDS - took)) s: the scheduler was left to come back by itself"
}

test_a_volume_whose_reference_was_edited_comes_back_to_its_claim() {
  begin
  launch
  local took
  kubectl patch pv "$(volume_of history)" --type merge -p \
    '{"spec":{"persistentVolumeReclaimPolicy":"Retain","claimRef":{"uid":"00000000-0000-0000-0000-000000000000"}}}' >/dev/null
  eventually 60 history_is_lost
  recognised claim-misbound
  took=$SECONDS
  exits 0 sws recover give-back -n "$NAMESPACE" --yes
  figure "claim-misbound | recovered in $((SECONDS - took)) s"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

test_a_set_that_has_made_a_claim_anew_gets_the_former_volume() {
  begin
  launch
  a_set "{}"
  local volume uid took
  volume=$(k get pvc data-store-0 -o 'jsonpath={.spec.volumeName}')
  uid=$(k get pvc data-store-0 -o 'jsonpath={.metadata.uid}')
  kubectl patch pv "$volume" -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' >/dev/null
  k delete pvc data-store-0 --wait=false >/dev/null
  k delete pod store-0 >/dev/null
  eventually 120 is_made_anew "$uid"
  expect "" k exec store-0 -- sh -c 'ls /data'
  recognised claim-renewed
  exits 0 sws recover reunite -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  took=$SECONDS
  exits 0 sws recover reunite -n "$NAMESPACE" --yes "${names[@]}"
  figure "claim-renewed | recovered in $((SECONDS - took)) s"
  eventually 60 set_is_ready
  expect "contents of store-0" k exec store-0 -- cat /data/what
  expect "contents of store-1" k exec store-1 -- cat /data/what
  same "the volume" "$volume" "$(k get pvc data-store-0 -o 'jsonpath={.spec.volumeName}')"
  well
}

# --- what only looks like a loss

# pending_for SECONDS LABEL: so long no place was found for the pod.
pending_for() {
  local since
  since=$(k get pod -l "$2" -o 'jsonpath={.items[0].status.conditions[?(@.reason=="Unschedulable")].lastTransitionTime}')
  [[ -n $since ]] && (($(date +%s) - $(date -d "$since" +%s) > $1))
}

a_claim() {
  jq -n --arg name "$1" '{apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: {name: $name}, spec: {
    accessModes: ["ReadWriteOnce"], resources: {requests: {storage: "16Mi"}}}}' | k apply -f - >/dev/null
}

# a_user NAME CLAIM MEMORY: a Deployment with a claim.
a_user() {
  local image
  image=$(k get deployment sloop-core -o 'jsonpath={.spec.template.spec.containers[0].image}')
  jq -n --arg name "$1" --arg claim "$2" --arg memory "$3" --arg image "$image" '{apiVersion: "apps/v1", kind: "Deployment",
    metadata: {name: $name}, spec: {selector: {matchLabels: {app: $name}}, template: {metadata: {labels: {app: $name}}, spec: {
      terminationGracePeriodSeconds: 1, volumes: [{name: "data", persistentVolumeClaim: {claimName: $claim}}],
      containers: [{name: "main", image: $image, command: ["sh", "-c", "while :; do sleep 1; done"],
        resources: {requests: {memory: $memory}}, volumeMounts: [{name: "data", mountPath: "/data"}]}]}}}}' | k apply -f - >/dev/null
}

# A set that was scaled down, a volume that nobody wants any more, a claim without a user, an image that is not there, a pod for which no
# node is large enough, a node that takes no pods, and a provisioner that was stopped while nobody asks for a volume.
test_what_only_looks_like_a_loss_is_none() {
  begin
  launch
  a_set "{}"
  local volume
  for claim in spare later big; do a_claim "$claim"; done
  a_user spare spare 1Mi
  k wait --for=condition=Available deployment/spare --timeout=90s >/dev/null
  volume=$(k get pvc spare -o 'jsonpath={.spec.volumeName}')
  kubectl patch pv "$volume" -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' >/dev/null
  k delete deployment spare >/dev/null
  k delete pvc spare >/dev/null
  eventually 60 is_released "$volume"
  k scale statefulset store --replicas=1 >/dev/null
  k set image deployment/sloop-bell '*=registry.invalid/nosuch:1' >/dev/null
  a_user big big 4Ti
  kubectl cordon "$(kubectl get node -o name | head -1)" >/dev/null
  k delete pod -l app.kubernetes.io/component=core --wait=false >/dev/null
  kubectl scale "${MAKER[@]}" --replicas=0 >/dev/null
  eventually 240 pending_for 130 app=big
  eventually 240 pending_for 130 app.kubernetes.io/component=core
  exits 0 sws recover -n "$NAMESPACE" -o json
  figure "suspected, not certain: $(jq -c '[.losses[].loss | {kind, claim: .claim.name}]' "$WORK/out")"
  expect 0 jq '[.losses[] | select(.loss.certain)] | length' "$WORK/out"
}

# --- wrong turns

test_a_playbook_of_another_stack_is_refused() {
  begin
  launch
  release_volume
  local mark
  mark=$(audit_mark)
  exits 2 sws recover telemetry-pipeline/collector -n "$NAMESPACE" --yes
  same "writes" "" "$(audited_writes "$mark")"
  rebound
}

test_without_the_right_to_keep_volumes_nothing_is_stopped() {
  begin
  launch
  delete_claim
  local before
  before=$(k get deployment -o json | jq '[.items[].spec.replicas]')
  kubectl create clusterrole "$ID-few" --verb=get,list,watch --resource='*.*' >/dev/null
  kubectl label clusterrole "$ID-few" "seaworthy-test=$ID" >/dev/null
  new_user "$ID-few" "$ID-few"
  local all=$CONFIG
  CONFIG=$WORK/$ID-few.kubeconfig
  exits 3 sws recover -n "$NAMESPACE"
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  exits 1 sws recover rebind -n "$NAMESPACE" --yes "${names[@]}"
  CONFIG=$all
  same "replicas" "$before" "$(k get deployment -o json | jq '[.items[].spec.replicas]')"
  same "the contents" "$CONTENTS" "$(contents)"
  rebound
}

test_on_a_full_disk_nothing_is_begun() {
  begin
  launch
  delete_volume
  local mark own=$SEAWORTHY_STATE_DIR
  mkdir "$WORK/small"
  mount -t tmpfs -o size=64k tmpfs "$WORK/small"
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  mark=$(audit_mark)
  export SEAWORTHY_STATE_DIR=$WORK/small
  exits 1 sws recover rebind -n "$NAMESPACE" --yes "${names[@]}"
  export SEAWORTHY_STATE_DIR=$own
  umount "$WORK/small"
  same "writes" "" "$(audited_writes "$mark" | grep -v "/namespaces/$SYSTEM" || true)"
  same "the contents" "$CONTENTS" "$(contents)"
  rebound
}

# Two people, one loss: the second is told who is at work, and writes nothing.
test_twice_at_once_only_one_is_at_work() {
  begin
  launch
  delete_volume
  local mark
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  sw_as "$WORK/first.at" --profiles "$CLUSTER_DIR/recover/stacks" recover rebind -n "$NAMESPACE" --yes "${names[@]}" >"$WORK/first" 2>&1 &
  local first=$!
  eventually 60 is_locked
  # It stands still until the other has come and gone.
  kill -STOP "$(cat "$WORK/first.at")"
  mark=$(audit_mark)
  SEAWORTHY_STATE_DIR=$WORK/other exits 1 sws recover rebind -n "$NAMESPACE" --yes "${names[@]}"
  says "is locked by"
  same "writes" "" "$(audited_writes "$mark" | grep -v "/namespaces/$SYSTEM" || true)"
  kill -CONT "$(cat "$WORK/first.at")"
  wait "$first" || fail "the first ended badly: $(cat "$WORK/first")"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

is_locked() { kubectl -n "$SYSTEM" get lease "$NAMESPACE.sloop" -o 'jsonpath={.spec.holderIdentity}' 2>/dev/null | grep -q .; }
