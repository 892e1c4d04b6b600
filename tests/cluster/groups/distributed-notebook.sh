# distributed-notebook: with the real kube-scheduler beside the gateway, the real CloneSets of OpenKruise and the real MetalLB. What is expected here was written
# before the first run.
# seaworthy
# nodes: 3
# images: prerequisites kube-scheduler
# standins: distributed-notebook
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/everything.sh
. "$CLUSTER_DIR/groups/lib/everything.sh"

STACK=distributed-notebook
VALUES=$CLUSTER_DIR/values/distributed-notebook.yaml
KERNEL=3f0c9a52-7d41-4b8e-9c1a-5e2f7a6b8d90

# It waits for volumes and for a scheduler's turn, on a machine that may be busy.
WAIT=100s

# The application works in the namespace default alone, so that is taken away object by object.
begin_notebook() {
  begin
  NAMESPACE=default
  trap clear_notebook EXIT
  everything >"$WORK/before"
}

clear_notebook() {
  local mine="seaworthy.dev/stack=$STACK"
  if [[ -n $(k get deployment,statefulset,service,configmap,serviceaccount,persistentvolumeclaim,secret -l "$mine" -o name) ]]; then
    sw uninstall "$STACK" --yes >/dev/null 2>&1 || true
    k delete clonesets.apps.kruise.io -l kernel --timeout=30s >/dev/null 2>&1 || true
    k delete "configmap/kernel-$KERNEL-configmap" "service/kernel-$KERNEL-svc" lease/scheduler-extender --ignore-not-found >/dev/null 2>&1 || true
    k delete persistentvolumeclaim,secret -l "$mine" --timeout=30s >/dev/null 2>&1 || true
    kubectl label node --all "$KERNEL-" >/dev/null 2>&1 || true
    kubectl --namespace "$SYSTEM" delete configmap,lease "default.$STACK" --ignore-not-found >/dev/null 2>&1 || true
  fi
  k delete pod,service storage --force --grace-period 0 --ignore-not-found >/dev/null 2>&1 || true
  [[ ! -e $WORK/prerequisites ]] || sw prerequisites uninstall kruise metallb --in-use --yes >/dev/null 2>&1 || true
  end
}

install() { sw install "$STACK" --profile single-node -f "$VALUES" "$@"; }

ha() { sw install "$STACK" --profile ha -f "$CLUSTER_DIR/values/distributed-notebook-ha.yaml" "$@"; }

with_prerequisites() {
  touch "$WORK/prerequisites"
  exits 0 sw prerequisites install kruise metallb --pool "$(addresses)" --no-check --yes
}

# Some of the nodes' own network, which no node has.
addresses() { kubectl get nodes -o json | jq -r '[.items[0].status.addresses[] | select(.type == "InternalIP")][0].address | sub("[0-9]+$"; "200") + "-" + sub("[0-9]+$"; "210")'; }

# Something that listens where kernels look for the remote storage.
storage() {
  k run storage --image "$BUSYBOX" --labels app=storage --port 6379 --command -- httpd -f -p 6379 >/dev/null
  k expose pod storage --port 6379 >/dev/null
  ready storage
}

# pods_ready: APP of each pod of the stack that is Ready, sorted, on one line
pods_ready() {
  k get pod -l "app.kubernetes.io/name=$STACK" -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null)
    | select([.status.conditions[]? | select(.type == "Ready" and .status == "True")] | length == 1) | .metadata.labels.app] | sort | join(" ")'
}

kernel_pods() {
  k get pod -l "kernel=kernel-$KERNEL" -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null)
    | [.spec.nodeName, .spec.schedulerName, (.status.phase), ([.status.containerStatuses[]?.restartCount] | add // 0 | tostring)] | join(" ")' | sort
}

wanted_kernel_pods() { kubectl get node -o json | jq -r '.items[].metadata.name + " static-scheduler Running 0"' | sort; }

kernels_run() { [[ $(kernel_pods) == "$(wanted_kernel_pods)" ]]; }

node_has_devices() { [[ $(kubectl get node "$1" -o 'jsonpath={.status.allocatable.ds2-lab\.github\.io/deflated-gpu}') == 6 ]]; }

# Both are as in the cluster's Secret, never printed by the program.
token() { k get secret jupyter-notebook-token -o 'jsonpath={.data.token}' | base64 -d; }

ip_of() { k get pod -l "app=$1" -o "jsonpath={.items[${2:-0}].status.podIP}"; }

# jupyter ADDRESS METHOD PATH [BODY]: STATUS BODY, with the token
jupyter() {
  curl -sS --max-time 20 -X "$2" -H "Authorization: token $(token)" -w '\n%{http_code}' ${4:+-d "$4"} "http://$1:8888$3" | tac | paste -sd' '
}

address_of() { k get service "$1" -o 'jsonpath={.status.loadBalancer.ingress[0].ip}'; }

test_notebook_on_one_node_ends_ready_and_says_that_no_kernel_starts() {
  begin_notebook
  exits 0 install --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  says 'GET /api answered 200' 'no kernel can start, because each has three replicas on three nodes with a daemon'
  same "ready pods" 'gateway jupyter-notebook local-daemon workload-driver' "$(pods_ready)"
  # The daemon found the gateway, and the kubelet its devices.
  expect '{"agents":["local-daemon-0"],"count":1}' curl -sS "http://$(ip_of gateway):8081/daemons"
  # The kubelet says so when it next reports about its node.
  eventually 30 node_has_devices "$(k get pod local-daemon-0 -o 'jsonpath={.spec.nodeName}')"
  contains '"start":1' k exec local-daemon-0 -- cat /node_local/starts.log
  # Everybody may ask what it is, and nobody without the token for more. Nothing of it is written anywhere here.
  expect '{"version": "2.14.2"}' curl -sS "http://$(ip_of jupyter-notebook):8888/api"
  expect 403 curl -sS -o /dev/null -w '%{http_code}' "http://$(ip_of jupyter-notebook):8888/api/kernels"
  expect '200 {"count":0,"made":[]}' jupyter "$(ip_of jupyter-notebook)" GET /api/kernels
  local token
  token=$(token)
  ((${#token} == 24)) || fail "the token has ${#token} letters"
  if grep -rqF "$token" "$WORK/state" "$WORK/out" "$WORK/err"; then fail "the token is written down"; fi
  # The scheduler leads under a name of its own and is refused nothing.
  contains gateway- k get lease scheduler-extender -o 'jsonpath={.spec.holderIdentity}'
  if k logs deployment/gateway -c scheduler-ctr | grep -iE 'forbidden|failed to (list|watch)'; then fail "the scheduler lacks a right"; fi
  exits 0 sw status "$STACK" -n default
}

test_notebook_again_writes_nothing_and_a_change_writes_what_it_must() {
  begin_notebook
  exits 0 install --yes
  local mark token
  token=$(token)
  mark=$(audit_mark)
  exits 0 install --yes -o json
  same "audited writes" "" "$(audited_writes "$mark")"
  expect 0 jq .outcome.requests.writes "$WORK/out"
  exits 0 install --set scheduler_extender.port=8085 --dry-run -o json
  same "what a port changes" 'ConfigMap/kube-scheduler-config ConfigMap/scheduler-extender-configuration Deployment/gateway' \
    "$(jq -r '[.plan.steps[] | select(.change.kind == "update").action.object | "\(.kind)/\(.metadata.name)"] | sort | join(" ")' "$WORK/out")"
  exits 0 install --set scheduler_extender.port=8085 --yes
  expect 0.0.1 curl -sS "http://$(ip_of gateway):8085/version"
  same "the token" "$token" "$(token)"
}

test_notebook_leaves_its_data_and_its_token() {
  begin_notebook
  exits 0 install --yes
  local token volume
  token=$(token)
  volume=$(k get persistentvolumeclaim jupyter-notebook-work -o 'jsonpath={.metadata.uid}')
  exits 0 sw uninstall "$STACK" --yes
  says 'keep   PersistentVolumeClaim/jupyter-notebook-work' 'keep   PersistentVolumeClaim/node-local-local-daemon-0' 'keep   Secret/jupyter-notebook-token'
  eventually 60 eval '[[ -z $(k get pod -l app.kubernetes.io/name=distributed-notebook -o name) ]]'
  # The scheduler's turn is its own to make; nobody else has it.
  k delete lease scheduler-extender >/dev/null
  same "what is left" 'PersistentVolume PersistentVolume PersistentVolumeClaim default/jupyter-notebook-work PersistentVolumeClaim default/node-local-local-daemon-0 Secret default/jupyter-notebook-token' \
    "$(added "$WORK/before" | sed 's/^\(PersistentVolume\) .*/\1/' | grep -vE '^(EndpointSlice|Endpoints|ControllerRevision|Lease|ServiceAccount|Namespace) ' | paste -sd' ')"
  exits 0 install --yes
  same "the token" "$token" "$(token)"
  same "the notebooks" "$volume" "$(k get persistentvolumeclaim jupyter-notebook-work -o 'jsonpath={.metadata.uid}')"
  contains '"start":2' k exec deployment/jupyter-notebook -- cat /home/jovyan/work/starts.log
}

# All of it: three addresses, daemons on three nodes, and a kernel that is asked for as a user would, made by the gateway, checked and completed by
# OpenKruise, placed by the scheduler of its own by way of the extender, started with our entry point, registered with the daemon of its node.
test_notebook_ha_starts_a_kernel_on_three_nodes() {
  begin_notebook
  with_prerequisites
  storage
  exits 0 ha --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  same "ready pods" 'gateway jupyter-notebook local-daemon local-daemon local-daemon workload-driver' "$(pods_ready)"
  same "nodes of the daemons" 3 "$(k get pod -l app=local-daemon -o json | jq '[.items[].spec.nodeName] | unique | length')"
  local server began
  server=$(address_of jupyter-notebook)
  [[ -n $server && -n $(address_of gateway) && -n $(address_of gateway-provisioner) ]] || fail "not every Service has an address"
  eventually 20 curl -sSf --max-time 5 "http://$server:8888/api"
  expect '{"agents":["local-daemon-0","local-daemon-1","local-daemon-2"],"count":3}' curl -sS "http://$(address_of gateway-provisioner):8081/daemons"
  began=$EPOCHREALTIME
  contains '201 ' jupyter "$server" POST /api/kernels "{\"name\": \"$KERNEL\", \"gpu\": \"2\"}"
  eventually 90 kernels_run
  eventually 30 every_daemon_has_one_kernel
  figure "kernel: $(seconds_since "$began") s"
  expect 3 eval 'kubectl get node -o json | jq --arg id "$KERNEL" "[.items[] | select(.metadata.labels[\$id] == \"true\")] | length"'
  # Of the first replica it is asked which of three nodes will do, of the last about the one that is left.
  contains "kernel-$KERNEL" eval 'k logs deployment/gateway -c gateway | grep "asked about default/kernel-$KERNEL-.* and 3 nodes"'
  contains "kernel-$KERNEL" eval 'k logs deployment/gateway -c gateway | grep "asked about default/kernel-$KERNEL-.* and 1 nodes"'
  expect static-scheduler eval 'k get events --field-selector reason=Scheduled -o json | jq -r "[.items[] | select(.involvedObject.name | startswith(\"kernel-\")) | .reportingComponent] | unique | join(\" \")"'
  # One that is lost comes back on its node, and its daemon hears of it.
  k delete pod "$(k get pod -l "kernel=kernel-$KERNEL" -o 'jsonpath={.items[0].metadata.name}')" >/dev/null
  eventually 60 kernels_run
  eventually 40 every_daemon_has_one_kernel
  # The gateway takes away the CloneSet alone, as the application does.
  contains '204' jupyter "$server" DELETE "/api/kernels/$KERNEL"
  eventually 60 eval '[[ -z $(kernel_pods) ]]'
  contains "kernel-$KERNEL-svc" k get service -o name
}

# Kernels are nobody's: they are named, stay, and go when that is asked for; and what somebody else calls alike stays.
test_notebook_leaves_its_kernels_unless_told() {
  begin_notebook
  with_prerequisites
  storage
  exits 0 ha --yes
  contains '201 ' jupyter "$(ip_of jupyter-notebook)" POST /api/kernels "{\"name\": \"$KERNEL\"}"
  eventually 90 kernels_run
  k create configmap kernel-of-mine >/dev/null
  exits 0 sw uninstall "$STACK" --dry-run
  says "keep   CloneSet/kernel-$KERNEL" 'the application has made it (kernels); --runtime takes it away' "keep   Service/kernel-$KERNEL-svc" "keep   ConfigMap/kernel-$KERNEL-configmap"
  exits 0 sw uninstall "$STACK" --runtime --yes
  expect "" k get clonesets.apps.kruise.io -o name
  eventually 60 eval '[[ -z $(kernel_pods) ]]'
  expect configmap/kernel-of-mine eval 'k get configmap -o name | grep kernel'
  expect service/storage eval 'k get service -o name | grep -E "kernel|storage"'
  k delete configmap kernel-of-mine >/dev/null
}

every_daemon_has_one_kernel() {
  local index
  for index in 0 1 2; do
    [[ $(curl -sS "http://$(k get pod "local-daemon-$index" -o 'jsonpath={.status.podIP}'):8075/kernels" | jq .count) == 1 ]] || return 1
  done
}

test_notebook_ha_again_writes_nothing() {
  begin_notebook
  with_prerequisites
  exits 0 ha --yes
  local mark
  mark=$(audit_mark)
  exits 0 ha --yes -o json
  same "audited writes" "" "$(audited_writes "$mark")"
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

# Each right that is taken from an account is missed, where it is used.
test_notebook_misses_each_right_that_is_taken() {
  begin_notebook
  with_prerequisites
  storage
  exits 0 ha --yes
  local server answer
  server=$(ip_of jupyter-notebook)
  # KIND NAME RULE what it was for
  while read -r kind name rule what; do
    kubectl get "$kind" "$name" --namespace default -o json >"$WORK/role.json"
    jq "del(.rules[$rule]) | del(.metadata.managedFields, .metadata.resourceVersion)" "$WORK/role.json" | kubectl replace -f - >/dev/null
    answer=$(jupyter "$server" POST /api/kernels "{\"name\": \"$KERNEL\"}")
    [[ $answer == "403 "*"$what"* ]] || fail "without rule $rule of $name: $answer"
    jq 'del(.metadata.managedFields, .metadata.resourceVersion)' "$WORK/role.json" | kubectl replace -f - >/dev/null
    kubectl --namespace default delete configmap "kernel-$KERNEL-configmap" --ignore-not-found >/dev/null
    kubectl --namespace default delete service "kernel-$KERNEL-svc" --ignore-not-found >/dev/null
    k delete clonesets.apps.kruise.io --all --timeout=30s >/dev/null
  done <<'END'
role gateway-role 1 configmaps
role gateway-role 2 clonesets
clusterrole cluster-gateway-role 0 nodes
END
  # Without the scheduler's turn it does not lead, and says why.
  kubectl get role gateway-role --namespace default -o json | jq 'del(.rules[4,3]) | del(.metadata.managedFields, .metadata.resourceVersion)' | kubectl replace -f - >/dev/null
  k delete lease scheduler-extender >/dev/null
  k delete pod -l app=gateway --wait=false >/dev/null
  eventually 60 eval 'k logs deployment/gateway -c scheduler-ctr | grep -q "leases.*forbidden"'
  # All is put right by an install.
  exits 0 ha --yes
  eventually 60 eval '[[ -n $(k get lease scheduler-extender -o name) ]]'
  contains '201 ' jupyter "$(ip_of jupyter-notebook)" POST /api/kernels "{\"name\": \"$KERNEL\"}"
}

test_notebook_goes_to_its_namespace_alone() {
  begin_notebook
  local mark
  mark=$(audit_mark)
  exits 2 install -n other --yes
  says '`distributed-notebook` works in the namespace `default` alone: its code makes kernels there and looks for them nowhere else'
  exits 2 sw install "$STACK" --yes
  says 'remote_storage.hostname: is required'
  exits 2 sw install "$STACK" --yes --set remote_storage.hostname=172.17.0.1:9000
  says '`172.17.0.1:9000` only stands for a value in the documents'
  same "what is written" "" "$(audited_writes "$mark")"
}

# One daemon more than there are nodes is refused before anything is written; let through, it waits, is named with its reason, and keeps nobody
# else waiting.
test_notebook_names_a_daemon_without_a_node() {
  begin_notebook
  local mark
  mark=$(audit_mark)
  exits 2 install --set local_daemon.replicas=4 --yes
  says 'there is no room for one of StatefulSet/default/local-daemon' 'on a node without another of its kind'
  same "what is written" "" "$(audited_writes "$mark")"
  WAIT=40s
  exits 1 install --set local_daemon.replicas=4 --ignore room --yes
  says 'local-daemon-3' "3 node(s) didn't match pod anti-affinity rules"
  same "ready daemons" 3 "$(k get pod -l app=local-daemon -o json | jq '[.items[] | select(.status.conditions[]? | select(.type == "Ready" and .status == "True"))] | length')"
  exits 0 install --set local_daemon.replicas=3 --yes
}

# Without CloneSets no kernel can be made, and without a load balancer three Services wait for ever: both are said before, the second is refused.
test_notebook_says_what_is_missing_before() {
  begin_notebook
  local mark
  mark=$(audit_mark)
  exits 1 ha --dry-run
  says 'profile ha needs kruise: OpenKruise, which makes CloneSets, is not there' ' prerequisites install kruise' 'profile ha needs metallb: ' \
    'nobody would give Service/default/gateway an address'
  exits 0 install --dry-run
  says 'profile single-node needs kruise: '
  same "what is written" "" "$(audited_writes "$mark")"
}
