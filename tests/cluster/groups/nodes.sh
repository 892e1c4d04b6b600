# More than one node.
# nodes: 3
# shellcheck shell=bash

test_pods_reach_each_other_across_nodes() {
  new_namespace
  local node nodes
  mapfile -t nodes < <(kubectl get nodes -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
  ((${#nodes[@]} == 3)) || fail "nodes: ${nodes[*]}"
  for node in "${nodes[@]}"; do
    k run "web-${node##*-}" --image="$BUSYBOX" --overrides "{\"spec\":{\"nodeName\":\"$node\"}}" -- \
      sh -c "mkdir /www; echo $node >/www/index.html; exec httpd -f -p 8080 -h /www"
  done
  for node in "${nodes[@]}"; do ready "web-${node##*-}"; done
  local from to
  for from in "${nodes[@]}"; do
    for to in "${nodes[@]}"; do
      expect "$to" k exec "web-${from##*-}" -- wget -q -T 3 -O - "http://$(k get pod "web-${to##*-}" -o 'jsonpath={.status.podIP}'):8080"
    done
  done
}

test_dns_from_every_node() {
  new_namespace
  local node
  for node in $(kubectl get nodes -o 'jsonpath={.items[*].metadata.name}'); do
    shell_pod "client-${node##*-}" "$node"
    ready "client-${node##*-}"
    k exec "client-${node##*-}" -- nslookup kubernetes.default.svc.cluster.local
  done
}

test_a_node_is_lost_and_comes_back() {
  local node=$NAME-3
  "$CLUSTER_DIR/node" stop "$node" --name "$NAME"
  eventually 90 node_is "$node" Unknown
  "$CLUSTER_DIR/node" start "$node" --name "$NAME"
  node_is "$node" True
  new_namespace
  shell_pod again "$node"
  ready again
}

node_is() { [[ $(kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == "$2" ]]; }
