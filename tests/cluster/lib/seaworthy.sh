# What tests of the program itself are written with: a user, a namespace and a
# state folder of their own, the program with a limit on its time, and the API
# server's view of what it did. Sourced by groups marked `# seaworthy`.
# shellcheck shell=bash

STACK=telemetry-pipeline
VALUES=$CLUSTER_DIR/values/telemetry-pipeline.yaml
SYSTEM=seaworthy-system
USERS=seaworthy-test-users

# begin: all that a test of the program needs; ended and taken away when the test
# ends. CONFIG is the kubeconfig of a user of this test alone, with all rights, so
# that the audit log tells its requests from everybody else's.
begin() {
  WORK=$(mktemp -d)
  ID=t$RANDOM$RANDOM
  NAMESPACE=tp-$ID
  export SEAWORTHY_STATE_DIR=$WORK/state
  : >"$WORK/namespaces"
  trap end EXIT
  forget_later "$NAMESPACE"
  new_user "$ID" cluster-admin
  CONFIG=$WORK/$ID.kubeconfig
}

# The program would have failed to tidy up when it was killed: this does.
end() {
  local file namespaces
  for file in "$WORK"/*.pid; do [[ ! -s $file ]] || end_process "$(cat "$file")"; done
  mapfile -t namespaces <"$WORK/namespaces"
  kubectl delete namespace "${namespaces[@]}" --wait=false --ignore-not-found >/dev/null 2>&1 || true
  kubectl --namespace "$SYSTEM" delete configmap,lease "${namespaces[@]/%/.$STACK}" --ignore-not-found >/dev/null 2>&1 || true
  kubectl delete clusterrolebinding,clusterrole -l "seaworthy-test=$ID" >/dev/null 2>&1 || true
  kubectl --namespace "$USERS" delete serviceaccount -l "seaworthy-test=$ID" >/dev/null 2>&1 || true
  rm -rf "$WORK"
}

# forget_later NAMESPACE: goes when the test ends, whichever process made it.
forget_later() { printf '%s\n' "$1" >>"$WORK/namespaces"; }

# end_process PID: one that this test started; a child is waited for.
end_process() {
  kill -KILL "$1" 2>/dev/null || return 0
  wait "$1" 2>/dev/null || true
}

# new_user NAME [CLUSTER-ROLE]: a kubeconfig $WORK/NAME.kubeconfig with a token.
new_user() {
  kubectl create namespace "$USERS" >/dev/null 2>&1 || true
  kubectl --namespace "$USERS" create serviceaccount "$1" >/dev/null
  kubectl --namespace "$USERS" label serviceaccount "$1" "seaworthy-test=$ID" >/dev/null
  if [[ -n ${2:-} ]]; then
    kubectl create clusterrolebinding "seaworthy-test-$1" --clusterrole "$2" --serviceaccount "$USERS:$1" >/dev/null
    kubectl label clusterrolebinding "seaworthy-test-$1" "seaworthy-test=$ID" >/dev/null
  fi
  local token
  token=$(kubectl --namespace "$USERS" create token "$1")
  kubectl config view --raw -o json |
    jq --arg token "$token" '.users[].user = {token: $token}' >"$WORK/$1.kubeconfig"
}

# sw ARGUMENTS...: the program, as this test's user. WAIT is for what will not come about.
sw() { timeout --kill-after 5 "${SEAWORTHY_TEST_SECONDS:-180}" "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout "${WAIT:-60s}" "$@"; }

# install ARGUMENTS...: of the stack with stand-ins, into $NAMESPACE.
install() { sw install "$STACK" --profile single-node -f "$VALUES" -n "$NAMESPACE" "$@"; }

uninstall() { sw uninstall "$STACK" -n "$NAMESPACE" --yes "$@"; }

# exits CODE COMMAND...: its output is in $WORK/out and $WORK/err.
exits() {
  local wanted=$1 got=0
  shift
  "$@" >"$WORK/out" 2>"$WORK/err" || got=$?
  ((got == wanted)) || fail "$* ended with $got, not with $wanted:
$(tail -n 40 "$WORK/out" "$WORK/err")"
}

# says TEXT...: what the last `exits` ran printed each of them.
says() {
  local text
  for text; do
    grep -qF -e "$text" "$WORK/out" "$WORK/err" || fail "it does not say \"$text\":
$(tail -n 40 "$WORK/out" "$WORK/err")"
  done
}

# same WHAT WANTED GOT
same() {
  [[ $2 == "$3" ]] || fail "$1:
$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3"))"
}

# figure TEXT: a measurement. The runner shows it when the test fails; a file
# keeps it when SEAWORTHY_TEST_FIGURES names one.
figure() {
  local caller line
  for caller in "${FUNCNAME[@]}"; do [[ $caller != test_* ]] || break; done
  line="${caller#test_}: $*"
  printf 'figure: %s\n' "$line"
  [[ -z ${SEAWORTHY_TEST_FIGURES:-} ]] || printf '%s\n' "$line" >>"$SEAWORTHY_TEST_FIGURES"
}

# --- what the API server saw

# open_door NAME: an apiproxy for this test's user. Its kubeconfig is
# $WORK/NAME.door, its requests are in $WORK/NAME.requests.
open_door() {
  [[ -n ${APIPROXY:-} ]] || APIPROXY=$("$CLUSTER_DIR/tool" apiproxy)
  "$APIPROXY" -kubeconfig "$CONFIG" -write-kubeconfig "$WORK/$1.door" -log "$WORK/$1.requests" >"$WORK/$1.urls" 2>&1 &
  printf '%s\n' $! >"$WORK/$1.pid"
  eventually 10 grep -q '^control ' "$WORK/$1.urls"
}

control() { sed -n 's/^control //p' "$WORK/$1.urls"; }

# plan_door NAME QUERY: counts anew, and acts as the query says (see apiproxy).
plan_door() {
  curl -sSf -X POST "$(control "$1")/plan?${2:-at=0}" || fail "apiproxy $1 does not answer"
  : >"$WORK/$1.requests"
}

# count NAME FIELD: mutating, reads, acted, ...
count() { curl -sSf "$(control "$1")/counts" | jq ".$2"; }

# through NAME COMMAND...: with the door instead of the API server.
through() {
  local CONFIG=$WORK/$1.door
  shift
  "$@"
}

# writes NAME: METHOD PATH STATUS of each mutating request that went through.
writes() { jq -r 'select(.mutating) | "\(.method) \(.path) \(.status)"' "$WORK/$1.requests"; }

# own_writes NAME: without the program's own lock and record.
own_writes() { writes "$1" | grep -vE "^[A-Z]+ (/api/v1/namespaces/$SYSTEM |/[^ ]*/namespaces/$SYSTEM/)" || true; }

audit_mark() { wc -l <"$AUDIT_LOG"; }

# audited_writes MARK [USER]: VERB URI of each request since the mark by this
# test's user that changed something.
audited_writes() {
  tail -n "+$(($1 + 1))" "$AUDIT_LOG" | grep -F "\"system:serviceaccount:$USERS:${2:-$ID}\"" |
    jq -r 'select(.verb | IN("create", "update", "patch", "delete", "deletecollection"))
      | select(.requestURI | contains("dryRun=All") | not)
      | select(.objectRef.resource // "" | endswith("reviews") | not)
      | select(.objectRef.subresource // "" | IN("portforward", "exec") | not)
      | "\(.verb) \(.requestURI)"' || true
}

# --- what is in the cluster

# belongings: every object that carries this installation's labels, one a line:
# KIND NAME UID
belongings() {
  kubectl get --namespace "$NAMESPACE" "${KINDS:-all,configmap,secret,serviceaccount,persistentvolumeclaim,networkpolicy,poddisruptionbudget,horizontalpodautoscaler,ingress,role,rolebinding}" \
    -l "seaworthy.dev/stack=$STACK,seaworthy.dev/namespace=$NAMESPACE" -o json |
    jq -r '.items[] | "\(.kind) \(.metadata.name) \(.metadata.uid)"' | sort -u
}

# uids: of all objects in the namespace that something could have recreated.
uids() {
  kubectl get --namespace "$NAMESPACE" all,configmap,secret,serviceaccount,persistentvolumeclaim -o json |
    jq -r '.items[] | "\(.kind) \(.metadata.name) \(.metadata.uid)"' | sort
}

claim() { printf '%s-collector-pvc' "$STACK"; }

pod_of() { k get pod -l "app.kubernetes.io/component=$1" --field-selector status.phase=Running -o 'jsonpath={.items[0].metadata.name}'; }

# all_well: every pod Ready, every claim Bound to a volume that is there.
all_well() {
  local unready
  unready=$(k get pod -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null)
    | select([.status.conditions[]? | select(.type == "Ready" and .status == "True")] | length == 0) | .metadata.name')
  [[ -z $unready ]] || fail "not ready: $unready"
  expect "5" count_of_components
  local volume
  volume=$(k get persistentvolumeclaim "$(claim)" -o 'jsonpath={.status.phase}:{.spec.volumeName}')
  [[ $volume == Bound:* ]] || fail "the claim is $volume"
  expect local-path kubectl get persistentvolume "${volume#*:}" -o 'jsonpath={.spec.storageClassName}'
}

count_of_components() { k get pod -o json | jq '[.items[].metadata.labels["app.kubernetes.io/component"]] | unique | length'; }

no_lock() {
  local lease
  lease=$(kubectl --namespace "$SYSTEM" get lease "$NAMESPACE.$STACK" --ignore-not-found -o name)
  [[ -z $lease ]] || fail "the lock is still there: $lease"
}

# --- journals

journals() { [[ ! -d $SEAWORTHY_STATE_DIR/runs ]] || find "$SEAWORTHY_STATE_DIR/runs" -name '*.jsonl' -printf '%f\n' | sort; }

# run_states: one a line, oldest first
run_states() { sw runs list -o json | jq -r '.items[].state'; }
