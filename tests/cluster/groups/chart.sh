# A stack from its official chart, with the real helm (4, and 3 where the two differ): a chart of our own and a stack whose values it shares (charts/). What is
# expected was written before the first run: helm never sees a secret in its arguments, the second install writes nothing, what is
# killed goes on, what is stuck is named and freed, and no data goes by implication.
# seaworthy
# shellcheck shell=bash
# shellcheck disable=SC2034
# shellcheck source=tests/cluster/lib/seaworthy.sh
. "$CLUSTER_DIR/lib/seaworthy.sh"

STACK=shop
CHART=$CLUSTER_DIR/charts/shop
WORD=swordfish$RANDOM

# shop: all that a test of this group needs.
shop() {
  begin
  use_helm "${GENERATION:-helm}"
  printf '%s\n' "$WORD" >"$WORK/password"
}

# use_helm TOOL: HELM is that one, and first on the PATH: helm 4 (helm) or helm 3 (helm3)
use_helm() {
  HELM=$("$CLUSTER_DIR/tool" "$1")
  PATH=$(dirname "$HELM"):$PATH
}

# chart ARGUMENTS...: installs from the chart
chart() { sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --chart "$CHART" --secret "web.password=@$WORK/password" --yes "$@"; }

# about COMMAND...: a command about the stack, such as status
about() { sw --profiles "$CLUSTER_DIR/charts/stacks" "$@" -n "$NAMESPACE"; }

shop_upgrade() { sw --profiles "$CLUSTER_DIR/charts/stacks" upgrade shop -n "$NAMESPACE" --yes "$@"; }

shop_uninstall() { sw --profiles "$CLUSTER_DIR/charts/stacks" uninstall shop -n "$NAMESPACE" --yes "$@"; }

helm() { "$HELM" --kubeconfig "$CONFIG" --namespace "$NAMESPACE" "$@"; }

# revision NUMBER STATUS: what helm says of the release's newest
revision() { expect "$1 $2" eval 'helm history shop -o json | jq -r ".[-1] | \"\\(.revision) \\(.status)\""'; }

status_label() { k get secret -l "owner=helm,name=shop,status=$1" -o name; }

# in_status STATUS: a revision of it is there
in_status() { [[ -n $(status_label "$1") ]]; }

# in_background ARGUMENT...: an install whose process is in $WORK/seaworthy.pid; its helm is held by the chart's hook
in_background() {
  # shellcheck disable=SC2016
  bash -c 'echo $$ >"$0"; exec "$@"' "$WORK/seaworthy.pid" "$SEAWORTHY" --kubeconfig "$CONFIG" --timeout 60s --profiles "$CLUSTER_DIR/charts/stacks" \
    "$@" >"$WORK/out" 2>"$WORK/err" &
  JOB=$!
}

held_install() {
  in_background install shop -n "$NAMESPACE" --chart "$CHART" --secret "web.password=@$WORK/password" --yes --set pause=8
  eventually 60 in_status "${1:-pending-install}"
  pgrep -P "$(cat "$WORK/seaworthy.pid")" >"$WORK/helm.pid"
}

nothing_is_hidden_in() { ! grep -rqF "$WORD" "$@" || fail "$WORD is in $(grep -rlF "$WORD" "$@")"; }

test_install_is_reached_and_no_secret_is_in_sight() {
  shop
  held_install
  tr '\0' ' ' <"/proc/$(cat "$WORK/helm.pid")/cmdline" >"$WORK/cmdline"
  grep -q 'upgrade shop .*--values -' "$WORK/cmdline" || fail "that is not helm: $(cat "$WORK/cmdline")"
  tr '\0' '\n' <"/proc/$(cat "$WORK/helm.pid")/environ" >"$WORK/environ"
  nothing_is_hidden_in "$WORK/cmdline" "$WORK/environ"
  wait "$JOB" || fail "the install failed: $(cat "$WORK/err")"
  says 'answered 200' 'in the clear' 'also web.password'
  nothing_is_hidden_in "$WORK/out" "$WORK/err" "$SEAWORTHY_STATE_DIR"
  kubectl -n "$SYSTEM" get configmap "$NAMESPACE.shop" -o yaml >"$WORK/record"
  nothing_is_hidden_in "$WORK/record"
  expect "$WORD" k get secret shop-web -o 'go-template={{.data.password | base64decode}}'
  revision 1 deployed
  expect 'done' run_states
  no_lock
  exits 0 sw --profiles "$CLUSTER_DIR/charts/stacks" status shop -n "$NAMESPACE"
  says healthy StatefulSet/ Deployment/
}

test_second_install_writes_nothing_and_an_upgrade_only_what_it_must() {
  shop
  open_door door
  exits 0 through door chart
  plan_door door
  exits 0 through door chart -o json
  same writes "" "$(writes door)"
  expect 0 jq .outcome.requests.writes "$WORK/out"
  revision 1 deployed
  exits 0 shop_upgrade --set web.replicas=2 --dry-run -o json
  same "what differs" "Deployment/$NAMESPACE/shop-web spec.replicas 1 2" \
    "$(jq -r '.plan.steps[] | select(.change.fields?) | .change.fields[] | "\(.path) \(.now) \(.wanted)"' "$WORK/out")"
  revision 1 deployed
  # The password is in no record here: it is the release's own.
  exits 0 shop_upgrade --set web.replicas=2
  revision 2 deployed
  expect 2 k get deployment shop-web -o 'jsonpath={.status.readyReplicas}'
  expect "$WORD" k get secret shop-web -o 'go-template={{.data.password | base64decode}}'
  # What somebody deleted by hand comes back, although helm's own record knows nothing of it.
  k delete service shop-web >/dev/null
  exits 0 shop_upgrade
  revision 3 deployed
  k get service shop-web >/dev/null
}

# helm 3 takes such a field back without a word, helm 4 refuses in the middle of its work, unless it is told.
test_what_was_changed_by_hand_is_shown_and_taken_back() {
  shop
  exits 0 chart
  k scale deployment shop-web --replicas=2 >/dev/null
  exits 0 chart --dry-run
  says "Deployment/$NAMESPACE/shop-web spec.replicas (owned by kubectl): taken back: 2 -> 1"
  exits 0 chart
  revision 2 deployed
  expect 1 k get deployment shop-web -o 'jsonpath={.spec.replicas}'
  # And nothing is left to do.
  exits 0 chart -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  # What a controller has set is no reason to change anything.
  exits 0 k get deployment shop-web -o json
  jq '{apiVersion, kind, metadata: {name: .metadata.name}, spec: {replicas: 2}}' "$WORK/out" >"$WORK/scaled.json"
  k apply --server-side --force-conflicts --field-manager autoscaler -f "$WORK/scaled.json" >/dev/null
  exits 0 chart -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

test_helm_4_is_not_sent_against_a_controller() {
  shop
  exits 0 chart
  k patch deployment shop-web --field-manager autoscaler -p '{"spec":{"replicas":2}}' >/dev/null
  local mark
  mark=$(audit_mark)
  exits 2 shop_upgrade --set web.greeting=Ahoyhoy
  says "Deployment/$NAMESPACE/shop-web spec.replicas is 2 and belongs to autoscaler; the chart wants 1" "set the chart's setting"
  same "audited writes" "" "$(audited_writes "$mark")"
  exits 0 shop_upgrade --set web.greeting=Ahoyhoy --set web.replicas=2
  revision 2 deployed
}

test_a_stall_is_told_by_its_cause() {
  shop
  local WAIT=15s
  exits 1 chart --set image=localhost:1/nowhere:1
  tail -n 1 "$WORK/err" | grep -qE 'failed after .*(ImagePullBackOff|ErrImagePull|Image)' || fail "the last line is: $(tail -n 1 "$WORK/err")"
  exits 0 chart
  revision 2 deployed
}

test_killed_while_helm_lives() {
  shop
  held_install
  kill -KILL "$(cat "$WORK/seaworthy.pid")"
  wait "$JOB" || true
  exits 0 chart --set pause=8
  says 'going on with run'
  revision 1 deployed
  expect 'done' run_states
}

test_killed_with_its_helm() {
  shop
  held_install
  kill -KILL "$(cat "$WORK/seaworthy.pid")" "$(cat "$WORK/helm.pid")"
  wait "$JOB" || true
  eventually 20 in_status pending-install
  exits 0 chart --set pause=8
  says 'helm was killed while it made revision 1' 'answered 200'
  revision 1 deployed
}

test_killed_in_an_upgrade_and_taken_up_without_the_secrets() {
  shop
  exits 0 chart
  held_install pending-upgrade
  kill -KILL "$(cat "$WORK/seaworthy.pid")" "$(cat "$WORK/helm.pid")"
  wait "$JOB" || true
  exits 0 sw --profiles "$CLUSTER_DIR/charts/stacks" runs resume --yes
  revision 2 deployed
  expect "$WORD" k get secret shop-web -o 'go-template={{.data.password | base64decode}}'
}

test_stopped_in_good_order() {
  shop
  held_install
  local code=0
  kill -INT "$(cat "$WORK/seaworthy.pid")"
  wait "$JOB" || code=$?
  ((code == 130)) || fail "it ended with $code: $(cat "$WORK/err")"
  # Helm was heard to its end, and its record says so: nothing is stuck.
  ! in_status pending-install || fail "the release is stuck"
  exits 0 chart --set pause=8
  expect 'done' eval 'run_states | tail -n 1'
  expect deployed eval 'helm history shop -o json | jq -r ".[-1].status"'
}

# stuck REVISION STATUS [FROM]: helm's record of a revision as a killed helm leaves it, half an hour ago
stuck() {
  local from=${3:-1}
  k get secret "sh.helm.release.v1.shop.v$from" -o json >"$WORK/record.json"
  jq -r '.data.release' "$WORK/record.json" | base64 -d | base64 -d | gunzip |
    jq -c --arg status "$2" --argjson revision "$1" --arg begun "$(date -u -d '-30 minutes' +%FT%TZ)" \
      '.version = $revision | .info.status = $status | .info.last_deployed = $begun' | gzip | base64 -w0 | base64 -w0 >"$WORK/release"
  jq --rawfile release "$WORK/release" --arg status "$2" --arg revision "$1" \
    '{apiVersion, kind, type, data: {release: $release}, metadata: {name: "sh.helm.release.v1.shop.v\($revision)", namespace: .metadata.namespace,
      labels: {name: "shop", owner: "helm", status: $status, version: $revision}}}' "$WORK/record.json" >"$WORK/stuck.json"
  k delete secret "sh.helm.release.v1.shop.v$1" --ignore-not-found >/dev/null
  k create -f "$WORK/stuck.json" >/dev/null
}

test_a_stuck_upgrade_is_named_and_freed() {
  shop
  exits 0 chart
  stuck 2 pending-upgrade
  # That is what it is about: helm itself refuses.
  ! helm upgrade shop "$CHART" --reuse-values >"$WORK/helm" 2>&1 || fail "helm does not hold it to be stuck"
  grep -q 'another operation' "$WORK/helm" || fail "helm says something else: $(cat "$WORK/helm")"
  exits 2 chart --set web.replicas=2
  says 'revision 2 of release shop is pending-upgrade' '--unlock-release frees it'
  exits 0 chart --set web.replicas=2 --unlock-release
  says 'back to revision 1'
  revision 4 deployed
  expect 2 k get deployment shop-web -o 'jsonpath={.status.readyReplicas}'
}

test_a_stuck_first_install_is_freed() {
  shop
  exits 0 chart
  stuck 1 pending-install
  exits 2 chart
  says 'revision 1 of release shop is pending-install'
  exits 0 chart --unlock-release
  says "delete helm's record of revision 1"
  revision 1 deployed
}

test_a_release_under_way_is_left_alone() {
  shop
  exits 0 chart
  helm upgrade shop "$CHART" --reuse-values --set pause=20 >"$WORK/helm" 2>&1 &
  local helm=$!
  eventually 30 in_status pending-upgrade
  exits 2 chart --unlock-release --set web.replicas=2
  says 'helm is at it'
  wait "$helm" || fail "helm failed: $(cat "$WORK/helm")"
}

test_uninstall_leaves_data_and_says_so() {
  shop
  exits 0 chart
  exits 0 shop_uninstall --dry-run
  says "PersistentVolumeClaim/data-shop-store-0: it may hold data" "Secret/shop-web: it may hold data" 'helm would delete what may hold data'
  exits 0 shop_uninstall "--destroy-data=secret/$NAMESPACE/shop-web"
  says 'take release shop away with helm'
  expect "" helm list -q
  expect persistentvolumeclaim/data-shop-store-0 k get persistentvolumeclaim -o name
  expect "" k get deployment,statefulset,service,secret,pod -o name
  no_lock
  exits 2 shop_uninstall
  exits 0 chart
  exits 0 shop_uninstall
  # Without the word for it the password stays, and helm is not asked.
  expect secret/shop-web k get secret -o name
  expect "" helm list -q
  expect "" k get deployment,statefulset,service,pod -o name
  # What stayed is the release's again.
  exits 0 chart
  revision 1 deployed
}

test_what_cannot_be_is_refused_before_anything() {
  shop
  local mark
  mark=$(audit_mark)
  exits 2 chart --set broken=yes
  says 'helm cannot render the chart' 'the window is broken'
  exits 2 chart --set web.greeting=never
  says 'is known for this: it never greets so' '--ignore chart'
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --chart "$WORK/nowhere" --yes --secret "web.password=@$WORK/password"
  says 'nothing lies there'
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --chart nobody/shop --yes --secret "web.password=@$WORK/password"
  says 'cannot find the chart nobody/shop' 'helm repo list'
  exits 2 chart --chart-version 0.9.0
  says 'is version 0.1.0, not 0.9.0'
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --chart "$CHART" --yes
  says web.password
  PATH=/usr/bin:/bin exits 2 chart
  says 'not on the PATH'
  same "audited writes" "" "$(audited_writes "$mark")"
  kubectl get namespace "$NAMESPACE" >/dev/null 2>&1 && fail "the namespace was made"
  exits 0 chart --set web.replicas=4 --set web.bell=true --dry-run
  says 'more than three windows draw' 'has no such setting, and is not given it: web.bell'
}

test_one_installation_is_made_in_one_way() {
  shop
  kubectl create namespace "$NAMESPACE" >/dev/null
  helm install shop "$CHART" --set web.password=theirs >/dev/null
  # Somebody's release: the built-in manifests do not go over it, and --chart takes it up as it is.
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --yes --secret "web.password=@$WORK/password"
  says 'Helm has a release shop' '--chart REF'
  exits 0 chart
  revision 2 deployed
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" install shop -n "$NAMESPACE" --yes --secret "web.password=@$WORK/password"
  says 'was installed from the chart shop 0.1.0'
  exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" rollback shop -n "$NAMESPACE" --yes
  says 'helm rollback shop REVISION'
}

# --- helm 3. It compares three ways and owns no fields, where helm 4 applies on the server; what comes of it is to be the same.

test_helm_3_writes_only_what_it_must() { GENERATION=helm3 test_second_install_writes_nothing_and_an_upgrade_only_what_it_must; }
test_helm_3_changed_by_hand() { GENERATION=helm3 test_what_was_changed_by_hand_is_shown_and_taken_back; }
test_helm_3_killed() { GENERATION=helm3 test_killed_with_its_helm; }
test_helm_3_killed_in_an_upgrade() { GENERATION=helm3 test_killed_in_an_upgrade_and_taken_up_without_the_secrets; }
test_helm_3_stopped_in_good_order() { GENERATION=helm3 test_stopped_in_good_order; }
test_helm_3_stuck_upgrade() { GENERATION=helm3 test_a_stuck_upgrade_is_named_and_freed; }
test_helm_3_stuck_first_install() { GENERATION=helm3 test_a_stuck_first_install_is_freed; }
test_helm_3_uninstall() { GENERATION=helm3 test_uninstall_leaves_data_and_says_so; }

# Somebody's helm is replaced by a newer one, or two people have different ones.
test_either_helm_goes_on_with_what_the_other_made() {
  local GENERATION=helm3
  shop
  exits 0 chart
  use_helm helm
  exits 0 chart -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  revision 1 deployed
  exits 0 shop_upgrade --set web.replicas=2
  revision 2 deployed
  expect 2 k get deployment shop-web -o 'jsonpath={.status.readyReplicas}'
  use_helm helm3
  exits 0 shop_upgrade -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  exits 0 shop_upgrade --set web.replicas=1
  revision 3 deployed
  expect 1 k get deployment shop-web -o 'jsonpath={.spec.replicas}'
  exits 0 shop_uninstall "--destroy-data=secret/$NAMESPACE/shop-web"
  expect "" helm list -q
}

# --- afterwards: looked at, judged, opened and brought back as any other installation

# answers: what opens it has printed an address at which it answers
answers() {
  local url
  url=$(jq -r '.url + .path' "$WORK/opened") && [[ -n $url ]] || return 1
  curl -sSf --max-time 5 "$url" | grep -q Ahoy
}

test_a_healthy_release_gets_a_clean_answer_and_is_opened() {
  shop
  exits 0 chart
  exits 0 about status shop
  says healthy
  exits 0 about doctor shop --fail-on warning -o json
  expect 0 jq '.findings | length' "$WORK/out"
  exits 0 about why statefulset/shop-store
  exits 0 about why deployment/shop-web
  # Without the limit of other commands: it lasts until it is ended.
  "$SEAWORTHY" --kubeconfig "$CONFIG" --profiles "$CLUSTER_DIR/charts/stacks" open shop -n "$NAMESPACE" -o json >"$WORK/opened" 2>"$WORK/open.err" &
  printf '%s\n' $! >"$WORK/open.pid"
  eventually 20 answers
  # It survives its pod.
  k delete pod -l app=shop-web --wait=false >/dev/null
  eventually 60 answers
}

test_an_image_that_is_not_there_is_named_with_the_objects_of_the_chart() {
  shop
  local WAIT=15s
  exits 1 chart --set image=localhost:1/nowhere:1
  exits 3 about status shop
  says Deployment/ shop-web localhost:1/nowhere:1
  exits 3 about doctor shop
  says localhost:1/nowhere:1 "Deployment/$NAMESPACE/shop-web"
  exits 3 about why deployment/shop-web
  says localhost:1/nowhere:1
  # The store has an image of its own, and nothing is said of it.
  exits 0 about why statefulset/shop-store
}

no_window() { [[ -z $(k get pod -l app=shop-web -o name) ]]; }

test_what_was_deleted_by_hand_is_said_and_put_back() {
  shop
  exits 0 chart
  k delete deployment shop-web >/dev/null
  exits 3 about status shop
  says "Deployment/$NAMESPACE/shop-web" 'it was installed and is not there any more'
  # A Service without pods is what the doctor sees of it.
  eventually 30 no_window
  exits 3 about doctor shop --fail-on warning
  says "Service/$NAMESPACE/shop-web"
  exits 0 chart --dry-run
  says "Deployment/$NAMESPACE/shop-web" missing
  exits 0 chart
  says 'answered 200'
  exits 0 about status shop
  k delete statefulset shop-store >/dev/null
  exits 3 about status shop
  exits 0 shop_upgrade
  exits 0 about status shop
  revision 3 deployed
}

# lose_volume: the object goes although it is in use; the folder stays.
lose_volume() {
  local volume
  volume=$(k get persistentvolumeclaim data-shop-store-0 -o 'jsonpath={.spec.volumeName}')
  kubectl delete persistentvolume "$volume" --wait=false >/dev/null
  kubectl patch persistentvolume "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null
  eventually 30 is_lost
}

is_lost() { [[ $(k get persistentvolumeclaim data-shop-store-0 -o 'jsonpath={.status.phase}') == Lost ]]; }

test_a_lost_volume_of_the_chart_comes_back_with_its_contents() {
  shop
  exits 0 chart
  k exec shop-store-0 -- sh -c 'echo cargo >/data/hold'
  lose_volume
  exits 3 about recover
  expect "claim-lost PersistentVolumeClaim/$NAMESPACE/data-shop-store-0" head -n 1 "$WORK/out"
  says 'shop-store' " recover rebind --claim $NAMESPACE/data-shop-store-0"
  exits 0 about recover rebind --dry-run -o json
  local names
  mapfile -t names < <(jq -r '.plan.steps[].action | select(.do == "rescue").verb | select(.verb == "delete" or .verb == "release")
    | (.object // .volume).object | select(.kind != "Pod") | "--destroy-data=" + ([.kind, .namespace, .name] | map(select(. != null)) | join("/"))' "$WORK/out")
  exits 0 about recover rebind --yes "${names[@]}"
  # It is proven over the way in that the chart's installation has.
  says 'report: rebind' 'answered 200'
  expect cargo k exec shop-store-0 -- cat /data/hold
  exits 0 about status shop
  # And it is helm's release as before.
  exits 0 chart -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  revision 1 deployed
}

# --- a chart that somebody works on: its version stays, its files do not. Written before the run: what is planned is what is there now.

# own_chart: CHART is a copy that can be changed.
own_chart() {
  cp -r "$CHART" "$WORK/shop"
  CHART=$WORK/shop
}

# hook NAME EVENTS [COMMAND]: a hook in the chart; a Job of its own
hook() {
  cat >"$CHART/templates/hook-${1%%-*}.yaml" <<END
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-$1
  annotations: {helm.sh/hook: "$2"}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: hook, image: "{{ .Values.image }}", command: [sh, -c, "${3:-true}"]}]
END
}

plans() { jq -r '.plan.steps[] | select(.change.fields?) | .change.fields[] | "\(.path): \(.now) -> \(.wanted)"' "$WORK/out"; }

test_an_interrupted_run_does_not_go_on_with_a_changed_chart() {
  shop
  own_chart
  held_install
  kill -INT "$(cat "$WORK/seaworthy.pid")"
  wait "$JOB" || true
  sed -i 's/echo {{/echo New {{/' "$CHART/templates/web.yaml"
  local mark
  mark=$(audit_mark)
  exits 2 chart --set pause=8
  says 'is not finished, and wants something else' "chart: shop 0.1.0 ($CHART), whose files were others" --replan
  same "audited writes" "" "$(audited_writes "$mark")"
  # Nobody looks at the plan of what is taken up again: it must be the one that was agreed to.
  local due
  due=$(helm history shop -o json 2>/dev/null | jq -r '.[-1].status' || true)
  [[ $due == deployed ]] || { exits 2 sw --profiles "$CLUSTER_DIR/charts/stacks" runs resume --yes && says 'have changed since run' --replan; }
  exits 0 chart --set pause=8 --replan
  expect 1 eval 'k get deployment shop-web -o json | grep -c "echo New"'
  # And from then on it is the chart that is there.
  exits 0 chart --set pause=8 -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
}

test_a_changed_hook_alone_is_an_upgrade() {
  shop
  own_chart
  exits 0 chart
  hook after post-install,post-upgrade
  exits 0 shop_upgrade --dry-run -o json
  same "what differs" "hook Job/$NAMESPACE/shop-after (post-install, post-upgrade): null -> created" "$(plans)"
  exits 0 shop_upgrade
  revision 2 deployed
  expect 1 k get job shop-after -o 'jsonpath={.status.succeeded}'
  exits 0 shop_upgrade -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  hook after post-install,post-upgrade 'echo other'
  exits 0 shop_upgrade --dry-run
  says "hook Job/$NAMESPACE/shop-after (post-install, post-upgrade) spec.template.spec.containers" 'echo other'
  exits 0 shop_upgrade
  revision 3 deployed
  # A name with the number of the revision is no other hook; one of the first install alone is none of an upgrade's.
  hook 'at-{{ .Release.Revision }}' post-upgrade
  hook seed post-install
  exits 0 shop_upgrade
  revision 4 deployed
  k get job shop-at-4 >/dev/null
  exits 0 shop_upgrade -o json
  expect 0 jq .outcome.requests.writes "$WORK/out"
  revision 4 deployed
}

test_what_hooks_leave_is_named_and_taken_with_runtime() {
  shop
  own_chart
  hook after post-install,post-upgrade
  hook bye pre-delete
  exits 0 chart
  exits 0 shop_uninstall --dry-run "--destroy-data=secret/$NAMESPACE/shop-web"
  says "Job/shop-after: helm has made it (hook post-install, post-upgrade), and leaves it; --runtime takes it away" \
    "kubectl delete job.batch shop-after -n $NAMESPACE" "Job/shop-bye: helm runs it when the release goes (pre-delete), and leaves it"
  exits 0 shop_uninstall "--destroy-data=secret/$NAMESPACE/shop-web"
  says "Job/shop-after: helm has made it"
  expect "" helm list -q
  expect "job.batch/shop-after
job.batch/shop-bye" k get job -o name
  # The commands that it named.
  k delete job.batch shop-after shop-bye >/dev/null
  exits 0 chart
  exits 0 shop_uninstall --runtime
  says "delete Job/shop-after"
  expect "" k get job -o name
  expect "" k get pod -o name
}

test_helm_3_changed_hook() { GENERATION=helm3 test_a_changed_hook_alone_is_an_upgrade; }
test_helm_3_hooks_left() { GENERATION=helm3 test_what_hooks_leave_is_named_and_taken_with_runtime; }
