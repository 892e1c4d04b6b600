# A node is a process tree of its own: the namespaces (mounts, network, pids, host
# name) of `unshare`, in which node-init starts containerd, kubelet and
# kube-proxy. Killing its first process is pulling the plug: the kernel ends all
# that ran there, mounts and network cards included.
# shellcheck shell=bash

node_names() { seq -f "$NAME-%g" 1 "$1"; }

node_dir() { printf '%s/nodes/%s' "$DIR" "$1"; }

cgroup_of() { printf 'seaworthy-%s' "$1"; }

# start_node NODE: up to the running container runtime; it joins by itself.
start_node() {
  local node=$1 folder pid
  folder=$(node_dir "$node")
  mkdir -p "$folder"/{kubelet,containerd,cni}
  write_node_settings "$node" "$folder"
  make_cgroups "$node"
  start_process "$node" unshare --mount --propagation private --net --uts --ipc --pid --fork --kill-child --mount-proc \
    bash "$CLUSTER_DIR/lib/node-init" "$folder"
  wait_for 10 "namespaces of $node" "$LOGS/$node.log" node_pid "$node"
  pid=$(node_pid "$node")
  plug_in "$node" "$pid"
  wait_for 30 "containerd of $node" "$LOGS/$node-containerd.log" ctr_of "$node" version
}

# The first process inside; the recorded one is `unshare`, its parent.
node_pid() {
  local parent children
  parent=$(recorded_pid "$1")
  children=$(cat "/proc/$parent/task/$parent/children") && [[ -n $children ]] && printf '%s' "${children%% *}"
}

in_node() {
  local pid
  pid=$(node_pid "$1")
  shift
  nsenter --target "$pid" --mount --net --uts --ipc --pid "$@"
}

ctr_of() {
  local node=$1
  shift
  ctr --address "$(node_dir "$node")/run/containerd.sock" --namespace k8s.io "$@"
}

write_node_settings() {
  local node=$1 folder=$2
  cat >"$folder/settings" <<EOF
NODE=$node
IP=$(node_ip "$node")
GATEWAY=$HOST_IP
DNS_IP=$DNS_IP
POD_CIDR=$POD_CIDR
KUBELET=$BIN/kubelet
KUBE_PROXY=$BIN/kube-proxy
PKI=$PKI
LOGS=$LOGS
CONTAINERD_CONFIG=$CLUSTER_DIR/manifests/containerd.toml
EOF
  sed "s|@CGROUP@|/$(cgroup_of "$node")|; s|@DNS_IP@|$DNS_IP|; s|@PKI@|$PKI|; s|@NODE@|$node|" \
    "$CLUSTER_DIR/manifests/kubelet.yaml" >"$folder/kubelet.yaml"
  [[ $(cat "$DIR/wanted") != *' self-signed' ]] || sed -i '/^tls/d' "$folder/kubelet.yaml"
}

# cgroup v1 has one tree a controller, v2 a single one.
cgroup_roots() {
  local root
  for root in /sys/fs/cgroup/*/cgroup.procs; do [[ ! -e $root ]] || printf '%s\n' "${root%/cgroup.procs}"; done
  [[ ! -e /sys/fs/cgroup/cgroup.controllers ]] || printf '/sys/fs/cgroup\n'
}

make_cgroups() {
  local root
  for root in $(cgroup_roots); do mkdir -p "$root/$(cgroup_of "$1")"; done
}

remove_cgroups() {
  local root
  for root in $(cgroup_roots); do
    [[ ! -d $root/$(cgroup_of "$1") ]] ||
      find "$root/$(cgroup_of "$1")" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
  done
}

stop_node() {
  stop_process "$1" KILL
  unplug "$1"
  wait_for 20 "the end of all processes of $1" "" remove_cgroups "$1"
}

# The node has its range of pod addresses once the controller manager saw it.
pod_range() { kubectl get node "$1" -o 'jsonpath={.spec.podCIDR}' 2>/dev/null | grep .; }

# connect_pods NODE...: tells each node its range and how to reach the others'.
connect_pods() {
  local node other
  for node in "$@"; do
    wait_for 60 "pod range of $node" "$LOGS/$node-kubelet.log" pod_range "$node"
    pod_range "$node" >"$(node_dir "$node")/range"
    ip route replace "$(cat "$(node_dir "$node")/range")" via "$(node_ip "$node")"
  done
  for node in "$@"; do
    for other in "$@"; do
      [[ $node == "$other" ]] || in_node "$node" ip route replace "$(cat "$(node_dir "$other")/range")" via "$(node_ip "$other")"
    done
    sed "s|@RANGE@|$(cat "$(node_dir "$node")/range")|" "$CLUSTER_DIR/manifests/cni.conflist" >"$(node_dir "$node")/cni/10-bridge.conflist"
  done
}

node_is_ready() { kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null | grep -qx True; }

wait_for_nodes() {
  local node
  for node in "$@"; do wait_for 60 "$node Ready" "$LOGS/$node-kubelet.log" node_is_ready "$node"; done
}

# What was on its disk is there again: images, volumes, kubelet's state. Not its range of pod addresses: a node whose object was deleted
# meanwhile is given another one, and a pod that was started in the former one would be in the way of all others.
restart_node() {
  local node names=()
  rm -f "$(node_dir "$1")/cni/10-bridge.conflist"
  start_node "$1"
  for node in "$DIR"/nodes/*; do names+=("${node##*/}"); done
  connect_pods "${names[@]}"
  wait_for_nodes "$1"
}
