# What goes wrong in the middle of a recovery, or beside it: a kubeconfig that leads to another cluster, a node that
# comes back, a set that has lost its data with its policy, Secrets that are gone, and no cluster at all. Whatever the
# turn, nothing more is lost, and what is written is written where it was meant.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/lib/packages.sh
. "$CLUSTER_DIR/lib/packages.sh"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"
# shellcheck source=tests/cluster/groups/lib/killed.sh
. "$CLUSTER_DIR/groups/lib/killed.sh"

# Another cluster goes, and a node that is away comes back, however a test ends; a session of their own, so that a test
# whose time is over does not take them with it.
eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  [[ -z ${OTHER:-} ]] || setsid "$CLUSTER_DIR/down" --name "$OTHER" >/dev/null 2>&1 || true
  [[ -z ${AWAY:-} ]] || setsid "$CLUSTER_DIR/node" start "$AWAY" --name "$NAME" >/dev/null 2>&1 || true
  kubectl uncordon -l kubernetes.io/os=linux >/dev/null 2>&1 || true
  end_of_loss
}

# --- another cluster

# another_cluster: of one node, with a user of this test; its kubeconfig calls its context as the first one's is called.
another_cluster() {
  OTHER=$NAME-b
  "$CLUSTER_DIR/up" --name "$OTHER" --nodes 1 >"$WORK/up" 2>&1 || fail "no other cluster: $(cat "$WORK/up")"
  KUBECONFIG=$STATE/$OTHER/kubeconfig new_user "$ID-b" cluster-admin
  jq --arg name "$(context_of "$CONFIG")" '.contexts[0].name = $name | ."current-context" = $name' "$WORK/$ID-b.kubeconfig" >"$WORK/other.kubeconfig"
  expect "$(context_of "$CONFIG")" context_of "$WORK/other.kubeconfig"
}

context_of() { kubectl config current-context --kubeconfig "$1"; }

# elsewhere COMMAND...: with the other cluster for the program, for kubectl and for the audit log.
elsewhere() {
  local -x KUBECONFIG=$STATE/$OTHER/kubeconfig AUDIT_LOG=$STATE/$OTHER/audit.log
  local CONFIG=$WORK/other.kubeconfig
  "$@"
}

# folder_of VOLUME: its folder on the disk of its node, which can be read when that one is away.
folder_of() {
  kubectl get pv "$1" -o json | jq -r --arg nodes "$DIR/nodes" '$nodes + "/"
    + .spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0] + "/root" + (.spec.local // .spec.hostPath).path'
}

bytes_in() { (cd "$1" && sha256sum file-* | sha256sum); }

run_of() { sws runs list -o json | jq -r --arg namespace "$NAMESPACE" '[.items[] | select(.purpose == "recover" and .installation.namespace == $namespace)][-1].run'; }

state_of_run() { sws runs list -o json | jq -r --arg run "$1" '.items[] | select(.run == $run).state'; }

# killed_half_way: a recovery of a deleted volume is killed when the volume's object is gone and not yet made anew.
killed_half_way() {
  local code=0
  open_door a
  kubectl config rename-context apiproxy "$(context_of "$CONFIG")" --kubeconfig "$WORK/a.door" >/dev/null
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  plan_door a "at=5&when=before&kill=$WORK/killed"
  through a sw_as "$WORK/killed" --profiles "$CLUSTER_DIR/recover/stacks" recover rebind -n "$NAMESPACE" --yes "${names[@]}" \
    >"$WORK/killed.out" 2>&1 || code=$?
  ((code == 137)) || fail "it was to be killed, and ended with $code: $(cat "$WORK/killed.out")"
  RUN=$(run_of)
  expect open state_of_run "$RUN"
}

# Nothing is done there, whatever is asked for: what is lost is lost on another cluster.
nothing_is_done_elsewhere() {
  local mark before
  mark=$(elsewhere audit_mark)
  before=$(elsewhere uids)
  exits 0 elsewhere sws recover
  says "no loss is recognised"
  exits 2 elsewhere sws runs resume "$RUN" --yes
  says "belongs to the cluster of context" "leads to another cluster"
  exits 2 elsewhere sws runs resume --yes
  says "is unfinished"
  exits 2 elsewhere sws recover rebind --claim "$NAMESPACE/sloop-history" --yes "${names[@]}"
  [[ -z ${1:-} ]] || says "$1"
  exits 2 elsewhere sws recover rebind --claim "$NAMESPACE/sloop-history" --yes "${names[@]}" --replan
  exits 2 elsewhere sws recover rebind -n "$NAMESPACE" --yes "${names[@]}"
  same "writes there" "" "$(elsewhere audited_writes "$mark" "$ID-b")"
  same "what is there" "$before" "$(elsewhere uids)"
  expect open state_of_run "$RUN"
}

# The context's name is the same, the API server is another one: once there is nothing at all, once the same stack in the
# same namespace, in good health. The run that was killed goes on where it was begun, and only there.
test_another_cluster_of_the_same_context_name() {
  begin
  launch
  local volume folder there mark
  volume=$(volume_of history)
  folder=$(folder_of "$volume")
  same "the bytes on the disk" "$CONTENTS" "$(bytes_in "$folder")"
  delete_volume
  killed_half_way
  eventually 30 history_is_lost
  expect 0 k get deployment sloop-core -o 'jsonpath={.spec.replicas}'
  another_cluster
  mark=$(audit_mark)
  nothing_is_done_elsewhere "$NAMESPACE"
  exits 0 elsewhere sws install sloop -n "$NAMESPACE" --yes
  elsewhere in_core sh -c 'echo there >/history/file-0'
  there=$(elsewhere contents)
  nothing_is_done_elsewhere "nothing is lost"
  same "the contents there" "$there" "$(elsewhere contents)"
  same "writes here meanwhile" "" "$(audited_writes "$mark")"
  same "the bytes on the disk" "$CONTENTS" "$(bytes_in "$folder")"
  exits 0 sws runs resume "$RUN" --yes
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
  expect 'done' state_of_run "$RUN"
}

# --- a set that has lost its data for good

# a_set: two pods with a claim each, of known contents, which belong to the installation.
a_set() {
  local image
  image=$(k get deployment sloop-core -o 'jsonpath={.spec.template.spec.containers[0].image}')
  jq -n --arg image "$image" --arg namespace "$NAMESPACE" '{apiVersion: "apps/v1", kind: "StatefulSet",
      metadata: {name: "store", labels: {"seaworthy.dev/stack": "sloop", "seaworthy.dev/namespace": $namespace}}, spec: {
      replicas: 2, serviceName: "store", selector: {matchLabels: {app: "store"}},
      template: {metadata: {labels: {app: "store"}}, spec: {terminationGracePeriodSeconds: 1, containers: [{
        name: "main", image: $image, command: ["sh", "-c", "while :; do sleep 1; done"],
        volumeMounts: [{name: "data", mountPath: "/data"}]}]}},
      volumeClaimTemplates: [{metadata: {name: "data"}, spec: {accessModes: ["ReadWriteOnce"],
        resources: {requests: {storage: "16Mi"}}}}]}}' | k apply -f - >/dev/null
  eventually 120 set_is_ready
  for pod in store-0 store-1; do k exec "$pod" -- sh -c "echo contents of $pod >/data/what"; done
}

set_is_ready() { [[ $(k get statefulset store -o 'jsonpath={.status.readyReplicas}') == 2 ]]; }

# A set makes the claims of its pods at once; one that is a minute younger was made again.
set_is_old() { (($(date +%s) - $(date -d "$(k get pvc data-store-1 -o 'jsonpath={.metadata.creationTimestamp}')" +%s) > 65)); }

is_made_anew() {
  local uid
  uid=$(k get pvc data-store-0 -o 'jsonpath={.metadata.uid}' 2>/dev/null)
  [[ -n $uid && $uid != "$1" ]] && set_is_ready
}

# With the policy Delete the bytes are gone with the claim: no playbook brings them back, and it is said what can.
test_a_set_whose_claim_was_replaced_gets_its_data_from_the_backup() {
  begin
  launch
  a_set
  local volume folder uid took
  exits 0 sws backup sloop -n "$NAMESPACE" --yes
  volume=$(k get pvc data-store-0 -o 'jsonpath={.spec.volumeName}')
  uid=$(k get pvc data-store-0 -o 'jsonpath={.metadata.uid}')
  folder=$(folder_of "$volume")
  eventually 90 set_is_old
  k delete pvc data-store-0 --wait=false >/dev/null
  k delete pod store-0 >/dev/null
  eventually 120 is_made_anew "$uid"
  eventually 60 is_gone "$volume"
  eventually 30 test ! -e "$folder"
  expect "" k exec store-0 -- sh -c 'ls /data'
  recognised claim-replaced
  expect "data-store-0 0" jq -r '[.losses[] | select(.loss.kind == "claim-replaced") | "\(.loss.claim.name) \(.proposals | length)"] | join(",")' "$WORK/out"
  exits 3 sws recover -n "$NAMESPACE"
  says "look for a backup" "seaworthy restore sloop -n $NAMESPACE"
  # Nothing that a playbook could do is any good here.
  exits 2 sws recover reunite --claim "$NAMESPACE/data-store-0" --yes
  exits 2 sws restore sloop -n "$NAMESPACE" --yes -o json
  says "--destroy-data=PersistentVolumeClaim/$NAMESPACE/data-store-1"
  mapfile -t names < <(jq -r .error.hint "$WORK/out" | grep -o -e '--destroy-data=[^ ]*')
  took=$SECONDS
  exits 0 sws restore sloop -n "$NAMESPACE" --yes "${names[@]}"
  figure "claim-replaced | restored in $((SECONDS - took)) s"
  eventually 60 set_is_ready
  expect "contents of store-0" k exec store-0 -- cat /data/what
  expect "contents of store-1" k exec store-1 -- cat /data/what
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

# --- Secrets

# nowhere TEXT FOLDER...: in no file of them, as it is or as Kubernetes writes it.
nowhere() {
  local text=$1 found
  shift
  found=$(grep -rlaF -e "$text" -e "$(printf %s "$text" | base64 -w0)" "$@" || true)
  [[ -z $found ]] || fail "in the clear in $found"
}

secret_is() { k get secret "$1" -o json | jq -cS '{type, data, labels: .metadata.labels}'; }

test_a_secret_that_is_gone_comes_back_with_the_key() {
  begin
  ensure_packages age-keygen:age
  launch
  local password bytes was folder
  password=pass-$ID-$RANDOM$RANDOM$RANDOM
  head -c 3000 /dev/urandom >"$WORK/bytes"
  bytes=$(sha256sum <"$WORK/bytes")
  k create secret generic sloop-key --from-literal="password=$password" --from-file="bytes=$WORK/bytes" >/dev/null
  k label secret sloop-key "seaworthy.dev/stack=sloop" "seaworthy.dev/namespace=$NAMESPACE" mine=yes >/dev/null
  was=$(secret_is sloop-key)
  age-keygen -o "$WORK/key.txt" 2>/dev/null
  age-keygen -o "$WORK/other.txt" 2>/dev/null
  exits 0 sws backup sloop -n "$NAMESPACE" --yes --with-secrets "$(age-keygen -y "$WORK/key.txt")" --to "$WORK/backups" -o json
  folder=$(jq -r .folder "$WORK/out")
  expect "sloop-key" jq -r '[.backup.parts[] | select(.part == "secrets").secrets[].name] | join(" ")' "$WORK/out"
  nowhere "$password" "$SEAWORTHY_STATE_DIR" "$WORK/backups" "$WORK/out" "$WORK/err"
  expect "" find "$folder" -type f ! -perm 600
  k delete secret sloop-key >/dev/null
  # The wrong key opens nothing, and nothing is stopped for it.
  exits 2 sws restore sloop -n "$NAMESPACE" --from "$folder" --yes --identity "$WORK/other.txt"
  says "its key does not open this"
  exits 2 sws restore sloop -n "$NAMESPACE" --from "$folder" --yes --identity "$WORK/key.txt" -o json
  mapfile -t names < <(jq -r .error.hint "$WORK/out" | grep -o -e '--destroy-data=[^ ]*')
  exits 0 sws restore sloop -n "$NAMESPACE" --from "$folder" --yes --identity "$WORK/key.txt" "${names[@]}"
  says "1 made"
  same "the Secret" "$was" "$(secret_is sloop-key)"
  same "its bytes" "$bytes" "$(k get secret sloop-key -o json | jq -r .data.bytes | base64 -d | sha256sum)"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  nowhere "$password" "$SEAWORTHY_STATE_DIR" "$WORK/backups" "$WORK/out" "$WORK/err"
  well
  # And without this program, as its manual says.
  k delete secret sloop-key >/dev/null
  age -d -i "$WORK/key.txt" "$folder/secrets.json.age" | kubectl create -f - >/dev/null
  same "the Secret" "$was" "$(secret_is sloop-key)"
}

# --- no cluster

# points_to SERVER: a kubeconfig that leads there.
points_to() {
  kubectl config view --raw -o json --kubeconfig "$CONFIG" | jq --arg server "$1" '.clusters[].cluster.server = $server' >"$WORK/nowhere.kubeconfig"
  CONFIG=$WORK/nowhere.kubeconfig
}

# What a person needs most when the control plane is lost is there without it, and the way to it is said.
test_guides_without_a_cluster() {
  begin
  local own=$CONFIG guide address
  address=$(kubectl get node -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}')
  # Nobody listens there; nobody has the address; there is no kubeconfig at all.
  for where in https://127.0.0.1:1 "https://${address%.*}.250:6443" none; do
    CONFIG=$own
    if [[ $where == none ]]; then CONFIG=$WORK/none.kubeconfig; else points_to "$where"; fi
    exits 0 sw recover --guide -o json
    (($(jq '.items | length' "$WORK/out") >= 9)) || fail "few guides: $(cat "$WORK/out")"
    mapfile -t guides < <(jq -r '.items[].name' "$WORK/out")
    exits 0 sw recover --guide
    says "${guides[@]}"
    for guide in "${guides[@]}"; do
      exits 0 sw recover --guide "$guide"
      (($(wc -l <"$WORK/out") > 10)) || fail "$guide is short: $(cat "$WORK/out")"
    done
    for words in recover "recover rebind --claim a/b"; do
      # shellcheck disable=SC2086
      if WAIT=5s sw $words >"$WORK/out" 2>"$WORK/err"; then fail "$words ended well without a cluster"; fi
      says "recover --guide"
    done
  done
  exits 2 sw recover --guide no-such-guide
  says control-plane-kubeadm
}

# Who types a guide's name where a playbook's belongs is led to it.
test_a_guide_that_is_asked_for_as_a_playbook() {
  begin
  exits 2 sw recover control-plane-kubeadm
  says "recover --guide control-plane-kubeadm"
}
