# Engines of our own, an API server without nodes, and node containers as kind makes them. Sourced by groups/networks.sh.
# shellcheck shell=bash

IDLE=localhost/seaworthy-idle:1
# As kind v0.32 names and makes its network (pkg/cluster/internal/providers), the IPv6 subnet being that of its first try.
KIND_NETWORK=(--ipv6 --subnet fc00:f853:ccd:e793::/64)
# This machine may lack CAP_SYS_RESOURCE.
LIMITS=(--ulimit nofile=20000:20000 --ulimit nproc=1000:1000)

# An API server of two families that knows no node: the nodes are ours to write.
start_api() {
  use_cluster networks
  mkdir -p "$STATE"
  tear_down
  mkdir -p "$DIR" "$LOGS"
  claim_network
  at_exit tear_down
  make_bridge
  make_pki 0
  SERVICE_CIDR=$SERVICE_CIDR,fd00:10:96::/112
  start_etcd
  start_apiserver no signed
  wait_for_api
  # From a container, this machine's loopback is not this machine's.
  sed "s|https://127.0.0.1:|https://$HOST_IP:|" "$KUBECONFIG" >"$DIR/inside.kubeconfig"
  wait_for 30 "the Service of the API server" "$LOGS/kube-apiserver.log" kubectl get service kubernetes
}

# start_engine docker|podman|rootless: on a socket of its own; sets ENGINE, HOLD and SOCKET. rootless is a Podman, too.
start_engine() {
  # Podman wants the path to be short.
  use_engine "$1" "$(mktemp -d)"
  cp "$(command -v kubectl)" "$HOLD/kubectl"
  install -m 644 "$DIR/inside.kubeconfig" "$HOLD/kubeconfig"
  at_exit rm -rf "$HOLD"
  "start_$1"
  at_exit stop_process "$1"
  at_exit clear_engine "$1" "$HOLD"
  wait_for_engine "$1"
  make_idle_image
}

# As a user without rights, who may make network devices in namespaces of his own, as is usual on machines for people.
start_rootless() {
  if ! id -u "$IDLE_USER" >/dev/null 2>&1; then
    useradd "$IDLE_USER"
    at_exit userdel "$IDLE_USER"
  fi
  at_exit chmod "$(stat -c %a /dev/net/tun)" /dev/net/tun
  chmod 666 /dev/net/tun
  at_exit end_idle_user
  install -d -o "$IDLE_USER" "$HOLD/run"
  chown "$IDLE_USER" "$HOLD"
  AS_IDLE=(setpriv --reuid "$IDLE_USER" --regid "$IDLE_USER" --init-groups
    env "HOME=$HOLD" "XDG_RUNTIME_DIR=$HOLD/run" "PATH=$PATH" sh -c 'cd "$HOME" && exec "$@"' sh)
  start_process rootless "${AS_IDLE[@]}" podman "${ROOTLESS[@]}" system service --time=0 "unix://$SOCKET"
}

# What such an engine leaves running, and nobody else has this user.
end_idle_user() {
  local ids
  mapfile -t ids < <(pgrep -u "$IDLE_USER")
  ((${#ids[@]} == 0)) || kill -KILL "${ids[@]}"
}

IDLE_USER=seaworthy-idle
ROOTLESS=(--storage-driver vfs --runtime runc --cgroup-manager cgroupfs)


engine() {
  case $ENGINE in
    docker) docker --host "unix://$SOCKET" "$@" ;;
    podman) podman "${PODMAN[@]/HOLD/$HOLD}" "$@" ;;
    rootless) "${AS_IDLE[@]}" podman "${ROOTLESS[@]}" "$@" ;;
  esac
}

# A shell and nothing else; kubectl comes in as a mount.
make_idle_image() {
  local folder
  folder=$(mktemp -d)
  mkdir "$folder/bin"
  cp /bin/busybox "$folder/bin/"
  ln -s busybox "$folder/bin/sleep"
  tar -C "$folder" -c . | engine import - "$IDLE" >/dev/null 2>&1
  rm -rf "$folder"
}

# clear_engine ENGINE FOLDER: its containers and networks are all ours.
clear_engine() {
  local ids names
  use_engine "$1" "$2"
  mapfile -t ids < <(engine ps -aq)
  # What only sleeps need not be asked to end.
  ((${#ids[@]} == 0)) || engine kill "${ids[@]}" >/dev/null 2>&1 || true
  ((${#ids[@]} == 0)) || engine rm -f "${ids[@]}" >/dev/null
  mapfile -t names < <(engine network ls --format '{{.Name}}' | grep -vxE 'bridge|host|none|podman')
  ((${#names[@]} == 0)) || engine network rm "${names[@]}" >/dev/null
  kubectl --kubeconfig "$STATE/networks/kubeconfig" delete nodes --all >/dev/null
}

# container NAME ARGUMENT...: idle, on $NETWORK, without a label of kind unless given.
container() {
  local name=$1
  shift
  engine run -d --name "$name" --network "$NETWORK" "${LIMITS[@]}" "$@" >/dev/null
}

# node NAME ROLE [ARGUMENT...]: a container as kind makes them, and the Node of it.
node() {
  local name=$1 role=$2
  shift 2
  container "$name" --label "io.x-k8s.kind.cluster=$CASE" --label "io.x-k8s.kind.role=$role" "$@"
  write_node "$name"
}

# control_plane [ARGUMENT...]: the way into this cluster is a port of its container, as with kind.
control_plane() {
  node "$CASE-control-plane" control-plane -p "127.0.0.1:$API_DOOR:6443" -v "$HOLD/kubectl:/kubectl:ro" \
    -v "$HOLD/kubeconfig:/kubeconfig:ro" "$@" "$IDLE" /kubectl proxy --kubeconfig /kubeconfig --address 0.0.0.0 --port 6443 --accept-hosts '.*'
}

write_node() {
  local addresses
  addresses=$(addresses_of "$1" | jq -Rsc 'split("\n") | map(select(. != "") | {type: "InternalIP", address: .})')
  kubectl apply -f - >/dev/null <<END
{apiVersion: v1, kind: Node, metadata: {name: $1}, spec: {providerID: kind://${ENGINE/rootless/podman}/$CASE/$1, podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24]}}
END
  kubectl patch node "$1" --subresource status --type merge -p "{\"status\": {\"addresses\": $addresses}}" >/dev/null
}

# addresses_of CONTAINER: those of $FAMILIES, a line each.
addresses_of() {
  local found
  found=$(engine inspect "$1" | jq -c --arg network "$NETWORK" '.[0].NetworkSettings.Networks[$network]')
  [[ $FAMILIES != *4* ]] || jq -r .IPAddress <<<"$found"
  [[ $FAMILIES != *6* ]] || jq -r .GlobalIPv6Address <<<"$found"
}

# other node|run|run=ADDRESS|stopped=ADDRESS
other() {
  local address=${1#*=}
  OTHERS=$((OTHERS + 1))
  case $1 in
    node) node "$CASE-worker$OTHERS" worker "$IDLE" /bin/sleep 36000 ;;
    run) container "other$OTHERS" "$IDLE" /bin/sleep 36000 ;;
    run=*) container "other$OTHERS" --ip "$address" "$IDLE" /bin/sleep 36000 ;;
    stopped=*) engine create --name "other$OTHERS" --network "$NETWORK" --ip "$address" "$IDLE" /bin/sleep 36000 >/dev/null ;;
    *) fail "no container is called $1" ;;
  esac
}

# ask_program ARGUMENT...: of this cluster, with this engine.
ask_program() {
  local variable=DOCKER_HOST
  [[ $ENGINE == docker ]] || variable=CONTAINER_HOST
  env "$variable=unix://$SOCKET" SEAWORTHY_STATE_DIR="$DIR/state" timeout 60 "$SEAWORTHY" --kubeconfig "$DOOR" -o json "$@"
}

# What the program says, in one line: the ranges, the warnings and the reach, or the refusal. Its whole answer is kept.
ask() {
  local answer=$REPORTS/$ENGINE-$CASE.json
  ask_program prerequisites pool --needed "$1" >"$answer" 2>"$answer.log" || true
  jq -r 'if .kind == "Error" then "\(.error.id): \(.error.message | gsub("\n"; " "))"
    else "\(.pool.addresses | join(",")) [\([.pool.warnings[].id] | join(" "))] \(.reachable.reach)" end' "$answer"
}
