# newton-v2t with a real etcd, and hello: installed, answering, installed again without a write, taken away without their
# data, and back again with it.
# seaworthy
# images: etcd
# standins: newton-v2t
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/newton.sh
. "$CLUSTER_DIR/groups/lib/newton.sh"

STACK=newton-v2t
VALUES=$CLUSTER_DIR/values/newton-v2t.yaml
ROLES=(etcd history workspace)

# pods_ready: COMPONENT of each pod that is Ready, sorted, on one line
pods_ready() {
  k get pod -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null)
    | select([.status.conditions[]? | select(.type == "Ready" and .status == "True")] | length == 1)
    | .metadata.labels["app.kubernetes.io/component"]] | sort | join(" ")'
}

pods() { k get pod -o json | jq '.items | length'; }

all_ready() { [[ $(pods_ready) == 'agent core dashboard etcd' && $(pods) == 4 ]]; }

# claim_of ROLE: NAME UID PHASE, found as recovery finds it
claim_of() {
  k get persistentvolumeclaim -l "seaworthy.dev/role=$1" -o 'jsonpath={.items[*].metadata.name} {.items[*].metadata.uid} {.items[*].status.phase}{"\n"}'
}

claims() { for role in "${ROLES[@]}"; do claim_of "$role"; done; }

agents_wait() { [[ $(pods_ready) == 'core dashboard etcd' ]]; }

test_newton_ends_ready_and_works() {
  begin
  exits 0 install --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  says 'answered 200'
  all_ready || fail "ready are: $(pods_ready)"
  expect 3 eval 'claims | grep -c " Bound$"'
  expect '{"agent":"'"$(pod_of agent)"'","characters":5}' api requests -d hello
  # What Core keeps is where it belongs.
  expect 1 field etcd .starts
  expect 13 field folders .workspace.files
  expect 'requests.jsonl starts.log' field folders '.history.names | sort | join(" ")'
  contains 'service import finished' k logs "$(pod_of core)"
  expect 700 k exec "$(pod_of etcd)" -- stat -c %a /var/lib/etcd/data
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

test_newton_again_writes_nothing() {
  begin
  exits 0 install --yes
  open_door door
  local mark
  mark=$(audit_mark)
  exits 0 through door install --yes -o json
  same writes "" "$(writes door)"
  same "audited writes" "" "$(audited_writes "$mark")"
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

test_newton_comes_back_with_its_data() {
  begin
  exits 0 install --yes
  eventually 20 imported
  expect 204 status_of etcd/user -X PUT -d ann
  eventually 10 works
  local before
  before=$(claims)
  exits 0 uninstall
  # The claim that the StatefulSet made is named like the others, although it was never applied.
  says "keep   PersistentVolumeClaim/data-$STACK-etcd-0" "--destroy-data=PersistentVolumeClaim/$NAMESPACE/data-$STACK-etcd-0"
  expect 0 pods
  same claims "$before" "$(claims)"
  exits 0 install --yes
  same claims "$before" "$(claims)"
  expect ann api etcd/user
  expect 2 field etcd .starts
  eventually 20 imported
  expect 0 field import .new
  contains '"start":2' k exec "$(pod_of core)" -- cat /var/lib/newton/history/starts.log
}

test_newton_claims_go_when_they_are_named() {
  begin
  exits 0 install --yes
  exits 0 uninstall --destroy-data "pvc/$NAMESPACE/data-$STACK-etcd-0"
  eventually 20 gone etcd
  contains Bound claim_of history
}

gone() { [[ -z $(claim_of "$1" | tr -d ' \n') ]]; }

# What the application's README says of a lost workspace: agents refuse, and a restart of Core brings the data back.
test_newton_without_its_workspace_refuses_until_core_starts_again() {
  begin
  exits 0 install --yes
  eventually 20 imported
  eventually 10 works
  k exec "$(pod_of core)" -- sh -c 'rm /var/lib/newton/workspace/*'
  eventually 20 refuses
  eventually 20 agents_wait
  contains 'service data is not complete' k logs "$(pod_of agent)"
  exits 3 sw status "$STACK" -n "$NAMESPACE"
  k delete pod "$(pod_of core)" >/dev/null
  eventually 60 all_ready
  eventually 20 works
  expect 12 field import .new
}

test_newton_core_is_not_ready_without_etcd() {
  begin
  exits 0 install --yes
  k scale statefulset "$STACK-etcd" --replicas 0 >/dev/null
  eventually 40 etcd_is_missed
  k scale statefulset "$STACK-etcd" --replicas 1 >/dev/null
  eventually 60 all_ready
  expect 1 field etcd .starts
}

etcd_is_missed() { [[ $(pods_ready) != *core* ]] && k logs "$(pod_of core)" | grep -q 'etcd: '; }

# --- ha, on the one node there is: its volumes are folders that any pod may write to, and members of etcd sit side by side.

# shared_volume ROLE: a claim SHARED-ROLE on a folder of the node, made by hand as an operator would who has an NFS server
shared_volume() {
  kubectl apply -f - >/dev/null <<EOF_VOLUME
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ID-$1, labels: {seaworthy-test: $ID}}
spec:
  capacity: {storage: 64Mi}
  accessModes: [ReadWriteMany]
  storageClassName: $ID
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: $NAMESPACE, name: shared-$1}
  hostPath: {path: /var/lib/$ID-$1, type: DirectoryOrCreate}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shared-$1, namespace: $NAMESPACE, labels: {seaworthy.dev/role: $1}}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: $ID
  volumeName: $ID-$1
  resources: {requests: {storage: 64Mi}}
EOF_VOLUME
  # Made by the kubelet for root alone; the images are nobody special.
  k run "open-$1" --image "$BUSYBOX" --restart Never --overrides '{"spec": {"containers": [{"name": "open", "image": "'"$BUSYBOX"'",
    "command": ["chmod", "0777", "/data"], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "shared-'"$1"'"}}]}}' >/dev/null
  eventually 60 pod_is "open-$1" Succeeded
  k delete pod "open-$1" >/dev/null
}

ha() {
  sw install "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE" --set etcd.antiAffinity=preferred \
    --set etcd.persistence.storageClass=local-path --set global.storageClass="$ID" \
    --set persistence.history.existingClaim=shared-history --set persistence.workspace.existingClaim=shared-workspace "$@"
}

all_of_ha() { [[ $(pods_ready) == 'agent agent core core dashboard dashboard etcd etcd etcd' && $(pods) == 9 ]]; }

# The same without an operator: refused as long as nobody can make the volumes, with what to type, which is then typed.
test_newton_ha_takes_its_volumes_from_shared_path() {
  local mark one
  begin
  trap 'uninstall --destroy-data "namespace/$NAMESPACE" >/dev/null 2>&1; sw prerequisites uninstall shared-path --in-use --yes >/dev/null 2>&1; end' EXIT
  one=(sw install "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE" --set etcd.antiAffinity=preferred --set etcd.persistence.storageClass=local-path)
  mark=$(audit_mark)
  exits 2 "${one[@]}" --yes
  says ' prerequisites install shared-path`' '`--set global.storageClass=shared`' 'there is no storage class ceph-filesystem'
  exits 2 "${one[@]}" --set global.storageClass=local-path --set "persistence.accessModes={ReadWriteMany}" --yes
  same "what is written" "" "$(audited_writes "$mark")"
  exits 0 sw prerequisites install shared-path --set image.tag=v0.0.30 --set provisioner.probes=false --yes
  exits 0 "${one[@]}" --set global.storageClass=shared --yes
  all_of_ha || fail "ready are: $(pods_ready)"
  eventually 20 one_leads
  eventually 20 works
  same "classes" "shared shared" "$(k get persistentvolumeclaim -l 'seaworthy.dev/role in (history,workspace)' -o 'jsonpath={.items[*].spec.storageClassName}')"
  mark=$(audit_mark)
  exits 0 "${one[@]}" --set global.storageClass=shared --yes
  same "what a second install writes" "" "$(audited_writes "$mark")"
  exits 2 sw prerequisites uninstall shared-path --yes
  says "of PersistentVolumeClaim/$NAMESPACE/$STACK-history stays where it is"
}

# leaders: the Cores whose last word on it is that they lead
leaders() {
  local pod
  for pod in $(k get pod -l app.kubernetes.io/component=core -o 'jsonpath={.items[*].metadata.name}'); do
    [[ $(k logs "$pod" | grep -oE 'leads (from now on|no more)' | tail -n 1) != *now* ]] || printf '%s\n' "$pod"
  done
}

one_leads() { [[ $(leaders | wc -l) == 1 && $(leaders) != "${1:-}" ]]; }

test_newton_ha_survives_a_member_of_etcd_and_the_leading_core() {
  begin
  trap 'kubectl delete persistentvolume -l "seaworthy-test=$ID" --wait=false >/dev/null; end' EXIT
  kubectl create namespace "$NAMESPACE" >/dev/null
  shared_volume history
  shared_volume workspace
  exits 0 ha --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes"' "$WORK/out")"
  eventually 30 all_of_ha
  eventually 20 one_leads
  exits 0 ha --yes -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  expect 204 status_of etcd/user -X PUT -d ann
  local leader
  leader=$(leaders)
  k delete pod "$STACK-etcd-0" "$leader" >/dev/null
  eventually 60 all_of_ha
  eventually 20 one_leads "$leader"
  expect ann api etcd/user
  eventually 20 works
}

# What there is no storage for here goes as far as the API server's own checks: nobody knows what a class of this provisioner can do.
test_newton_ha_is_accepted_by_the_api_server() {
  begin
  trap 'kubectl delete storageclass "nfs-$ID" --ignore-not-found >/dev/null; end' EXIT
  kubectl create -f - >/dev/null <<END
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: nfs-$ID}, provisioner: example.com/nfs}
END
  exits 0 sw install "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE" --set "global.storageClass=nfs-$ID" --ignore room --dry-run -o json
  expect 14 jq '[.plan.steps[].action | select(.do == "apply")] | length' "$WORK/out"
  says 'etcd waits for the disk at every write' 'profile ha needs 3 schedulable nodes'
  kubectl create namespace "$NAMESPACE" >/dev/null
  exits 0 sw render "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE"
  expect 13 eval 'kubectl apply --dry-run=server --validate=strict -f "$WORK/out" | grep -c "created (server dry run)"'
}

test_newton_asks_for_its_images() {
  begin
  exits 2 sw install "$STACK" -n "$NAMESPACE" --yes
  says 'global.imageTag: is required' 'core.image.repository: is required' 'agent.image.repository: is required' \
    'dashboard.image.repository: is required'
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
}

# --- hello

page() { curl -sS --max-time 10 "http://$(k get pod -o 'jsonpath={.items[0].status.podIP}'):8080/"; }

starts() { page | sed -n 's/.*starts: //p'; }

marker() { page | sed -n 's/.*marker: //p'; }

# first_try STACK [ARGUMENT...]
first_try() {
  local stack=$1 mark volume
  shift
  exits 0 sw "$@" install "$stack" -n "$NAMESPACE" --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  expect 1 starts
  mark=$(marker)
  [[ ${#mark} == 36 ]] || fail "the marker is '$mark'"
  exits 0 sw "$@" install "$stack" -n "$NAMESPACE" --yes -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  volume=$(claim_of data)
  exits 0 sw "$@" uninstall "$stack" -n "$NAMESPACE" --yes
  expect 0 pods
  same claim "$volume" "$(claim_of data)"
  exits 0 sw "$@" install "$stack" -n "$NAMESPACE" --yes
  expect 2 starts
  expect "$mark" marker
}

test_hello_counts_on_its_volume() {
  begin
  STACK=hello
  first_try hello
}

test_a_new_stack_is_installed_as_it_is() {
  begin
  STACK=mine
  exits 0 sw stacks new mine --dir "$WORK/stacks"
  first_try mine --profiles "$WORK/stacks"
}
