# The official manifests of the prerequisites, from the modules that the test
# cluster's own controllers are built from, for images that are to be had here.
# shellcheck shell=bash

official_metrics_server() {
  kubectl kustomize "$(module_dir metrics-server sigs.k8s.io/metrics-server)/manifests/overlays/release" |
    sed 's/- --metric-resolution=15s/&\n        - --kubelet-insecure-tls/'
}

official_metallb() { cat "$(module_dir metallb go.universe.tf/metallb)/config/manifests/metallb-native.yaml"; }

official_local_path() {
  sed 's/:v0\.0\.[0-9]*/:v0.0.30/' "$(module_dir local-path github.com/rancher/local-path-provisioner)/deploy/local-path-storage.yaml"
}

# Without the daemon, which a CloneSet does not need.
official_kruise() {
  local base
  base=$(module_dir kruise github.com/openkruise/kruise)/config/default
  cat >"$WORK/kustomization.yaml" <<EOF
resources: [$(realpath --relative-to "$WORK" "$base")]
images: [{name: controller, newName: docker.io/openkruise/kruise-manager, newTag: v1.8.3}]
patches:
  - patch: '{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kruise-daemon, namespace: kruise-system}, \$patch: delete}'
  - target: {kind: Deployment}
    patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "IfNotPresent"}]'
EOF
  kubectl kustomize "$WORK"
}
