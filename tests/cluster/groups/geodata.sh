# geodata with the real Prefect: a server that asks for a key, workers, and flow runs that become jobs and write to one volume. What is wrong with
# the key, the pool, the volume or the rights shows before anything runs.
# seaworthy
# images: prefect
# standins: geodata
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/flows.sh
. "$CLUSTER_DIR/groups/lib/flows.sh"

STACK=geodata
VALUES=$CLUSTER_DIR/values/geodata.yaml
CLAIM=nova-geodata-prod
WAIT=${PATIENCE}s

# geodata [ARGUMENT...]: with a pool of this test's own
geodata() { install --secret "prefect.apiKey=@$(key_file)" --set "prefect.workPool=$(pool)" "$@"; }

# begin_with_prefect: and what lies outside of the namespace goes when the test ends
begin_with_prefect() {
  begin
  trap 'kubectl -n kube-system delete role,rolebinding -l "seaworthy.dev/namespace=$NAMESPACE" >/dev/null 2>&1; end' EXIT
  prefect_up
}

# changes PLAN-FILE: what a plan would do, but for waiting: KIND OBJECT, sorted
changes() {
  jq -r '.plan.steps[] | select(.change.kind | IN("create", "update", "delete")) | "\(.change.kind) \(.id | sub("^[a-z]+:"; ""))"' "$1" | sort
}

check() { k get job -l app.kubernetes.io/component=check -o 'jsonpath={.items[*].metadata.name}'; }

# job_of FLOW-RUN: job/NAME
job_of() { k get job -l "prefect.io/flow-run-id=$1" -o name; }

workers_ready() { [[ $(k get deployment prefect-agent -o 'jsonpath={.status.readyReplicas}') == "$1" ]]; }

# asked: VERB RESOURCE STATUS of all that the workers have asked the API server, each once
asked() {
  grep -F "\"system:serviceaccount:$NAMESPACE:geodata-launcher\"" "$AUDIT_LOG" |
    jq -r 'select(.objectRef) | "\(.verb) \(.objectRef.resource)\(if .objectRef.subresource then "/" + .objectRef.subresource else "" end) \(.responseStatus.code)"' |
    sort -u
}

test_geodata_runs_flows_as_jobs_that_share_the_volume() {
  local deployment one two
  begin_with_prefect
  exits 0 geodata --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  says 'GET /health answered 200'
  contains 'user 9198, group 9915 may write to /sciclone/nova/REU/geo' k logs -l app.kubernetes.io/component=check
  contains "work pool $(pool) at http://api.prefect.svc:4200/api is as it should be" k logs deployment/prefect-agent -c pool
  # The pool has what the settings say.
  prefect GET "work_pools/$(pool)" >"$WORK/pool"
  expect kubernetes jq -r .type "$WORK/pool"
  same "template of the pool" "$(k get configmap prefect-agent -o 'jsonpath={.data.base-job-template\.json}' | jq -S .)" "$(jq -S .base_job_template "$WORK/pool")"
  deployment=$(deployment)
  one=$(flow_run "$deployment" '{"name": "one"}')
  comes_to COMPLETED "$one"
  contains 'wrote one as 9198:9915, saw []' k logs "$(job_of "$one")"
  two=$(flow_run "$deployment" '{"name": "two"}')
  comes_to COMPLETED "$two"
  contains "wrote two as 9198:9915, saw ['one.txt']" k logs "$(job_of "$two")"
  # Workers copy the jobs' logs into theirs.
  contains 'wrote two as 9198:9915' k logs deployment/prefect-agent -c agent
  # The key is in its Secret, and nobody who may not read Secrets can see it.
  expect 0 eval 'k get job,pod,deployment,replicaset,configmap,event -o json | grep -c "$PREFECT_KEY" || true'
  expect prefect-api k get secret -o 'jsonpath={.items[*].metadata.name}'
  # All that was asked was allowed, and all that is allowed but deletion and what comes with trouble was asked.
  same "what workers ask" "$(printf '%s\n' 'create jobs 201' 'get jobs 200' 'get namespaces 200' 'get pods/log 200' 'list pods 200' 'watch pods 200')" \
    "$(asked | grep -v '^watch jobs 200$')"
}

test_geodata_again_writes_nothing_and_a_change_is_what_it_must_be() {
  local before mark
  begin_with_prefect
  exits 0 geodata --yes
  before=$(check)
  open_door door
  mark=$(audit_mark)
  exits 0 through door geodata --yes -o json
  same writes "" "$(writes door)"
  same "audited writes" "" "$(audited_writes "$mark")"
  exits 0 geodata --set job.ttlSeconds=7200 --yes --dry-run -o json
  same "what a longer life of jobs changes" "$(printf '%s\n' "create Job/$NAMESPACE/NEW" "delete Job/$NAMESPACE/$before" \
    "update ConfigMap/$NAMESPACE/prefect-agent" "update Deployment/$NAMESPACE/prefect-agent")" \
    "$(changes "$WORK/out" | sed -E 's|^(create Job/[^/]*/).*|\1NEW|')"
  exits 0 geodata --set prefect.limit=3 --yes --dry-run -o json
  same "what a limit changes" "update Deployment/$NAMESPACE/prefect-agent" "$(changes "$WORK/out")"
  exits 0 geodata --set job.ttlSeconds=7200 --yes
  expect 7200 eval 'prefect GET "work_pools/$(pool)" | jq .base_job_template.variables.properties.finished_job_ttl.default'
  [[ $(check) != "$before" && $(check | wc -w) == 1 ]] || fail "checks: $(check)"
}

# An upgrade goes on with what was chosen, the key among it, which nobody gives again.
test_geodata_an_upgrade_keeps_the_key() {
  local before
  begin_with_prefect
  exits 0 geodata --yes
  before=$(k get secret prefect-api -o 'jsonpath={.metadata.uid} {.data.api-key}')
  exits 0 sw upgrade "$STACK" -n "$NAMESPACE" --set prefect.limit=3 --yes
  same "the Secret" "$before" "$(k get secret prefect-api -o 'jsonpath={.metadata.uid} {.data.api-key}')"
  contains 'prefect-api' k get deployment prefect-agent -o json
  expect '3' k get deployment prefect-agent -o 'jsonpath={.spec.template.spec.containers[0].command[-1:]}'
  workers_ready 1 || fail "workers: $(k get pod)"
}

test_geodata_comes_back_with_its_data() {
  local deployment one two claim
  begin_with_prefect
  exits 0 geodata --yes
  deployment=$(deployment)
  one=$(flow_run "$deployment" '{"name": "one"}')
  comes_to COMPLETED "$one"
  claim=$(k get persistentvolumeclaim "$CLAIM" -o 'jsonpath={.metadata.uid} {.status.phase}')
  exits 0 uninstall
  says "keep   PersistentVolumeClaim/$CLAIM" "--destroy-data=PersistentVolumeClaim/$NAMESPACE/$CLAIM" \
    "the application has made it (jobs of flow runs); --runtime takes it away"
  [[ -n $(job_of "$one") ]] || fail "the job went without being named"
  same claim "$claim" "$(k get persistentvolumeclaim "$CLAIM" -o 'jsonpath={.metadata.uid} {.status.phase}')"
  expect "" k get deployment,service,configmap -l seaworthy.dev/stack=geodata -o name
  expect "" kubectl -n kube-system get role,rolebinding -l "seaworthy.dev/namespace=$NAMESPACE" -o name
  exits 0 geodata --yes
  two=$(flow_run "$deployment" '{"name": "two"}')
  comes_to COMPLETED "$two"
  contains "saw ['one.txt']" k logs "$(job_of "$two")"
  exits 0 uninstall --runtime
  eventually "$PATIENCE" eval '[[ -z $(k get job,pod -o name) ]]'
  same claim "$claim" "$(k get persistentvolumeclaim "$CLAIM" -o 'jsonpath={.metadata.uid} {.status.phase}')"
}

# Each in one line, and what is wrong is put right by the next install.
test_geodata_says_what_is_wrong_with_prefect() {
  local WAIT=25s
  begin_with_prefect
  printf 'pnu_somebody_elses\n' >"$WORK/other"
  exits 1 geodata --set check.enabled=false --secret "prefect.apiKey=@$WORK/other" --yes
  says 'Prefect at http://api.prefect.svc:4200/api refuses the API key: 401 Unauthorized'
  exits 1 geodata --set check.enabled=false --set prefect.apiURL=http://api.prefect.svc:4201/api --yes
  says 'Prefect at http://api.prefect.svc:4201/api cannot be reached'
  prefect POST work_pools/ '{"name": "process-'"$ID"'", "type": "process"}' >/dev/null
  exits 1 geodata --set check.enabled=false --set "prefect.workPool=process-$ID" --yes
  says "the work pool process-$ID is of type process, not kubernetes; name another in prefect.workPool"
  # Another one: the first try's pod lives on beside the newer ones, starts again with the key that its Secret has by now, and makes its pool.
  exits 1 geodata --set check.enabled=false --set "prefect.workPool=nowhere-$ID" --set prefect.managePool=false --yes
  says "there is no work pool nowhere-$ID at http://api.prefect.svc:4200/api"
  WAIT=${PATIENCE}s
  exits 0 geodata --set check.enabled=false --yes
}

# --- the volume

# on_node COMMAND: as root, in the folder of the node that the test makes by hand
on_node() {
  kubectl -n "$USERS" run "node-$ID" --image "$BUSYBOX" --restart Never --rm --attach --quiet --overrides '{"spec": {
    "containers": [{"name": "main", "image": "'"$BUSYBOX"'", "command": ["sh", "-c", "'"$1"'"], "volumeMounts": [{"name": "tmp", "mountPath": "/node"}]}],
    "volumes": [{"name": "tmp", "hostPath": {"path": "/var/lib"}}]}}' >/dev/null
}

# A folder that is not there, one that is root's, and one that the jobs' user may write to.
test_geodata_workers_wait_for_a_volume_that_jobs_can_write_to() {
  local WAIT=25s
  begin_with_prefect
  # Not local: what tidies up at the end needs them.
  folder=/var/lib/geodata-$ID
  volume=local-geodata-dev-pv-$STACK-$NAMESPACE
  trap 'kubectl -n kube-system delete role,rolebinding -l "seaworthy.dev/namespace=$NAMESPACE" >/dev/null 2>&1
    on_node "rm -rf /node/geodata-$ID"; kubectl delete persistentvolume "$volume" --wait=false --ignore-not-found >/dev/null; end' EXIT
  kubectl create namespace "$USERS" >/dev/null 2>&1 || true
  exits 1 geodata --set dev.enabled=true --set "dev.localDir=$folder" --yes
  says 'hostPath type check failed' "$folder"
  expect "" k get deployment -o name
  on_node "mkdir -m 0755 /node/geodata-$ID"
  WAIT=60s
  exits 1 geodata --set dev.enabled=true --set "dev.localDir=$folder" --yes
  says 'user 9198, group 9915 may not write to /sciclone/nova/REU/geo'
  expect "" k get deployment -o name
  on_node "chown 9198:9915 /node/geodata-$ID"
  WAIT=${PATIENCE}s
  k delete job -l app.kubernetes.io/component=check >/dev/null
  exits 0 geodata --set dev.enabled=true --set "dev.localDir=$folder" --yes
  expect "Bound $volume" k get persistentvolumeclaim "$CLAIM" -o 'jsonpath={.status.phase} {.spec.volumeName}'
  # Neither claim nor volume goes with the rest, and both are found again.
  exits 0 uninstall
  says "keep   PersistentVolume/$volume"
  exits 0 geodata --set dev.enabled=true --set "dev.localDir=$folder" --yes
}

# --- rights

# A pool of the user's own, with Prefect's template: its jobs go where they are told, and get the key from a Secret of the worker.
test_geodata_uses_a_pool_that_is_not_ours() {
  local deployment one secret
  begin_with_prefect
  # Made before, so that its pods may be as root as Prefect's template has them.
  kubectl create namespace "$NAMESPACE" >/dev/null
  prefect POST work_pools/ '{"name": "'"$(pool)"'", "type": "kubernetes"}' >/dev/null
  exits 0 geodata --set prefect.managePool=false --set check.enabled=false --yes
  eventually "$PATIENCE" eval 'prefect GET "work_pools/$(pool)" | jq -e .base_job_template.job_configuration'
  deployment=$(deployment '{"namespace": "'"$NAMESPACE"'", "image": "ghcr.io/aiddata/geo-datasets:latest"}')
  one=$(flow_run "$deployment" '{"name": "one", "data": "/tmp"}')
  comes_to COMPLETED "$one"
  expect 0 eval 'k get job,pod -o json | grep -c "$PREFECT_KEY" || true'
  secret=$(k get secret -o name | grep -- -api-key)
  contains "prefect-prefect-agent" printf '%s' "$secret"
  contains "${secret#secret/}" k get job -l "prefect.io/flow-run-id=$one" -o json
  # It goes with the worker.
  k scale deployment prefect-agent --replicas 0 >/dev/null
  eventually "$PATIENCE" eval '[[ -z $(k get "$secret" --ignore-not-found -o name) ]]'
}

# The rights are those of the role, and none beside.
test_geodata_workers_may_no_more_than_they_do() {
  local account line
  begin_with_prefect
  exits 0 geodata --set check.enabled=false --yes
  account=system:serviceaccount:$NAMESPACE:geodata-launcher
  while read -r answer what; do
    # shellcheck disable=SC2086
    line=$(k auth can-i $what --as "$account" 2>/dev/null) || true
    [[ $line == "$answer" ]] || fail "may it $what: $line, not $answer"
  done <<'END'
yes create jobs.batch
yes delete jobs.batch
yes watch jobs.batch
yes list pods
yes get pods --subresource=log
yes list events
yes create secrets
yes get namespaces/kube-system -n kube-system
no list secrets
no create pods
no delete pods
no create pods --subresource=exec
no create deployments.apps
no list namespaces
no list pods -n kube-system
no get nodes
no list jobs.batch -n default
END
  # The account that pods have by default has nothing; the chart gives it the widest role.
  expect no eval 'k auth can-i create jobs.batch --as "system:serviceaccount:$NAMESPACE:default" || true'
}

# A flow run that is told to stop: the worker deletes its job.
test_geodata_a_cancelled_flow_run_has_no_job() {
  local deployment one
  begin_with_prefect
  exits 0 geodata --set check.enabled=false --yes
  # Otherwise what runs in the job looks after that itself.
  deployment=$(deployment '{"command": "python -m prefect.engine"}')
  one=$(flow_run "$deployment" '{"name": "one", "until": "never.txt"}')
  eventually "$PATIENCE" eval '[[ $(state_of "$one") == RUNNING ]]'
  [[ -n $(job_of "$one") ]] || fail "no job"
  prefect POST "flow_runs/$one/set_state" '{"state": {"type": "CANCELLING"}}' >/dev/null
  comes_to CANCELLED "$one"
  eventually "$PATIENCE" eval '[[ -z $(job_of "$one") ]]'
  contains 'delete jobs 200' asked
}

# --- the commands of the documents, with release and namespace filled in

test_geodata_the_documents_commands_find_the_workers() {
  local set
  begin_with_prefect
  exits 0 geodata --set check.enabled=false --yes
  contains prefect-agent kubectl --namespace "$NAMESPACE" get deployments
  contains 'app=prefect-agent' kubectl --namespace "$NAMESPACE" describe deployment prefect-agent
  set=$(kubectl --namespace "$NAMESPACE" get replicasets -l app=prefect-agent -o 'jsonpath={.items[0].metadata.name}')
  contains 'Replicas:       1 current / 1 desired' kubectl --namespace "$NAMESPACE" describe replicaset "$set"
  contains prefect-agent- kubectl --namespace "$NAMESPACE" get pods
  contains "Worker 'prefect-agent-" kubectl --namespace "$NAMESPACE" logs -l app=prefect-agent -c agent --tail -1
  contains "$CLAIM" kubectl --namespace "$NAMESPACE" describe persistentvolumeclaim "$CLAIM"
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

# --- ha, on the one node there is

ha() { sw install "$STACK" --profile ha -f "$VALUES" -n "$NAMESPACE" --secret "prefect.apiKey=@$(key_file)" --set "prefect.workPool=$(pool)" "$@"; }

test_geodata_ha_has_a_volume_that_several_nodes_write_to_or_is_refused() {
  local mark deployment one two
  begin_with_prefect
  trap 'uninstall --destroy-data "namespace/$NAMESPACE" >/dev/null 2>&1; sw prerequisites uninstall shared-path --in-use --yes >/dev/null 2>&1
    kubectl -n kube-system delete role,rolebinding -l "seaworthy.dev/namespace=$NAMESPACE" >/dev/null 2>&1; end' EXIT
  mark=$(audit_mark)
  exits 2 ha --yes
  says ' prerequisites install shared-path`' '`--set persistence.storageClass=shared`' 'there is no storage class nfs'
  exits 2 ha --set persistence.storageClass=local-path --yes
  same "what is written" "" "$(audited_writes "$mark")"
  exits 0 sw prerequisites install shared-path --set image.tag=v0.0.30 --set provisioner.probes=false --yes
  exits 0 ha -f "$CLUSTER_DIR/values/geodata-ha.yaml" --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes"' "$WORK/out")"
  workers_ready 3 || fail "workers: $(k get pod)"
  expect 1 k get poddisruptionbudget prefect-agent -o 'jsonpath={.spec.minAvailable}'
  deployment=$(deployment)
  one=$(flow_run "$deployment" '{"name": "one"}')
  comes_to COMPLETED "$one"
  k delete pod "$(k get pod -l app=prefect-agent -o 'jsonpath={.items[0].metadata.name}')" --wait=false >/dev/null
  two=$(flow_run "$deployment" '{"name": "two"}')
  comes_to COMPLETED "$two"
  contains "saw ['one.txt']" k logs "$(job_of "$two")"
  # Each flow run had one job, whoever of the workers took it.
  expect 2 eval 'k get job -l prefect.io/flow-run-id -o name | wc -l'
}
