# exadeploy: a module that is registered is run by a runner that the scheduler made; modules in the repository's own folder and in a
# real PostgreSQL with a bucket; installed again without a write; what stays when it is taken away; and why it does not start.
# seaworthy
# standins: exadeploy
# images: metallb-controller metallb-speaker
# shellcheck shell=bash
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"
# shellcheck source=tests/cluster/groups/lib/postgres.sh
. "$CLUSTER_DIR/groups/lib/postgres.sh"

STACK=exadeploy
VALUES=$CLUSTER_DIR/values/exadeploy.yaml
HA_VALUES=$CLUSTER_DIR/values/exadeploy-ha.yaml
API_KEY=an-api-key-of-the-tests
RUNNER=runner-00000000000000000001
REMOTE=moduleRepository.backend.remote

# exa ARGUMENT...: an install of the profile single-node
exa() {
  printf '%s' "$API_KEY" >"$WORK/api-key"
  install --secret "exafunction.apiKeySecret.value=@$WORK/api-key" "$@"
}

# pods_ready: APP of each pod that is Ready and stays, sorted, on one line
pods_ready() {
  k get pod -o json | jq -r '[.items[] | select(.metadata.deletionTimestamp == null)
    | select([.status.conditions[]? | select(.type == "Ready" and .status == "True")] | length == 1)
    | .metadata.labels.app // .metadata.name] | sort | join(" ")'
}

both_ready() { [[ $(pods_ready) == 'module-repository scheduler' ]]; }

address() { k get pod -l "app=$1" --field-selector status.phase=Running -o 'jsonpath={.items[0].status.podIP}'; }

# modules PATH [CURL-ARGUMENT...]: of the repository
modules() {
  local path=$1
  shift
  curl -sS --max-time 10 "http://$(address module-repository):50051/modules$path" "$@"
}

registered() { modules "" | jq -r '[.modules[].name] | join(" ")'; }

is_registered() { [[ " $(registered) " == *" $1 "* ]]; }

# run MODULE: by a runner, by way of the scheduler
run() { curl -sS --max-time 10 "http://$(address scheduler):50050/invocations" -d "$1"; }

metric() { curl -sS --max-time 10 "http://$(address scheduler):2112/metrics" | sed -n "s/^$1 //p"; }

scheduler_log() { k logs -l app=scheduler --tail 100; }

# of_config FIELD: as the programs are told it
of_config() { k get configmap exafunction-config -o 'jsonpath={.data.exafunction_config\.pbtxt}' | sed -n "s/^ *$1: //p"; }

test_exadeploy_ends_ready_and_runs_a_module() {
  begin
  exits 0 exa --yes -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  says 'answered 200'
  both_ready || fail "ready are: $(pods_ready)"
  contains 'trial: all 4 steps have worked' scheduler_log
  expect trial registered
  expect 1 metric scheduler_created_runners
  # Without a least number of runners the trial's is gone.
  eventually 60 no_runner
  # The key is in its Secret, and what was written elsewhere does not hold it.
  expect "$API_KEY" eval "k get secret exafunction-api-key -o 'jsonpath={.data.api_key}' | base64 -d"
  k get configmap,deployment,service,pod,serviceaccount,role -o yaml >"$WORK/all"
  ! grep -q "$API_KEY" "$WORK/all" || fail "the API key lies in the clear"
  ! grep -rq "$API_KEY" "$SEAWORTHY_STATE_DIR" || fail "the API key lies in a journal"
  exits 0 sw status "$STACK" -n "$NAMESPACE"
}

no_runner() { [[ -z $(k get pod -l app=exafunction-runner -o name) ]]; }

test_exadeploy_again_writes_nothing() {
  begin
  exits 0 exa --yes
  open_door door
  local mark
  mark=$(audit_mark)
  exits 0 through door exa --yes -o json
  same writes "" "$(writes door)"
  same "audited writes" "" "$(audited_writes "$mark")"
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

changed() { jq -r '.plan.steps[] | select(.action.do == "apply" and .change.kind != "unchanged") | "\(.change.kind) \(.action.object.kind)/\(.action.object.metadata.name)"' "$WORK/out"; }

test_exadeploy_changes_what_it_must_and_no_more() {
  begin
  exits 0 exa --yes
  local before configured='update ConfigMap/exafunction-config
update Deployment/module-repository
update Deployment/scheduler'
  exits 0 exa --set scheduler.cpuLimit=150m --dry-run -o json
  same "of a limit" 'update Deployment/scheduler' "$(changed)"
  exits 0 exa --set runner.valueStoreThreads=5 --dry-run -o json
  same "of the configuration" "$configured" "$(changed | sort)"
  exits 0 exa --set grafana.dashboard=false --dry-run -o json
  same "of a dashboard" "" "$(changed)"
  before=$(k get deployment -o 'jsonpath={.items[*].metadata.generation}')
  exits 0 exa --set runner.valueStoreThreads=5 --yes
  expect 5 of_config value_store_threads
  both_ready || fail "ready are: $(pods_ready)"
  # What single-node keeps in the pod is gone with it, but for what the scheduler has registered anew.
  expect trial registered
  [[ $before == '1 1' && $(k get deployment -o 'jsonpath={.items[*].metadata.generation}') == '2 2' ]] || fail "generations"
}

# --- runners

test_exadeploy_makes_runners_as_it_is_told() {
  begin
  exits 0 exa --yes --set scheduler.minRunners=1 --set runner.cpuLimit=150m,runner.memoryLimit=64Mi \
    --set runner.createHeadlessService=true --set 'runner.nodeSelector.kubernetes\.io/os=linux' \
    --set exafunction.annotations.team=tests \
    --set 'runner.tolerations[0].key=dedicated,runner.tolerations[0].operator=Equal,runner.tolerations[0].value=runner,runner.tolerations[0].effect=NoSchedule'
  expect 'exafunction-runner module-repository scheduler' pods_ready
  k get pod "$RUNNER" -o json >"$WORK/runner"
  expect '{"cpu":"150m","memory":"64Mi"}' jq -c '.spec.containers[0].resources.limits' "$WORK/runner"
  expect '{"kubernetes.io/os":"linux"}' jq -c .spec.nodeSelector "$WORK/runner"
  expect tests jq -r .metadata.annotations.team "$WORK/runner"
  expect 1 jq '[.spec.tolerations[] | select(.key == "dedicated" and .value == "runner" and .effect == "NoSchedule")] | length' "$WORK/runner"
  expect headless jq -r .spec.subdomain "$WORK/runner"
  expect exadeploy jq -r .spec.serviceAccountName "$WORK/runner"
  # It has a name within the cluster, by which it is found.
  shell_pod shell
  eventually 60 pod_is shell Running
  eventually 30 resolves "$RUNNER.headless" "$(jq -r .status.podIP "$WORK/runner")"
  expect 201 modules /mine -X PUT -d 'a module of mine' -o /dev/null -w '%{http_code}'
  contains '"bytes":16,"from":"repository","module":"mine","runner":"'"$RUNNER"'"' run mine
  contains 'no such module' run theirs
  # One that is lost is missed; the scheduler's next start makes another.
  k delete pod "$RUNNER" --wait >/dev/null
  eventually 60 nobody_runs mine
  k delete pod -l app=scheduler --wait >/dev/null
  eventually 60 runs mine
}

nobody_runs() { [[ $(run "$1") == *'nobody to work'* ]]; }

runs() { [[ $(run "$1") == *'"from":"repository"'* ]]; }

# resolves NAME ADDRESS: in this namespace, as a pod sees it
resolves() { k exec shell -- nslookup "$1.$NAMESPACE.svc.cluster.local" | grep -qF "$2"; }

test_exadeploy_without_a_gpu_waits_for_one() {
  begin
  WAIT=30s exits 1 exa --yes --set runner.cpuOnly=false
  says 'scheduler-metrics'
  contains 'Insufficient nvidia.com/gpu' k describe pod "$RUNNER"
  exits 3 sw doctor -n "$NAMESPACE"
  says nvidia.com/gpu "$RUNNER"
}

test_exadeploy_two_systems_in_one_namespace() {
  begin
  exits 0 exa --yes --set scheduler.minRunners=1
  # The same installation is not doubled: a second one has a namespace of its own, or is made by hand from what is rendered.
  exits 0 sw render "$STACK" --profile single-node -f "$VALUES" -n "$NAMESPACE" --name exadeploy-two --set exafunction.suffix=two,scheduler.minRunners=1 \
    --secret "exafunction.apiKeySecret.value=@$WORK/api-key"
  kubectl apply --namespace "$NAMESPACE" -f "$WORK/out" >/dev/null
  eventually 90 all_of_two
  expect trial registered
  contains '"module":"trial"' curl -sS --max-time 10 "http://$(address scheduler-two):50050/invocations" -d trial
  expect 'runner-two-00000000000000000001' k get pod -l app=exafunction-runner-two -o 'jsonpath={.items[*].metadata.name}'
  exits 0 exa --yes --set scheduler.minRunners=1 -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

all_of_two() { [[ $(pods_ready) == 'exafunction-runner exafunction-runner-two module-repository module-repository-two scheduler scheduler-two' ]]; }

# What the scheduler has made belongs to nobody: it is shown, and goes when that is asked for.
test_exadeploy_leaves_runners_unless_told() {
  begin
  exits 0 exa --yes --set scheduler.minRunners=1
  exits 0 uninstall
  says "keep   Pod/$RUNNER" 'the application has made it (runners); --runtime takes it away' 'keep   Secret/exafunction-api-key'
  expect "pod/$RUNNER" k get pod -o name
  # The scheduler that comes back takes it for its own.
  exits 0 exa --yes --set scheduler.minRunners=1
  expect 'exafunction-runner module-repository scheduler' pods_ready
  exits 0 uninstall --runtime
  says "delete Pod/$RUNNER"
  expect "" k get pod -o name
}

# The API key was typed once; what is installed goes on with it.
test_exadeploy_is_upgraded_without_its_key() {
  begin
  exits 0 exa --yes
  exits 0 sw upgrade "$STACK" -n "$NAMESPACE" --set runner.valueStoreThreads=5 --yes
  expect 5 of_config value_store_threads
  expect "$API_KEY" eval "k get secret exafunction-api-key -o 'jsonpath={.data.api_key}' | base64 -d"
  both_ready || fail "ready are: $(pods_ready)"
}

# --- how it is reached from outside

# last ADDRESS: of the nodes' network
last() { kubectl get node -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}' | sed -E "s/[0-9]+\$/$1/"; }

test_exadeploy_has_two_addresses() {
  begin
  trap 'uninstall --destroy-data "namespace/$NAMESPACE" >/dev/null 2>&1; sw prerequisites uninstall metallb --in-use --yes >/dev/null 2>&1; end' EXIT
  local outside=(exa --yes --set "scheduler.service.type=LoadBalancer,moduleRepository.service.type=LoadBalancer")
  exits 2 "${outside[@]}"
  says 'nobody would give Service/' 'prerequisites install metallb'
  exits 0 sw prerequisites install metallb --pool "$(last 240)-$(last 240)" --yes
  exits 2 "${outside[@]}"
  says '2 Services ask for an address, and the pools have 1 left'
  exits 0 sw prerequisites install metallb --pool "$(last 240)-$(last 241)" --yes
  exits 0 "${outside[@]}"
  expect 201 curl -sS --max-time 10 -X PUT -d mine -o /dev/null -w '%{http_code}' "http://$(address_of module-repository-service):50051/modules/mine"
  contains mine curl -sS --max-time 10 "http://$(address_of module-repository-service):50051/modules"
  contains agents curl -sS --max-time 10 "http://$(address_of scheduler-service):50050/runners"
  expect "" address_of scheduler-metrics
}

address_of() { k get service "$1" -o 'jsonpath={.status.loadBalancer.ingress[0].ip}'; }

# --- what modules are kept in

test_exadeploy_modules_outlive_the_pod_in_a_claim_only() {
  begin
  exits 0 exa --yes
  expect 201 modules /mine -X PUT -d 'a module of mine' -o /dev/null -w '%{http_code}'
  k delete pod -l app=module-repository --wait >/dev/null
  eventually 60 both_ready
  expect "" registered
  local claimed=(exa --yes --set "moduleRepository.storage.kind=persistentVolumeClaim,moduleRepository.storage.storageClass=local-path")
  exits 0 "${claimed[@]}"
  expect 201 modules /mine -X PUT -d 'a module of mine' -o /dev/null -w '%{http_code}'
  k delete pod -l app=module-repository --wait >/dev/null
  eventually 60 both_ready
  eventually 20 is_registered mine
  expect 2Gi k get persistentvolumeclaim -l seaworthy.dev/role=modules -o 'jsonpath={.items[0].spec.resources.requests.storage}'
  exits 0 uninstall
  says 'keep   PersistentVolumeClaim/module-repository'
  expect "" k get pod -o name
  exits 0 "${claimed[@]}"
  eventually 20 is_registered mine
}

# remote ARGUMENT...: an install of the profile ha, with a bucket beside it
remote() {
  printf '%s' "$API_KEY" >"$WORK/api-key"
  printf AKEXADEPLOYTEST >"$WORK/key-id"
  printf a-secret-key-of-the-tests >"$WORK/key"
  printf '%s' "${PASSWORD:-pass:word/@1}" >"$WORK/password"
  sw install "$STACK" --profile ha -f "$HA_VALUES" -n "$NAMESPACE" --secret "exafunction.apiKeySecret.value=@$WORK/api-key" \
    --set "$REMOTE.postgres.host=$PG_HOST,$REMOTE.postgres.port=$PG_PORT" \
    --secret "$REMOTE.postgres.passwordSecret.value=@$WORK/password" \
    --secret "$REMOTE.s3.awsAccessKeySecret.accessKeyId=@$WORK/key-id" \
    --secret "$REMOTE.s3.awsAccessKeySecret.secretAccessKey=@$WORK/key" --yes "$@"
}

make_bucket() {
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 20 k get serviceaccount default
  k run s3 --image localhost:5000/exadeploy-s3:1.0 --image-pull-policy IfNotPresent --port 9000 --expose >/dev/null
  eventually 60 pod_is s3 Running
}

test_exadeploy_ha_keeps_modules_in_postgres_and_bucket() {
  begin
  start_postgres exadeploy exadeploy 'pass:word/@1'
  make_bucket
  exits 0 remote -o json
  figure "$(jq -r '"\(.outcome.millis / 1000) s, \(.outcome.total) steps, \(.outcome.requests.writes) writes, \(.outcome.requests.reads) reads"' "$WORK/out")"
  says 'answered 200'
  expect 'exafunction-runner module-repository s3 scheduler' pods_ready
  expect "trial|42" postgres_says 'SELECT name, bytes FROM modules'
  # A runner fetches what it runs from the bucket, with keys that no field holds in the clear.
  contains '"bytes":42,"from":"bucket"' run trial
  k get pod,configmap,deployment -o yaml >"$WORK/all"
  ! grep -qE 'a-secret-key-of-the-tests|AKEXADEPLOYTEST|pass:word' "$WORK/all" || fail "a key lies in the clear"
  expect 201 modules /mine -X PUT -d 'a module of mine' -o /dev/null -w '%{http_code}'
  # Neither of the two pods keeps anything: another one knows all.
  k delete pod -l app=module-repository --wait >/dev/null
  k delete pod -l app=scheduler --wait >/dev/null
  eventually 60 remote_ready
  expect 'mine trial' registered
  expect 'a module of mine' modules /mine
  contains '"bytes":16,"from":"bucket","module":"mine"' run mine
  exits 0 remote -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  exits 0 uninstall
  expect "mine|16" postgres_says "SELECT name, bytes FROM modules WHERE name = 'mine'"
}

remote_ready() { [[ $(pods_ready) == 'exafunction-runner module-repository s3 scheduler' ]]; }

test_exadeploy_ha_over_an_encrypted_connection() {
  begin
  start_postgres exadeploy exadeploy 'pass:word/@1' encrypted
  make_bucket
  k create configmap postgres-ca --from-file="ca.pem=$WORK/pg.pem" >/dev/null
  exits 0 remote --set "$REMOTE.postgres.sslConfigMapName=postgres-ca,$REMOTE.postgres.sslCertificateName=ca.pem"
  expect '"/etc/ssl-cert/ca.pem"' of_config postgres_ssl_cert_path
  expect "trial|42" postgres_says 'SELECT name, bytes FROM modules'
  expect t postgres_says "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'exadeploy' LIMIT 1"
  # Without the certificate this server takes nobody; the old pod goes on until a new one is ready.
  WAIT=30s exits 1 remote
  says 'no encryption' module-repository
}

# --- why it does not start

test_exadeploy_says_that_the_password_is_wrong() {
  begin
  start_postgres exadeploy exadeploy 'pass:word/@1'
  make_bucket
  PASSWORD=guess WAIT=30s exits 1 remote
  says 'password authentication failed for user "exadeploy"' module-repository
}

test_exadeploy_says_that_the_bucket_is_another_one() {
  begin
  start_postgres exadeploy exadeploy 'pass:word/@1'
  make_bucket
  WAIT=30s exits 1 remote --set "$REMOTE.s3.bucket=other"
  says 'bucket other' module-repository
}

test_exadeploy_says_which_secret_is_missing() {
  begin
  local mark named=(install --yes --set exafunction.apiKeySecret.name=not-there)
  mark=$(audit_mark)
  exits 2 "${named[@]}"
  says "Secret/$NAMESPACE/not-there is not there, which Deployment/$NAMESPACE/scheduler needs" \
    "kubectl create secret generic not-there -n $NAMESPACE --from-file=api_key=FILE"
  same "what is written" "" "$(audited_writes "$mark")"
  WAIT=30s exits 1 "${named[@]}" --ignore references
  says "Secret/$NAMESPACE/not-there FailedMount" 'the pod `scheduler-'
  # It is there, but holds something else.
  k create secret generic not-there --from-literal=key=x >/dev/null
  exits 2 "${named[@]}" --set scheduler.cpuLimit=150m
  says 'has no entry api_key'
}

test_exadeploy_says_which_right_is_missing() {
  begin
  WAIT=40s exits 1 exa --yes --set rbac.create=false
  says 'pods is forbidden' scheduler
}

test_exadeploy_says_what_the_programs_cannot_read() {
  begin
  WAIT=40s exits 1 exa --yes --set 'scheduler.additionalConfig=no_such_setting: true'
  says 'unknown field: scheduler.no_such_setting'
}

test_exadeploy_refuses_what_the_document_shows() {
  begin
  cat >"$WORK/document.yaml" <<'END'
moduleRepository:
  backend:
    type: "remote"
    postgres: {host: "db.example.org", port: 5432, database: "exadeploy", user: "exadeploy", passwordSecret: {name: "postgres-password"}}
    dataBackend: "s3"
    s3: {region: "us-east-1", bucket: "exadeploy", awsAccessKeySecret: {name: "aws-access-key"}}
END
  local mark
  mark=$(audit_mark)
  exits 2 exa --yes -f "$WORK/document.yaml"
  says "document.yaml:4:5: moduleRepository.backend.postgres: unknown key here; its place is \`$REMOTE.postgres\`" \
    "its place is \`$REMOTE.dataBackend\`" "its place is \`$REMOTE.s3\`"
  same "what is written" "" "$(audited_writes "$mark")"
  exits 2 install --yes
  says 'exafunction.apiKeySecret.value: the vendor'"'"'s API key is needed'
  exits 2 sw install "$STACK" -n "$NAMESPACE" --yes
  says 'scheduler.image: is required' 'moduleRepository.image: is required' 'runner.image: is required'
  expect "" kubectl get namespace "$NAMESPACE" --ignore-not-found -o name
}

test_exadeploy_ha_is_accepted_by_the_api_server() {
  begin
  kubectl create namespace "$NAMESPACE" >/dev/null
  exits 0 sw render "$STACK" --profile ha --example -n "$NAMESPACE" --set scheduler.ingress.enabled=true,scheduler.ingress.host=a.example.org \
    --set runner.createHeadlessService=true --set moduleRepository.backend.remote.postgres.sslCertificateName=ca.pem,moduleRepository.backend.remote.postgres.sslConfigMapName=ca
  expect 15 eval 'kubectl apply --dry-run=server --validate=strict -n "$NAMESPACE" -f "$WORK/out" | grep -c "created (server dry run)"'
}
