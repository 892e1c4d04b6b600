# Installing a stack on a real cluster: that it works, that it works once, that
# drift is put right, and that whatever is in its way is named.
# smoke
# seaworthy
# standins: telemetry-pipeline
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

test_install_ends_ready_and_reached() {
  begin
  exits 0 install --yes -o json
  expect 'done' jq -r .outcome.ended "$WORK/out"
  all_well
  says 'answered 200'
  # The data is on the node's disk, not in the pod.
  local volume path
  volume=$(k get persistentvolumeclaim "$(claim)" -o 'jsonpath={.spec.volumeName}')
  path=$(kubectl get persistentvolume "$volume" -o 'jsonpath={.spec.hostPath.path}{.spec.local.path}')
  contains starts.log k exec "$(pod_of collector)" -- ls /data
  [[ -n $path ]] || fail "volume $volume is not local"
  expect 'done' run_states
  no_lock
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
}

test_second_install_writes_nothing() {
  begin
  open_door door
  local mark journals before
  mark=$(audit_mark)
  exits 0 through door install --yes
  # Both counts do count.
  expect "$(audited_writes "$mark" | wc -l)" count door mutating
  (($(count door mutating) > 16)) || fail "the first install wrote nothing"
  plan_door door
  mark=$(audit_mark) journals=$(journals) before=$(uids)
  exits 0 through door install --yes -o json
  same writes "" "$(writes door)"
  same "audited writes" "" "$(audited_writes "$mark")"
  same "journals" "$journals" "$(journals)"
  same "objects" "$before" "$(uids)"
  expect "" kubectl --namespace "$SYSTEM" get lease --field-selector "metadata.name=$NAMESPACE.$STACK" -o name
  expect 0 jq .outcome.requests.writes "$WORK/out"
  # The program's own count is true: those who trust it see what the API server saw.
  expect "$(count door reads)" jq '.outcome.requests.reads' "$WORK/out"
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads, \(.outcome.requests.dry) dry"' "$WORK/out")"
}

# The walks take every object of the plan, whatever the stack has come to consist of.

planned_objects() { install --dry-run -o json | jq -c '.plan.steps[].action | select(.do == "apply").object'; }

# path_of OBJECT: its URL
path_of() {
  jq -r '(if .apiVersion | contains("/") then "/apis/" else "/api/" end) + .apiVersion
    + (if .metadata.namespace then "/namespaces/" + .metadata.namespace else "" end)
    + "/" + (.kind | ascii_downcase | if endswith("y") then .[:-1] + "ies" else . + "s" end) + "/" + .metadata.name' <<<"$1"
}

# a_field OBJECT: one that is applied, as a path for jq
a_field() {
  jq -c 'if .kind | IN("Deployment", "DaemonSet", "StatefulSet") then ["spec", "template", "spec", "containers", 0, "image"]
    elif .kind == "ConfigMap" then ["data", (.data | keys[0])]
    elif .spec.selector? then ["spec", "selector", (.spec.selector | keys[0])]
    else ["metadata", "labels", (.metadata.labels | keys | map(select(startswith("seaworthy.dev") | not))[0])] end' <<<"$1"
}

pointer_of() { jq -r 'map(tostring | gsub("~"; "~0") | gsub("/"; "~1")) | "/" + join("/")' <<<"$1"; }

value_at() { jq -c --argjson path "$2" 'getpath($path)' <<<"$1"; }

live() { kubectl get --raw "$(path_of "$1")"; }

# set_field OBJECT FIELD VALUE [KUBECTL-ARGUMENT...]: as somebody at a keyboard would
set_field() {
  local object=$1 field=$2 value=$3
  shift 3
  kubectl patch "$(jq -r .kind <<<"$object")" "$(jq -r .metadata.name <<<"$object")" --namespace "$NAMESPACE" --type json "$@" \
    --patch "$(jq -cn --arg path "$(pointer_of "$field")" --argjson value "$value" '[{op: "replace", path: $path, value: $value}]')" >/dev/null
}

test_a_changed_field_is_put_right_for_every_object() {
  begin
  open_door door
  exits 0 install --yes
  local object objects field wanted began walked=0
  mapfile -t objects < <(planned_objects)
  ((${#objects[@]} >= 16)) || fail "only ${#objects[@]} objects"
  began=$EPOCHREALTIME
  for object in "${objects[@]}"; do
    field=$(a_field "$object")
    wanted=$(value_at "$object" "$field")
    set_field "$object" "$field" '"drifted"'
    plan_door door
    exits 0 through door install --yes
    # A PATCH that takes a field is bound to the version that was looked at: when a controller was quicker with its status,
    # it is refused (409), nothing is written, and it is sent again.
    same "writes after $field of $(path_of "$object") was changed" "PATCH $(path_of "$object") 200" \
      "$(own_writes door | grep -v ' 409$')"
    same "$field of $(path_of "$object")" "$wanted" "$(value_at "$(live "$object")" "$field")"
    walked=$((walked + 1))
  done
  all_well
  figure "$walked objects, $(seconds_since "$began") s"
}

# Claims and the namespace are another test's: they do not come back alone.
test_a_deleted_object_comes_back_alone_for_every_object() {
  begin
  open_door door
  exits 0 install --yes
  local object objects name before after began walked=0
  mapfile -t objects < <(planned_objects | jq -c 'select(.kind | IN("PersistentVolumeClaim", "Namespace") | not)')
  ((${#objects[@]} >= 14)) || fail "only ${#objects[@]} objects"
  began=$EPOCHREALTIME
  for object in "${objects[@]}"; do
    name=$(jq -r '"\(.kind) \(.metadata.name)"' <<<"$object")
    before=$(belongings)
    k delete --wait "${name% *}" "${name#* }" >/dev/null
    plan_door door
    exits 0 through door install --yes
    same "writes after $name was deleted" "PATCH $(path_of "$object") 201" "$(own_writes door)"
    after=$(belongings)
    # A controller's children (replica sets, pods, endpoints) carry other labels, or go and come with it.
    same "the other objects after $name was deleted" "$(others "$before" "$name")" "$(others "$after" "$name")"
    [[ $(uid_of "$before" "$name") != "$(uid_of "$after" "$name")" ]] || fail "$name is the same as before"
    walked=$((walked + 1))
  done
  all_well
  figure "$walked objects, $(seconds_since "$began") s"
}

others() { grep -v "^$2 " <<<"$1"; }

uid_of() { sed -n "s/^$2 //p" <<<"$1"; }

# as_operator OBJECT FIELD VALUE: as a controller would, which owns the field from then on
as_operator() {
  jq -c --argjson path "$2" --argjson value "$3" \
    '{apiVersion, kind, metadata: {name: .metadata.name, namespace: .metadata.namespace}} | setpath($path; $value)' <<<"$1" |
    kubectl apply --server-side --field-manager some-operator --force-conflicts -f - >/dev/null
}

# planned KIND NAME
planned() { planned_objects | jq -c --arg kind "$1" --arg name "$2" 'select(.kind == $kind and .metadata.name == $name)'; }

test_a_field_that_a_controller_owns_is_left_unless_told() {
  begin
  open_door door
  exits 0 install --yes
  local gateway config field entry before
  gateway=$(planned Deployment "$STACK-api-gateway")
  config=$(planned ConfigMap "$STACK-streamer-config")
  [[ -n $gateway && -n $config ]]
  field='["spec","replicas"]' entry=$(a_field "$config")
  as_operator "$gateway" "$field" 2
  as_operator "$config" "$entry" '"theirs"'
  k rollout status "deployment/$STACK-api-gateway" --timeout 60s

  before=$(journals)
  plan_door door
  exits 2 through door install --yes
  says some-operator "$STACK-api-gateway" spec.replicas "$STACK-streamer-config" theirs --on-conflict
  grep -E 'spec.replicas.*2.*1|spec.replicas.*1.*2' "$WORK/out" "$WORK/err" >/dev/null || fail "not both values: $(cat "$WORK/err")"
  same writes "" "$(writes door)"
  same journals "$before" "$(journals)"

  exits 0 through door install --yes --on-conflict keep
  expect 2 value_at "$(live "$gateway")" "$field"
  expect '"theirs"' value_at "$(live "$config")" "$entry"
  # What is kept was decided; nothing is left to be written.
  plan_door door
  exits 0 through door install --yes --on-conflict keep
  same writes "" "$(writes door)"

  exits 0 through door install --yes --on-conflict take
  expect 1 value_at "$(live "$gateway")" "$field"
  expect "$(value_at "$config" "$entry")" value_at "$(live "$config")" "$entry"
  plan_door door
  exits 0 through door install --yes
  same writes "" "$(writes door)"
  all_well
}

# A port's number is its key: a plain apply adds the old one beside the new one, which the API server refuses.
test_a_changed_port_of_a_service_is_put_right() {
  begin
  exits 0 install --yes
  local service wanted
  service=$(planned Service "$STACK-api-gateway")
  wanted=$(jq -c '[.spec.ports[].port]' <<<"$service")
  set_field "$service" '["spec","ports",0,"port"]' 4711
  exits 0 install --yes
  expect "$wanted" ports_of "$service"

  # One that is no person at a keyboard is asked about first.
  k patch service "$STACK-api-gateway" --field-manager some-operator --type json \
    -p '[{"op": "replace", "path": "/spec/ports/0/port", "value": 4712}]' >/dev/null
  exits 2 install --yes
  says some-operator "$STACK-api-gateway" 4712 --on-conflict
  exits 0 install --yes --on-conflict keep
  expect '[4712]' ports_of "$service"
  exits 0 install --yes --on-conflict take
  expect "$wanted" ports_of "$service"
  open_door door
  plan_door door
  exits 0 through door install --yes
  same writes "" "$(writes door)"
}

ports_of() { live "$1" | jq -c '[.spec.ports[].port]'; }

test_a_deleted_namespace_is_installed_anew() {
  begin
  exits 0 install --yes
  local before
  before=$(belongings | cut -d' ' -f1,2)
  k delete pod --all --force --grace-period 0 >/dev/null 2>&1
  kubectl delete namespace "$NAMESPACE" --wait --timeout 90s >/dev/null
  exits 0 install --yes
  all_well
  same objects "$before" "$(belongings | cut -d' ' -f1,2)"
}

# It holds a pod that does not end at once, so it is still going when the program looks.
test_a_namespace_that_is_going_is_named() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  k create configmap last >/dev/null
  k patch configmap last --type merge -p '{"metadata":{"finalizers":["example.com/held"]}}' >/dev/null
  kubectl delete namespace "$NAMESPACE" --wait=false >/dev/null
  local code=0
  install --yes >"$WORK/out" 2>"$WORK/err" || code=$?
  k patch configmap last --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  ((code == 1 || code == 2)) || fail "ended with $code: $(cat "$WORK/err")"
  says "$NAMESPACE"
  grep -qE 'terminat|being deleted|is going' "$WORK/out" "$WORK/err" || fail "it does not say that it is being deleted: $(cat "$WORK/err")"
}

# A claim that a pod uses goes only after the pod. To call that installed would be to lose the data a moment later.
test_a_claim_that_is_going_is_not_called_done() {
  begin
  exits 0 install --yes
  k delete persistentvolumeclaim "$(claim)" --wait=false >/dev/null
  local code=0
  WAIT=10s install --yes >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 1 || code == 2)) || fail "ended with $code although the claim is going:
$(cat "$WORK/err")"
  says "$(claim)"
  grep -qE 'being deleted|is going|terminating' "$WORK/out" "$WORK/err" || fail "it does not say that it is being deleted: $(cat "$WORK/err")"
  # Its pod gone, the claim goes, and an install brings both back.
  k scale "deployment/$STACK-collector" --replicas 0 >/dev/null
  k delete pod --force --grace-period 0 -l app.kubernetes.io/component=collector >/dev/null 2>&1
  k wait --for=delete "persistentvolumeclaim/$(claim)" --timeout 60s >/dev/null
  exits 0 install --yes
  all_well
}

# seen_by_its_controller DEPLOYMENT
seen_by_its_controller() { k get deployment "$1" -o json | jq -e '.metadata.generation == .status.observedGeneration' >/dev/null; }

test_dry_run_shows_the_fields_and_writes_nothing() {
  begin
  open_door door
  local mark
  mark=$(audit_mark)
  exits 0 through door install --dry-run
  says "create Deployment/$STACK-mq"
  same writes "" "$(writes door)"
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
  expect "" journals
  exits 0 install --yes
  set_field "$(planned Deployment "$STACK-mq")" '["spec","template","spec","containers",0,"image"]' '"localhost:5000/drifted:v1"'
  # Its controller writes down that it has seen the change, and the number of the revision before that.
  eventually 30 seen_by_its_controller "$STACK-mq"
  plan_door door
  mark=$(audit_mark)
  local before=
  before=$(journals)
  exits 0 through door install --dry-run
  says "update Deployment/$STACK-mq" '"localhost:5000/drifted:v1" -> "localhost:5000/' '1 to update'
  exits 0 through door install --dry-run -o json
  expect '["spec.template.spec.containers[mq].image"]' jq -c '[.plan.steps[].change | select(.kind == "update").fields[].path]' "$WORK/out"
  same writes "" "$(writes door)"
  same "audited writes" "" "$(audited_writes "$mark")"
  same journals "$before" "$(journals)"
}

test_read_only_installs_nothing() {
  begin
  open_door door
  local code=0
  through door install --yes --read-only >"$WORK/out" 2>"$WORK/err" || code=$?
  ((code == 1 || code == 2)) || fail "ended with $code: $(cat "$WORK/err")"
  says read-only
  same writes "" "$(writes door)"
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
}

test_the_highly_available_profile_fits_the_cluster() {
  begin
  open_door door
  exits 0 through door sw install "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE" --dry-run -o json
  same writes "" "$(writes door)"
  expect '[]' jq -c .refusals "$WORK/out"
  (($(jq '.summary.create' "$WORK/out") > 16)) || fail "no more objects than on a single node"
  # The server itself has nothing against any of it.
  kubectl create namespace "$NAMESPACE" >/dev/null
  exits 0 sw render "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE"
  cp "$WORK/out" "$WORK/ha.yaml"
  exits 0 kubectl apply --dry-run=server --namespace "$NAMESPACE" -f "$WORK/ha.yaml"
}

# --- what is in the way is named

# with_config JQ-FILTER: the kubeconfig changed so
with_config() { jq "$1" "$CONFIG" >"$WORK/changed.kubeconfig"; }

install_changed() {
  local CONFIG=$WORK/changed.kubeconfig
  install --yes
}

test_a_context_that_is_not_there() {
  begin
  exits 2 install --yes --context nosuch
  says nosuch "$(kubectl config current-context)"
}

test_a_server_that_is_not_there() {
  begin
  # A port of our own that nobody listens on any more.
  open_door door
  local address
  address=$(sed -n 's/^listen //p' "$WORK/door.urls")
  end_process "$(cat "$WORK/door.pid")"
  with_config ".clusters[].cluster = {server: \"$address\"}"
  exits 1 install_changed
  says "${address#http://}" refused
}

test_a_token_that_is_not_accepted() {
  begin
  with_config '.users[].user.token = "not-a-token"'
  exits 1 install_changed
  says 401 credentials
}

test_an_expired_token() {
  begin
  # A token whose service account is gone is as dead as an expired one, and takes no ten minutes to become so.
  new_user "$ID-gone"
  kubectl --namespace "$USERS" delete serviceaccount "$ID-gone" >/dev/null
  cp "$WORK/$ID-gone.kubeconfig" "$WORK/changed.kubeconfig"
  eventually 30 no_longer_accepted
  exits 1 install_changed
  says 401 credentials
}

no_longer_accepted() { [[ $(kubectl --kubeconfig "$WORK/changed.kubeconfig" get --raw /api 2>&1) == *Unauthorized* ]]; }

test_an_authority_that_is_not_trusted() {
  begin
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=other -keyout "$WORK/key" -out "$WORK/ca" 2>/dev/null
  with_config ".clusters[].cluster[\"certificate-authority-data\"] = \"$(base64 -w0 "$WORK/ca")\""
  exits 1 install_changed
  says authority
}

# A user who may do all but one thing: it is told which, before or while it is needed, and nothing is left locked.
test_a_missing_permission_is_named() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  local user=$ID-few
  new_user "$user"
  kubectl create clusterrole "seaworthy-test-$user" --verb '*' --resource 'namespaces,services,serviceaccounts,persistentvolumeclaims,configmaps,leases.coordination.k8s.io,daemonsets.apps,pods,events,replicasets.apps,nodes,persistentvolumes,storageclasses.storage.k8s.io,networkpolicies.networking.k8s.io' >/dev/null
  kubectl label clusterrole "seaworthy-test-$user" "seaworthy-test=$ID" >/dev/null
  kubectl create clusterrolebinding "seaworthy-test-$user" --clusterrole "seaworthy-test-$user" --serviceaccount "$USERS:$user" >/dev/null
  kubectl label clusterrolebinding "seaworthy-test-$user" "seaworthy-test=$ID" >/dev/null
  cp "$WORK/$user.kubeconfig" "$WORK/changed.kubeconfig"
  exits 2 install_changed
  says "this user may not create deployments.apps in namespace $NAMESPACE" "nothing was written"
  no_lock
}

# Who may read all and write some.
test_a_missing_permission_to_write_is_named() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  local user=$ID-reader
  new_user "$user" view
  kubectl create clusterrole "seaworthy-test-$user" --verb '*' --resource 'leases.coordination.k8s.io,configmaps,serviceaccounts,persistentvolumeclaims,namespaces,nodes,persistentvolumes,storageclasses.storage.k8s.io' >/dev/null
  kubectl label clusterrole "seaworthy-test-$user" "seaworthy-test=$ID" >/dev/null
  kubectl create clusterrolebinding "seaworthy-test-$user-2" --clusterrole "seaworthy-test-$user" --serviceaccount "$USERS:$user" >/dev/null
  kubectl label clusterrolebinding "seaworthy-test-$user-2" "seaworthy-test=$ID" >/dev/null
  cp "$WORK/$user.kubeconfig" "$WORK/changed.kubeconfig"
  exits 2 install_changed
  says "create services in namespace $NAMESPACE" "patch services in namespace $NAMESPACE" "nothing was written"
  no_lock
  # With the permission the same command goes on.
  exits 0 install --yes
  all_well
}

# The API server goes away after the N-th write, for longer than anybody waits.
test_an_api_server_that_goes_away_is_named_and_the_run_goes_on_later() {
  begin
  open_door door
  plan_door door refuse-after=7
  local began=$EPOCHREALTIME
  exits 1 through door install --yes
  figure "gave up after $(seconds_since "$began") s"
  says 'API server' refused
  expect failed run_states
  local before
  before=$(belongings)
  [[ -n $before ]] || fail "nothing was written before it went away"
  plan_door door
  exits 0 through door install --yes
  all_well
  no_lock
  same "what was there before" "$before" "$(comm -12 <(printf '%s\n' "$before") <(belongings))"
  expect 'done' eval 'run_states | tail -n 1'
}
