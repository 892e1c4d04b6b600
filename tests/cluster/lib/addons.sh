# What a cluster holds from its start: DNS and, unless left out, volumes.
# shellcheck shell=bash

install_addons() {
  sed "s|@DNS_IP@|$DNS_IP|" "$CLUSTER_DIR/manifests/coredns.yaml" | kubectl_apply
  [[ $1 != yes ]] || kubectl_apply <"$CLUSTER_DIR/manifests/local-path.yaml"
}

# Server side, and without looking up the schema first: it saves a second.
kubectl_apply() { kubectl apply --server-side --validate=false -f - >>"$LOGS/addons.log" 2>&1 || {
  show_tail "$LOGS/addons.log"
  die "kubectl apply of the bootstrap objects"
}; }

wait_for_addons() {
  wait_for 90 "CoreDNS" "" is_available kube-system coredns
  [[ $1 != yes ]] || wait_for 90 "local-path-provisioner" "" is_available local-path-storage local-path-provisioner
}

is_available() {
  kubectl -n "$1" get deployment "$2" -o 'jsonpath={.status.conditions[?(@.type=="Available")].status}' | grep -qx True
}
