# A whole cluster: up, down, and whether it is well.
# shellcheck shell=bash

prepare() {
  ((EUID == 0)) || die "a cluster needs root: namespaces, mounts and cgroups"
  export PATH=$PATH:/usr/sbin:/sbin
  install_packages
  build_all
  use_images
}

# bring_up NODES AUDIT STORAGE KUBELETS: KUBELETS is signed (their certificates, by the
# cluster's authority) or self-signed.
bring_up() {
  mapfile -t nodes < <(node_names "$1")
  mkdir -p "$DIR" "$LOGS"
  printf '%s\n' "$*" >"$DIR/wanted"
  claim_network
  make_bridge
  make_pki "$1"
  start_control_plane "$2" "$4"
  start_nodes "$3" "${nodes[@]}"
  wait_for_api
  start_controllers
  install_addons "$3"
  connect_pods "${nodes[@]}"
  wait_for_nodes "${nodes[@]}"
  wait_for_addons "$3"
}

# Nodes start side by side, while the API server does.
start_nodes() {
  local storage=$1 name archives=() jobs=() node job
  shift
  for name in "${BASE_IMAGES[@]}"; do archives+=("$(image_archive "$name")"); done
  [[ $storage != yes ]] || archives+=("$(image_archive local-path)")
  for node in "$@"; do
    (
      start_node "$node"
      load_archives "$node" "${archives[@]}"
    ) &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || die "a node did not start"; done
}

# is_healthy NODES AUDIT STORAGE KUBELETS: the cluster is as wanted, and answers.
is_healthy() {
  local node
  [[ -f $DIR/wanted && $(cat "$DIR/wanted") == "$*" ]] || return 1
  all_running || return 1
  use_network
  kubectl get --raw /readyz >/dev/null 2>&1 || return 1
  for node in $(node_names "$1"); do node_is_ready "$node" || return 1; done
}

tear_down() {
  local file
  [[ -d $DIR ]] || return 0
  # All is thrown away, so nothing is asked to end in order. Nodes first: then
  # what is left in pids is the control plane.
  if [[ -f $DIR/octet ]]; then
    use_network
    for file in "$DIR"/nodes/*; do [[ ! -e $file ]] || stop_node "${file##*/}"; done
    remove_bridge
  fi
  for file in "$DIR"/pids/*; do [[ ! -e $file ]] || stop_process "${file##*/}" KILL; done
  rm -rf "$DIR"
}
