# What is in the cluster, to be compared with what is in it later.
# shellcheck shell=bash

# everything: each object of the cluster of every kind that can be listed, but
# events and measurements: RESOURCE NAMESPACE/NAME UID
everything() {
  local kinds
  kinds=$(kubectl api-resources --verbs=list -o name | grep -vE '^(events|events\.events\.k8s\.io|componentstatuses|.*\.metrics\.k8s\.io)$' | paste -sd,)
  kubectl get "$kinds" --all-namespaces -o json |
    jq -r '.items[] | "\(.kind) \(.metadata.namespace // "")/\(.metadata.name) \(.metadata.uid)"' | sort -u
}

# added BEFORE: what was not there then, but for the program's own namespace
added() {
  comm -13 "$1" <(everything) | cut -d' ' -f1,2 |
    grep -vE "^(Namespace /$SYSTEM|ConfigMap $SYSTEM/kube-root-ca.crt|ServiceAccount $SYSTEM/default)$" | sort
}
