# How long whole processes take beside kubectl, helm and kapp for the same objects, how many requests they send, and how soon
# an install knows that something is ready. The tables are kept in $STATE/.reports/speed/.
# seaworthy
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
REPORTS=$REPORTS/speed
# Rounds that count, of each table.
: "${SPEED_ROUNDS:=5}"

test_200_config_maps() { table 200-maps "--set maps=200" && requests 200-maps "--set maps=200" && budget 200-maps; }

test_200_mixed() { table 200-mixed "--set mixed=20" && requests 200-mixed "--set mixed=20"; }

test_1000_config_maps() { OTHERS=kubectl table 1000-maps "--set maps=1000"; }

test_ready_is_seen() {
  local many
  build_measure
  mkdir -p "$REPORTS"
  : >"$REPORTS/ready"
  for many in 1 1 1 50; do
    kubectl delete namespace speed-ready --ignore-not-found >/dev/null
    kubectl create namespace speed-ready >/dev/null
    at_exit kubectl delete namespace speed-ready --wait=false
    forget speed-ready
    "$MEASURE" ready -namespace speed-ready "$SEAWORTHY" install many --profiles "$BENCH_DIR/stacks" --namespace speed-ready --yes \
      --set "deployments.enabled=true,deployments.count=$many" --timeout 120s | tee -a "$REPORTS/ready"
  done
  awk '{ if ($(NF - 5) > 100) late = 1 } END { exit late }' "$REPORTS/ready" || fail "ready is seen too late"
}

# Requests and writes are exact; times are compared with kubectl's in the same rounds, because the machine is never quiet.
# Wanted were 205 requests for 200 new objects. There are three more: two for the lock, one each for the record (written and
# read), the cluster's identity, the namespace, what is there, and the proof at the end.
budget() {
  local phase most writes row
  while read -r phase most writes; do
    row=$(awk -v phase="$phase" '$1 == phase && $2 == "seaworthy"' "$REPORTS/$1.requests")
    awk -v most="$most" -v writes="$writes" '{ exit !($3 <= most && $4 <= writes) }' <<<"$row" || fail "budget $most, $writes: $row"
  done <<<'new 208 203
unchanged 10 0'
}

# table NAME SETTINGS: times.
table() {
  work "$1" "$2"
  "$MEASURE" whole -list "$FOLDER/work" -rounds "$SPEED_ROUNDS" | tee "$REPORTS/$1"
}

# requests NAME SETTINGS: one round through a proxy that counts.
requests() {
  work "$1" "$2"
  proxy
  KUBECONFIG=$DOOR.kubeconfig "$MEASURE" whole -list "$FOLDER/work" -control "$CONTROL" | tee "$REPORTS/$1.requests"
}

# work NAME SETTINGS: makes $FOLDER/work, the list of what each tool does with the same objects. Each tool has its namespace.
work() {
  local tool tools
  build_measure
  build_all
  FOLDER=$(mktemp -d)
  at_exit rm -rf "$FOLDER"
  mkdir -p "$REPORTS"
  find_others
  # On the disk on which a journal would lie.
  export SEAWORTHY_STATE_DIR=$FOLDER/state HELM_CACHE_HOME=$FOLDER/helm HELM_CONFIG_HOME=$FOLDER/helm HELM_DATA_HOME=$FOLDER/helm
  tools=(seaworthy kubectl ${HELM:+helm} ${KAPP:+kapp})
  for tool in "${tools[@]}"; do
    # One that an earlier test has left may still be going away.
    [[ -n $(kubectl get namespace "speed-$tool" --ignore-not-found -o "jsonpath={.metadata.deletionTimestamp}") ]] && kubectl delete namespace "speed-$tool"
    kubectl create namespace "speed-$tool" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
    at_exit kubectl delete namespace "speed-$tool" --wait=false
    prepare_text "$tool" one "$2"
    prepare_text "$tool" two "$2"
  done
  forget speed-seaworthy
  kubectl create namespace seaworthy-system --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  {
    commands new one
    commands unchanged one
    difference
    commands changed two
    for tool in "${tools[@]}"; do printf '%s\t-\t%s\n' "$tool" "$(clean "$tool")"; done
  } >"$FOLDER/work"
}

# helm takes minutes to build, kapp too, and kapp's modules are not to be had everywhere: then it is left out.
find_others() {
  HELM='' KAPP=''
  [[ ${OTHERS:-all} == all ]] || return 0
  HELM=$("$CLUSTER_DIR/tool" helm)
  KAPP=$CACHE/kapp-$(hash_of "$BENCH_DIR"/kapp/go.{mod,sum})/kapp
  [[ -x $KAPP ]] || (build_once "${KAPP%/kapp}" build_kapp) || KAPP=''
}

build_kapp() { go_build "$BENCH_DIR/kapp" "$1" "" tool; }

install() { printf '%s install many --profiles %s --namespace speed-seaworthy --yes %s --set text=%s' "$SEAWORTHY" "$BENCH_DIR/stacks" "$SETTINGS" "$1"; }

# prepare_text TOOL TEXT SETTINGS: the manifests with this text in every object, and the same as a chart.
prepare_text() {
  local chart=$FOLDER/$1-$2
  SETTINGS=$3
  mkdir -p "$chart/templates"
  printf 'apiVersion: v2\nname: many\nversion: 1.0.0\n' >"$chart/Chart.yaml"
  # shellcheck disable=SC2086
  "$SEAWORTHY" render many --profiles "$BENCH_DIR/stacks" --namespace "speed-$1" $3 --set "text=$2" >"$chart/templates/all.yaml"
}

# commands PHASE TEXT: a line for each tool.
commands() {
  local verb=upgrade
  [[ $1 != new ]] || verb=install
  printf 'seaworthy\t%s\t%s\n' "$1" "$(install "$2")"
  printf 'kubectl\t%s\tkubectl apply --server-side -f %s/kubectl-%s/templates/all.yaml\n' "$1" "$FOLDER" "$2"
  [[ -z $HELM ]] || printf 'helm\t%s\t%s %s many %s/helm-%s --namespace speed-helm\n' "$1" "$HELM" "$verb" "$FOLDER" "$2"
  [[ -z $KAPP ]] || printf 'kapp\t%s\t%s deploy --yes -a many -n speed-kapp -f %s/kapp-%s/templates/all.yaml\n' "$1" "$KAPP" "$FOLDER" "$2"
}

# What would change, before it does. helm has no such command.
difference() {
  printf 'seaworthy\tdifference\t%s --dry-run\n' "$(install two)"
  printf 'kubectl\tdifference\tkubectl apply --server-side --dry-run=server -f %s/kubectl-two/templates/all.yaml\n' "$FOLDER"
  printf 'kubectl-diff\tdifference\tkubectl diff --server-side -f %s/kubectl-two/templates/all.yaml\n' "$FOLDER"
  [[ -z $KAPP ]] || printf 'kapp\tdifference\t%s deploy --diff-run -a many -n speed-kapp -f %s/kapp-two/templates/all.yaml\n' "$KAPP" "$FOLDER"
}

# clean TOOL: as if it had never been here.
clean() {
  local kinds=configmaps,secrets,serviceaccounts,roles,rolebindings,services,networkpolicies,poddisruptionbudgets
  printf 'kubectl delete %s --all --namespace speed-%s --wait=false >/dev/null' "$kinds" "$1"
  [[ $1 != seaworthy ]] || printf '; kubectl -n seaworthy-system delete configmap speed-seaworthy.many --ignore-not-found; rm -rf %s/state' "$FOLDER"
}

# forget NAMESPACE: the record of an installation of an earlier run.
forget() { kubectl -n seaworthy-system delete configmap,lease "$1.many" --ignore-not-found >/dev/null; }
