# The controllers of the prerequisites, installed from the manifests that come in
# their own Go modules: that this cluster offers them what a real one does. Its
# kubelets are as kubeadm's and kind's are.
# nodes: 3
# up: --self-signed
# images: prerequisites
# shellcheck shell=bash
# shellcheck source=tests/cluster/groups/lib/official.sh
. "$CLUSTER_DIR/groups/lib/official.sh"

# begin: a folder and a namespace; these, and what $WORK/all.yaml holds, go when the test ends.
begin() {
  WORK=$(mktemp -d)
  trap end EXIT
  NAMESPACE=test-$RANDOM$RANDOM
  kubectl create namespace "$NAMESPACE" >/dev/null
  eventually 20 k get serviceaccount default
}

# The namespace first: while their webhooks are there, objects need somebody to answer for them.
end() {
  kubectl delete namespace "$NAMESPACE" --timeout=60s >/dev/null
  [[ ! -s $WORK/all.yaml ]] || kubectl delete --ignore-not-found -f "$WORK/all.yaml" >/dev/null
  rm -rf "$WORK"
}

apply_all() { kubectl apply --server-side -f "$WORK/all.yaml" >/dev/null; }

rolled_out() {
  kubectl --namespace "$1" rollout status "$2" --timeout=90s >/dev/null ||
    fail "$2: $(kubectl --namespace "$1" get pods -o wide)"
}

refused() { if "$@" 2>&1; then fail "$* was not refused"; fi; }

# --- metrics-server: the API server asks another one, in a pod, on a client's behalf

test_metrics_api() {
  begin
  kubectl kustomize "$(module_dir metrics-server sigs.k8s.io/metrics-server)/manifests/overlays/release" >"$WORK/all.yaml"
  apply_all
  eventually 60 kubelets_are_not_trusted
  kubectl --namespace kube-system patch deployment metrics-server --type json \
    --patch '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'
  rolled_out kube-system deployment/metrics-server
  kubectl wait --for=condition=Available --timeout=60s apiservice/v1beta1.metrics.k8s.io
  eventually 60 every_node_is_measured
  contains '"kind":"PodMetricsList"' kubectl get --raw /apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods
  # No namespace can be deleted while there is an aggregated API that does not answer.
  kubectl delete apiservice v1beta1.metrics.k8s.io
}

kubelets_are_not_trusted() {
  kubectl --namespace kube-system logs --selector k8s-app=metrics-server --tail=-1 |
    grep -q "x509: cannot validate certificate for .* because it doesn't contain any IP SANs"
}

every_node_is_measured() {
  [[ $(kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes | jq -r '.items[].metadata.name' | sort) == "$(node_names)" ]]
}

node_names() { kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}' | sort; }

# --- MetalLB: an address on the bridge, and kube-proxy behind it

test_load_balancer_address_on_this_machine() {
  begin
  cp "$(module_dir metallb go.universe.tf/metallb)/config/manifests/metallb-native.yaml" "$WORK/all.yaml"
  apply_all
  rolled_out metallb-system deployment/controller
  rolled_out metallb-system daemonset/speaker
  eventually 60 pool_is "$(free_addresses)"
  # The API server asks the controller, which is a pod.
  contains "invalid IP range" refused pool_is 10.0.0.9-10.0.0.1
  # Its program does not hear the end, which would be half a minute's wait.
  k run web --image="$BUSYBOX" --labels app=web --overrides '{"spec": {"terminationGracePeriodSeconds": 0}}' -- sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 8080 -h /www'
  ready web
  answers_here Cluster
  answers_here Local
}

# Of the nodes' own network, far from their addresses.
free_addresses() {
  local node
  node=$(kubectl get nodes -o 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}')
  printf '%s.200-%s.210' "${node%.*}" "${node%.*}"
}

pool_is() {
  kubectl apply --server-side -f - <<EOF
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec: {addresses: ["$1"]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: pool, namespace: metallb-system}
spec: {ipAddressPools: [pool]}
EOF
}

# answers_here POLICY: a service with this traffic policy does, over TCP.
answers_here() {
  local name=${1,,}
  k apply -f - <<EOF
apiVersion: v1
kind: Service
metadata: {name: $name}
spec: {type: LoadBalancer, externalTrafficPolicy: $1, selector: {app: web}, ports: [{port: 80, targetPort: 8080, protocol: TCP}]}
EOF
  eventually 20 address_of "$name"
  eventually 20 curl -sSf -m 2 "http://$(address_of "$name")/"
  expect served curl -sS -m 2 "http://$(address_of "$name")/"
}

address_of() { k get service "$1" -o 'jsonpath={.status.loadBalancer.ingress[0].ip}' | grep .; }

# --- Kruise: a controller's own kind, completed and checked by its webhooks

test_clone_set() {
  begin
  official_kruise >"$WORK/all.yaml"
  apply_all
  rolled_out kruise-system deployment/kruise-controller-manager
  eventually 60 clone_set sample
  expect ReCreate k get cloneset clones -o 'jsonpath={.spec.updateStrategy.type}'
  contains "does not match template" refused clone_set other
  eventually 60 clones_ready 2
  k scale cloneset clones --replicas=3
  eventually 60 clones_ready 3
}

# clone_set LABEL: of its pods; its selector wants `sample`.
clone_set() {
  k apply --server-side -f - <<EOF
apiVersion: apps.kruise.io/v1alpha1
kind: CloneSet
metadata: {name: clones}
spec:
  replicas: 2
  selector: {matchLabels: {app: sample}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: "$BUSYBOX", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}]
EOF
}

clones_ready() { [[ $(k get cloneset clones -o 'jsonpath={.status.updatedReadyReplicas}/{.status.replicas}') == "$1/$1" ]]; }
