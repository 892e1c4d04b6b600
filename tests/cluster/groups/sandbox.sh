# The real kubectl and the real helm (4 and 3) against `sandbox serve`: what they say is what they say of a real cluster. No cluster is made.
# seaworthy
# cluster: none
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"
# shellcheck source=tests/cluster/lib/said.sh
. "$CLUSTER_DIR/lib/said.sh"

# serve [single-node|ha]: a sandbox of this test alone, and kubectl's way to it.
serve() {
  WORK=$(mktemp -d)
  export SEAWORTHY_STATE_DIR=$WORK/state
  "$SEAWORTHY" --sandbox="${1:-single-node}" sandbox serve >"$WORK/served" 2>&1 &
  SERVED=$!
  at_exit rm -rf "$WORK"
  at_exit end_served "$SERVED"
  wait_for 20 "the served sandbox" "$WORK/served" grep -q 'export KUBECONFIG=' "$WORK/served"
  KUBECONFIG=$(sed -n 's/.*export KUBECONFIG=//p' "$WORK/served")
  export KUBECONFIG
  KUBECTL=$("$CLUSTER_DIR/tool" kubectl)
}

end_served() {
  kill -INT "$1"
  wait "$1"
}

# k ENDS ARGUMENT...: kubectl, which has to end with that code; what it says is in $WORK/said.
k() { HOME=$WORK ends "$1" "$KUBECTL" "${@:2}"; }

# A deployment of so many pods of this image, and its service.
write_web() {
  cat >"$WORK/web.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: sea, labels: {app: web}}
spec:
  replicas: $1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "docker.io/library/nginx:$2", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: sea}
spec: {selector: {app: web}, ports: [{port: 80}]}
YAML
}

test_kubectl_applies_differs_and_rolls_out() {
  serve
  k 0 create namespace sea
  says_only "namespace/sea created"
  write_web 2 1.27
  k 0 apply -f "$WORK/web.yaml"
  says_only "deployment.apps/web created" "service/web created"
  k 0 apply -f "$WORK/web.yaml"
  says_only "deployment.apps/web unchanged" "service/web unchanged"
  k 0 -n sea rollout status deploy/web --timeout 50s
  says 'deployment "web" successfully rolled out'
  write_web 3 1.28
  k 1 diff -f "$WORK/web.yaml"
  says "-  replicas: 2" "+  replicas: 3" "-      - image: docker.io/library/nginx:1.27" "+      - image: docker.io/library/nginx:1.28"
  k 0 apply -f "$WORK/web.yaml"
  says_only "deployment.apps/web configured" "service/web unchanged"
  k 0 -n sea rollout status deploy/web --timeout 50s
  k 0 -n sea wait --for=condition=Available deploy/web --timeout 20s
  says_only "deployment.apps/web condition met"
  k 0 apply --server-side -f "$WORK/web.yaml"
  says_only "deployment.apps/web serverside-applied" "service/web serverside-applied"
  k 0 -n sea rollout undo deploy/web
  says_only "deployment.apps/web rolled back"
  k 0 -n sea rollout history deploy/web
  says "2         <none>" "3         <none>"
  k 0 -n sea get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image}'
  says docker.io/library/nginx:1.27
  k 0 delete -f "$WORK/web.yaml" --timeout 50s
  says_only 'deployment.apps "web" deleted from sea namespace' 'service "web" deleted from sea namespace'
  k 0 -n sea wait --for=delete pod -l app=web --timeout 50s
  k 0 delete namespace sea --timeout 50s
  says_only 'namespace "sea" deleted'
}

test_kubectl_gets_describes_and_reads_logs() {
  serve
  k 0 create namespace sea
  write_web 1 1.27
  k 0 apply -f "$WORK/web.yaml"
  k 0 -n sea wait --for=condition=Available deploy/web --timeout 50s
  k 0 get nodes
  says "NAME        STATUS   ROLES" "sandbox-1   Ready"
  k 0 get nodes -o wide
  says INTERNAL-IP CONTAINER-RUNTIME
  k 0 get storageclass
  says "(default)" WaitForFirstConsumer
  k 0 -n sea get all
  says "pod/web-" "service/web " "deployment.apps/web " "replicaset.apps/web-"
  k 0 -n sea get events
  says "LAST SEEN" "Started container web" "deployment/web"
  k 0 -n sea describe deploy web
  says "1 desired | 1 updated | 1 total | 1 available | 0 unavailable" "Scaled up replica set"
  k 0 -n sea describe pod -l app=web
  says "Successfully assigned sea/web-" "Successfully pulled image \"docker.io/library/nginx:1.27\""
  k 0 -n sea logs deploy/web
  says sandbox
  k 127 -n sea exec deploy/web -- ls
  says_only "the sandbox: nothing runs here, and nothing but counting files is simulated" "command terminated with exit code 127"
  k 0 explain deployment.spec.replicas
  says "FIELD: replicas <integer>"
  k 1 get nothing
  says_only "error: the server doesn't have a resource type \"nothing\""
  k 1 -n sea get pod nothing
  says_only 'Error from server (NotFound): pods "nothing" not found'
}

test_kubectl_writes_what_it_makes_itself() {
  serve
  k 0 create namespace sea
  k 0 -n sea create configmap chart --from-literal depth=12
  k 0 -n sea create secret generic key --from-literal word=ahoy
  k 0 -n sea get secret key -o 'go-template={{.data.word | base64decode}}'
  says ahoy
  k 0 -n sea create job once --image docker.io/library/busybox:1.36.1 -- true
  k 0 -n sea wait --for=condition=Complete job/once --timeout 50s
  k 0 -n sea create deployment web --image docker.io/library/nginx:1.27 --replicas 2
  k 0 -n sea expose deploy web --port 80
  k 0 -n sea autoscale deploy web --max 3
  k 0 -n sea get hpa
  says Deployment/web
  k 0 -n sea scale deploy web --replicas 1
  says_only "deployment.apps/web scaled"
  k 0 -n sea set image deploy/web nginx=docker.io/library/nginx:1.28
  k 0 -n sea rollout restart deploy web
  k 0 -n sea rollout status deploy web --timeout 50s
  k 0 -n sea label pod -l app=web colour=red
  k 0 -n sea annotate deploy web note=here
  k 0 auth can-i create pods
  says_only yes
  k 1 -n sea patch deploy web -p '{"spec": {"replicas": "two"}}'
  says 'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'
  k 0 -n sea run alone --image docker.io/library/busybox:1.36.1 --restart Never -- true
  k 0 -n sea delete deploy,svc,hpa web --timeout 50s
}

test_kubectl_prints_warnings_and_is_refused_by_webhooks() {
  serve
  k 0 create namespace sea
  write_web 1 1.27
  sed 's/^  replicas:/  replica: 2\n  replicas:/' "$WORK/web.yaml" >"$WORK/typo.yaml"
  k 0 apply --validate=warn -f "$WORK/typo.yaml"
  says 'Warning: unknown field "spec.replica"' "deployment.apps/web created"
  k 1 apply -f "$WORK/typo.yaml"
  says 'strict decoding error: unknown field "spec.replica"'
  k 0 label namespace sea pod-security.kubernetes.io/warn=restricted
  k 0 -n sea create deployment low --image docker.io/library/nginx:1.27
  says 'Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "nginx" must set' "deployment.apps/low created"
  k 0 -n sea wait --for=condition=Available deploy/low --timeout 50s
  k 0 label namespace sea pod-security.kubernetes.io/enforce=restricted
  says 'Warning: existing pods in namespace "sea" violate the new PodSecurity enforce level "restricted:latest"'
  cat >"$WORK/guard.yaml" <<'YAML'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
  - name: guard.seaworthy.test
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: {service: {name: guard, namespace: sea}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps], scope: "*"}]
YAML
  k 0 apply -f "$WORK/guard.yaml"
  k 1 -n sea create configmap chart --from-literal depth=12
  says 'failed calling webhook "guard.seaworthy.test": failed to call webhook: Post "https://guard.sea.svc:443/?timeout=10s": service "guard" not found'
  k 0 apply -f "$WORK/guard.yaml"
  says_only "validatingwebhookconfiguration.admissionregistration.k8s.io/guard unchanged"
  k 0 delete -f "$WORK/guard.yaml"
  k 0 -n sea create configmap chart --from-literal depth=12
}

test_kubectl_drains_a_node() {
  serve ha
  k 0 create namespace sea
  write_web 2 1.27
  k 0 apply -f "$WORK/web.yaml"
  k 0 -n sea wait --for=condition=Available deploy/web --timeout 50s
  local node
  node=$("$KUBECTL" -n sea get pod -l app=web -o 'jsonpath={.items[0].spec.nodeName}')
  k 0 drain "$node" --ignore-daemonsets --delete-emptydir-data --force --timeout 50s
  says "node/$node cordoned" "node/$node drained"
  k 0 get nodes
  says "Ready,SchedulingDisabled"
  k 0 -n sea get pod -l app=web -o wide
  if grep -q " $node " "$WORK/said"; then fail "something is left on $node: $(cat "$WORK/said")"; fi
  k 0 uncordon "$node"
  says_only "node/$node uncordoned"
}

test_control_c_ends_it_and_what_was_made_stays() {
  serve
  k 0 create namespace sea
  local code=0
  end_served "$SERVED" || code=$?
  # As everything that a signal ends (DESIGN, exit codes).
  ((code == 130)) || fail "it ended with $code, not 130: $(cat "$WORK/served")"
  k 1 get namespaces
  says "refused"
  # Another file: what the first one said is in the old one until this one has begun.
  "$SEAWORTHY" sandbox serve >"$WORK/again" 2>&1 &
  at_exit end_served $!
  wait_for 20 "the served sandbox" "$WORK/again" grep -qs 'Ctrl-C ends it' "$WORK/again"
  k 0 get namespace sea
}

test_helm_4_installs_upgrades_and_uninstalls() { helm_sails helm; }

test_helm_3_installs_upgrades_and_uninstalls() { helm_sails helm3; }

# helm_sails TOOL: a whole life of a chart
helm_sails() {
  local chart=$CLUSTER_DIR/charts/shop
  serve
  HELM=$("$CLUSTER_DIR/tool" "$1")
  h install shop "$chart" -n shop --create-namespace --wait --timeout 50s --set web.password=ahoy
  says "STATUS: deployed" "REVISION: 1"
  h list -A
  says "deployed" "shop-0.1.0"
  h upgrade shop "$chart" -n shop --set web.replicas=2 --set web.password=ahoy --wait --timeout 50s
  says "REVISION: 2"
  k 0 -n shop get deploy shop-web
  says 2/2
  h rollback shop 1 -n shop --wait --timeout 50s
  h history shop -n shop
  says "Rollback to 1" superseded
  h test shop -n shop --timeout 50s
  says Succeeded
  h uninstall shop -n shop --wait --timeout 50s
  says 'release "shop" uninstalled'
  k 0 -n shop get deploy,sts,secret
  says_only "No resources found in shop namespace."
}

h() { HOME=$WORK ends 0 "$HELM" "$@"; }
