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

bytes_in() { (LC_ALL=C && cd "$1" && sha256sum file-* | sha256sum); }

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
  nothing_is_done_elsewhere "there is nothing to bind back"
  same "the contents there" "$there" "$(elsewhere contents)"
  same "writes here meanwhile" "" "$(audited_writes "$mark")"
  same "the bytes on the disk" "$CONTENTS" "$(bytes_in "$folder")"
  exits 0 sws runs resume "$RUN" --yes
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
  expect 'done' state_of_run "$RUN"
}

# --- a node that comes back in the middle

node_is() { [[ $(kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == "$2" ]]; }

uid_of_node() { kubectl get node "$1" -o 'jsonpath={.metadata.uid}'; }

# a_node: one on which nothing runs that makes volumes.
a_node() {
  local maker
  maker=$(kubectl -n local-path-storage get pod -l app=local-path-provisioner -o 'jsonpath={.items[0].spec.nodeName}')
  kubectl get node -o json | jq -r --arg maker "$maker" '[.items[].metadata.name | select(. != $maker)][-1]'
}

# only NODE COMMAND...: while every other node takes no pods.
only() {
  kubectl get node -o name | grep -vx "node/$1" | xargs kubectl cordon >/dev/null
  "${@:2}"
  kubectl uncordon -l kubernetes.io/os=linux >/dev/null
}

# launch_named NAME NODE: an installation of its own, with contents of its own, of which all lies on that node.
launch_named() {
  NAMESPACE=tp-$ID-$1
  forget_later "$NAMESPACE"
  only "$2" launch
  in_core sh -c "echo $NAMESPACE >/history/file-own"
  CONTENTS=$(contents)
  same "the node" "$2" "$(k get pod -l app.kubernetes.io/component=core -o 'jsonpath={.items[0].spec.nodeName}')"
}

go_away() {
  AWAY=$1
  "$CLUSTER_DIR/node" stop "$1" --name "$NAME" >"$WORK/stopped" 2>&1 || fail "it does not stop: $(cat "$WORK/stopped")"
  eventually 120 node_is "$1" Unknown
}

come_back() {
  "$CLUSTER_DIR/node" start "$AWAY" --name "$NAME" >"$WORK/started" 2>&1 || fail "it does not start: $(cat "$WORK/started")"
  AWAY=''
}

# lost_with_node KIND NAMESPACE: both volumes of core, for certain.
lost_with_node() {
  sws recover -n "$2" -o json >"$WORK/shown" 2>/dev/null || true
  [[ $(jq -r --arg kind "$1" '[.losses[].loss | select(.kind == $kind and .certain and (.facts | length) >= 2) | .claim.name] | sort | join(" ")' "$WORK/shown") == "sloop-history sloop-workspace" ]]
}

# to_be_kept NODE: how many volumes on it would be erased with their claim.
to_be_kept() {
  kubectl get pv -o json | jq --arg node "$1" '[.items[] | select(.spec.persistentVolumeReclaimPolicy == "Delete"
    and .spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0] == $node)] | length'
}

# names_for PLAYBOOK CLAIM: all that is to be typed for it, in `names`.
names_for() {
  exits 0 sws recover "$1" --claim "$NAMESPACE/$2" --dry-run -o json
  mapfile -t names < <(irreversible)
}

# begun PLAYBOOK: of the history, in the background; its steps are in $WORK/PLAYBOOK.events, its process in $WORK/PLAYBOOK.at.
begun() {
  names_for "$1" sloop-history
  sw_as "$WORK/$1.at" --profiles "$CLUSTER_DIR/recover/stacks" recover "$1" --claim "$NAMESPACE/sloop-history" --yes \
    --events "$WORK/$1.events" "${names[@]}" >"$WORK/$1.out" 2>&1 </dev/null &
  JOB=$!
}

# is_in PLAYBOOK STEP: it has begun that step. The last line may be half written.
is_in() { jq -Rr 'fromjson? | select(.event == "step" and .state.state == "running").id' "$WORK/$1.events" | grep -q "^$2"; }

killed_at_once() {
  kill -KILL "$(cat "$WORK/$1.at")"
  ! wait "$JOB" || fail "$1 was to be killed, and ended: $(cat "$WORK/$1.out")"
}

# was_kept VOLUME CLAIM: it is nobody's and nobody erases it.
was_kept() {
  expect "Released Retain $2" kubectl get pv "$1" -o 'jsonpath={.status.phase} {.spec.persistentVolumeReclaimPolicy} {.spec.claimRef.name}'
  kubectl get pv "$1" -o json | jq -e '.metadata.labels["seaworthy.dev/quarantine"]' >/dev/null || fail "$1 was not put aside"
}

# Two recoveries, killed while the machine was away: one that was to give it up, before it did, and one that waited for it. Once
# it is back, the first must not take a node away that is well, and says so; the second comes to its end.
test_a_node_that_comes_back_before_it_is_given_up() {
  begin
  local node uid off waiting code=0 run volumes
  node=$(a_node)
  launch_named wait "$node"
  waiting=$NAMESPACE
  local waiting_contents=$CONTENTS
  launch_named off "$node"
  off=$NAMESPACE
  uid=$(uid_of_node "$node")
  volumes="$(volume_of history) $(volume_of workspace)"
  go_away "$node"
  eventually 500 lost_with_node node-unreachable "$off"
  eventually 60 lost_with_node node-unreachable "$waiting"
  # Its first write is the lock, then each volume on the node is kept; the next would be the node.
  open_door a
  names_for node-off sloop-history
  plan_door a "at=$(($(to_be_kept "$node") + 2))&when=before&kill=$WORK/killed"
  through a sw_as "$WORK/killed" --profiles "$CLUSTER_DIR/recover/stacks" recover node-off --claim "$off/sloop-history" --yes "${names[@]}" \
    >"$WORK/killed.out" 2>&1 || code=$?
  ((code == 137)) || fail "it was to be killed, and ended with $code: $(cat "$WORK/killed.out")"
  expect 0 to_be_kept "$node"
  same "the node" "$uid" "$(uid_of_node "$node")"
  run=$(run_of)
  NAMESPACE=$waiting
  begun node-back
  eventually 60 is_in node-back node-ready
  killed_at_once node-back
  come_back
  same "the node" "$uid" "$(uid_of_node "$node")"
  exits 0 sws runs resume "$(run_of)" --yes
  all_run
  same "the contents of the one that waited" "$waiting_contents" "$(contents)"
  well
  NAMESPACE=$off
  exits 2 sws runs resume "$run" --yes
  says "is not lost any more" "node $node is ready" "recover node-back --claim $off/sloop-history"
  same "the node" "$uid" "$(uid_of_node "$node")"
  eventually 120 runs_as_before
  all_run
  same "its volumes" "$volumes" "$(volume_of history) $(volume_of workspace)"
  same "the contents" "$CONTENTS" "$(contents)"
  # Nobody has to live with a run that is never to end.
  exits 0 sws runs abort "$run"
  exits 0 sws recover -n "$off"
  ! grep -q "$run" "$WORK/out" "$WORK/err" || fail "it still speaks of $run: $(cat "$WORK/out" "$WORK/err")"
}

runs_as_before() { (all_run) 2>/dev/null; }

# Killed when the node was given up and its pods had yet to go; it comes back under its name, as another node, with all that was on it.
# Nothing has to be replaced any more: what was stopped is started again on the former volumes.
test_a_node_that_comes_back_after_it_was_given_up() {
  begin
  local node uid run history workspace folder
  node=$(a_node)
  launch_named off "$node"
  uid=$(uid_of_node "$node")
  history=$(volume_of history) workspace=$(volume_of workspace)
  folder=$(folder_of "$history")
  go_away "$node"
  eventually 500 lost_with_node node-unreachable "$NAMESPACE"
  begun node-off
  eventually 120 is_in node-off stop:
  killed_at_once node-off
  run=$(run_of)
  expect open state_of_run "$run"
  come_back
  [[ $(uid_of_node "$node") != "$uid" ]] || fail "it is the same node"
  same "the bytes on the disk" "$CONTENTS" "$(bytes_in "$folder")"
  goes_back "$run"
  same "the volumes" "$history $workspace" "$(volume_of history) $(volume_of workspace)"
}

# goes_back RUN: it is not gone on with, since its loss is gone; what leads back is what it says.
goes_back() {
  eventually 120 node_is "$node" True
  exits 2 sws runs resume "$1" --yes
  says "is not lost any more" "node $node is ready" "recover node-back --claim $NAMESPACE/sloop-history --replan"
  exits 0 sws recover node-back --claim "$NAMESPACE/sloop-history" --replan --yes
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

lock_is_old() {
  local renewed
  renewed=$(kubectl -n "$SYSTEM" get lease "$NAMESPACE.sloop" -o 'jsonpath={.spec.renewTime}')
  [[ -n $renewed ]] && (($(date +%s) - $(date -d "$renewed" +%s) > 60))
}

# The machine that recovers is asleep (SIGSTOP) when the node comes back, and somebody else takes over, for whom nothing is to be given
# up any more: all runs again as it was. The sleeper awakes in the middle of its plan, and writes nothing.
test_a_recovery_that_was_asleep_when_the_node_came_back() {
  begin
  local node volumes mark own=$CONFIG state=$SEAWORTHY_STATE_DIR code=0
  node=$(a_node)
  launch_named off "$node"
  new_user "$ID-two" cluster-admin
  volumes="$(volume_of history) $(volume_of workspace)"
  go_away "$node"
  eventually 500 lost_with_node node-unreachable "$NAMESPACE"
  begun node-off
  eventually 120 is_in node-off stop:
  kill -STOP "$(cat "$WORK/node-off.at")"
  come_back
  CONFIG=$WORK/$ID-two.kubeconfig SEAWORTHY_STATE_DIR=$WORK/two
  eventually 120 lock_is_old
  exits 1 sws recover node-back --claim "$NAMESPACE/sloop-history" --yes
  says "is locked by" "--take-lock $NAMESPACE.sloop"
  exits 0 sws recover node-back --claim "$NAMESPACE/sloop-history" --yes --take-lock "$NAMESPACE.sloop"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  CONFIG=$own SEAWORTHY_STATE_DIR=$state
  mark=$(audit_mark)
  kill -CONT "$(cat "$WORK/node-off.at")"
  wait "$JOB" || code=$?
  ((code != 0)) || fail "it came to its end: $(cat "$WORK/node-off.out")"
  same "writes" "" "$(audited_writes "$mark" | grep -v "/namespaces/$SYSTEM" || true)"
  all_run
  same "its volumes" "$volumes" "$(volume_of history) $(volume_of workspace)"
  same "the contents" "$CONTENTS" "$(contents)"
  well
  # What it says of itself is what has happened: nothing was wrong with the API server.
  contains "the lock of" tail -n 20 "$WORK/node-off.out"
}

# The node's object was deleted by somebody, and fresh volumes were about to take the place of those on it. Killed before the first claim
# goes, when all that uses it is stopped; the machine comes back, and so does everything.
test_a_node_that_comes_back_while_its_volumes_are_replaced() {
  begin
  local node history workspace code=0
  node=$(a_node)
  launch_named off "$node"
  history=$(volume_of history) workspace=$(volume_of workspace)
  go_away "$node"
  kubectl delete node "$node" >/dev/null
  eventually 400 lost_with_node node-gone "$NAMESPACE"
  open_door a
  names_for replace sloop-history
  plan_door a "at=$(write_of delete:PersistentVolumeClaim)&when=before&kill=$WORK/killed"
  through a sw_as "$WORK/killed" --profiles "$CLUSTER_DIR/recover/stacks" recover replace --claim "$NAMESPACE/sloop-history" --yes "${names[@]}" \
    >"$WORK/killed.out" 2>&1 || code=$?
  ((code == 137)) || fail "it was to be killed, and ended with $code: $(cat "$WORK/killed.out")"
  same "the volumes" "$history $workspace" "$(volume_of history) $(volume_of workspace)"
  expect 0 k get deployment sloop-core -o 'jsonpath={.spec.replicas}'
  come_back
  goes_back "$(run_of)"
  same "the volumes" "$history $workspace" "$(volume_of history) $(volume_of workspace)"
}

# It comes back when fresh volumes have taken the place of those on it. The former ones were put aside with their bytes, and are had back
# together, though the fresh ones lie elsewhere: a pod that needs both starts when both are there again.
test_a_node_that_comes_back_after_its_volumes_were_replaced() {
  begin
  local node history workspace folder
  node=$(a_node)
  launch_named off "$node"
  history=$(volume_of history) workspace=$(volume_of workspace)
  folder=$(folder_of "$history")
  go_away "$node"
  kubectl delete node "$node" >/dev/null
  eventually 400 lost_with_node node-gone "$NAMESPACE"
  names_for replace sloop-history
  exits 0 sws recover replace --claim "$NAMESPACE/sloop-history" --yes "${names[@]}"
  all_run
  expect "" in_core ls /history
  well
  come_back
  eventually 120 node_is "$node" True
  was_kept "$history" sloop-history
  was_kept "$workspace" sloop-workspace
  same "the bytes on the disk" "$CONTENTS" "$(bytes_in "$folder")"
  kubectl label pv "$history" "$workspace" seaworthy.dev/quarantine- >/dev/null
  names_for rebind sloop-history
  exits 0 sws recover rebind --claim "$NAMESPACE/sloop-history" --yes "${names[@]}"
  all_run
  same "the volumes" "$history $workspace" "$(volume_of history) $(volume_of workspace)"
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

# write_of STEP: the number of its write among those of the plan in $WORK/out; the lock is the first.
write_of() {
  jq --arg step "$1" '[.plan.steps[] | select(.change.kind != "observe").id] | map(startswith($step)) | index(true) + 2' "$WORK/out"
}

# --- a set that has lost its data for good

# A set makes the claims of its pods at once; one that is a minute younger was made again.
set_is_old() { (($(date +%s) - $(date -d "$(k get pvc data-store-1 -o 'jsonpath={.metadata.creationTimestamp}')" +%s) > 65)); }

# With the policy Delete the bytes are gone with the claim: no playbook brings them back, and it is said what can.
test_a_set_whose_claim_was_replaced_gets_its_data_from_the_backup() {
  begin
  launch
  a_set "$(jq -nc --arg namespace "$NAMESPACE" '{"seaworthy.dev/stack": "sloop", "seaworthy.dev/namespace": $namespace}')"
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
  says "look for a backup"
  cp "$WORK/out" "$WORK/told"
  # Nothing that a playbook could do is any good here.
  exits 2 sws recover reunite --claim "$NAMESPACE/data-store-0" --yes
  exits 2 sws restore sloop -n "$NAMESPACE" --yes -o json
  says "--destroy-data=PersistentVolumeClaim/$NAMESPACE/data-store-1"
  # What the others have written since stays: only this one is brought back.
  k exec store-1 -- sh -c "echo and more >>/data/what"
  in_core sh -c "echo since >/history/file-since"
  CONTENTS=$(contents)
  took=$SECONDS
  exits 0 sws restore sloop -n "$NAMESPACE" --claim "$NAMESPACE/data-store-0" --yes
  figure "claim-replaced | restored in $((SECONDS - took)) s"
  eventually 60 set_is_ready
  expect "contents of store-0" k exec store-0 -- cat /data/what
  expect "contents of store-1 and more" eval 'k exec store-1 -- cat /data/what | paste -sd " "'
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
  # There is a backup of it on this machine: then the command that brings it back is what is wanted.
  contains "restore sloop -n $NAMESPACE --claim $NAMESPACE/data-store-0" cat "$WORK/told"
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
      # A kubeconfig that is not there is a matter of this machine.
      if [[ $where != none ]]; then says "recover --guide"; elif grep -q "recover --guide" "$WORK"/{out,err}; then fail "guides are named: $(cat "$WORK/err")"; fi
    done
  done
  exits 2 sw recover --guide control-plane-kubeadn
  says "did you mean \`control-plane-kubeadm\`" "recover --guide\` lists them"
}

# Who types a guide's name where a playbook's belongs is led to it.
test_a_guide_that_is_asked_for_as_a_playbook() {
  begin
  exits 2 sw recover control-plane-kubeadm
  says "recover --guide control-plane-kubeadm"
}
