# What the doctor says first of a cluster in which one thing was broken by hand, and of a healthy one. What is expected of each
# case lies in doctor/expected.txt and was written before the case was first run; the whole answers, and the
# evidence, are kept in $STATE/.reports/doctor/.
# seaworthy
# nodes: 2
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
. "$CLUSTER_DIR/groups/lib/screen.sh"
DOCTOR_DIR=$CLUSTER_DIR/doctor
REPORTS=$REPORTS/doctor
# How many cases run at once.
: "${DOCTOR_AT_ONCE:=3}"

test_healthy() { cases healthy; }

test_images_and_programs() { cases image crash oom job stuck; }

test_configuration() { cases secret key quota; }

test_scheduling_and_storage() { cases cpu claim mode lost finalizer; }

test_services() { cases selector port probe chain; }

test_control() { cases webhook api certificate; }

test_etcd() {
  "$CLUSTER_DIR/load-image" --name "$NAME" etcd
  cases etcd
}

# What can be done about it, from the home screen: what a StatefulSet had before is shown, agreed to and run, and the pod that the StatefulSet
# would wait for is let go of.
test_remedy_of_a_stateful_set() {
  NAMESPACE=doctor-back
  WORK=$(mktemp -d)
  at_exit rm -rf "$WORK"
  kubectl delete namespace "$NAMESPACE" --ignore-not-found >/dev/null
  kubectl create namespace "$NAMESPACE" >/dev/null
  at_exit kubectl delete namespace "$NAMESPACE" --wait=false
  wait_for 20 "service account of $NAMESPACE" "" k get serviceaccount default
  sed 's|registry.invalid/nosuch/db:1|docker.io/library/busybox:1.36.1|' "$DOCTOR_DIR/cases/stuck.yaml" | k apply -f - >/dev/null
  k rollout status statefulset/db --timeout=60s
  of_image registry.invalid/nosuch/db:2
  wait_for 60 "db-1 has no image" "" waits db-1
  on_screen "▸ ✓"
  press Enter
  see "P007"
  # Home has more to tell than this: only its line is looked for.
  press /
  type_in "doctor-back P007"
  press Enter
  see "f: give StatefulSet/db the pod template of revision 1 again"
  see "f fix"
  press f
  see "Go ahead"
  type_in y
  press Enter
  see "done, and the check finds it no more"
  # It looks once more before it listens.
  see "goes back to the screen"
  press Enter
  see "nothing holds"
  press q
  eventually_gone
  k rollout status statefulset/db --timeout=10s
  [[ $(k get pods -l app=db -o 'jsonpath={.items[*].spec.containers[0].image}') == "docker.io/library/busybox:1.36.1 docker.io/library/busybox:1.36.1" ]]
}

eventually_gone() { wait_for 20 "the screen is left" "" gone_from_screen; }

# of_image IMAGE: another template for the StatefulSet.
of_image() {
  k patch statefulset db --type json -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "'"$1"'"}]' >/dev/null
}

# The last ones: they concern the whole cluster.
test_dns() {
  local replicas
  replicas=$(kubectl -n kube-system get deployment coredns -o 'jsonpath={.spec.replicas}')
  at_exit kubectl -n kube-system rollout status deployment/coredns --timeout=90s
  at_exit kubectl -n kube-system scale deployment coredns --replicas="$replicas"
  cases dns
}

test_node_is_away() {
  "$CLUSTER_DIR/node" stop "$NAME-2" --name "$NAME"
  at_exit "$CLUSTER_DIR/node" start "$NAME-2" --name "$NAME"
  cases node
}

# What there is to do beyond the manifest.

after_lost() {
  wait_for 30 "the claim is bound" "" claim_is Bound
  kubectl delete persistentvolume "$NAMESPACE" --wait=false
  kubectl patch persistentvolume "$NAMESPACE" --type json -p '[{"op": "remove", "path": "/metadata/finalizers"}]' || true
}

# The image is put right, and Kubernetes does not try it.
after_stuck() {
  wait_for 60 "db-0 has no image" "" waits db-0
  of_image docker.io/library/busybox:1.36.1
}

waits() { k get pod "$1" -o 'jsonpath={.status.containerStatuses[*].state.waiting.reason}' | grep -q ErrImageNeverPull; }

after_finalizer() {
  k wait --for=condition=Ready --timeout=60s pod/db
  k delete persistentvolumeclaim data --wait=false
}

after_dns() { kubectl -n kube-system scale deployment coredns --replicas=0; }

before_certificate() {
  local folder
  folder=$(mktemp -d)
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=web.example -days 1 -keyout "$folder/key" -out "$folder/crt" 2>/dev/null
  openssl x509 -in "$folder/crt" -signkey "$folder/key" -days -1 -out "$folder/old" 2>/dev/null
  CERTIFICATE=$(base64 -w 0 "$folder/old") KEY=$(base64 -w 0 "$folder/key")
}

# Writes until one is refused: 64 KiB each, so that the quota of 2 MiB is used up after a few dozen.
after_etcd() {
  local value number
  k wait --for=condition=Available --timeout=60s deployment/db
  value=$(head -c 49152 /dev/urandom | base64 -w 0)
  for number in $(seq 100); do
    k exec deploy/db -- sh -c "printf %s \"\$1\" | etcdctl put key-\$2" -- "$value" "$number" >/dev/null 2>&1 || return 0
  done
  fail "etcd has taken 6 MiB in spite of its quota"
}

after_webhook() { at_exit kubectl delete validatingwebhookconfiguration "$NAMESPACE"; }

after_api() { at_exit kubectl delete apiservice v1.ghost-doctor.example; }

# When the cluster shows it.

shows_healthy() { [[ $(k get deployment web -o 'jsonpath={.status.availableReplicas}') == 2 ]]; }
shows_image() { waiting web | grep -q ImagePullBackOff && stuck; }
shows_stuck() { older_than 75; }
shows_crash() { waiting web | grep -q CrashLoopBackOff && (($(restarts) >= 2)); }
shows_oom() { waiting web | grep -q CrashLoopBackOff; }
shows_secret() { waiting web | grep -q CreateContainerConfigError; }
shows_key() { waiting web | grep -q CreateContainerConfigError; }
shows_cpu() { k get pods -o 'jsonpath={.items[*].status.conditions[*].reason}' | grep -q Unschedulable; }
shows_claim() { k get events -o 'jsonpath={.items[*].reason}' | grep -q ProvisioningFailed && k get pod db -o 'jsonpath={.status.conditions[*].reason}' | grep -q Unschedulable; }
# The scheduler still waits for the volume then, and says nothing of it.
shows_mode() { k get events -o 'jsonpath={.items[*].reason}' | grep -q ProvisioningFailed; }
shows_selector() { [[ $(k get deployment web -o 'jsonpath={.status.availableReplicas}') == 1 ]]; }
shows_port() { shows_selector; }
shows_probe() { k get events -o 'jsonpath={.items[*].reason}' | grep -q Unhealthy && stuck; }
shows_quota() { k get replicasets -o 'jsonpath={.items[*].status.conditions[*].reason}' | grep -q FailedCreate; }
shows_chain() { waiting db | grep -q ImagePullBackOff && waiting web | grep -q CrashLoopBackOff && (($(restarts) >= 3)) && older_than 65; }
shows_job() { k get job load -o 'jsonpath={.status.conditions[*].type}' | grep -q Failed; }
shows_finalizer() { k get persistentvolumeclaim data -o 'jsonpath={.metadata.deletionTimestamp}' | grep -q . && older_than 90; }
shows_lost() { claim_is Lost; }
shows_webhook() { k get replicasets -o 'jsonpath={.items[*].status.conditions[*].reason}' | grep -q FailedCreate; }
shows_api() { kubectl get apiservice v1.ghost-doctor.example -o 'jsonpath={.status.conditions[*].status}' | grep -q False; }
# The log of a container that has just been started is not read: it may still be on its way.
shows_etcd() { k logs deploy/db | grep -q NOSPACE && stuck_db && older_than 45; }
stuck_db() { [[ $(k get deployment db -o 'jsonpath={.status.availableReplicas}') == '' ]]; }
shows_certificate() { k get secret web-tls; }
shows_node() { kubectl get node "$NAME-2" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' | grep -qx Unknown; }
shows_dns() { [[ -z $(kubectl -n kube-system get endpointslices -l kubernetes.io/service-name=kube-dns -o 'jsonpath={.items[*].endpoints[*].addresses}') ]]; }

claim_is() { [[ $(k get persistentvolumeclaim data -o 'jsonpath={.status.phase}') == "$1" ]]; }
waiting() { k get pods -l "app=$1" -o 'jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}'; }
restarts() { k get pods -l app=web -o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}'; }
stuck() { k get deployment web -o 'jsonpath={.status.conditions[*].reason}' | grep -q ProgressDeadlineExceeded && older_than 65; }
older_than() { ((SECONDS - BEGUN >= $1)); }

# The machinery.

# cases NAME...: each in a process of its own, some at once.
cases() {
  local name status=0
  mkdir -p "$REPORTS"
  for name in "$@"; do
    while (($(jobs -rp | wc -l) >= DOCTOR_AT_ONCE)); do sleep 0.1; done
    # Here, not where the case begins: on a busy machine that is later, and the report of a former run says that it has ended.
    : >"$REPORTS/$name"
    (
      set +e
      (
        set -e
        one_case "$name"
      )
      printf 'ENDED %d\n' $?
    ) >"$REPORTS/$name" 2>&1 &
  done
  for name in "$@"; do
    wait_for 170 "the end of $name" "$REPORTS/$name" case_ended "$name"
    grep -q '^ENDED 0' "$REPORTS/$name" || status=1
    grep -E '^(as expected|expected|said|ENDED [^0])' "$REPORTS/$name" || true
  done
  return "$status"
}

case_ended() { grep -q '^ENDED' "$REPORTS/$1"; }

one_case() {
  local name=$1 manifest=$DOCTOR_DIR/cases/$1.yaml
  EXITS=() BEGUN=$SECONDS
  NAMESPACE=doctor-$name
  kubectl delete namespace "$NAMESPACE" --ignore-not-found >/dev/null
  kubectl delete persistentvolume "$NAMESPACE" --ignore-not-found >/dev/null
  kubectl create namespace "$NAMESPACE" >/dev/null
  at_exit kubectl delete namespace "$NAMESPACE" --wait=false
  wait_for 20 "service account of $NAMESPACE" "" k get serviceaccount default
  ! declare -F "before_$name" >/dev/null || "before_$name" >/dev/null
  if [[ -f $manifest ]]; then
    # shellcheck disable=SC2016
    NAMESPACE=$NAMESPACE CERTIFICATE=${CERTIFICATE:-} KEY=${KEY:-} envsubst '$NAMESPACE $CERTIFICATE $KEY' <"$manifest" | k apply -f - >/dev/null
  fi
  ! declare -F "after_$name" >/dev/null || "after_$name" >/dev/null
  wait_for 150 "the cluster shows $name" "" "shows_$name"
  judge_case "$name"
}

# The first line and the exit code. Cases about the whole cluster ask about it; others only about their namespace.
judge_case() {
  local name=$1 pattern code got=0 first line
  local scope=(--namespace "$NAMESPACE")
  case $name in
    api) scope=(--only X010) ;;
    node | dns) scope=() ;;
  esac
  # A line of the file: case, exit code, pattern.
  line=$(grep -P "^$name\t" "$DOCTOR_DIR/expected.txt")
  code=$(cut -f 2 <<<"$line")
  pattern=$(cut -f 3 <<<"$line")
  pattern=${pattern//'{ns}'/$NAMESPACE}
  pattern=${pattern//'{node}'/$NAME-2}
  rm -f "$REPORTS/$name.json"
  "$SEAWORTHY" doctor "${scope[@]}" --plain --save "$REPORTS/$name.json" >"$REPORTS/$name.answer" || got=$?
  first=$(head -n 1 "$REPORTS/$name.answer")
  cat "$REPORTS/$name.answer"
  if [[ $got == "$code" && $first == $(literal "$pattern") ]]; then
    printf 'as expected %s: %s\n' "$name" "$first"
  else
    printf 'expected %s (%s): %s\nsaid     %s (%s): %s\n' "$name" "$code" "$pattern" "$name" "$got" "$first"
    return 1
  fi
}

# The pattern in which only stars mean anything.
# shellcheck disable=SC2001
literal() { sed 's/[][?\\()!+@|]/\\&/g' <<<"$1"; }
