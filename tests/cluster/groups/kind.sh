# The real kind on a real Docker and a real Podman of our own, with the node image that is made here: what a cluster of it is.
# engines: docker podman
# shellcheck shell=bash

. "$CLUSTER_DIR/bench/measure.sh"

test_docker_one() { one_node docker; }

test_docker_three() { three_nodes docker; }

test_podman_one() { one_node podman; }

test_podman_three() { three_nodes podman; }

test_docker_started_again() { started_again docker; }

test_podman_started_again() { started_again podman; }

# What kind puts in front of several control planes is a stand-in here.
test_docker_control_planes() {
  create docker 'nodes: [{role: control-plane}, {role: control-plane}, {role: control-plane}, {role: worker}]'
  nodes_are "$CLUSTER-control-plane" "$CLUSTER-control-plane2" "$CLUSTER-control-plane3" "$CLUSTER-worker"
  delete
}

one_node() {
  create "$1"
  nodes_are "$CLUSTER-control-plane"
  expect "kind://$1/$CLUSTER/$CLUSTER-control-plane" k get node "$CLUSTER-control-plane" -o 'jsonpath={.spec.providerID}'
  load_busybox
  volume_keeps_data
  names_are_found
  delete
}

three_nodes() {
  create "$1" 'nodes: [{role: control-plane}, {role: worker}, {role: worker}]'
  nodes_are "$CLUSTER-control-plane" "$CLUSTER-worker" "$CLUSTER-worker2"
  load_busybox
  volume_keeps_data
  names_are_found
  pods_reach_each_other "$CLUSTER-worker" "$CLUSTER-worker2"
  delete
}

# After a start of the machine: all nodes were stopped, and come back in another order with other addresses.
started_again() {
  local before nodes
  create "$1" 'nodes: [{role: control-plane}, {role: worker}, {role: worker}]'
  nodes=("$CLUSTER-control-plane" "$CLUSTER-worker" "$CLUSTER-worker2")
  nodes_are "${nodes[@]}"
  load_busybox
  volume_keeps_data
  before=$(engine_addresses)
  "$ENGINE" stop "${nodes[@]}"
  "$ENGINE" start "${nodes[2]}" "${nodes[1]}" "${nodes[0]}"
  [[ $(engine_addresses) != "$before" ]] || fail "all addresses stayed: $before"
  eventually 90 addresses_are_known
  nodes_are "${nodes[@]}"
  eventually 60 k exec second -- true
  expect kept k exec second -- cat /data/file
  names_are_found
  pods_reach_each_other "${nodes[1]}" "${nodes[2]}"
  delete
}

engine_addresses() {
  "$ENGINE" inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "${nodes[@]}"
}

addresses_are_known() {
  [[ $(k get nodes -o 'jsonpath={range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}') == "$(engine_addresses)" ]]
}

# create ENGINE LINE...: a cluster by the file for this machine and these lines; deleted when the test ends. NAMESPACE is what `k` uses.
create() {
  CLUSTER=kind$RANDOM NAMESPACE=default
  export_engine "$1"
  KIND=$(tool_path kind)
  WORK=$(mktemp -d)
  at_exit rm -rf "$WORK"
  at_exit "$KIND" delete cluster --name "$CLUSTER"
  export KUBECONFIG=$WORK/kubeconfig
  { cat "$CLUSTER_DIR/manifests/kind.yaml" && printf '%s\n' "${@:2}"; } >"$WORK/config.yaml"
  "$KIND" create cluster --name "$CLUSTER" --image "$("$CLUSTER_DIR/kind-image" "$1")" --config "$WORK/config.yaml" --wait 60s
  contains "$CLUSTER" "$KIND" get clusters
}

nodes_are() {
  k wait --for=condition=Ready --timeout=60s node --all
  expect "$*" k get nodes -o 'jsonpath={.items[*].metadata.name}'
}

# As a user would: from a file, into all nodes.
load_busybox() {
  use_images
  "$KIND" load image-archive "$(image_archive busybox)" --name "$CLUSTER"
  eventually 30 k get serviceaccount default
}

volume_keeps_data() {
  k apply -f - >/dev/null <<'END'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
END
  shell_pod first "" data
  ready first
  expect standard k get pvc data -o 'jsonpath={.spec.storageClassName}'
  expect Bound k get pvc data -o 'jsonpath={.status.phase}'
  k exec first -- sh -c 'echo kept >/data/file'
  k delete pod first --wait >/dev/null
  shell_pod second "" data
  ready second
  expect kept k exec second -- cat /data/file
}

# By the cluster's own DNS and by way of a Service's address.
names_are_found() {
  k -n kube-system rollout status deployment/coredns --timeout=60s
  # Right after a start of the nodes, that is of before; and for some 15 s the API server's Service leads to its old address, too.
  eventually 60 k exec second -- nslookup kubernetes.default.svc.cluster.local
  eventually 60 k exec second -- nc -z -w 3 kubernetes.default 443
  # Docker's own name server, by way of the node. Podman's sometimes tells only the address of the other family, which pods have not.
  [[ $ENGINE == podman ]] || eventually 60 k exec second -- nc -z -w 3 "$CLUSTER-control-plane" 6443
}

pods_reach_each_other() {
  shell_pod here "$1"
  shell_pod there "$2"
  ready here
  ready there
  k exec there -- sh -c 'mkdir /www && echo served >/www/index.html && httpd -p 8080 -h /www'
  expect served k exec here -- wget -qO- "http://$(k get pod there -o 'jsonpath={.status.podIP}'):8080/"
}

delete() {
  "$KIND" delete cluster --name "$CLUSTER"
  expect "" "$ENGINE" ps --all --quiet --filter "label=io.x-k8s.kind.cluster=$CLUSTER"
  expect "" k config get-contexts -o name
}
