# Namespaces that were told to go and do not: what they wait for is named, given up by name or waited for, and the volumes
# that were of them are kept with all that is on them. Expected of each is said in its first line; written before the first run.
# seaworthy
# nodes: 3
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/lib/all.sh
. "$CLUSTER_DIR/lib/all.sh"
use_cluster "$(basename "$(dirname "$KUBECONFIG")")"
# shellcheck source=tests/cluster/groups/lib/lost.sh
. "$CLUSTER_DIR/groups/lib/lost.sh"

FINALIZER=example.com/cleanup
SILENT=v1.silent.example.com

# However a test ends: nothing waits any more, and every API answers.
eval "$(declare -f end | sed '1s/^end/end_of_loss/')"
end() {
  kubectl delete apiservice "$SILENT" --ignore-not-found >/dev/null 2>&1 || true
  local namespace object
  while read -r namespace; do
    for object in $(kubectl get configmap,widget -n "$namespace" -o json 2>/dev/null |
      jq -r --arg f "$FINALIZER" '.items[] | select(.metadata.finalizers // [] | index($f)) | "\(.kind)/\(.metadata.name)"'); do
      kubectl patch "$object" -n "$namespace" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null 2>&1 || true
    done
  done <"$WORK/namespaces"
  end_of_loss
  kubectl delete crd widgets.example.com --ignore-not-found >/dev/null 2>&1 || true
}

# an_operator_that_is_gone: its definition, an object of it and one that it has marked. Nobody takes the marks off.
an_operator_that_is_gone() {
  kubectl apply -f - >/dev/null <<END
{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
  "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
    "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
END
  kubectl wait --for=condition=Established crd/widgets.example.com --timeout=30s >/dev/null
  k apply -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "pump", "finalizers": ["$FINALIZER"]}},
  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "marked", "finalizers": ["$FINALIZER"]}}]}
END
}

told_to_go() { kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null; }

no_namespace() { [[ -z $(kubectl get namespace "$NAMESPACE" --ignore-not-found -o name) ]]; }

is_stuck() {
  sws recover -n "$NAMESPACE" -o json >"$WORK/looked" 2>/dev/null
  jq -e '.losses[] | select(.loss.kind == "namespace-stuck" and .loss.certain and (.loss.facts | length) >= 2)' "$WORK/looked" >/dev/null
}

# names_to_type: what has to be agreed to, as options, out of what the refusal says.
names_to_type() { grep -o -- '--\(destroy-data\|consent\)=[^ `"]*' "$WORK/out" "$WORK/err" 2>/dev/null | sed 's/^[^:]*://' | sort -u; }

# finished MORE...: refused without the names, done with them.
finished() {
  local names
  exits 2 sws recover finish -n "$NAMESPACE" "$@" --yes
  mapfile -t names < <(names_to_type)
  ((${#names[@]} >= 2)) || fail "too little has to be typed: ${names[*]}"
  if no_namespace; then fail "it went before anybody agreed"; fi
  local took=$SECONDS
  exits 0 sws recover finish -n "$NAMESPACE" "$@" --yes "${names[@]}"
  says "report: finish"
  figure "finished in $((SECONDS - took)) s with ${#names[@]} names"
  no_namespace || fail "it is still there"
}

host_of() { kubectl get pv "$1" -o json | jq -r '.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]'; }

path_of() { kubectl get pv "$1" -o json | jq -r '(.spec.local // .spec.hostPath).path'; }

# Expected: certain, with both objects and their finalizer among the facts; gone within a minute; the history on its disk, byte
# for byte, its volume Released with the policy Retain; the same mark in another namespace is still there.
test_one_that_waits_for_an_owner_that_is_gone_is_let_go_and_its_volumes_are_kept() {
  begin
  launch
  an_operator_that_is_gone
  kubectl create configmap marked -n default >/dev/null
  kubectl patch configmap marked -n default --type merge -p "{\"metadata\":{\"finalizers\":[\"$FINALIZER\"]}}" >/dev/null
  local volume node folder wanted
  volume=$(volume_of history)
  node=$(host_of "$volume") folder=$(path_of "$volume")
  wanted=$(in_node "$node" sh -c 'cd "$1" && sha256sum file-* | sha256sum' sh "$folder")
  # Kept before: its claims go at once, long before anybody looks for what does not.
  exits 0 sws hold -n "$NAMESPACE" --yes
  told_to_go
  eventually 200 is_stuck
  jq -r '.losses[].loss.facts[]' "$WORK/looked" >"$WORK/facts"
  grep -q "Widget/$NAMESPACE/pump .*$FINALIZER" "$WORK/facts" || fail "$(cat "$WORK/facts")"
  grep -q "ConfigMap/$NAMESPACE/marked .*$FINALIZER" "$WORK/facts" || fail "$(cat "$WORK/facts")"
  finished
  expect 'Released Retain' kubectl get pv "$volume" -o 'jsonpath={.status.phase} {.spec.persistentVolumeReclaimPolicy}'
  same "the history" "$wanted" "$(in_node "$node" sh -c 'cd "$1" && sha256sum file-* | sha256sum' sh "$folder")"
  expect "[\"$FINALIZER\"]" kubectl get configmap marked -n default -o 'jsonpath={.metadata.finalizers}'
  kubectl patch configmap marked -n default --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  kubectl delete configmap marked -n default >/dev/null
  kubectl create namespace "$NAMESPACE" >/dev/null
}

# an_api WITH_SERVICE: one that nobody serves.
an_api() {
  [[ $1 == false ]] || kubectl create service clusterip silent -n default --tcp=443:443 --dry-run=client -o json |
    jq '.spec.selector = {app: "nobody"}' | kubectl apply -f - >/dev/null
  kubectl apply -f - >/dev/null <<END
{"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "$SILENT"},
  "spec": {"group": "silent.example.com", "version": "v1", "insecureSkipTLSVerify": true, "groupPriorityMinimum": 1000,
    "versionPriority": 15, "service": {"namespace": "default", "name": "silent", "port": 443}}}
END
}

is_served() { [[ $(kubectl get apiservice "$SILENT" -o 'jsonpath={.status.conditions[?(@.type=="Available")].status}') == True ]]; }

# Expected: certain by the API that does not answer; where its Service is gone too, the API is deleted by its typed name; where the
# Service is there, it is waited for, and deleted with --set apis=delete.
test_one_that_waits_for_an_api_that_nobody_serves_is_let_go() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  an_api false
  if is_served; then fail "it is served"; fi
  told_to_go
  eventually 200 is_stuck
  jq -e --arg api "$SILENT" '.losses[].loss.facts[] | select(contains($api))' "$WORK/looked" >/dev/null || fail "$(jq -c . "$WORK/looked")"
  finished
  expect "" kubectl get apiservice "$SILENT" --ignore-not-found -o name
}

test_an_api_whose_service_is_there_is_waited_for_or_given_up_by_name() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  an_api true
  told_to_go
  eventually 200 is_stuck
  exits 0 sws recover finish -n "$NAMESPACE" --dry-run
  says "wait until APIService/$SILENT"
  finished --set apis=delete
  expect "" kubectl get apiservice "$SILENT" --ignore-not-found -o name
  kubectl delete service silent -n default >/dev/null
}

is_suspected() {
  sws recover -n "$NAMESPACE" -o json >"$WORK/looked" 2>/dev/null
  jq -e '.losses[] | select(.loss.kind == "namespace-stuck" and (.loss.certain | not))' "$WORK/looked" >/dev/null
}

no_loss_of_it() { jq -e '[.losses[] | select(.loss.kind == "namespace-stuck")] == []' "$WORK/out" >/dev/null; }

# a_pod_that_ends_slowly: it does not heed that it is to end, and is given five minutes.
a_pod_that_ends_slowly() {
  jq -n --arg image "$BUSYBOX" '{apiVersion: "v1", kind: "Pod", metadata: {name: "slow"}, spec: {terminationGracePeriodSeconds: 300,
    containers: [{name: "main", image: $image, command: ["sh", "-c", "trap : TERM; while :; do sleep 1; done"]}]}}' | k apply -f - >/dev/null
  ready slow
}

# Expected: one that is well, and one that was just told to go, are no loss, and the playbook refuses the first; one whose pod ends
# slowly is only suspected after two minutes, nothing is proposed, and the playbook says what it waits for.
test_what_only_looks_like_one_that_does_not_go() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  a_pod_that_ends_slowly
  well
  exits 2 sws recover finish -n "$NAMESPACE" --yes
  says "was not told to go"
  expect Active kubectl get namespace "$NAMESPACE" -o 'jsonpath={.status.phase}'
  told_to_go
  exits 0 sws recover -n "$NAMESPACE" -o json
  no_loss_of_it || fail "too early: $(jq -c . "$WORK/out")"
  eventually 200 is_suspected
  expect 0 jq '[.losses[].proposals[]] | length' "$WORK/looked"
  exits 2 sws recover finish -n "$NAMESPACE" --yes --consent=gone
  says "goes by itself" "Pod/$NAMESPACE/slow"
  k delete pod slow --force --grace-period=0 >/dev/null 2>&1
  eventually 60 no_namespace
}
