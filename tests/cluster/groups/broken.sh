# Installs that cannot succeed: the root and the reason are on the screen soon after the API server has them, in the last
# line and in the JSON document. The cases and what is expected of each lie in broken/; one line for each case that was run
# is kept in $STATE/.reports/broken/.
# seaworthy
# nodes: 2
# standins: sample
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
BROKEN_DIR=$CLUSTER_DIR/broken
REPORTS=$REPORTS/broken
# How long seaworthy waits for one object, and how many installs run at once.
: "${BROKEN_TIMEOUT:=20s}" "${BROKEN_AT_ONCE:=3}"

test_images() { with_registry cases image-missing image-private registry-refuses registry-unresolved registry-untrusted image-name image-never; }

test_claims() { cases claim-class claim-class-set claim-lost claim-missing; }

test_no_default_class() {
  local default
  default=$(kubectl get storageclass -o 'jsonpath={.items[?(@.metadata.annotations.storageclass\.kubernetes\.io/is-default-class=="true")].metadata.name}')
  kubectl annotate --overwrite storageclass "$default" storageclass.kubernetes.io/is-default-class=false >/dev/null
  at_exit kubectl annotate --overwrite storageclass "$default" storageclass.kubernetes.io/is-default-class=true
  cases claim-no-default
}

test_quotas() { cases quota-pods quota-cpu quota-silent quota-claims limit-range pod-security priority-class service-account; }

test_webhooks() { with_webhook cases webhook-denies webhook-denies-pods webhook-gone webhook-no-service; }

test_probes() { cases probe-readiness probe-liveness probe-startup; }

test_configuration() { cases secret-env configmap-env configmap-key secret-volume configmap-volume-key root-refused host-path; }

test_programs_that_end() { cases exit-1 exit-1-later exit-1-log exit-0 exit-2-flag command-missing command-127; }

test_programs_that_are_ended() { cases out-of-memory read-only-root init-fails init-waits dependency-refused job; }

test_scheduling() { cases cpu memory node-labels node-taint pods-apart host-port; }

test_ways_in() { cases node-port reach-no-endpoints reach-wrong-path reach-refused load-balancer; }

test_refused_objects() { cases immutable kind-unknown namespace-ends invalid field-conflict; }

# The last one: the node is away for a while.
test_node_is_away() {
  "$CLUSTER_DIR/node" stop "$NAME-2" --name "$NAME"
  at_exit "$CLUSTER_DIR/node" start "$NAME-2" --name "$NAME"
  wait_for 90 "$NAME-2 not ready" "" node_is_away
  BROKEN_TIMEOUT=15s cases node-stopped
}

node_is_away() { kubectl get node "$NAME-2" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' | grep -qx Unknown; }

# What must be there before the install. NAMESPACE is new.

before_claim_lost() {
  k apply -f - <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NAMESPACE}
spec: {capacity: {storage: 1Mi}, accessModes: [ReadWriteOnce], storageClassName: by-hand, hostPath: {path: /srv/lost}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}, storageClassName: by-hand, volumeName: $NAMESPACE}
END
  wait_for 20 "the claim is bound" "" claim_is Bound
  kubectl delete persistentvolume "$NAMESPACE" --wait=false
  kubectl patch persistentvolume "$NAMESPACE" --type json -p '[{"op": "remove", "path": "/metadata/finalizers"}]' || true
  wait_for 20 "the claim is lost" "" claim_is Lost
}

claim_is() { [[ $(k get persistentvolumeclaim data -o 'jsonpath={.status.phase}') == "$1" ]]; }

quota() {
  k create quota tight --hard "$1"
  wait_for 10 "the quota is counted" "" quota_is_counted
}

quota_is_counted() { [[ -n $(k get resourcequota tight -o 'jsonpath={.status.hard}') ]]; }

before_quota_pods() { quota pods=0; }

before_quota_cpu() { quota requests.cpu=100m; }

before_quota_silent() { quota limits.memory=1Gi; }

before_quota_claims() { quota persistentvolumeclaims=0; }

before_limit_range() {
  k apply -f - <<'END'
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {cpu: 100m}}]}
END
}

before_pod_security() { kubectl label namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=restricted; }

# hook GROUP KIND CLIENT-CONFIG: asked about this namespace only.
hook() {
  kubectl apply -f - <<END
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $NAMESPACE}
webhooks:
  - name: gone.seaworthy.test
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 3
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NAMESPACE}}
    rules: [{apiGroups: ["$1"], apiVersions: ["*"], operations: [CREATE], resources: [$2]}]
    clientConfig: $3
END
  at_exit kubectl delete validatingwebhookconfiguration "$NAMESPACE"
  # The API server reads them a moment later.
  sleep 2
}

before_webhook_denies() { hook apps deployments "{url: $WEBHOOK, caBundle: $AUTHORITY}"; }

before_webhook_denies_pods() { hook "" pods "{url: $WEBHOOK, caBundle: $AUTHORITY}"; }

before_webhook_gone() { hook "" pods '{url: "https://127.0.0.1:5998/ask"}'; }

before_webhook_no_service() { hook "" pods '{service: {namespace: default, name: nosuch}}'; }

before_configmap_key() { k create configmap settings --from-literal=colour=blue; }

before_configmap_volume_key() { k create configmap settings --from-literal=colour=blue; }

before_host_port() {
  k run holder --image registry.k8s.io/pause:3.10 --overrides \
    '{"spec": {"nodeSelector": {"seaworthy.test/node": "first"}, "containers": [{"name": "holder", "image": "registry.k8s.io/pause:3.10", "ports": [{"containerPort": 80, "hostPort": 18080}]}]}}'
  k wait --for=condition=Ready --timeout=30s pod/holder
}

before_node_port() { k create service nodeport holder --tcp=80:80 --node-port=31998; }

before_immutable() { first_install immutable; }

before_field_conflict() {
  first_install field-conflict
  k apply --server-side --force-conflicts --field-manager=other -f - <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2}
END
}

first_install() {
  SEAWORTHY_STATE_DIR=$(mktemp -d) timeout 60 "${INSTALL[@]}" -f "$BROKEN_DIR/cases/first/$1.yaml" --timeout 30s
}

before_namespace_ends() {
  k create configmap held
  k patch configmap held -p '{"metadata": {"finalizers": ["seaworthy.test/held"]}}'
  kubectl delete namespace "$NAMESPACE" --wait=false
}

after_namespace_ends() { k patch configmap held --type json -p '[{"op": "remove", "path": "/metadata/finalizers"}]'; }

# The machinery.

# cases NAME...: each in a process of its own, some at once.
cases() {
  local name status=0
  build_measure
  ensure_packages jq:jq
  mark_nodes
  mkdir -p "$REPORTS"
  for name in "$@"; do
    while (($(jobs -rp | wc -l) >= BROKEN_AT_ONCE + ${#KEPT[@]})); do sleep 0.1; done
    (one_case "$name") >"$REPORTS/$name" 2>&1 &
  done
  for name in "$@"; do
    wait_for 150 "the end of $name" "$REPORTS/$name" case_ended "$name"
    grep -q '^ENDED 0' "$REPORTS/$name" || status=1
    sed -i '/^ENDED/d' "$REPORTS/$name"
    cat "$REPORTS/$name"
  done
  return "$status"
}

case_ended() { grep -q '^ENDED' "$REPORTS/$1"; }

one_case() {
  local name=$1 hook=${1//-/_} status=0
  EXITS=()
  NAMESPACE=broken-$name
  # What would be refused before the first write (group preflight) is let through: here it is what a wait says that counts.
  INSTALL=("$SEAWORTHY" install broken --profiles "$BROKEN_DIR/stacks" --namespace "$NAMESPACE" --yes)
  for check in definitions references room ports addresses rights; do INSTALL+=(--ignore "$check"); done
  kubectl delete namespace "$NAMESPACE" --ignore-not-found >/dev/null
  # A Lease of a run that was killed, and the record of one that was not.
  kubectl -n seaworthy-system delete lease,configmap "$NAMESPACE.broken" --ignore-not-found >/dev/null
  kubectl create namespace "$NAMESPACE" >/dev/null
  at_exit kubectl delete namespace "$NAMESPACE" --wait=false
  wait_for 20 "service account of $NAMESPACE" "" k get serviceaccount default
  if declare -F "before_$hook" >/dev/null; then
    if ! "before_$hook" >"$REPORTS/$name.before" 2>&1; then
      cat "$REPORTS/$name.before"
      printf 'ENDED 1\n'
      exit 1
    fi
    rm "$REPORTS/$name.before"
  fi
  "$MEASURE" broken -expected "$BROKEN_DIR/expected.txt" -namespace "$NAMESPACE" -node2 "$NAME-2" "$name" \
    timeout 120 "${INSTALL[@]}" -f "$BROKEN_DIR/cases/$name.yaml" --timeout "$BROKEN_TIMEOUT" || status=1
  doctor_names "$name" || status=1
  ! declare -F "after_$hook" >/dev/null || "after_$hook" >/dev/null
  printf 'ENDED %d\n' "$status"
}

# The doctor names the cause first, and nothing beside it, of what the installation has left.
doctor_names() {
  local name=$1 begun=$SECONDS object id
  read -r _ object id < <(grep -E "^$name +" "$BROKEN_DIR/doctor.txt") || return 0
  object=${object//NODE2/$NAME-2}
  object=${object//NS/$NAMESPACE}
  while ! doctor_has_named "$object" "$id"; do
    if ((SECONDS - begun > 60)); then
      printf 'doctor    %s: expected %s %s alone, said %s\n' "$name" "$id" "$object" "$(doctor_roots)"
      return 1
    fi
    sleep 1
  done
  printf 'doctor    %s: %s, %d s after the end\n' "$name" "$(doctor_roots)" $((SECONDS - begun))
}

# doctor_has_named OBJECT ID
doctor_has_named() {
  local code=0
  "$SEAWORTHY" doctor --namespace "$NAMESPACE" -o json >"$REPORTS/$name.doctor.json" || code=$?
  # Something else than findings stands in the way.
  ((code == 3 || code == 0)) || die "doctor ended with $code: $(cat "$REPORTS/$name.doctor.json")"
  [[ $(doctor_roots) =~ ^($2)\ ($1)$ ]]
}

# The roots at warning or above, worst first: ID KIND/NAME, a comma between two.
doctor_roots() {
  jq -r '[.findings[] | select(.severity != "info") | "\(.id) \(.object.kind)/\(.object.name)"] | join(", ")' "$REPORTS/$name.doctor.json"
}

# All pods go to the first node; the second one is for what is said of nodes.
mark_nodes() {
  kubectl label --overwrite node "$NAME-1" seaworthy.test/node=first >/dev/null
  kubectl label --overwrite node "$NAME-2" seaworthy.test/node=second >/dev/null
  kubectl taint --overwrite node "$NAME-2" team=other:NoSchedule >/dev/null
}

with_registry() {
  local node log
  build_measure
  log=$(mktemp)
  node=$(node_pid "$NAME-1")
  nsenter --target "$node" --mount sh -c 'grep -q registry.test /etc/hosts || echo "127.0.0.1 registry.test" >>/etc/hosts'
  # Only its network: the program itself lies on this machine.
  keep nsenter --target "$node" --net "$MEASURE" registry >"$log"
  wait_for 10 "the registry" "$log" grep -q ready "$log"
  "$@"
}

with_webhook() {
  local log
  build_measure
  log=$(mktemp)
  keep "$MEASURE" webhook -ca "$log.ca" >"$log"
  wait_for 10 "the webhook" "$log" grep -q https "$log"
  WEBHOOK=$(cat "$log") AUTHORITY=$(base64 -w 0 "$log.ca")
  "$@"
}
