# An application with two volumes of known contents, ways to lose them, and what
# must be so in the end. Sourced by groups/recover.sh.
# shellcheck shell=bash

# shellcheck disable=SC2034 # end() deletes records by it
STACK=sloop

# The volumes were kept: they would outlive the test. Released with the policy that
# they had, they are erased by their provisioner.
eval "$(declare -f end | sed '1s/^end/end_of_test/')"
end() {
  local namespaces volume
  namespaces=$(paste -sd ' ' "$WORK/namespaces")
  for volume in $(kubectl get pv -o json | jq -r --arg all "$namespaces" \
    '.items[] | select(.spec.claimRef.namespace as $n | $all | split(" ") | index($n)) | .metadata.name'); do
    kubectl patch pv "$volume" -p '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}' >/dev/null 2>&1 || true
  done
  end_of_test
}

sws() { sw --profiles "$CLUSTER_DIR/recover/stacks" "$@"; }

# launch: installed, and the history filled.
launch() {
  exits 0 sws install sloop -n "$NAMESPACE" --yes
  in_core sh -c 'i=0; while [ $i -lt 40 ]; do echo "$i of known contents" >/history/file-$i; i=$((i + 1)); done'
  CONTENTS=$(contents)
}

in_core() { k exec deployment/sloop-core -c core -- "$@" 2>"$WORK/exec.err" || fail "in core, $*: $(cat "$WORK/exec.err")"; }

contents() { in_core sh -c 'cd /history && sha256sum file-* | sha256sum'; }

volume_of() { k get pvc "sloop-$1" -o 'jsonpath={.spec.volumeName}'; }

claim_is_bound() { [[ $(k get pvc "sloop-$1" -o 'jsonpath={.status.phase}') == Bound ]]; }

# --- ways to lose something

delete_volume() { kubectl delete pv "$(volume_of history)" --wait=false >/dev/null; }

delete_claim() { k delete pvc sloop-history --wait=false >/dev/null; }

# lose_volume: the object goes although it is in use; the folder stays.
lose_volume() {
  local volume
  volume=$(volume_of history)
  delete_volume
  kubectl patch pv "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  eventually 30 history_is_lost
}

history_is_lost() { [[ $(k get pvc sloop-history -o 'jsonpath={.status.phase}') == Lost ]]; }

is_released() { [[ $(kubectl get pv "$1" -o 'jsonpath={.status.phase}') == Released ]]; }

is_gone() { [[ -z $(kubectl get pv "$1" --ignore-not-found -o name) ]]; }

core_to() { k scale deployment/sloop-core --replicas="$1" >/dev/null; }

no_core() { [[ -z $(k get pod -l app.kubernetes.io/component=core -o name) ]]; }

# release_volume: the claim is gone, its volume was kept.
release_volume() {
  local volume
  volume=$(volume_of history)
  kubectl patch pv "$volume" -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}' >/dev/null
  core_to 0
  eventually 30 no_core
  delete_claim
  eventually 30 is_released "$volume"
  core_to 1
}

# erase_history: claim, volume and folder are gone.
erase_history() {
  local volume
  volume=$(volume_of history)
  core_to 0
  eventually 30 no_core
  delete_claim
  eventually 60 is_gone "$volume"
  core_to 1
}

empty_workspace() { in_core sh -c 'rm -rf /workspace/*'; }

manifest_of_history() {
  jq '.volumes[] | select(.claim.name == "sloop-history").claimManifest
    | {apiVersion, kind, metadata: {name: .metadata.name, labels: .metadata.labels}, spec: (.spec | del(.volumeName))}' \
    "$SEAWORTHY_STATE_DIR"/records/*/*.json
}

# --- what must be so

# recognised KIND: with two facts, and as the exit code says.
recognised() {
  exits 3 sws recover -n "$NAMESPACE" -o json
  jq -e --arg kind "$1" '.losses[] | select(.loss.kind == $kind and .loss.certain and (.loss.facts | length) >= 2)' "$WORK/out" >/dev/null ||
    fail "no certain $1: $(jq -c '[.losses[].loss | {kind, certain, facts}]' "$WORK/out")"
}

# rebound: the playbook brings the history back, with the contents that it had.
rebound() {
  local names
  exits 0 sws recover rebind -n "$NAMESPACE" --dry-run -o json
  mapfile -t names < <(irreversible)
  exits 0 sws recover rebind -n "$NAMESPACE" --yes "${names[@]}"
  says "report: rebind"
  all_run
  same "the contents" "$CONTENTS" "$(contents)"
  well
}

# irreversible: of the plan in $WORK/out, as options.
irreversible() {
  jq -r '.plan.steps[].action | select(.do == "rescue").verb | select(.verb == "delete" or .verb == "release" or .verb == "renew")
    | (.object // .volume // .claim).object | select(.kind != "Pod") | "--destroy-data=" + ([.kind, .namespace, .name] | map(select(. != null)) | join("/"))' "$WORK/out"
}

# all_run: as many pods as before, all ready, and no trace of having been stopped.
all_run() {
  expect "sloop-agent 2 2,sloop-bell 1 1,sloop-core 1 1" eval \
    "k get deployment -o json | jq -r '[.items[] | \"\(.metadata.name) \(.spec.replicas) \(.status.readyReplicas)\"] | join(\",\")'"
  expect "" eval "k get deployment -o json | jq -r '.items[].metadata.annotations[\"seaworthy.dev/original-replicas\"] // empty'"
  if ! claim_is_bound history || ! claim_is_bound workspace; then fail "a claim is not bound: $(k get pvc)"; fi
}

# well: nothing is recognised as lost.
well() { exits 0 sws recover -n "$NAMESPACE"; }

# walk_recovery WHEN LOSS FIRST: killed at every other write from the first on, in two workers.
walk_recovery() {
  begin
  WHEN=$1 LOSS=$2
  open_door worker0
  open_door worker1
  side_by_side killed_in_recovery "$3" 2
  (($(wc -l <"$WORK/walked") > 1)) || fail "only $(wc -l <"$WORK/walked") writes"
  figure "writes $(sort -n "$WORK/walked" | paste -sd ' ')"
}

playbook_for() {
  case $LOSS in
    erase_history) printf 'sloop/history' ;;
    empty_workspace) printf 'sloop/workspace' ;;
    *) printf 'rebind' ;;
  esac
}

# own_folder: two workers must not write to one file.
own_folder() {
  local own=$WORK/$NAMESPACE.d file
  mkdir "$own"
  for file in "$WORK"/worker*; do ln -s "$file" "$own/"; done
  WORK=$own
}

recover_arguments=()

# killed_in_recovery NUMBER WORKER
killed_in_recovery() {
  local number=$1 door=worker$2 code=0 run
  part "${LOSS//_/-}-$WHEN-$number"
  own_folder
  launch
  "$LOSS"
  exits 0 sws recover "$(playbook_for)" -n "$NAMESPACE" --dry-run -o json
  mapfile -t recover_arguments < <(irreversible)
  plan_door "$door" "at=$number&when=$WHEN&kill=$WORK/$NAMESPACE.killed"
  through "$door" sw_as "$WORK/$NAMESPACE.killed" --profiles "$CLUSTER_DIR/recover/stacks" \
    recover "$(playbook_for)" -n "$NAMESPACE" --yes "${recover_arguments[@]}" >"$WORK/$NAMESPACE.out" 2>&1 || code=$?
  if (($(count "$door" acted) == 0)); then
    ((code == 0)) || fail "write $number was not reached, and the run ended with $code: $(cat "$WORK/$NAMESPACE.out")"
    return 10
  fi
  ((code == 137)) || fail "killed $WHEN write $number, and it ended with $code: $(cat "$WORK/$NAMESPACE.out")"
  plan_door "$door"
  run=$(through "$door" sws runs list -o json | jq -r '[.items[] | select(.purpose == "recover" and .state != "done")][0].run // empty')
  if [[ -n $run ]]; then
    exits 0 through "$door" sws runs resume "$run" --yes
  elif [[ $(through "$door" sws runs list -o json | jq -r '[.items[] | select(.purpose == "recover")] | length') == 0 ]]; then
    # Killed before there was a journal: nothing was done.
    exits 0 through "$door" sws recover "$(playbook_for)" -n "$NAMESPACE" --yes "${recover_arguments[@]}"
  fi
  all_run
  case $LOSS in
    erase_history) expect "" in_core ls /history ;;
    empty_workspace) expect 21 eval 'in_core ls /workspace | wc -l' ;;
  esac
  [[ $LOSS == erase_history ]] || same "the contents, killed $WHEN write $number" "$CONTENTS" "$(contents)"
  well
  kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
}

# --- a set with a claim for each of its pods

# a_set LABELS: two pods with a claim each, of known contents, with the image that core has.
a_set() {
  local image
  image=$(k get deployment sloop-core -o 'jsonpath={.spec.template.spec.containers[0].image}')
  jq -n --arg image "$image" --argjson labels "$1" '{apiVersion: "apps/v1", kind: "StatefulSet", metadata: {name: "store", labels: $labels}, spec: {
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

# is_made_anew UID: the claim of the first pod is another one than that, and the set runs on it.
is_made_anew() {
  local uid
  uid=$(k get pvc data-store-0 -o 'jsonpath={.metadata.uid}' 2>/dev/null)
  [[ -n $uid && $uid != "$1" ]] && set_is_ready
}
