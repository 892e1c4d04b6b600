# How soon the doctor names a cause, also when the API server is slow and fails, and what a large cluster costs it beside the same lists
# fetched by kubectl and beside popeye. The tables are kept in $STATE/.reports/doctor_speed/; what is expected of the answers is here.
# seaworthy
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
REPORTS=$REPORTS/doctor_speed
# Rounds that count, of each table.
: "${DOCTOR_ROUNDS:=5}" "${CROWD_NODES:=500}" "${CROWD_PODS:=10000}"
# The first line that is right: the image of `web` is not on the node, and may not be pulled.
CAUSE='^\[fail\] Deployment/speed-doctor/web: .*nosuch.*\(P007'

test_first_finding_of_50_pods() {
  fifty_pods
  lists
  printf 'fetch\tfindings\t%s\nseaworthy\tfindings\t%s\n' "$(raw)" "$(doctor)" >"$FOLDER/work"
  answer
  "$MEASURE" whole -list "$FOLDER/work" -rounds "$DOCTOR_ROUNDS" -base fetch | tee "$REPORTS/50-pods"
}

# An API server that answers after 2 s, and fails three calls of ten.
test_first_finding_through_a_storm() {
  fifty_pods
  proxy -lag 2s -fail 30
  export KUBECONFIG=$DOOR.kubeconfig
  answer
  printf 'seaworthy\tfindings\t%s\n' "$(doctor)" >"$FOLDER/work"
  "$MEASURE" whole -list "$FOLDER/work" -rounds 3 -base seaworthy | tee "$REPORTS/storm"
}

test_10000_pods() {
  local popeye
  fifty_pods
  a_crowd
  answer
  lists
  popeye=$(tool_path popeye)
  {
    printf 'fetch\tfindings\t%s\n' "$(raw)"
    printf 'seaworthy\tfindings\t%s\n' "$(doctor)"
    printf 'popeye\tfindings\t%s -A -o json --kubeconfig %s --force-exit-zero >/dev/null\n' "$popeye" "$KUBECONFIG"
  } >"$FOLDER/work"
  "$MEASURE" whole -list "$FOLDER/work" -rounds 3 -base fetch | tee "$REPORTS/crowd"
  sed -i "s|--kubeconfig $KUBECONFIG|--kubeconfig $DOOR.kubeconfig|" "$FOLDER/work"
  KUBECONFIG=$DOOR.kubeconfig "$MEASURE" whole -list "$FOLDER/work" -control "$CONTROL" | tee "$REPORTS/crowd.requests"
}

# Forty-nine pods that are well, and one that is not.
fifty_pods() {
  build_measure
  build_all
  ensure_packages jq:jq
  mkdir -p "$REPORTS"
  FOLDER=$(mktemp -d)
  at_exit rm -rf "$FOLDER"
  kubectl delete namespace speed-doctor --ignore-not-found >/dev/null
  kubectl create namespace speed-doctor >/dev/null
  at_exit kubectl delete namespace speed-doctor --wait=false
  kubectl -n speed-doctor create deployment many --image docker.io/library/busybox:1.36.1 --replicas 49 -- sleep 100000 >/dev/null
  kubectl -n speed-doctor apply -f - >/dev/null <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.invalid/nosuch:1, imagePullPolicy: Never}]}
END
  kubectl -n speed-doctor rollout status deployment/many --timeout=150s >/dev/null
  wait_for 60 "the image is missed" "" is_missed
}

is_missed() { kubectl -n speed-doctor get pods -l app=web -o 'jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}' | grep -q ErrImageNeverPull; }

# Nodes and pods that only the API server knows; kwok says that they are well.
a_crowd() {
  local kwok
  kwok=$(tool_path kwok)
  keep "$kwok" --kubeconfig "$KUBECONFIG" --config "$BENCH_DIR/kwok.yaml" --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --node-lease-duration-seconds 40 >"$REPORTS/kwok.log" 2>&1
  kubectl create namespace crowd >/dev/null
  at_exit away
  wait_for 20 "service account of crowd" "" kubectl -n crowd get serviceaccount default
  "$MEASURE" crowd -nodes "$CROWD_NODES" -pods "$CROWD_PODS"
}

away() {
  kubectl delete nodes -l type=kwok --wait=false
  # All in one request: one by one they take a quarter of an hour.
  kubectl delete --raw "/api/v1/namespaces/crowd/pods?gracePeriodSeconds=0"
  kubectl delete namespace crowd --wait=false
}

doctor() { printf '"%s" doctor --plain' "$SEAWORTHY"; }

# The cause is named first, whatever stands in the way.
answer() {
  local code=0 first
  "$SEAWORTHY" doctor --plain >"$REPORTS/answer" || code=$?
  first=$(head -n 1 "$REPORTS/answer")
  if ((code != 3)) || ! grep -qE "$CAUSE" <<<"$first"; then
    fail "ended with $code and said first: $first"
  fi
  printf 'says first: %s\n' "$first"
  tail -n 3 "$REPORTS/answer"
}

# What the doctor asks of an API server, without pages, into $FOLDER/lists.
lists() {
  proxy
  KUBECONFIG=$DOOR.kubeconfig "$SEAWORTHY" doctor --plain >/dev/null || true
  jq -r 'select(.method == "GET" and .status == 200 and (.query // "" | contains("limit="))) | .path' "$DOOR.requests" | sort -u >"$FOLDER/lists"
  [[ -s $FOLDER/lists ]] || fail "the doctor has asked for no list"
}

# All of them at once.
raw() { printf "xargs -P 16 -I{} sh -c 'kubectl get --raw {} >/dev/null' <%s" "$FOLDER/lists"; }
