# The life of a stack in a profile, with what is expected of it in tests/cluster/pairs.tsv and tests/cluster/seeds.tsv. Sourced by the groups pairs and
# pairs_ha.
# shellcheck shell=bash
# shellcheck source=tests/cluster/groups/lib/everything.sh
. "$CLUSTER_DIR/groups/lib/everything.sh"
# shellcheck source=tests/cluster/groups/lib/flows.sh
. "$CLUSTER_DIR/groups/lib/flows.sh"
# shellcheck source=tests/cluster/groups/lib/postgres.sh
. "$CLUSTER_DIR/groups/lib/postgres.sh"

# It waits for volumes, for Python, and for a scheduler's turn, on a machine that may be busy.
export WAIT=${PATIENCE}s
OPERATOR=operator-storage

# rows TABLE: its lines without the remarks
rows() { grep -v '^#' "$CLUSTER_DIR/$1"; }

# pair STACK PROFILE
pair() {
  local nodes values namespace change changes kept refused large mark set=()
  STACK=$1
  IFS=$'\t' read -r _ _ nodes values namespace change changes kept refused large < <(rows pairs.tsv | grep -P "^$1\t$2\t") || fail "no row for $1 $2"
  begin_pair "$namespace"
  CHOSEN=(--profile "$2" -n "$NAMESPACE" --yes)
  for file in $values; do CHOSEN+=(-f "$CLUSTER_DIR/values/$file"); done
  "before_${1//-/_}" "$2"
  CHOSEN+=("${set[@]}")
  mark=$(audit_mark)
  exits 2 sw install "$STACK" --profile "$2" -n "$NAMESPACE" --yes
  says "$refused"
  if [[ $large != - ]]; then
    exits 2 sw install "$STACK" --profile "$2" -n "$NAMESPACE" -f "$REPO_DIR/profiles/$STACK/example.yaml" --yes
    says "$large" 'nothing was written'
  fi
  same "what is written of what is refused" "" "$(audited_writes "$mark")"
  everything >"$WORK/before"
  lives "$1 $2 $nodes" "$change" "$changes" "$kept"
}

# lives "STACK PROFILE NODES" CHANGE CHANGES KEPT
lives() {
  local mark first second last requests again
  mark=$(audit_mark)
  timed first exits 0 sw install "$STACK" "${CHOSEN[@]}" -o json
  requests=$(audited_requests "$mark")
  says 'answered 200'
  every_pod_is_ready
  exits 0 sw status "$STACK" -n "$NAMESPACE"
  doctor_finds_nothing "$1"

  mark=$(audit_mark)
  timed second exits 0 sw install "$STACK" "${CHOSEN[@]}" -o json
  again=$(audited_requests "$mark")
  expect 0 jq .outcome.requests.writes "$WORK/out"
  same "what a second install writes" "" "$(audited_writes "$mark")"

  find_with_the_documents_commands

  exits 0 sw upgrade "$STACK" -n "$NAMESPACE" --set "$2" --dry-run -o json
  same "what $2 changes" "$3" "$(jq -r '[.plan.steps[] | select(.change.kind | IN("create", "update", "delete")) | .action.object
    | "\(.kind)/\(.metadata.name)"] | sort | join(" ")' "$WORK/out")"
  mark=$(audit_mark)
  exits 0 sw upgrade "$STACK" -n "$NAMESPACE" --set "$2" --yes
  same "what is written for $2" "$(resources "$3")" "$(audited_writes "$mark" | written)"
  every_pod_is_ready

  timed last exits 0 sw uninstall "$STACK" -n "$NAMESPACE" --yes
  said_kept "$4"
  eventually 60 only_is_left "$4"
  figure "$(printf '%s\t%s\t%s\t%s\t%s\t%s' "${1// /$'\t'}" "$first" "$requests" "$second" "$again" "$last")"
}

# timed NAME COMMAND...: its seconds are in the variable NAME
timed() {
  local -n into=$1
  local began=$EPOCHREALTIME
  shift
  "$@"
  # shellcheck disable=SC2034
  into=$(seconds_since "$began")
}

# audited_requests MARK: how many requests of this test's user the API server has answered since
audited_requests() { tail -n "+$(($1 + 1))" "$AUDIT_LOG" | grep -cF "\"system:serviceaccount:$USERS:$ID\"" || true; }

# resources "KIND/NAME...": RESOURCE/NAME of each, sorted, on one line
resources() { tr ' ' '\n' <<<"$1" | sed -E 's|^([A-Za-z]+)/|\L\1s/|' | sort | paste -sd' '; }

# written: RESOURCE/NAME of what `audited_writes` lists, but for the program's own lock and record
written() { grep -v "/namespaces/$SYSTEM" | sed -E 's|^[a-z]+ [^ ?]*/([a-z]+)/([^/? ]+)(\?.*)?$|\1/\2|' | sort -u | paste -sd' '; }

# doctor_finds_nothing "STACK PROFILE NODES": nothing at warning or above in the whole cluster; the figure is of how many checks have looked at something
doctor_finds_nothing() {
  local code=0
  "$SEAWORTHY" --kubeconfig "$KUBECONFIG" doctor -o json --fail-on warning >"$WORK/doctor.json" || code=$?
  same "what the doctor finds" "" "$(jq -r '[.. | objects | select(.fingerprint? and (.severity | IN("warning", "error", "critical")))
    | "\(.id) \(.object | tostring): \(.message)"] | .[]' "$WORK/doctor.json")"
  same "the doctor's exit code" 0 "$code"
  figure "$(jq -r --arg of "$1" '"\($of): \(.summary.evaluated) checks evaluated, \(.summary.unknown) could not tell, \(.summary.infos) informations, \(.summary.objects) objects"' "$WORK/doctor.json")"
}

every_pod_is_ready() {
  local unready
  unready=$(k get pod -o json | jq -r '.items[] | select(.metadata.deletionTimestamp == null and .status.phase != "Succeeded")
    | select([.status.conditions[]? | select(.type == "Ready" and .status == "True")] | length == 0) | .metadata.name')
  [[ -z $unready ]] || fail "not ready: $unready
$(k get pod -o wide)"
}

# said_kept KEPT: the uninstall named exactly these, and the namespace where it has one
said_kept() {
  same "what is said to stay" "$1" "$(sed -n 's|^ *= keep *\([A-Za-z]*/[^:]*\):.*|\1|p' "$WORK/out" "$WORK/err" | grep -v '^Namespace/' | sort -u | paste -sd' ')"
}

# only_is_left KEPT: beside what Kubernetes itself makes, and the volumes of claims
only_is_left() {
  local left
  left=$(added "$WORK/before" | grep -vE '^(EndpointSlice|Endpoints|ControllerRevision|PersistentVolume|Namespace|PodMetrics) |/kube-root-ca.crt$|^ServiceAccount [^ ]*/default$|^Lease ' |
    sed -E 's|^([A-Za-z]+) [^ ]*/|\1/|' | sort | paste -sd' ')
  [[ $left == "$1" ]] || { say "left: $left" && return 1; }
}

# --- what is there before

begin_pair() {
  begin
  FIXED=''
  [[ $1 == - ]] || NAMESPACE=$1 FIXED=yes
  trap forget_pair EXIT
}

# Whatever way the test ends, the next one finds the cluster as this one did.
forget_pair() {
  local mine="seaworthy.dev/stack=$STACK"
  sw uninstall "$STACK" -n "$NAMESPACE" --runtime --yes >/dev/null 2>&1 || true
  if [[ -n $FIXED ]]; then
    k delete persistentvolumeclaim,secret -l "$mine" --timeout=30s >/dev/null 2>&1 || true
    k delete lease scheduler-extender --ignore-not-found >/dev/null 2>&1 || true
    kubectl --namespace "$SYSTEM" delete configmap,lease "$NAMESPACE.$STACK" --ignore-not-found >/dev/null 2>&1 || true
  else
    kubectl delete namespace "$NAMESPACE" --ignore-not-found --timeout=60s >/dev/null 2>&1 || true
  fi
  kubectl -n kube-system delete role,rolebinding -l "$mine" >/dev/null 2>&1 || true
  # shellcheck disable=SC2046
  [[ ! -e $WORK/prerequisites ]] || sw prerequisites uninstall $(cat "$WORK/prerequisites") --in-use --yes >/dev/null 2>&1 || true
  [[ ! -e $WORK/shared ]] || take_shared_class_away
  end
}

# prerequisites NAME...: installed by the program, and taken away when the test ends
prerequisites() {
  local pool=()
  printf '%s ' "$@" >"$WORK/prerequisites"
  [[ " $* " != *' metallb '* ]] || pool=(--pool "$(addresses)")
  exits 0 sw prerequisites install "$@" "${pool[@]}" --no-check --yes
}

# Some of the nodes' own network, which no node has.
addresses() { kubectl get nodes -o json | jq -r '[.items[0].status.addresses[] | select(.type == "InternalIP")][0].address | sub("[0-9]+$"; "200") + "-" + sub("[0-9]+$"; "210")'; }

before_distributed_notebook() { [[ $1 != ha ]] || prerequisites kruise metallb; }

before_exadeploy() {
  local remote=moduleRepository.backend.remote
  printf 'an-api-key-of-the-tests' >"$WORK/api-key"
  set+=(--secret "exafunction.apiKeySecret.value=@$WORK/api-key")
  [[ $1 == ha ]] || return 0
  start_postgres exadeploy exadeploy 'pass:word/@1'
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 20 k get serviceaccount default
  k run s3 --image localhost:5000/exadeploy-s3:1.0 --image-pull-policy IfNotPresent --port 9000 --expose >/dev/null
  eventually 60 pod_is s3 Running
  printf AKEXADEPLOYTEST >"$WORK/key-id"
  printf a-secret-key-of-the-tests >"$WORK/key"
  printf 'pass:word/@1' >"$WORK/password"
  set+=(--set "$remote.postgres.host=$PG_HOST,$remote.postgres.port=$PG_PORT"
    --secret "$remote.postgres.passwordSecret.value=@$WORK/password"
    --secret "$remote.s3.awsAccessKeySecret.accessKeyId=@$WORK/key-id"
    --secret "$remote.s3.awsAccessKeySecret.secretAccessKey=@$WORK/key")
}

before_geodata() {
  prefect_up
  set+=(--secret "prefect.apiKey=@$(key_file)" --set "prefect.workPool=$(pool)")
  [[ $1 != ha ]] || shared_class nfs
}

before_newton_v2t() { [[ $1 != ha ]] || shared_class ceph-filesystem; }

before_telemetry_pipeline() { [[ $1 != ha ]] || prerequisites metrics-server; }

# shared_class NAME: a class of the operator's whose volumes all nodes write to, as one of NFS or Ceph is: a second local-path-provisioner, under
# another name, with one folder of this machine that every node of it has.
shared_class() {
  local folder
  folder=$(mktemp -d /tmp/seaworthy-shared-XXXXXX)
  chmod 0777 "$folder"
  printf '%s\n%s\n' "$1" "$folder" >"$WORK/shared"
  sed -e "s/local-path-storage/$OPERATOR/g; s/local-path-provisioner-\(role\|bind\)/$OPERATOR-\1/g; s/^  name: local-path\$/  name: $1/" \
    -e "s|rancher.io/local-path|example.com/shared|; s/is-default-class: \"true\"/is-default-class: \"false\"/" \
    -e "s|command: \[local-path-provisioner, --debug, start,|& --provisioner-name, example.com/shared,|; s/volumeBindingMode: .*/volumeBindingMode: Immediate/" \
    -e "s|{\"nodePathMap\".*|{\"sharedFileSystemPath\": \"$folder\"}|" "$CLUSTER_DIR/manifests/local-path.yaml" |
    kubectl apply -f - >/dev/null
  kubectl -n "$OPERATOR" rollout status deployment/local-path-provisioner --timeout 60s >/dev/null || fail "no shared class"
}

take_shared_class_away() {
  local class folder volumes
  { read -r class && read -r folder; } <"$WORK/shared"
  # The provisioner deletes the volumes, so it goes last.
  mapfile -t volumes < <(kubectl get persistentvolume -o json | jq -r --arg class "$class" '.items[] | select(.spec.storageClassName == $class) | .metadata.name')
  [[ ${#volumes[@]} == 0 ]] || kubectl wait persistentvolume "${volumes[@]}" --for=delete --timeout=30s >/dev/null 2>&1 || true
  kubectl delete storageclass "$class" --ignore-not-found >/dev/null 2>&1 || true
  kubectl delete namespace "$OPERATOR" --ignore-not-found --timeout=60s >/dev/null 2>&1 || true
  kubectl delete clusterrole,clusterrolebinding "$OPERATOR-role" "$OPERATOR-bind" --ignore-not-found >/dev/null 2>&1 || true
  [[ $folder == /tmp/seaworthy-shared-* ]] && rm -rf "$folder"
}

# --- the commands of the documents

find_with_the_documents_commands() {
  local typed wanted many=0
  while IFS=$'\t' read -r _ typed wanted; do
    typed=${typed//RELEASE/$STACK} wanted=${wanted//RELEASE/$STACK}
    if [[ $typed == *' GET '* ]]; then forward_finds "$typed" "$wanted"; else finds "${typed//NAMESPACE/$NAMESPACE}" "$wanted"; fi
    many=$((many + 1))
  done < <(rows seeds.tsv | grep -P "^$STACK\t")
  ((many > 0)) || fail "no command for $STACK"
}

# finds COMMAND TEXT: what kubectl answers has the text; of log lines it may still be on the way
finds() {
  local words
  read -ra words <<<"$1"
  eventually 20 answers "$2" "${words[@]}"
}

answers() {
  local wanted=$1
  shift
  k "$@" >"$WORK/answer" 2>&1 || { say "kubectl $*: $(cat "$WORK/answer")" && return 1; }
  grep -qF -e "$wanted" "$WORK/answer"
}

# forward_finds "port-forward svc/NAME HERE:THERE GET PATH" TEXT: at a port of this machine that is free
forward_finds() {
  local service ports path port
  read -r _ service ports _ path <<<"$1"
  k port-forward "$service" ":${ports#*:}" >"$WORK/forward" 2>&1 &
  printf '%s\n' $! >"$WORK/forward.pid"
  eventually 20 grep -q 'Forwarding from 127' "$WORK/forward"
  port=$(sed -n 's/.*127.0.0.1:\([0-9]*\) .*/\1/p' "$WORK/forward")
  contains "$2" curl -sS --max-time 10 "http://127.0.0.1:$port$path"
  end_process "$(cat "$WORK/forward.pid")"
  rm "$WORK/forward.pid"
}
